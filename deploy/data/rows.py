"""The rows of a household in intake and in livelihood, sealed with the real keys.

`TABLES` says which columns they fill, in the order in which they are written.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

from deploy.data.households import Household, Member, ordered_id
from shared.storage.encryption import Crypto
from shared.values.calendar import period_of
from shared.values.identifiers import new_tracking_code
from shared.values.text import for_matching

BY = "data"
PRIORITY = {"elderly": 1, "disabled": 1, "illness": 2, "no_head": 3, "other": 4}
Rows = dict[str, list[tuple[Any, ...]]]

TABLES: Mapping[str, Sequence[str]] = {
    "intake.person": (
        *("id", "code_index", "code", "name_index", "record", "mobile", "mobile_source"),
        *("alive", "known_at", "version"),
    ),
    "intake.household": (
        *("id", "version", "head_id", "province", "county", "office_code", "address"),
        "created_at",
    ),
    "intake.membership": ("id", "household_id", "person_id", "relation", "joined_on"),
    "intake.coverage": (
        *("id", "version", "household_id", "reason", "started_on", "file_status", "source"),
        "created_at",
    ),
    "intake.covered_person": ("coverage_id", "person_id", "from_on"),
    "livelihood.coverage": (
        *("coverage_id", "person_id", "household_id", "state", "file_status", "started_on"),
        "version",
    ),
    "livelihood.case": (
        *("id", "tracking_code", "status", "version", "person_ids", "holders", "kin", "province"),
        *("office_code", "opened_at", "changed_at", "application_id", "origin", "household_id"),
        *("applicant_id", "subject_id", "applicant_index", "county", "submitted_on", "reason"),
        *("priority", "address", "household", "members", "sheba", "account_state"),
        *("account_checked_at", "award_id"),
    ),
    "livelihood.payee_account": ("id", "person_id", "sheba", "verified_at", "created_at"),
    "livelihood.award": (
        *("id", "case_id", "tracking_code", "household_id", "payee_id", "payee_account_id"),
        *("person_ids", "status", "version", "reason", "covered_size", "start_period"),
        *("started_on", "created_at", "changed_at", "payee_index"),
    ),
    "livelihood.award_version": (
        *("award_id", "version", "effective_from_period", "covered_size", "reason"),
        "recorded_at",
    ),
    "livelihood.history": (
        *("subject_id", "version", "step", "status", "actor_sub", "actor_role", "facts", "at"),
    ),
}


def award_id(seed: int, number: int) -> UUID:
    """The id of a household's award: whether it is there says whether the household is."""
    return ordered_id(Random(f"{seed}/{number}/award"), number)


class Sealed:
    """Makes rows with the keys of intake and of livelihood."""

    def __init__(self, intake: Crypto, livelihood: Crypto, *, seed: int) -> None:
        self._intake, self._livelihood, self._seed = intake, livelihood, seed
        self._name = lru_cache(4_096)(self._name_index)

    def rows(self, households: Iterable[Household]) -> Rows:
        """Everything of these households, table by table."""
        found: Rows = defaultdict(list)
        for one in households:
            indexes = [self._intake.index(member.record.national_code) for member in one.members]
            dice = Random(one.id.int)
            self._people(found, one, indexes, dice)
            self._award(found, one, indexes[0], dice)
        return found

    def _name_index(self, first: str, last: str) -> bytes:
        return self._intake.index(f"name|{for_matching(first)}|{for_matching(last)}")

    def _people(self, found: Rows, one: Household, indexes: Sequence[bytes], dice: Random) -> None:
        at, head, seal = _morning(one), one.members[0], self._intake
        coverage_id = ordered_id(dice, one.number)
        for member, index in zip(one.members, indexes, strict=True):
            found["intake.person"].append(self._person(member, index, at))
        address = seal.seal_json(
            _address(one), table="intake.household", column="address", row=one.id
        )
        found["intake.household"].append(
            (one.id, 1, head.id, one.area.province, one.area.county, one.area.office_code,
             address, at)
        )  # fmt: skip
        found["intake.coverage"].append(
            (coverage_id, 1, one.id, one.reason, one.covered_on, "current", BY, at)
        )
        for member in one.members:
            membership = ordered_id(dice, one.number)
            found["intake.membership"].append(
                (membership, one.id, member.id, member.relation, one.covered_on)
            )
            found["intake.covered_person"].append((coverage_id, member.id, one.covered_on))
            found["livelihood.coverage"].append(
                (coverage_id, member.id, one.id, "active", "current", one.covered_on, 1)
            )

    def _person(self, member: Member, index: bytes, at: datetime) -> tuple[Any, ...]:
        record, seal = member.record, self._intake
        place: dict[str, Any] = {"table": "intake.person", "row": member.id}
        mobile = seal.seal(member.mobile, column="mobile", **place) if member.mobile else None
        return (
            member.id,
            index,
            seal.seal(record.national_code, column="code", **place),
            self._name(record.first_name, record.last_name),
            seal.seal_json(record.as_json(), column="record", **place),
            mobile,
            "shahkar" if mobile else None,
            True,
            at,
            1,
        )

    def _award(self, found: Rows, one: Household, index: bytes, dice: Random) -> None:
        at, head, seal = _morning(one), one.members[0], self._livelihood
        case_id, account_id = ordered_id(dice, one.number), ordered_id(dice, one.number)
        award, code = award_id(self._seed, one.number), _code(one, self._seed)
        people, size = [member.id for member in one.members], len(one.members)
        place: dict[str, Any] = {"table": "livelihood.case", "row": case_id}
        born = [
            {"person_id": str(member.id), "relation": member.relation,
             "birth_on": member.record.birth_on.isoformat()}
            for member in one.members
        ]  # fmt: skip
        found["livelihood.case"].append((
            case_id, code, "taken_over", 1, people, [index], [index], one.area.province,
            one.area.office_code, at, at, case_id, "imported", one.id, head.id, head.id, index,
            one.area.county, one.covered_on, one.reason, PRIORITY[one.reason],
            seal.seal_json(_address(one), column="address", **place),
            seal.seal_json({"subject_birth_on": born[0]["birth_on"], "members": born},
                           column="household", **place),
            size, seal.seal_json(one.sheba, column="sheba", **place), "verified", at, award,
        ))  # fmt: skip
        sheba = seal.seal_json(
            one.sheba, table="livelihood.payee_account", column="sheba", row=account_id
        )
        found["livelihood.payee_account"].append((account_id, head.id, sheba, at, at))
        start = period_of(one.covered_on)
        found["livelihood.award"].append(
            (award, case_id, code, one.id, head.id, account_id, people, "active", 1, one.reason,
             size, start, one.covered_on, at, at, index)
        )  # fmt: skip
        found["livelihood.award_version"].append((award, 1, start, size, "admission", at))
        found["livelihood.history"] += [
            (case_id, 1, "take_over", "taken_over", BY, "system", "{}", at),
            (award, 1, "activate", "active", BY, "system", f'{{"start_period":"{start}"}}', at),
        ]


def _morning(one: Household) -> datetime:
    return datetime.combine(one.covered_on, time(8), tzinfo=UTC)


def _address(one: Household) -> dict[str, str]:
    return {
        "province": one.area.province,
        "county": one.area.county,
        "postal_code": one.postal_code,
        "text": f"خیابان یکم، کوچهٔ {one.number % 40 + 1}، پلاک {one.number % 97 + 1}",
    }


def _code(one: Household, seed: int) -> str:
    """A code of its own for each number: an odd factor meets every value once."""
    value = (one.number * 0x1B873593_5A5 + seed) % (1 << 45)
    return new_tracking_code(value.to_bytes(6, "big"))
