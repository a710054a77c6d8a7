"""What follows for an award from what is known: no input or output, and the day is a parameter.

Every answer is worked out from all facts together, so it does not matter in which order, how late
or how often they were told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, Self
from uuid import UUID

from shared.values.calendar import add_jalali_months, jalali_text, period_bounds, period_of

AND_MORE = 5
"""The last row of the rate table: five and more (api.md, rates)."""

DEATH, DEATH_REVERSED, MARRIAGE, DIVORCE = "death", "death_reversed", "marriage", "divorce"
BIRTH, BUSINESS, BUSINESS_FAILED = "birth", "business_sustained", "business_failed"
INCOME, MOVED, SERVICE = "income_changed", "moved", "service"

OF_SIZE = {DEATH, DEATH_REVERSED, MARRIAGE, BIRTH}

HEAD_MARRIED, IMPROVED = "head_married", "other_service_and_income"
NOBODY_LEFT = "nobody_left"
LEFT_FOR_GOOD = {"death", "coverage"}
"""Ways of leaving after which, when everybody has left so, nothing is to be looked into."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was told of a person's life."""

    person_id: UUID
    kind: str
    occurred_on: date
    version: int
    heard_on: date
    event_id: UUID
    code: str | None = None


@dataclass(slots=True)
class Stint:
    """A time in which a member counts: from a month on, until the first cause of leaving.

    `on` is the day on which a person looked into the membership: what happened before it and was
    known by then changes nothing. `left` holds causes with the first month that no longer counts.
    """

    since: str
    on: date
    left: dict[str, str] = field(default_factory=dict)

    @property
    def until(self) -> str | None:
        """The first month in which the member no longer counts."""
        return min(self.left.values(), default=None)

    def counts_in(self, period: str) -> bool:
        return self.since <= period and (self.until is None or period < self.until)

    def as_json(self) -> dict[str, Any]:
        return {"since": self.since, "on": self.on.isoformat(), "left": self.left}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        on = date.fromisoformat(stored["on"])
        return cls(stored["since"], on, dict(stored["left"]))


Members = dict[UUID, list[Stint]]


# Months


def next_period(period: str, months: int = 1) -> str:
    """The Jalali month so many months on, or back."""
    return period_of(add_jalali_months(period_bounds(period)[0], months))


def month_after(day: date) -> str:
    """The month from which a change counts that is not a death (H04)."""
    return next_period(period_of(day))


def at_snapshot(day: date, snapshot_day: int) -> str:
    """The month from which a death counts: its own up to the snapshot, else the next (H01)."""
    within = int(jalali_text(day)[8:]) <= snapshot_day
    return period_of(day) if within else month_after(day)


def earlier(*periods: str | None) -> str | None:
    """The earliest of these months; None when there is none."""
    return min((period for period in periods if period is not None), default=None)


# Who counts


def dead(facts: Iterable[Fact], person_id: UUID) -> Fact | None:
    """The death of a person, unless what was told last is that it was an error (H03)."""
    told = [f for f in facts if f.person_id == person_id and f.kind in {DEATH, DEATH_REVERSED}]
    last = max(told, key=lambda fact: fact.version, default=None)
    return last if last is not None and last.kind == DEATH else None


def settle(members: Members, facts: Sequence[Fact], *, payee: UUID, snapshot_day: int) -> Members:
    """Every member's stints with what the facts say of their life (H01, H03, H04).

    A payee who marries does not leave by it: the whole award is looked at instead (H05).
    """
    settled: Members = {}
    for person_id, stints in members.items():
        mine = [
            fact
            for fact in facts
            if fact.person_id == person_id and not (fact.kind == MARRIAGE and person_id == payee)
        ]
        death = dead(mine, person_id)
        settled[person_id] = [_settled(stint, mine, death, snapshot_day) for stint in stints]
    return settled


def _settled(stint: Stint, facts: Sequence[Fact], death: Fact | None, snapshot_day: int) -> Stint:
    left = {why: period for why, period in stint.left.items() if why not in {DEATH, MARRIAGE}}
    if death is not None:
        left[DEATH] = max(at_snapshot(death.occurred_on, snapshot_day), stint.since)
    married = [
        month_after(fact.occurred_on)
        for fact in facts
        if fact.kind == MARRIAGE and is_news(fact, since=stint.on)
    ]
    if married:
        left[MARRIAGE] = max(min(married), stint.since)
    return Stint(stint.since, stint.on, left)


def is_news(fact: Fact, *, since: date) -> bool:
    """Whether a fact was not known, or not yet, when a person looked into the matter."""
    return fact.occurred_on >= since or fact.heard_on > since


def counted(members: Members, period: str) -> set[UUID]:
    """Who counts in a month."""
    return {
        person_id
        for person_id, stints in members.items()
        if any(stint.counts_in(period) for stint in stints)
    }


def gone_for_good(members: Members, period: str) -> bool:
    """Whether everybody has left by death or with their coverage before this month."""
    return all(
        any(why in LEFT_FOR_GOOD and month <= period for why, month in stints[-1].left.items())
        for stints in members.values()
    )


@dataclass(frozen=True, slots=True)
class SizeFrom:
    """How many count from a month on."""

    period: str
    size: int


def timeline(members: Members, start: str, *, until: str) -> list[SizeFrom]:
    """The size from the first month on, at every month up to the last at which it changes."""
    at = {start}
    for stint in (stint for stints in members.values() for stint in stints):
        at |= {month for month in (stint.since, stint.until) if month and start < month <= until}
    sizes = [SizeFrom(month, len(counted(members, month))) for month in sorted(at)]
    return [sizes[0], *(b for a, b in pairwise(sizes) if a.size != b.size)]


def size_in(versions: Sequence[SizeFrom], period: str) -> int:
    """The size of a month as versions say, oldest first: the last that is in force rules."""
    sizes = [version.size for version in versions if version.period <= period]
    return sizes[-1] if sizes else 0


def missing_versions(known: Sequence[SizeFrom], wanted: Sequence[SizeFrom]) -> list[SizeFrom]:
    """The versions to add so that every month has its wanted rate (never an edit of a past one).

    Sizes of five and more have one rate: between them no version is needed (H08).
    """
    months = sorted({version.period for version in (*known, *wanted)})
    added: list[SizeFrom] = []
    for month in months:
        size = size_in(wanted, month)
        now = added[-1].size if added else size_in(known, month)
        if min(size, AND_MORE) != min(now, AND_MORE):
            added.append(SizeFrom(month, size))
    return added


def first_stints(
    people: Iterable[UUID], *, start: str, on: date, births: Mapping[UUID, date], child_until: int
) -> Members:
    """Who counts from the first month, and when policy says that a child no longer does (H07)."""
    members: Members = {}
    for person_id in people:
        stint = Stint(start, on)
        birth = births.get(person_id)
        if birth is not None:
            grown_on = of_age(birth, child_until)
            if grown_on >= on:
                stint.left["age"] = month_after(grown_on)
        members[person_id] = [stint]
    return members


def of_age(birth: date, years: int) -> date:
    """The day on which somebody has lived so many years, by the Jalali calendar."""
    return add_jalali_months(birth, 12 * years)


def next_look(day: date, members: Members, renewal_on: date | None) -> date | None:
    """The next day on which something falls due by itself: an age is reached, a renewal."""
    ages = [
        period_bounds(next_period(month, -1))[0]
        for stints in members.values()
        for why, month in stints[-1].left.items()
        if why == "age"
    ]
    return min((due for due in (*ages, renewal_on) if due is not None and due > day), default=None)


def is_newborn(birth: date | None, on: date, *, until: int) -> bool:
    """Whether a child is young enough to count without another look (H07)."""
    return birth is not None and birth <= on < of_age(birth, until)


# What is to be looked into


def exit_rule(
    services: Iterable[str], income_rial: int, size: int, policy: Mapping[str, Any]
) -> tuple[bool, bool]:
    """Whether another service counts, and whether income is improved: an exit needs both (LV-46).

    The income is the household's for a month; policy names the services and the Rials a head.
    """
    receives = bool(set(services) & set(policy["services"]))
    return receives, income_rial >= policy["income_per_person_rial"] * max(size, 1)


def services_of(facts: Iterable[Fact], people: Iterable[UUID]) -> set[str]:
    """The other services that these people have been given, by code."""
    mine = set(people)
    return {fact.code for fact in facts if fact.kind == SERVICE and fact.code
            and fact.person_id in mine}  # fmt: skip


def exit_ground(
    facts: Sequence[Fact],
    *,
    payee: UUID,
    people: Iterable[UUID],
    since: date,
    past: Sequence[Mapping[str, Any]],
    policy: Mapping[str, Any],
) -> tuple[str, Fact] | None:
    """Why the whole award has to be looked at again, and the fact that says so; None if nothing.

    What people have decided about a fact stays decided, however late or often it is told (P17).
    """
    mine = set(people) | {payee}
    has_service = bool(services_of(facts, mine) & set(policy["services"]))
    for fact in sorted(facts, key=lambda f: (f.occurred_on, f.event_id)):
        if fact.kind == MARRIAGE and fact.person_id == payee:
            ground = HEAD_MARRIED  # H05
        elif fact.kind == BUSINESS and fact.person_id in mine:
            ground = BUSINESS  # LV-44
        elif fact.kind == INCOME and fact.person_id in mine and has_service:
            ground = IMPROVED  # LV-46: one of the two alone opens nothing
        else:
            continue
        if is_news(fact, since=since) and not _reviewed(ground, fact, past):
            return ground, fact
    return None


def _reviewed(ground: str, fact: Fact, past: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        row["step"] == "open_exit_review"
        and row["facts"].get("ground") == ground
        and row["facts"].get("occurred_on", "") >= fact.occurred_on.isoformat()
        for row in past
    )


def renewal_day(ends_on: date | None, review_on: date | None, *, days_before: int) -> date | None:
    """The day on which an award is looked at again: before its end, or at its review."""
    before_end = date.fromordinal(ends_on.toordinal() - days_before) if ends_on else None
    return min((day for day in (before_end, review_on) if day is not None), default=None)


# What was paid too much


def recovery_cap(rate_rial: int, policy: Mapping[str, int]) -> int:
    """The most that may be kept back of a month worth so much; a household keeps the rest."""
    part = rate_rial * policy["cap_percent"] // 100
    return max(0, min(part, rate_rial - max(policy["keep_rial"], 1)))


# The end, and coming back


def last_period(
    today: date, *, held_from: str | None = None, ends_period: str | None = None
) -> str:
    """The last month that a stopped award is paid: this one, unless it was held or over before."""
    before = next_period(held_from, -1) if held_from else None
    last = earlier(period_of(today), before, ends_period)
    assert last is not None  # this month is among them  # noqa: S101
    return last


def may_return_on(stopped_on: date, *, opened: bool, policy: Mapping[str, int]) -> date:
    """The first day on which a household may come back; at once by the fast path (H23, H25)."""
    return stopped_on if opened else add_jalali_months(stopped_on, policy["months"])


def first_period(
    today: date, previous_last: str | None, *, after_emergency: str | None = None
) -> str:
    """The first month of an award: this one, or the one after what was paid before (H23, H26)."""
    first = after_emergency or period_of(today)
    return first if previous_last is None else max(first, next_period(previous_last))


def before_suspension(past: Sequence[Mapping[str, Any]]) -> str:
    """Where an award stood before it was suspended."""
    back = next(row for row in reversed(past) if row["step"] in {"suspend", "hold"})
    return str(back["from_status"])
