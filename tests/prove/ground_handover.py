"""Where each operation of the hand-over and of identified cases is possible."""

from typing import Any

from tests import make
from tests.prove.ground import REASON
from tests.prove.ground_livelihood import Livelihood, Recipe
from tests.prove.sending import Ready

# A batch of one row, as if it had been sent, unless a batch of the operator's has taken the row.
SENT_ALONE = """
WITH mine AS (
    UPDATE livelihood.handover_row SET handover_id = $2, status = 'sent'
    WHERE id = $1 AND handover_id IS NULL RETURNING id, kind, person_id
), batch AS (
    INSERT INTO livelihood.handover (id, number, rows, sha256, state, built_by, built_at, receipt)
    SELECT $2, (SELECT coalesce(max(number), 0) FROM livelihood.handover) + 100000, 1, $3,
        'accepted', 'prove', now(), 'S-prove' FROM mine
)
INSERT INTO livelihood.handover_line
    (handover_id, line, row_id, kind, person_id, covered_size, from_period)
SELECT $2, 1, id, kind, person_id, 1, '1405-09' FROM mine
"""


class Handovers(Livelihood):
    """Rows that wait, batches that went out, and people whom nobody has asked for yet."""

    async def waiting(self) -> Any:
        """A row that the next batch takes; those of people unknown to this agency stay behind."""
        await self.agency.eye.execute(
            "UPDATE livelihood.handover_row SET status = 'dropped' WHERE handover_id IS NULL"
            " AND status IN ('ready', 'corrected') AND person_id NOT IN"
            " (SELECT id FROM intake.person)"
        )
        award = await self.supported()

        async def ready() -> Any:
            return await self.agency.eye.fetchrow(
                "SELECT id FROM livelihood.handover_row WHERE award_id = $1::text::uuid",
                award["award_id"],
            )

        return await self.agency.until(ready)

    async def next_batch(self) -> Ready:
        await self.waiting()
        return await self.as_role("operator", {})

    async def batch(self) -> dict[str, str]:
        """A batch that went out, and a row of it."""
        row = await self.waiting()
        made = await self.agency.eye.fetchval("SELECT uuidv7()")
        await self.agency.eye.execute(SENT_ALONE, row["id"], made, "0" * 64)

        async def gone_out() -> Any:
            return await self.agency.eye.fetchval(
                "SELECT handover_id FROM livelihood.handover_row WHERE id = $1 AND status = 'sent'",
                row["id"],
            )

        return {
            "handover_id": str(await self.agency.until(gone_out)),
            "reference": str(row["id"]),
        }

    async def one_batch(self) -> Ready:
        found = await self.batch()
        return await self.as_role("operator", {"handover_id": found["handover_id"]})

    async def answer(self) -> Ready:
        found = await self.batch()
        body = {"rows": [rejection(found["reference"])]}
        return await self.as_role("ministry", {"handover_id": found["handover_id"]}, body)

    async def correction(self) -> Ready:
        found = await self.batch()
        path = f"/v1/livelihood/handovers/{found['handover_id']}/acknowledge"
        await self.ok("ministry", path, {"rows": [rejection(found["reference"])]})
        body = {"reference": found["reference"], "reason": REASON}
        return await self.as_role("intake_officer", {"handover_id": found["handover_id"]}, body)

    async def in_need(self) -> Ready:
        """Somebody whom the registries know and the agency does not."""
        widow = make.Person()
        child = make.child(widow)
        await self.agency.known(widow, child)
        body = {
            "national_code": widow.national_code,
            "reason": "no_head",
            "source": {"kind": "field_visit", "reference": "T-1/1405/318"},
            "address": {"county": "تهران", "postal_code": "1311675319", "text": "خیابان شوش"},
            "members": [child.national_code],
            "mobile": widow.mobile,
        }
        return await self.as_role("social_worker", {}, body)


def rejection(reference: str) -> dict[str, str]:
    return {"reference": reference, "outcome": "rejected", "code": "N-404"}


_BATCH = "/v1/livelihood/handovers/{handover_id}"
RECIPES: dict[str, Recipe] = {
    "POST /v1/livelihood/identifications": Handovers.in_need,
    "POST /v1/livelihood/handovers": Handovers.next_batch,
    f"GET {_BATCH}": Handovers.one_batch,
    f"POST {_BATCH}/acknowledge": Handovers.answer,
    f"POST {_BATCH}/correct": Handovers.correction,
}
