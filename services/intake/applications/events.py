"""Applications go on by themselves from what intake itself has told, and from their reminders."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.intake.applications import actions, queries
from services.intake.applications.models import Application
from services.intake.applications.queries import missing_documents
from services.intake.catalogue.queries import rulebook
from services.intake.clients import Record, clients
from services.intake.people.actions.living import Place, join_household
from services.intake.people.actions.persons import refresh
from services.intake.people.queries import Claimed, Identity, identify
from services.intake.workflow import OPEN, Status
from shared.cases import find
from shared.storage import policy
from shared.storage.db import Runtime, Transaction
from shared.storage.inbox import Handler
from shared.storage.outbox import Event
from shared.storage.timers import AnyTimerHandler, Timer, remind, staged
from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM
from shared.web.clients import PartyUnavailable


async def on_submitted(tx: Transaction, event: Event) -> None:
    """A filed application finds its household and its office, or is asked for what is missing."""
    application = await _application(tx, event.subject_id)
    if application.status != Status.SUBMITTED or application.identity == "pending":
        return
    content = queries.open_content(tx, application)
    people = await people_of(tx, content)
    await tx.begin()
    await _route(tx, application, content, people)


async def on_back(tx: Transaction, event: Event) -> None:
    """An application is again where it was: it goes on, with its identity where that waits."""
    application = await _application(tx, event.subject_id)
    if application.status == Status.SUBMITTED and application.identity == "pending":
        await remind(tx, actions.FINISH_IDENTITY, subject_id=application.id, due_at=tx.now)
    else:
        await on_submitted(tx, event)


async def on_restored(tx: Transaction, event: Event) -> None:
    """Nobody has died: papers are waited for anew, from today; else it goes on."""
    application = await _application(tx, event.subject_id)
    if application.status != Status.INCOMPLETE:
        await on_back(tx, event)
        return
    for row in (await actions.wait_for_papers(tx, application))[1]:
        await tx.execute(row.insert())


async def people_of(tx: Transaction, content: dict[str, Any]) -> dict[str, Record]:
    """Records of everybody an application names; asked before anything is written.

    Raises PartyUnavailable: the event comes again.
    """
    rule = await policy.on(tx, "intake.inquiry.civil_registry", tehran_date(tx.now))
    ask, found = clients(tx.runtime), {}
    codes = [content["applicant"]["national_code"]]
    codes += [content["subject"]["national_code"]] if content.get("subject") else []
    codes += content["details"].get("members") or []
    for code in dict.fromkeys(codes):
        record = await ask.relations(code, keep_s=rule["cache_s"])
        if record is not None:
            found[code] = record
    return found


async def _route(
    tx: Transaction, application: Application, content: dict[str, Any], people: dict[str, Record]
) -> None:
    """Settle the household, choose the office by residence, and hand it to the service."""
    missing = await missing_documents(tx, application, content)
    if missing:
        await actions.request_documents(
            tx, application, SYSTEM, kinds=missing, reason="مدارک الزامی کامل نیست"
        )
        return
    await settle(tx, application, content, people)
    office = (await rulebook(tx)).office(application.province, application.county)
    application.office_code = office.code if office else None
    facts = {"office": office.name_fa} if office else {}
    await actions.move(tx, application, "route", SYSTEM, facts=facts)


async def settle(
    tx: Transaction, application: Application, content: dict[str, Any], people: dict[str, Record]
) -> None:
    """Bring people up to date and put them under one roof from the day of filing."""
    code = content["applicant"]["national_code"]
    ids: dict[str, UUID] = {}
    for found, record in people.items():
        mobile = content["applicant"]["mobile"] if found == code else None
        ids[found] = await refresh(
            tx, record, tracking_code=application.tracking_code, mobile=mobile
        )
    applicant = people.get(code)
    if application.province is None and applicant is not None and applicant.address:
        book = await rulebook(tx)
        province = book.area(applicant.address.get("province") or "")
        application.province = province
        county = applicant.address.get("county") or ""
        application.county = book.area(county, within=province) if province else None
    if code not in ids:
        return
    members = content["details"].get("members") or []
    relations = [(ids[m], people[code].relation_of(m)) for m in members if m in ids and m != code]
    application.household_id = await join_household(
        tx,
        ids[code],
        relations,
        place=Place(
            application.province,
            application.county,
            application.office_code,
            content["details"].get("address"),
        ),
        on=tehran_date(application.submitted_at or tx.now),
        tracking_code=application.tracking_code,
    )


async def finish_identity(runtime: Runtime, timer: Timer) -> None:
    """A registry was silent when the application came: it is asked again, until it answers."""
    async with runtime.transaction(lone=False) as tx:
        await _finish_identity(tx, timer)


async def _finish_identity(tx: Transaction, timer: Timer) -> None:
    application = await _application(tx, timer.subject_id)
    if application.status != Status.SUBMITTED or application.identity != "pending":
        return
    content = queries.open_content(tx, application)
    identity, people = await _asked_again(tx, content)
    if identity.pending:
        rule = await policy.on(tx, "intake.inquiry.civil_registry", tehran_date(tx.now))
        again = tx.now + timedelta(seconds=rule["retry_s"])
        await remind(tx, timer.kind, subject_id=timer.subject_id, due_at=again)
        return
    await tx.begin()
    if identity.faults:
        application.identity = "refused"
        facts = {"codes": ",".join(fault.code for fault in identity.faults)}
        await actions.move(tx, application, "refuse_identity", SYSTEM, facts=facts)
        return
    application.identity = "confirmed"
    application.kin = actions.kin(
        tx, application.holders, identity.records, content["details"].get("members") or ()
    )
    await actions.move(tx, application, "finish_identity", SYSTEM)
    fresh = await _application(tx, timer.subject_id)
    await _route(tx, fresh, content, people)


async def _asked_again(
    tx: Transaction, content: dict[str, Any]
) -> tuple[Identity, dict[str, Record]]:
    applicant, proof = content["applicant"], content.get("proof") or {}
    guardian = proof.get("value") if proof.get("kind") == "guardian" else None
    subject = content.get("subject") or {}
    identity = await identify(
        tx,
        Claimed(
            national_code=applicant["national_code"],
            birth_on=date.fromisoformat(applicant["birth_on"]),
            mobile=applicant["mobile"],
            mobile_owner=guardian or applicant["national_code"],
            subject=subject.get("national_code"),
            members=tuple(content["details"].get("members") or ()),
        ),
    )
    people: dict[str, Record] = {}
    if not identity.pending and not identity.faults:
        try:
            people = await people_of(tx, content)
        except PartyUnavailable:
            identity.pending = True
    return identity, people


async def remind_of_documents(tx: Transaction, timer: Timer) -> None:
    """Papers are still missing: say so once more."""
    application = await _application(tx, timer.subject_id)
    if application.status == Status.INCOMPLETE:
        last = await tx.fetchrow(
            "SELECT due_at FROM intake.timer WHERE kind = 'expire' AND subject_id = $1",
            application.id,
        )
        until = {"due_on": tehran_date(last["due_at"]).isoformat()} if last else {}
        await actions.move(tx, application, "remind", SYSTEM, facts=until)


async def expire(tx: Transaction, timer: Timer) -> None:
    """The day for the papers has passed."""
    application = await _application(tx, timer.subject_id)
    if application.status == Status.INCOMPLETE:
        await actions.move(tx, application, "expire", SYSTEM)


# A death, and a death that was none


async def on_died(tx: Transaction, event: Event) -> None:
    """Whoever asked, or was to be served, has died: their open applications end with them."""
    for application in await _of_person(tx, event, OPEN):
        await actions.move(tx, application, "close_deceased", SYSTEM)


async def on_death_reversed(tx: Transaction, event: Event) -> None:
    """The news of a death was wrong: what it closed goes on from where it stood (H03)."""
    for application in await _of_person(tx, event, {Status.CLOSED_DECEASED}):
        if await queries.open_instead_of(tx, application) is not None:
            continue  # a newer one is open, and there is one at a time (H10)
        stood = next(p for p in reversed(application.past) if p["step"] == "close_deceased")
        await actions.move(tx, application, "restore", SYSTEM, to=Status(stood["from_status"]))


async def _of_person(
    tx: Transaction, event: Event, statuses: Collection[Status]
) -> list[Application]:
    rows = await tx.fetch(
        "SELECT id FROM intake.application WHERE status = ANY($2::text[])"
        " AND person_ids @> ARRAY[$1::uuid] AND $1 IN (applicant_id, subject_id) ORDER BY id",
        event.subject_id,
        sorted(statuses),
    )
    return [await _application(tx, row["id"]) for row in rows]


async def _application(tx: Transaction, application_id: UUID) -> Application:
    application = await find(tx, Application, application_id, by="id")
    if application is None:
        raise LookupError("an event of an application that is not there")
    return application


HEARS: dict[str, Handler] = {
    "application.submitted": on_submitted,
    "application.resubmitted": on_back,
    "application.visit_recorded": on_back,
    "application.restored": on_restored,
    "person.died": on_died,
    "person.death_reversed": on_death_reversed,
}
TIMERS: dict[str, AnyTimerHandler] = {
    actions.FINISH_IDENTITY: staged(finish_identity),
    "remind_1": remind_of_documents,
    "remind_2": remind_of_documents,
    "expire": expire,
}
