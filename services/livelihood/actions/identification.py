"""The agency goes to people in need before they ask (LV-30): a case without an application."""

import secrets
from typing import Any
from uuid import UUID

import asyncpg

from services.livelihood import queries, rules
from services.livelihood.actions.admission import seal
from services.livelihood.clients import Found, found
from services.livelihood.errors import IdentificationNotPossible
from services.livelihood.models import AdmissionCase
from services.livelihood.schemas import IdentifyIn
from shared.storage import policy
from shared.storage.db import Transaction
from shared.values.calendar import tehran_date
from shared.values.identifiers import new_tracking_code, uuid7
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import Declined
from shared.web.errors import Fault, InvalidInput
from shared.workflow import advance

ONE = "one_identified_case"
BY_ELIGIBILITY = "eligibility"
NOT_KNOWN = Fault(
    "",
    "person_not_confirmed",
    "ثبت احوال یکی از این افراد را نشناخت، یا نشانی و شمارهٔ همراه با او نمی‌خواند",
    "The registries do not confirm these people, the county or the mobile",
)


async def prepare(tx: Transaction, body: IdentifyIn, actor: Actor) -> AdmissionCase:
    """The case of whom a worker found, not yet written; intake makes the people known first.

    Raises IdentificationNotPossible for whoever has a case or award, InvalidInput, Unavailable.
    """
    who = {
        "national_code": body.national_code,
        "members": body.members,
        "mobile": body.mobile,
        "province": actor.province,
        "county": body.address.county,
    }
    try:
        person = await found(tx.runtime, who)
    except Declined as no:
        if no.status != 422:
            raise
        raise InvalidInput(errors=[NOT_KNOWN]) from None
    address = {"province": actor.province, **body.address.model_dump()}
    return await _case(
        tx, person, reason=body.reason, address=address, office=actor.office_code,
        province=actor.province, source=(body.source.kind, body.source.reference),
    )  # fmt: skip


async def identify(tx: Transaction, row: AdmissionCase, actor: Actor) -> None:
    """Write it, and invite them to file their papers.

    Raises IdentificationNotPossible for a rival who was first, OwnOrRelativeCase.
    """
    try:
        await advance(tx, row, "identify", actor, facts={"source": row.source_kind or ""})
    except asyncpg.UniqueViolationError as clash:
        if clash.constraint_name != ONE:
            raise
        raise IdentificationNotPossible from None


async def take_over(tx: Transaction, person_id: UUID, tracking_code: str) -> None:
    """Eligibility has found a household entitled: a case begins, unless there is one."""
    person = await found(tx.runtime, {"person_id": str(person_id)})
    address: dict[str, Any] = {"province": person.province}
    try:
        row = await _case(
            tx, person, reason="other", address=address, office=None, province=person.province,
            source=(BY_ELIGIBILITY, tracking_code),
        )  # fmt: skip
    except IdentificationNotPossible:
        return
    await advance(tx, row, "identify", SYSTEM, facts={"source": BY_ELIGIBILITY})


async def _case(
    tx: Transaction,
    person: Found,
    *,
    reason: str,
    address: dict[str, Any],
    office: str | None,
    province: str | None,
    source: tuple[str, str],
) -> AdmissionCase:
    if person.open or await queries.has_case_or_award(tx, person.person_id, person.household_id):
        raise IdentificationNotPossible
    today = tehran_date(tx.now)
    order = await policy.on(tx, "livelihood.priority", today)
    row = AdmissionCase(
        id=uuid7(),
        tracking_code=new_tracking_code(secrets.token_bytes(6)),
        application_id=uuid7(),
        origin="identified",
        person_ids=[person.person_id],
        holders=[person.holder],
        kin=sorted({person.holder, *person.kin}),
        province=province,
        county=person.county,
        office_code=office,
        opened_at=tx.now,
        household_id=person.household_id,
        applicant_id=person.person_id,
        subject_id=person.person_id,
        applicant_index=person.holder,
        submitted_on=today,
        reason=reason,
        priority=rules.priority(reason, order["order"]),
        account_state="unchecked",
        members=1 + len(person.members),
        source_kind=source[0],
        source_ref=source[1],
    )
    row.sheba = seal(tx, row, "sheba", None)
    row.address = seal(tx, row, "address", _place(address))
    row.household = seal(tx, row, "household", person.household())
    return row


def _place(address: dict[str, Any]) -> dict[str, Any]:
    return {name: address.get(name) for name in ("province", "county", "postal_code", "text")}
