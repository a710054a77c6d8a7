"""A household is served by another office: its open cases and its award go there with it.

The award stays the one it was, so no month of it is in two lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from services.livelihood.awards import queries
from services.livelihood.awards.workflow import AWARD
from services.livelihood.models import AdmissionCase
from services.livelihood.workflow import ADMISSION
from shared.cases import find
from shared.storage.db import Transaction
from shared.web.auth import SYSTEM
from shared.workflow import advance

STEP = "transfer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a household is served from a version of it on, as intake tells."""

    province: str | None
    county: str | None
    office_code: str | None
    office: str
    version: int

    @classmethod
    def told(cls, payload: Mapping[str, Any], version: int) -> Self:
        code = payload["office_code"]
        name = payload["facts"].get("office") or code or ""
        return cls(payload["province"], payload.get("county"), code, name, version)

    @property
    def facts(self) -> dict[str, str]:
        return {"office": self.office, "household_version": str(self.version)}

    def is_news(self, past: Sequence[Mapping[str, Any]]) -> bool:
        """Whether what was told is newer than the last move of this case or award."""
        moved = [one["facts"] for one in past if one["step"] == STEP]
        return all(int(facts["household_version"]) < self.version for facts in moved)


async def move(tx: Transaction, household_id: UUID, place: Place) -> None:
    """Take everything of this household that is still worked on to its new office."""
    await tx.begin()
    for case_id in await queries.cases_in(tx, household_id, ADMISSION.steps[STEP].sources):
        await _move_case(tx, case_id, place)
    award_id = await queries.of_household(tx, household_id)
    if award_id is not None:
        await _move_award(tx, award_id, place)


async def _move_case(tx: Transaction, case_id: UUID, place: Place) -> None:
    row = await find(tx, AdmissionCase, case_id, by="id")
    if row is None or not place.is_news(row.past):
        return
    row.province, row.county, row.office_code = place.province, place.county, place.office_code
    await advance(tx, row, STEP, SYSTEM, facts=place.facts)


async def _move_award(tx: Transaction, award_id: UUID, place: Place) -> None:
    row = await queries.find(tx, award_id)
    if row is None or row.status not in AWARD.steps[STEP].sources or not place.is_news(row.past):
        return
    row.province, row.office_code = place.province, place.office_code
    await advance(tx, row, STEP, SYSTEM, facts=place.facts)
    await tx.write(
        'UPDATE livelihood."case" SET province = $2, county = $3, office_code = $4,'
        " changed_at = $5 WHERE id = $1",
        row.case_id, place.province, place.county, place.office_code, tx.now,
    )  # fmt: skip
