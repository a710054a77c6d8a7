"""What livelihood does when another service, or its own clock, tells it something."""

from uuid import UUID

from services.livelihood import queries
from services.livelihood.actions import emergency
from services.livelihood.actions.activation import ACTIVATE, try_to_activate
from services.livelihood.actions.admission import CLOSE_UNREACHED, close_unreached, open_case
from services.livelihood.actions.identification import take_over
from services.livelihood.awards import events as awards
from services.livelihood.clients import filed
from services.livelihood.emergencies.actions import CHANGED, look_after_its_end
from services.livelihood.emergencies.queries import no_longer_covered
from services.livelihood.handovers import events as handovers
from services.livelihood.models import AdmissionCase
from services.livelihood.reports import events as reports
from services.livelihood.runs import events as runs
from services.livelihood.workflow import OPEN, Status
from shared.cases import find
from shared.storage import coverage
from shared.storage.db import Runtime, Transaction
from shared.storage.inbox import Handler
from shared.storage.outbox import Event
from shared.storage.timers import AnyTimerHandler, Timer, remind, staged
from shared.values.calendar import period_of
from shared.web.auth import SYSTEM
from shared.workflow import advance

AT_ONCE = 200
"""Cases that end in one turn when an emergency's area changes; the next turn follows."""


async def on_routed(tx: Transaction, event: Event) -> None:
    """An application for livelihood: intake is asked what it says, and the case opens.

    Routed again, after papers were asked for, it is the case that is there already.
    """
    told = event.payload
    if told.get("for_service") != "livelihood":
        return
    if await find(tx, AdmissionCase, told["tracking_code"]) is None:
        await open_case(tx, await filed(tx, told["tracking_code"]))


async def on_withdrawn(tx: Transaction, event: Event) -> None:
    """The applicant withdrew, or let the time for papers pass: the case ends with it."""
    await _close(tx, event, "withdraw")


async def on_closed_deceased(tx: Transaction, event: Event) -> None:
    """The applicant has died: the case ends with the application."""
    await _close(tx, event, "close_deceased")


async def _close(tx: Transaction, event: Event, step: str) -> None:
    row = await find(tx, AdmissionCase, event.payload["tracking_code"])
    if row is not None and row.status in OPEN:
        reason = event.topic.partition(".")[2]
        await advance(tx, row, step, SYSTEM, facts={"application": reason})


async def on_restored(tx: Transaction, event: Event) -> None:
    """The news of a death was wrong: the case goes on from where it stood (H03)."""
    row = await find(tx, AdmissionCase, event.payload["tracking_code"])
    if row is None or row.status != Status.CLOSED_DECEASED:
        return
    stood = next(past for past in reversed(row.past) if past["step"] == "close_deceased")
    await advance(tx, row, "restore", SYSTEM, to=Status(stood["from_status"]))
    if row.status == Status.CONFIRMED:
        await remind(tx, ACTIVATE, subject_id=row.id, due_at=tx.now)


async def on_coverage_started(tx: Transaction, event: Event) -> None:
    """A household is covered: its confirmed case may become active."""
    await coverage.project(tx, event)
    told = event.payload
    people = [UUID(person) for person in told["person_ids"]]
    for case_id in await queries.confirmed_of(tx, UUID(told["household_id"]), people):
        await remind(tx, ACTIVATE, subject_id=case_id, due_at=tx.now)
    await awards.look_at_household(tx, UUID(told["household_id"]))


async def on_handed_over(tx: Transaction, event: Event) -> None:
    """Eligibility has found a household entitled: livelihood goes to it (LV-30)."""
    told = event.payload
    await take_over(tx, UUID(told["person_ids"][0]), told["tracking_code"])


async def on_account_corrected(tx: Transaction, event: Event) -> None:
    """Another account was given: the central bank is asked about it."""
    await remind(tx, ACTIVATE, subject_id=event.subject_id, due_at=tx.now)
    await remind(tx, emergency.ACCOUNT, subject_id=event.subject_id, due_at=tx.now)


async def activate_due(runtime: Runtime, timer: Timer) -> None:
    """Coverage, account and quota, in that order; the bank is asked before anything is written."""
    async with runtime.transaction(lone=False) as tx:
        await try_to_activate(tx, timer.subject_id)


async def close_unreached_due(tx: Transaction, timer: Timer) -> None:
    """Nobody was met at the last visit that policy allows."""
    await close_unreached(tx, timer.subject_id)


async def end_emergency_due(tx: Transaction, timer: Timer) -> None:
    """The last day of emergency support has passed."""
    await emergency.end_due(tx, timer.subject_id)


async def account_due(runtime: Runtime, timer: Timer) -> None:
    """Whose account it is to which emergency support is paid; the bank is asked first."""
    async with runtime.transaction(lone=False) as tx:
        await emergency.settle_account(tx, timer.subject_id)


async def emergency_changed(runtime: Runtime, timer: Timer) -> None:
    """A month begins that another area rules: who is outside it is no longer supported (H28)."""
    async with runtime.transaction() as tx:
        here = period_of(tx.now)
        found = await no_longer_covered(tx, timer.subject_id, here, limit=AT_ONCE)
    for case_id in found:
        async with runtime.transaction() as tx:
            await emergency.end_uncovered(tx, case_id)
    async with runtime.transaction() as tx:
        if found:
            await remind(tx, CHANGED, subject_id=timer.subject_id, due_at=tx.now)
        else:
            await look_after_its_end(tx, timer.subject_id)


HEARS: dict[str, Handler] = {
    **coverage.HEARS,
    **awards.HEARS,
    **handovers.HEARS,
    "coverage.started": on_coverage_started,
    "application.routed": on_routed,
    "application.withdrawn": on_withdrawn,
    "application.expired": on_withdrawn,
    "application.closed_deceased": on_closed_deceased,
    "application.restored": on_restored,
    "eligibility.handed_over": on_handed_over,
    "livelihood.account_corrected": on_account_corrected,
}
TIMERS: dict[str, AnyTimerHandler] = {
    **awards.TIMERS,
    ACTIVATE: staged(activate_due),
    CLOSE_UNREACHED: close_unreached_due,
    emergency.END: end_emergency_due,
    emergency.ACCOUNT: staged(account_due),
    CHANGED: staged(emergency_changed),
    **runs.TIMERS,
    **reports.TIMERS,
    **handovers.TIMERS,
}
