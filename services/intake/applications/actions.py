"""What can happen to an application. Nothing here commits, and nothing knows HTTP."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.intake.applications import rules
from services.intake.applications.models import Application, Pause
from services.intake.applications.schemas import Envelope
from services.intake.catalogue.queries import Rulebook, rulebook
from services.intake.clients import Record
from services.intake.errors import ContractNotValid, NotYourApplication, ServiceNotOpen
from services.intake.people.actions.persons import known, new_person
from services.intake.people.queries import Claimed, Identity, deceased, identify
from services.intake.workflow import Status
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.step import Row, fresh, row_of
from shared.storage.timers import timer_values
from shared.values.calendar import tehran_date
from shared.values.identifiers import new_tracking_code, parse_national_code, uuid7
from shared.web.auth import STAFF, Actor, Role
from shared.web.errors import ChannelNotAllowed, Fault, InvalidInput
from shared.workflow import Clock, advance, check

FINISH_IDENTITY = "finish_identity"


@dataclass(slots=True)
class Filing:
    """An application about to be filed, and the rows that go with it."""

    application: Application
    also: list[Row]
    body: Envelope


async def prepare(tx: Transaction, body: Any, actor: Actor) -> Filing:
    """Check everything that can be checked, ask the registries, and make the application.

    Raises ChannelNotAllowed, ContractNotValid, NotYourApplication, ServiceNotOpen, RegistryAway
    and InvalidInput with every fault at once.
    """
    book = await rulebook(tx)
    today = tehran_date(tx.now)
    _guard_channel(book, body, actor, today)
    await _guard_authority(tx, body, actor, today)
    card = _open_card(book, body.service, today)
    faults = rules.faults(body, book, today, service=body.service)
    place = rules.place(book, body, faults)
    owner = await _mobile_owner(tx, body, today, faults)
    identity = Identity(pending=True)
    if not body.draft:
        identity = await identify(tx, _claimed(body, owner))
    if faults := [*faults, *identity.faults]:
        raise InvalidInput(errors=faults)
    return await _filing(tx, body, actor, identity, place=place, fee=rules.fee(card))


def _open_card(book: Rulebook, service: str, today: date) -> Mapping[str, Any]:
    """The card of a service that takes applications today."""
    card = book.cards.get(service) or {}
    opens_on, ended_on = card.get("opens_on"), card.get("ended_on")
    if not rules.open_on(today, opens_on, ended_on):
        raise ServiceNotOpen(opens_on=opens_on, ended_on=ended_on)
    return card


def _guard_channel(book: Rulebook, body: Any, actor: Actor, today: date) -> None:
    """The credential acts in this channel, the service is asked for there, the contract holds."""
    if body.channel not in actor.channels or not book.allows(body.service, "request", body.channel):
        raise ChannelNotAllowed(
            detail="این خدمت از این راه درخواست نمی‌شود، یا این شناسه از این راه کار نمی‌کند",
            detail_en="This service is not asked for here, or this credential does not act here",
            service=body.service,
        )
    if actor.has(Role.COUNTER) and not any(
        contract.holds(body.service, today)
        for contract in book.contract(actor.contract_number, actor.office_code)
    ):
        raise ContractNotValid


async def _guard_authority(tx: Transaction, body: Any, actor: Actor, today: date) -> None:
    """A citizen asks for themselves, for the one they are guardian of, or by a written power."""
    if actor.roles & STAFF or actor.has(Role.COUNTER):
        if body.proof is None and actor.has(Role.COUNTER):
            required = (await policy.on(tx, "counter.proof", today)).get("required_from")
            if required is not None and date.fromisoformat(required) <= today:
                raise InvalidInput(errors=[rules.PROOF_REQUIRED])
        return
    if body.applicant.national_code != actor.national_code and body.proof is None:
        raise NotYourApplication


async def _mobile_owner(tx: Transaction, body: Any, today: date, faults: list[Fault]) -> str:
    """Whose the mobile must be: the applicant's, or for a minor the guardian's (H65)."""
    code: str = body.applicant.national_code
    if body.applicant.birth_on > today:
        faults.append(rules.BORN_LATER)
        return code
    majority = (await policy.on(tx, "intake.age_of_majority", today))["years"]
    if rules.age_on(today, body.applicant.birth_on) >= majority:
        return code
    guardian = body.proof.value if body.proof and body.proof.kind == "guardian" else ""
    try:
        return parse_national_code(guardian)
    except ValueError:
        faults.append(rules.GUARDIAN_REQUIRED)
        return code


def _claimed(body: Any, owner: str) -> Claimed:
    applicant = body.applicant
    return Claimed(
        national_code=applicant.national_code,
        birth_on=applicant.birth_on,
        mobile=applicant.mobile,
        mobile_owner=owner,
        subject=body.subject.national_code if body.subject else None,
        members=tuple(getattr(body.details, "members", ())),
    )


async def _filing(
    tx: Transaction,
    body: Any,
    actor: Actor,
    identity: Identity,
    *,
    place: tuple[str | None, str | None],
    fee: int,
) -> Filing:
    crypto = tx.runtime.crypto
    applicant = body.applicant.national_code
    subject = body.subject.national_code if body.subject else applicant
    codes = rules.codes(body)
    ids, also = await _people(tx, body, identity, codes)
    holders = [crypto.index(code) for code in codes]
    application_id = uuid7()
    application = fresh(
        Application,
        id=application_id,
        tracking_code=new_tracking_code(secrets.token_bytes(6)),
        version=0,
        person_ids=[ids[code] for code in codes],
        holders=holders,
        kin=kin(tx, holders, identity.records, rules.members(body)),
        province=place[0] or (actor.province if actor.roles & STAFF else None),
        county=place[1],
        office_code=None,
        filed_by=actor.office_code,
        opened_at=tx.now,
        changed_at=tx.now,
        service=body.service,
        channel=body.channel,
        applicant_id=ids[applicant],
        subject_id=ids[subject],
        subject_index=holders[codes.index(subject)],
        mobile_index=crypto.index(f"mobile|{body.applicant.mobile}"),
        content=seal_content(tx, application_id, body),
        contract_number=actor.contract_number,
        filed_by_sub=actor.sub,
        statement_version=body.statement_version,
        fee_rial=fee,
        identity=identity.state,
        paused_days=0,
        case_version=0,
        waits_for=[],
        visits=0,
    )
    if not body.draft:
        await start_clock(tx, application)
        if identity.pending:
            also.append(await _finish_later(tx, application_id))
    return Filing(application, also, body)


def kin(
    tx: Transaction,
    holders: Sequence[bytes],
    records: Mapping[str, Record],
    members: Iterable[str],
) -> list[bytes]:
    """Blind indexes of those whose case it is and of their relatives: none decides on it (H51)."""
    codes = {*members, *(code for record in records.values() for code in record.kin)}
    return [*holders, *sorted({tx.runtime.crypto.index(code) for code in codes} - {*holders})]


async def _people(
    tx: Transaction, body: Any, identity: Identity, codes: list[str]
) -> tuple[dict[str, UUID], list[Row]]:
    """Ids of the people an application names; who is new is written together with it."""
    ids = await _living(tx, body, codes)
    also = []
    for code in codes:
        if code not in ids:
            own = code == body.applicant.national_code and not identity.pending
            person = new_person(
                tx, code, identity.records.get(code), mobile=body.applicant.mobile if own else None
            )
            ids[code] = person.id
            # A rival may write the same person first: then this row is left out, the foreign key
            # refuses the application, and the route files it again with the rival's id.
            also.append(row_of(person, on_conflict="skip"))
    return ids, also


async def _living(tx: Transaction, body: Any, codes: Iterable[str]) -> dict[str, UUID]:
    """Ids of those of them whom we know; nobody asks, or is asked for, whom we know to be dead.

    A registry's remembered answer may be older than the news of a death that we have (H55).
    """
    found = await known(tx, codes)
    asked = {"/applicant": body.applicant} | ({"/subject": body.subject} if body.subject else {})
    dead = [at for at, who in asked.items() if not found.get(who.national_code, (None, True))[1]]
    if dead:
        raise InvalidInput(errors=[deceased(f"{pointer}/national_code") for pointer in dead])
    return {code: person_id for code, (person_id, _) in found.items()}


def seal_content(tx: Transaction, application_id: UUID, body: Envelope) -> bytes:
    """The body as it was filed, sealed to its row."""
    return tx.runtime.crypto.seal(
        body.model_dump_json(), table="intake.application", column="content", row=application_id
    )


async def start_clock(tx: Transaction, application: Application) -> None:
    """Promise a day, from the policy of the day on which it is filed."""
    today = tehran_date(tx.now)
    promise = await policy.on(tx, f"intake.total.{application.service}", today)
    application.submitted_at = tx.now
    application.promise = promise
    application.due_on = rules.due_on(today, promise, closed=await closed_days(tx, today))


async def closed_days(tx: Transaction, today: date) -> frozenset[date]:
    """The holidays that policy knows."""
    return rules.closed_days((await policy.row_on(tx, "calendar.holidays", today)).text)


async def _finish_later(tx: Transaction, application_id: UUID) -> Row:
    rule = await policy.on(tx, "intake.inquiry.civil_registry", tehran_date(tx.now))
    values = timer_values(
        FINISH_IDENTITY,
        subject_id=application_id,
        due_at=tx.now + timedelta(seconds=rule["retry_s"]),
    )
    return Row(tx.tables.timer, values, on_conflict="replace")


async def file(tx: Transaction, filing: Filing, actor: Actor) -> Application:
    """Write it: a draft, or a submitted application whose clock runs."""
    step = "draft" if filing.body.draft else "submit"
    await advance(
        tx, filing.application, step, actor, facts=_promised(filing.application), also=filing.also
    )
    return filing.application


def _promised(application: Application) -> dict[str, str]:
    return {"due_on": application.due_on.isoformat()} if application.due_on else {}


async def submit_draft(tx: Transaction, application: Application, actor: Actor, body: Any) -> None:
    """A draft is filed after all: only now are the registries asked and the clock started."""
    check(tx, application, "submit_draft", actor)
    today = tehran_date(tx.now)
    book = await rulebook(tx)
    _guard_channel(book, body, actor, today)
    _open_card(book, application.service, today)
    faults = rules.faults(body, book, today, service=application.service)
    owner = await _mobile_owner(tx, body, today, faults)
    if faults:
        raise InvalidInput(errors=faults)
    identity = await identify(tx, _claimed(body, owner))
    if identity.faults:
        raise InvalidInput(errors=identity.faults)
    await _living(tx, body, rules.codes(body))
    application.identity = identity.state
    application.kin = kin(tx, application.holders, identity.records, rules.members(body))
    await start_clock(tx, application)
    also = [await _finish_later(tx, application.id)] if identity.pending else []
    facts = _promised(application)
    await advance(tx, application, "submit_draft", actor, facts=facts, also=also)


async def amend(tx: Transaction, application: Application, actor: Actor, *, body: Envelope) -> None:
    """The details of a draft, or of an application that lacks something, are written anew."""
    faults: list[Fault] = []
    province, county = rules.place(await rulebook(tx), body, faults)
    if faults:
        raise InvalidInput(errors=faults)
    if province is not None:
        application.province, application.county = province, county
    application.kin = kin(tx, application.kin, {}, rules.members(body))
    application.content = seal_content(tx, application.id, body)
    await advance(tx, application, "amend", actor)


async def move(
    tx: Transaction,
    application: Application,
    step: str,
    actor: Actor,
    *,
    to: Status | None = None,
    reason: str | None = None,
    facts: Mapping[str, str] | None = None,
    also: list[Row] | None = None,
) -> None:
    """Take a step of the application and let its clock follow."""
    target = to or application.workflow.steps[step].target or application.status
    clock = application.workflow.clock(Status(str(target)))
    rows = await follow_clock(tx, application, clock, cause=step)
    await advance(
        tx, application, step, actor, to=to, reason=reason, facts=facts, also=[*(also or []), *rows]
    )


async def request_documents(
    tx: Transaction, application: Application, actor: Actor, *, kinds: Sequence[str], reason: str
) -> None:
    """Ask for papers until a day: the clock waits, two reminders follow, then it expires."""
    until, rows = await wait_for_papers(tx, application)
    facts = {"kinds": ",".join(kinds), "due_on": until.isoformat()}
    await move(tx, application, "request_documents", actor, reason=reason, facts=facts, also=rows)


async def wait_for_papers(tx: Transaction, application: Application) -> tuple[date, list[Row]]:
    """The last day for papers, and the reminders on the way; each leaves alone who waits no more.

    The same kinds each time: a new request takes the place of what is left of an older one.
    """
    rule = await policy.on(tx, "intake.incomplete_deadline", tehran_date(tx.now))
    until = tx.now + timedelta(days=rule["days"])
    due = {"expire": until}
    for number, days in enumerate(rule["reminders"], start=1):
        due[f"remind_{number}"] = tx.now + timedelta(days=days)
    rows = [
        Row(
            tx.tables.timer,
            timer_values(kind, subject_id=application.id, due_at=at),
            on_conflict="replace",
        )
        for kind, at in due.items()
    ]
    return tehran_date(until), rows


async def follow_clock(
    tx: Transaction, application: Application, clock: Clock, *, cause: str
) -> list[Row]:
    """Set the promised time by a clock; returns the pause that began or ended with it."""
    if application.submitted_at is None:
        return []
    today = tehran_date(tx.now)
    before = rules.ClockMove(
        application.due_on,
        application.paused_on,
        application.paused_days,
        application.stopped_on,
    )
    after = rules.move_clock(before, clock, today, closed=await closed_days(tx, today))
    if after == before:
        return []
    application.due_on, application.paused_on = after.due, after.paused_on
    application.paused_days, application.stopped_on = after.paused_days, after.stopped_on
    if before.paused_on == after.paused_on:
        return []
    began = before.paused_on and await tx.fetchrow(
        "SELECT cause FROM intake.pause WHERE application_id = $1 AND from_on = $2",
        application.id,
        before.paused_on,
    )
    pause = Pause(application_id=application.id, from_on=before.paused_on or today)
    pause.to_on = today if before.paused_on else None
    pause.cause = began["cause"] if began else cause
    return [row_of(pause, on_conflict="replace")]
