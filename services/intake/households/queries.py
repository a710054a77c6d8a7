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


_OF_HEAD = """
SELECT h.id AS household_id, h.head_id, h.province, h.county, h.office_code, h.address,
  p.code_index AS holder, p.alive,
  (SELECT json_agg(json_build_object('person_id', o.id, 'relation', m.relation,
      'holder', encode(o.code_index, 'hex'), 'record', encode(o.record, 'hex'))
      ORDER BY m.joined_on, m.id)
    FROM intake.membership m JOIN intake.person o ON o.id = m.person_id
    WHERE m.household_id = h.id AND m.ended_on IS NULL AND o.alive) AS members
FROM intake.person p JOIN intake.household h ON h.head_id = p.id
JOIN intake.membership own ON own.household_id = h.id AND own.person_id = p.id
  AND own.ended_on IS NULL
WHERE p.code_index = ANY ($1::bytea[])
"""


async def of_head(tx: Transaction, national_code: str) -> dict[str, Any]:
    """A head's household for one of our own services, births and address in clear.

    Raises NotFound for who heads none.
    """
    crypto = tx.runtime.crypto
    row = await tx.fetchrow(_OF_HEAD, crypto.indexes(national_code))
    if row is None:
        raise NotFound
    sealed, members = row["address"], []
    place = {"table": "intake.household", "column": "address", "row": row["household_id"]}
    for one in loads(row["members"]) or []:
        record = bytes.fromhex(one.pop("record") or "")
        kept = {"table": "intake.person", "column": "record", "row": one["person_id"]}
        opened = crypto.open_json(record, **kept) if record else {}
        members.append(one | {"birth_on": opened.get("birth_on")})
    return dict(row) | {
        "holder": row["holder"].hex(),
        "address": crypto.open_json(sealed, **place) if sealed else {},
        "members": members,
    }


async def taken_over(tx: Transaction, source: str) -> tuple[int, int]:
    """How many households there are of a file, and how many people live in them."""
    row = await tx.fetchrow(
        "SELECT count(DISTINCT h.id) AS households, count(m.id) AS people"
        " FROM intake.import_line l JOIN intake.household h ON h.id = l.subject_id"
        " JOIN intake.membership m ON m.household_id = h.id"
        " WHERE l.kind = 'households' AND l.source = $1",
        source,
    )
    return (row["households"], row["people"]) if row else (0, 0)


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
