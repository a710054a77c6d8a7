"""A household as it is shown, to the office of its province."""

from typing import Any
from uuid import UUID

from services.intake.households.schemas import AddressOut, HouseholdOut, MemberOut
from services.intake.people.queries import serves
from shared.storage.db import Transaction, loads
from shared.web.auth import Actor
from shared.web.errors import NotFound

_HOUSEHOLD = """
SELECT h.*,
  (SELECT json_agg(json_build_object('person_id', m.person_id, 'relation', m.relation,
      'joined_on', m.joined_on, 'ended_on', m.ended_on, 'alive', p.alive,
      'covered', EXISTS (SELECT FROM intake.covered_person c
        WHERE c.person_id = m.person_id AND c.to_on IS NULL)) ORDER BY m.joined_on, m.id)
    FROM intake.membership m JOIN intake.person p ON p.id = m.person_id
    WHERE m.household_id = h.id) AS members,
  (SELECT c.id FROM intake.coverage c WHERE c.household_id = h.id AND c.ended_on IS NULL)
    AS coverage_id
FROM intake.household h WHERE h.id = $1
"""


async def household(tx: Transaction, household_id: UUID, actor: Actor) -> dict[str, Any]:
    """A household within the caller's reach. Raises NotFound alike for absent and elsewhere."""
    row = await tx.fetchrow(_HOUSEHOLD, household_id)
    if row is None or not serves(actor, row["province"]):
        raise NotFound
    return dict(row) | {"members": loads(row["members"]) or []}


def view(tx: Transaction, found: dict[str, Any]) -> HouseholdOut:
    """A household with its members and its address in clear."""
    address = None
    if found["address"] is not None:
        opened = tx.runtime.crypto.open_json(
            found["address"], table="intake.household", column="address", row=found["id"]
        )
        address = AddressOut(**{name: opened.get(name) for name in AddressOut.model_fields})
    return HouseholdOut(
        household_id=found["id"],
        version=found["version"],
        head_id=found["head_id"],
        province=found["province"],
        county=found["county"],
        office_code=found["office_code"],
        address=address,
        members=[MemberOut(**member) for member in found["members"]],
        coverage_id=found["coverage_id"],
        created_at=found["created_at"],
    )
