"""What intake does when it hears: its own events go on from here, the services' are mirrored."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.intake.applications import actions, queries
from services.intake.applications.models import Application, CaseStep
from services.intake.applications.queries import missing_documents
from services.intake.catalogue.queries import rulebook
from services.intake.clients import Record, clients
from services.intake.coverage.actions import end_of_household, reopen
from services.intake.people.actions.covering import start_coverage
from services.intake.people.actions.living import Place, join_household
from services.intake.people.actions.persons import refresh
from services.intake.people.queries import Claimed, Identity, identify
from services.intake.workflow import OPEN, WITH_SERVICE, Status
from shared.cases import find
from shared.storage import policy
from shared.storage.db import Runtime, Transaction
from shared.storage.outbox import Event
from shared.storage.timers import AnyTimerHandler, Timer, remind, staged
from shared.topics import TOPICS
from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM
from shared.web.clients import PartyUnavailable
from shared.web.errors import CaseChanged
from shared.workflow import Clock, advance

SERVICES = ("livelihood", "eligibility", "exemption", "shares", "loans")


async def on_submitted(tx: Transaction, event: Event) -> None:
    """A filed application finds its household and its office, or is asked for what is missing."""
    application = await _application(tx, event.subject_id)
    if application.status != Status.SUBMITTED or application.identity == "pending":
        return
    content = queries.open_content(tx, application)
    people = await _people_of(tx, content)
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


async def _people_of(tx: Transaction, content: dict[str, Any]) -> dict[str, Record]:
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
    await _settle(tx, application, content, people)
    office = (await rulebook(tx)).office(application.province, application.county)
    application.office_code = office.code if office else None
    facts = {"office": office.name_fa} if office else {}
    await actions.move(tx, application, "route", SYSTEM, facts=facts)


async def _settle(
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
            people = await _people_of(tx, content)
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


# The services' cases


async def on_case_step(tx: Transaction, event: Event) -> None:
    """A service took a step: it goes into the timeline, and status and clock follow it."""
    told = event.payload
    application = await find(tx, Application, told["tracking_code"])
    if application is None:
        return
    step = CaseStep(
        application_id=application.id,
        service=event.source,
        version=event.version,
        event_id=event.id,
        step=told["step"],
        label=told["step_label"],
        status=told["status"],
        status_label=told["status_label"],
        actor_role=told["role"],
        facts=told["facts"],
        at=event.at,
    )
    await tx.begin()
    await tx.add(step)
    if event.topic in COVER_BY:
        await _cover(tx, application, event)
    elif event.topic == "livelihood.stopped":
        household_id, on = UUID(event.payload["household_id"]), tehran_date(event.at)
        await end_of_household(tx, household_id, reason=event.topic, on=on)
    elif event.topic == "livelihood.reinstated":
        household_id = UUID(event.payload["household_id"])
        await reopen(tx, household_id, reason="livelihood.stopped")
    if event.version > application.case_version:
        await _mirror(tx, application, event)


async def _mirror(tx: Transaction, application: Application, event: Event) -> None:
    told = event.payload
    application.case_status, application.case_label = told["status"], told["status_label"]
    application.case_next, application.case_version = told["next_step"], event.version
    application.waits_for = told["waits_for"]
    if "award_id" in told:
        await _mirror_award(tx, application, told)
        return
    step = _mirrored(Status(application.status), told["outcome"])
    # The service's clock counts while the application's own runs: papers are waited for whatever
    # the service does meanwhile, and what has ended stays ended.
    flow = application.workflow
    own = flow.clock(Status(str(flow.steps[step].target if step else application.status)))
    clock = Clock(told["clock"]) if own is Clock.RUN else own
    rows = await actions.follow_clock(
        tx, application, clock, cause=f"{event.source}.{told['step']}"
    )
    if step is not None:
        await advance(tx, application, step, SYSTEM, also=rows)
    else:
        await _write_mirror(tx, application, rows)


async def _mirror_award(tx: Transaction, application: Application, told: dict[str, Any]) -> None:
    """What has become of an answered request: its own promised time is not touched.

    Raises LookupError while the answer itself has not been heard: the event comes again.
    """
    if application.status in WITH_SERVICE:
        raise LookupError("an award's event before that of its case")
    application.waits_for = told["waits_for"] if told["outcome"] == "open" else []
    await _write_mirror(tx, application, [])


def _mirrored(status: Status, outcome: str) -> str | None:
    """The application's own step that follows from what the service's case has come to."""
    if status in {Status.CLOSED, Status.REFUSED}:
        return "reopen" if outcome == "open" else None
    if status not in WITH_SERVICE:
        return None
    if outcome == "open":
        return "enter_service" if status is Status.ROUTED else None
    return "close" if outcome == "closed" else "refuse"


MIRRORED = (
    "case_status", "case_label", "case_next", "case_version", "waits_for", "due_on",
    "paused_on", "paused_days", "stopped_on", "changed_at",
)  # fmt: skip


async def _write_mirror(tx: Transaction, application: Application, rows: list[Any]) -> None:
    """What the service told, written without a step of the application itself.

    Raises CaseChanged when such a step was taken meanwhile: the event comes again.
    """
    application.changed_at = tx.now
    table = Application.__table__
    written = await tx.scalar(
        table.update()
        .where(table.c.id == application.id, table.c.version == application.version)
        .values({name: getattr(application, name) for name in MIRRORED})
        .returning(table.c.id)
    )
    if written is None:
        raise CaseChanged
    for row in rows:
        await tx.execute(row.insert())


COVER_BY = {"livelihood.confirmed"}


async def _cover(tx: Transaction, application: Application, event: Event) -> None:
    """The service confirmed the household's need: its people are covered from today."""
    if application.household_id is None:
        return
    members = await tx.fetch(
        "SELECT m.person_id FROM intake.membership m JOIN intake.person p ON p.id = m.person_id"
        " WHERE m.household_id = $1 AND m.ended_on IS NULL AND p.alive",
        application.household_id,
    )
    reason = event.payload.get("facts", {}).get("reason_code") or event.source
    await start_coverage(
        tx,
        application.household_id,
        [row["person_id"] for row in members],
        reason=reason,
        on=tehran_date(tx.now),
        source=event.topic,
    )


# A death, and a death that was none


async def on_died(tx: Transaction, event: Event) -> None:
    """Whoever asked, or was to be served, has died: their open applications end with them."""
    for application in await _of_person(tx, event, OPEN):
        await actions.move(tx, application, "close_deceased", SYSTEM)


async def on_death_reversed(tx: Transaction, event: Event) -> None:
    """The news of a death was wrong: what it closed goes on from where it stood (H03)."""
    for application in await _of_person(tx, event, {Status.CLOSED_DECEASED}):
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


def _hears() -> dict[str, Any]:
    """Intake hears every case step of every service, and goes on from its own events."""
    mirrored = {
        name: on_case_step
        for name, topic in TOPICS.items()
        if name.partition(".")[0] in SERVICES and "intake" in topic.heard_by
    }
    return {
        **mirrored,
        "application.submitted": on_submitted,
        "application.resubmitted": on_back,
        "application.visit_recorded": on_back,
        "application.restored": on_restored,
        "person.died": on_died,
        "person.death_reversed": on_death_reversed,
    }


HEARS = _hears()
TIMERS: dict[str, AnyTimerHandler] = {
    actions.FINISH_IDENTITY: staged(finish_identity),
    "remind_1": remind_of_documents,
    "remind_2": remind_of_documents,
    "expire": expire,
}
