"""What reaches an award from outside: it is written down once, and the award is looked at again."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.livelihood.awards import queries, rules
from services.livelihood.awards.actions.life import DUE, LOOK, look_again
from services.livelihood.awards.actions.moving import Place, move
from shared.storage import coverage
from shared.storage.db import Runtime, Transaction
from shared.storage.inbox import Handler
from shared.storage.outbox import Event
from shared.storage.timers import AnyTimerHandler, Timer, remind, staged
from shared.values.calendar import tehran_date

KINDS = {
    "person.died": rules.DEATH,
    "person.death_reversed": rules.DEATH_REVERSED,
    "person.married": rules.MARRIAGE,
    "person.divorced": rules.DIVORCE,
    "person.born": rules.BIRTH,
    "person.business_sustained": rules.BUSINESS,
    "person.income_changed": rules.INCOME,
    "person.moved": rules.MOVED,
    "loans.business_sustained": rules.BUSINESS,
    "loans.recall_proposed": rules.BUSINESS_FAILED,
    "loans.disbursed": rules.SERVICE,
    "loans.partly_disbursed": rules.SERVICE,
}


async def on_person(tx: Transaction, event: Event) -> None:
    """Something happened in a life: intake tells of whom and when."""
    told = event.payload
    on = date.fromisoformat(told["occurred_on"])
    await _remember(tx, event, [UUID(told["person_id"])], on)
    household = told.get("household_id")
    if household is not None:
        await look_at_household(tx, UUID(household))
    await _look_at(tx, await queries.of_people(tx, [UUID(one) for one in told["person_ids"]]))


async def on_loan(tx: Transaction, event: Event) -> None:
    """The loans service tells of a loan, of a business that holds, or of one that does not."""
    people = [UUID(one) for one in event.payload["person_ids"]]
    await _remember(tx, event, people, tehran_date(event.at))
    await _look_at(tx, await queries.of_people(tx, people))


async def _remember(tx: Transaction, event: Event, people: Iterable[UUID], on: date) -> None:
    kind = KINDS[event.topic]
    await tx.begin()
    await tx.write(
        "INSERT INTO livelihood.life_fact"
        " (event_id, person_id, kind, code, occurred_on, version, heard_on)"
        " SELECT $1, person_id, $3, $4, $5, $6, $7 FROM unnest($2::uuid[]) AS person_id"
        " ON CONFLICT DO NOTHING",
        event.id,
        sorted(set(people)),
        kind,
        "loans" if kind == rules.SERVICE else None,
        on,
        event.version,
        tehran_date(tx.now),
    )


async def on_coverage(tx: Transaction, event: Event) -> None:
    """Who is covered has changed; who counts follows."""
    await coverage.project(tx, event)
    await look_at_household(tx, UUID(event.payload["household_id"]))


async def on_household(tx: Transaction, event: Event) -> None:
    """A household has a head and an office; whom an award is paid to follows only after a death
    (H02), where it is served at once.
    """
    told = event.payload
    await tx.begin()
    if told.get("change") == "transferred":
        await move(tx, UUID(told["household_id"]), Place.told(told, event.version))
    await tx.write(
        "UPDATE livelihood.award SET head_id = $2, household_version = $3"
        " WHERE household_id = $1 AND household_version < $3",
        UUID(told["household_id"]),
        UUID(told["head_id"]),
        event.version,
    )
    await look_at_household(tx, UUID(told["household_id"]))


async def look_at_household(tx: Transaction, household_id: UUID) -> None:
    """Have the household's open award looked at, if there is one."""
    award_id = await queries.of_household(tx, household_id)
    await _look_at(tx, [award_id] if award_id else [])


async def _look_at(tx: Transaction, award_ids: Iterable[UUID]) -> None:
    for award_id in award_ids:
        await remind(tx, LOOK, subject_id=award_id, due_at=tx.now)


async def look_due(runtime: Runtime, timer: Timer) -> None:
    """Something was told, or a day has come; intake may be asked before anything is written."""
    async with runtime.transaction(lone=False) as tx:
        await look_again(tx, timer.subject_id)


HEARS: dict[str, Handler] = {
    **{topic: on_person for topic in KINDS if topic.startswith("person.")},
    **{topic: on_loan for topic in KINDS if topic.startswith("loans.")},
    "coverage.ended": on_coverage,
    "household.changed": on_household,
}
TIMERS: dict[str, AnyTimerHandler] = {LOOK: staged(look_due), DUE: staged(look_due)}
