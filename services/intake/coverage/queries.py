"""Coverage as it is shown to offices, and told to our own services."""

from typing import Any
from uuid import UUID

from services.intake.coverage.schemas import CoverageOut
from services.intake.people.queries import serves
from shared.storage.db import Transaction, loads
from shared.web.auth import Actor
from shared.web.errors import NotFound

_COVERAGE = """
SELECT c.id AS coverage_id, c.version, c.household_id, c.reason, c.file_status, c.started_on,
  c.ended_on, c.ended_reason, h.province, h.head_id,
  CASE WHEN c.ended_on IS NULL THEN 'active' ELSE 'ended' END AS state,
  (SELECT json_agg(json_build_object('person_id', p.person_id, 'from_on', p.from_on,
      'to_on', p.to_on) ORDER BY p.from_on, p.person_id)
    FROM intake.covered_person p WHERE p.coverage_id = c.id) AS people
FROM intake.coverage c JOIN intake.household h ON h.id = c.household_id WHERE c.id = $1
"""


async def household_in_reach(tx: Transaction, household_id: UUID, actor: Actor) -> None:
    """Refuse what is not of the caller's province. Raises NotFound alike for absent and there."""
    sql = "SELECT province FROM intake.household WHERE id = $1"
    row = await tx.fetchrow(sql, household_id)
    if row is None or not serves(actor, row["province"]):
        raise NotFound


async def coverage(tx: Transaction, coverage_id: UUID, actor: Actor) -> dict[str, Any]:
    """A coverage within the caller's reach. Raises NotFound alike for absent and elsewhere."""
    row = await tx.fetchrow(_COVERAGE, coverage_id)
    if row is None or not serves(actor, row["province"]):
        raise NotFound
    return dict(row) | {"people": loads(row["people"]) or []}


def view(found: dict[str, Any]) -> CoverageOut:
    """A coverage with its people."""
    return CoverageOut.model_validate({name: found[name] for name in CoverageOut.model_fields})


async def of_person(tx: Transaction, person_id: UUID) -> list[dict[str, Any]]:
    """Every coverage under which a person has stood, the latest first."""
    rows = await tx.fetch(
        "SELECT c.id AS coverage_id, c.version, c.household_id, p.person_id, c.reason,"
        " c.file_status, p.from_on AS started_on, coalesce(p.to_on, c.ended_on) AS ended_on"
        " FROM intake.covered_person p JOIN intake.coverage c ON c.id = p.coverage_id"
        " WHERE p.person_id = $1 ORDER BY p.from_on DESC, c.id",
        person_id,
    )
    return [dict(row) for row in rows]
