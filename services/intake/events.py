"""A service's case is mirrored: in the timeline, the status and the clock of its application."""

from typing import Any
from uuid import UUID

from services.intake.adoption.actions import adopt
from services.intake.applications import actions, queries
from services.intake.applications.models import Application, CaseStep
from services.intake.coverage.actions import end_of_household, reopen
from services.intake.people.actions.covering import start_coverage
from services.intake.workflow import WITH_SERVICE, Status
from shared.cases import find
from shared.storage.db import Transaction
from shared.storage.inbox import Handler
from shared.storage.outbox import Event
from shared.topics import FIVE, TOPICS
from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM
from shared.web.errors import CaseChanged
from shared.workflow import Clock, advance

# The first word of a case for which nobody has applied (LV-30).
BEGUN_BY_US = {"livelihood.identified"}
COVER_BY = {"livelihood.confirmed"}
EMERGENCY, EMERGENCY_ENDED = "livelihood.emergency_granted", "livelihood.emergency_ended"
ENDED_BY_ITSELF = {Status.WITHDRAWN, Status.EXPIRED, Status.CLOSED_DECEASED}


async def on_case_step(tx: Transaction, event: Event) -> None:
    """A service took a step: it goes into the timeline, and status and clock follow it."""
    told = event.payload
    application = await find(tx, Application, told["tracking_code"])
    if application is None and event.topic in BEGUN_BY_US:
        application = await adopt(tx, event)
    if event.topic in {EMERGENCY, EMERGENCY_ENDED}:
        await _cover_meanwhile(tx, event)
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
    if step == "reopen" and await queries.open_instead_of(tx, application) is not None:
        step = None  # a newer one is open, and there is one at a time (H10)
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


async def _cover(tx: Transaction, application: Application, event: Event) -> None:
    """The service confirmed the household's need: its people are covered from today.

    Not where the application has ended meanwhile: then the service's case ends too.
    """
    if application.household_id is not None and application.status not in ENDED_BY_ITSELF:
        await _cover_household(tx, application.household_id, event)


async def _cover_meanwhile(tx: Transaction, event: Event) -> None:
    """In an emergency a household is covered too, with or without an application (LV-34).

    At its end coverage ends with it, unless the service says that something else goes on. As with
    any step, whom intake does not know is nobody's here.
    """
    told = event.payload
    household_id = UUID(told["household_id"])
    if await tx.fetchrow("SELECT 1 FROM intake.household WHERE id = $1", household_id) is None:
        return
    await tx.begin()
    if event.topic == EMERGENCY:
        await _cover_household(tx, household_id, event)
    elif told["facts"].get("coverage") == "ends":
        await end_of_household(tx, household_id, reason=event.topic, on=tehran_date(event.at))


async def _cover_household(tx: Transaction, household_id: UUID, event: Event) -> None:
    members = await tx.fetch(
        "SELECT m.person_id FROM intake.membership m JOIN intake.person p ON p.id = m.person_id"
        " WHERE m.household_id = $1 AND m.ended_on IS NULL AND p.alive",
        household_id,
    )
    reason = event.payload.get("facts", {}).get("reason_code") or event.source
    await start_coverage(
        tx,
        household_id,
        [row["person_id"] for row in members],
        reason=reason,
        on=tehran_date(tx.now),
        source=event.topic,
    )


async def on_access(tx: Transaction, event: Event) -> None:
    """Another body was told of people: it stands in their access log, once for each."""
    told = event.payload
    await tx.begin()
    await tx.write(
        "INSERT INTO intake.access (id, pseudonym, body, purpose, what, at)"
        " SELECT md5($1 || pseudonym)::uuid, pseudonym, $3, $4, $5, $6"
        " FROM unnest($2::text[]) AS pseudonym ON CONFLICT DO NOTHING",
        str(event.id),
        told["pseudonyms"],
        *(told["body"], told["purpose"], told["what"], event.at),
    )


HEARS: dict[str, Handler] = {
    **{
        name: on_case_step
        for name, topic in TOPICS.items()
        if name.partition(".")[0] in FIVE and "intake" in topic.heard_by
    },
    "access.recorded": on_access,
}
