"""Life goes on: everything that is known of a household is held against its award.

Events only leave facts and a reminder. Looking again works out from all facts what should be and
takes the steps that are missing: told twice, late or in another order, it comes to the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from services.livelihood.awards import queries, rules
from services.livelihood.awards.models import Award, AwardVersion
from services.livelihood.awards.workflow import GOES_ON, OPEN, Status
from shared.storage import policy
from shared.storage.db import Transaction
from shared.storage.step import Row, row_of
from shared.storage.timers import remind
from shared.values.calendar import TEHRAN, period_of, tehran_date
from shared.web.auth import SYSTEM
from shared.workflow import advance

LOOK = "look_again"
# A reminder of its own, so that a day far ahead never takes the place of news that came meanwhile.
DUE = "award_due"
MOST_STEPS = 5
"""A household's news never needs more steps at once; more would be a circle."""

HEAD_DIED, DEATH, COVERAGE_ENDED = "head_died", "death", "coverage_ended"
REVIEW_CYCLE = "review_cycle"
GIVEN_BACK = ("decide_objection", "restore")


@dataclass(slots=True)
class Seen:
    """An award and all that is known of its people on a day; `members` as they should be."""

    row: Award
    today: date
    facts: list[rules.Fact]
    members: rules.Members
    known: list[rules.SizeFrom]
    newcomers: list[tuple[UUID, date]]
    policy: dict[str, Any]
    account_is_payees: bool
    other_award: bool

    @property
    def coming(self) -> str:
        """The month from which what is learnt today counts at the latest."""
        return max(rules.next_period(period_of(self.today)), self.row.start_period)


async def look_again(tx: Transaction, award_id: UUID) -> None:
    """Bring an award to what is known today, and set the day on which to look next."""
    row = await queries.find(tx, award_id)
    if row is None:
        return
    seen = await look(tx, row)
    asked = row.status not in GOES_ON  # who is to be held is held first, whoever comes after
    successor = await _successor_index(tx, seen) if asked else None
    for _ in range(MOST_STEPS):
        if not await _step(tx, seen, successor):
            break
        row = await queries.find(tx, award_id) or row
        seen = await look(tx, row)
    if not asked and seen.row.status == Status.SUSPENDED:
        await remind(tx, LOOK, subject_id=award_id, due_at=tx.now)
        return
    due = rules.next_look(seen.today, seen.members, _renewal_on(seen))
    if due is not None and seen.row.status in OPEN:
        at = datetime.combine(due, time(), tzinfo=TEHRAN)
        await remind(tx, DUE, subject_id=award_id, due_at=at)


async def look(tx: Transaction, row: Award) -> Seen:
    """Read everything that decides about an award."""
    today = tehran_date(tx.now)
    keys = ("snapshot", "member_age", "exit", "renewal")
    dated = {key: await policy.on(tx, f"livelihood.{key}", today) for key in keys}
    members = queries.members_of(row)
    cover = await queries.coverage_of(tx, row.household_id)
    facts = await queries.facts(tx, [*members, row.payee_id, *cover])
    if row.status in OPEN:
        _take_coverage(row, members, cover)
    newcomers = _newcomers(
        members, cover, facts, dated["member_age"]["newborn_until"], row=row, today=today
    )
    snapshot = dated["snapshot"]["jalali_day"]
    members = rules.settle(members, facts, payee=row.payee_id, snapshot_day=snapshot)
    found = await queries.versions(tx, row.id)
    known = [rules.SizeFrom(one["effective_from_period"], one["covered_size"]) for one in found]
    return Seen(
        row, today, facts, members, known or [rules.SizeFrom(row.start_period, row.covered_size)],
        newcomers, dated,
        account_is_payees=await queries.account_is_payees(tx, row),
        other_award=await queries.of_household(tx, row.household_id) not in {None, row.id},
    )  # fmt: skip


def _take_coverage(row: Award, members: rules.Members, cover: dict[UUID, queries.Cover]) -> None:
    """Who is no longer covered no longer counts, unless the award was given back after that."""
    back = [past["at"] for past in row.past if past["step"] in GIVEN_BACK
            and past["status"] == Status.ACTIVE]  # fmt: skip
    back_on = tehran_date(datetime.fromisoformat(back[-1])) if back else date.min
    for person_id, stints in members.items():
        last, one = stints[-1], cover.get(person_id)
        if one is None or one.ended_on is None or "coverage" in last.left:
            continue
        if one.ended_on >= last.on and one.ended_on > back_on:
            last.left["coverage"] = rules.month_after(one.ended_on)


def _newcomers(
    members: rules.Members,
    cover: dict[UUID, queries.Cover],
    facts: Sequence[rules.Fact],
    newborn_until: int,
    *,
    row: Award,
    today: date,
) -> list[tuple[UUID, date]]:
    """Covered people of the household who do not count; newborns among them count by themselves.

    Whoever left, or is older, counts after a person has looked into it (H06).
    """
    waiting = []
    for person_id, one in cover.items():
        mine = [fact for fact in facts if fact.person_id == person_id]
        if one.ended_on is not None:
            continue
        if person_id in members:
            back_on = _back_on(members[person_id][-1], mine, one.started_on)
            waiting += [] if back_on is None else [(person_id, back_on)]
            continue
        birth = max((f.occurred_on for f in mine if f.kind == rules.BIRTH), default=None)
        if birth is not None and rules.is_newborn(birth, today, until=newborn_until):
            since = max(rules.month_after(birth), row.start_period)
            members[person_id] = [rules.Stint(since, birth)]
        else:
            waiting.append((person_id, one.started_on))
    return waiting


def _back_on(stint: rules.Stint, facts: Sequence[rules.Fact], covered_on: date) -> date | None:
    """Since when somebody who had left, and is covered, seems to be back; None who is not."""
    if stint.until is None or {"review", "death"} & stint.left.keys():
        return None
    divorced = [
        f.occurred_on for f in facts if f.kind == rules.DIVORCE and f.occurred_on > stint.on
    ]
    if "coverage" in stint.left or divorced:
        return max(divorced, default=covered_on)
    return None


async def _successor_index(tx: Transaction, seen: Seen) -> bytes | None:
    """The blind index of the new head, asked of intake before anything is written (H02)."""
    row = seen.row
    if rules.dead(seen.facts, row.payee_id) is None or row.head_id in {None, row.payee_id}:
        return None
    path = f"/internal/people/{row.head_id}"
    answer = await tx.runtime.inside.get("intake", path, purpose="payee")
    return bytes.fromhex(answer["holder"]) if answer["alive"] else None


def _renewal_on(seen: Seen) -> date | None:
    days = seen.policy["renewal"]["days_before"]
    return rules.renewal_day(seen.row.ends_on, seen.row.review_on, days_before=days)


async def _step(tx: Transaction, seen: Seen, successor: bytes | None) -> bool:
    """Take the one step that is needed first; False when all is as it should be."""
    row = seen.row
    if row.status in OPEN:
        return await _while_open(tx, seen, successor)
    gone = not rules.counted(seen.members, seen.coming)
    if row.status == Status.STOPPED and row.ground == DEATH and not gone and not seen.other_award:
        since = rules.next_period(row.last_period or period_of(seen.today))
        give_back(row, since)
        rows = resize(tx, seen, rules.DEATH_REVERSED)
        await advance(tx, row, "restore", SYSTEM, facts={"from_period": since}, also=rows)
        return True
    if row.status == Status.STOPPED and _business_failed(seen):
        row.return_opened_on = seen.today
        await advance(tx, row, "open_return", SYSTEM)
        return True
    return await _follow_size(tx, seen)


async def _while_open(tx: Transaction, seen: Seen, successor: bytes | None) -> bool:
    row, death = seen.row, rules.dead(seen.facts, seen.row.payee_id)
    gone = not rules.counted(seen.members, seen.coming)
    if gone and rules.gone_for_good(seen.members, seen.coming):
        await _end(tx, seen)
    elif row.status in GOES_ON and death is not None:
        snapshot = seen.policy["snapshot"]["jalali_day"]
        here = period_of(seen.today)
        rows = resize(tx, seen, DEATH)
        row.ground = HEAD_DIED
        row.held_from_period = min(rules.at_snapshot(death.occurred_on, snapshot), here)
        facts = {"ground": HEAD_DIED, "from_period": row.held_from_period}
        await advance(tx, row, "hold", SYSTEM, facts=facts, also=rows)
    elif successor is not None and death is not None and row.head_id in row.person_ids:
        row.payee_id, row.payee_index = row.head_id, successor
        await advance(tx, row, "change_payee", SYSTEM)
    elif row.ground == HEAD_DIED and death is None and seen.account_is_payees:
        await _release(tx, seen)
    elif (row.status == Status.ACTIVE and await _to_be_reviewed(tx, seen)) or await _follow_size(
        tx, seen
    ):
        return True
    else:
        return await _note_newcomers(tx, seen)
    return True


async def _end(tx: Transaction, seen: Seen) -> None:
    """Nobody is left: it ends with the last month in which somebody counted (LV-43)."""
    row = seen.row
    died = any("death" in stints[-1].left for stints in seen.members.values())
    until = max(stints[-1].until or "" for stints in seen.members.values())
    rows = resize(tx, seen, DEATH if died else COVERAGE_ENDED)
    last = rules.earlier(rules.next_period(until, -1), row.ends_period)
    close(row, seen.today, str(last), ground=DEATH if died else COVERAGE_ENDED)
    facts = {"ground": str(row.ground), "last_period": str(last)}
    await advance(tx, row, "end", SYSTEM, facts=facts, also=rows)


async def _release(tx: Transaction, seen: Seen) -> None:
    row = seen.row
    rows = resize(tx, seen, rules.DEATH_REVERSED)
    since = row.held_from_period
    let_go(row)
    to = Status(rules.before_suspension(row.past))
    await advance(tx, row, "release", SYSTEM, to=to, facts={"from_period": str(since)}, also=rows)


async def _to_be_reviewed(tx: Transaction, seen: Seen) -> bool:
    """Open the review that a fact or a date asks for: a person decides, nothing stops by itself."""
    row = seen.row
    on = min((stint.on for stints in seen.members.values() for stint in stints), default=seen.today)
    found = rules.exit_ground(
        seen.facts, payee=row.payee_id, people=row.person_ids, since=on, past=row.past,
        policy=seen.policy["exit"],
    )  # fmt: skip
    if found is not None:
        ground, occurred_on = found[0], found[1].occurred_on
    elif not rules.counted(seen.members, seen.coming) and not _asked_before(row):
        ground, occurred_on = rules.NOBODY_LEFT, seen.today
    else:
        return await _renewal(tx, seen)
    rows = resize(tx, seen, ground)
    row.ground = ground
    facts = {"ground": ground, "occurred_on": occurred_on.isoformat()}
    await advance(tx, row, "open_exit_review", SYSTEM, facts=facts, also=rows)
    return True


def _asked_before(row: Award) -> bool:
    """Whether a person has been asked already what to do with an award in which nobody counts."""
    return any(past["facts"].get("ground") == rules.NOBODY_LEFT for past in row.past)


async def _renewal(tx: Transaction, seen: Seen) -> bool:
    due = _renewal_on(seen)
    if due is None or due > seen.today:
        return False
    row = seen.row
    rows = resize(tx, seen, "renewal")
    row.ground = REVIEW_CYCLE if due == row.review_on else "term_ends"
    facts = {"ground": row.ground, "due_on": (row.ends_on or due).isoformat()}
    await advance(tx, row, "open_renewal_review", SYSTEM, facts=facts, also=rows)
    return True


async def _follow_size(tx: Transaction, seen: Seen) -> bool:
    row, before = seen.row, (set(seen.row.person_ids), seen.row.members)
    rows = resize(tx, seen, _cause(seen)[0])
    if rows:
        await advance(tx, row, "count_anew", SYSTEM, facts=_size_facts(rows), also=rows)
    elif before[0] != set(row.person_ids):
        await advance(tx, row, "note_members", SYSTEM)
    else:
        return False
    return True


def _size_facts(rows: Sequence[Row]) -> dict[str, str]:
    first = rows[0].values
    return {"from_period": first["effective_from_period"], "reason": first["reason"]}


async def _note_newcomers(tx: Transaction, seen: Seen) -> bool:
    row = seen.row
    for person_id, on in seen.newcomers:
        facts = {"person_id": str(person_id), "on": on.isoformat()}
        if any(past["step"] == "note_newcomer" and past["facts"] == facts for past in row.past):
            continue
        await advance(tx, row, "note_newcomer", SYSTEM, facts=facts)
        return True
    return False


def _business_failed(seen: Seen) -> bool:
    row = seen.row
    if row.ground != rules.BUSINESS or row.return_opened_on is not None or row.stopped_on is None:
        return False
    return any(
        fact.kind == rules.BUSINESS_FAILED and fact.occurred_on >= row.stopped_on
        for fact in seen.facts
    )


# What steps have in common


def resize(tx: Transaction, seen: Seen, reason: str) -> list[Row]:
    """Write into the award who counts as it should be; return the versions that are missing.

    What changes a month that may have been paid is marked, to be counted anew by the ledger.
    """
    row, here = seen.row, period_of(seen.today)
    until = min(seen.coming, row.last_period or seen.coming)
    wanted = rules.timeline(seen.members, row.start_period, until=until)
    added = rules.missing_versions(seen.known, wanted)
    cause = _cause(seen)[1]
    row.members = queries.stored(seen.members)
    counting = rules.counted(seen.members, seen.coming)
    if set(row.person_ids) != counting:
        row.person_ids, row.covered_size = sorted(counting), len(counting)
    paid = [one.period for one in added if one.period <= min(here, row.last_period or here)]
    mark(row, *paid)
    rows = [
        row_of(
            AwardVersion(
                award_id=row.id,
                version=len(seen.known) + number,
                effective_from_period=one.period,
                covered_size=one.size,
                reason=reason,
                cause_event_id=cause,
                recorded_at=tx.now,
            )
        )
        for number, one in enumerate(added, start=1)
    ]
    row.added = [one.values for one in rows]
    return rows


def _cause(seen: Seen) -> tuple[str, UUID | None]:
    """What changed the members: the last fact told of one whose stints are no longer as kept."""
    kept = queries.members_of(seen.row)
    moved = {person for person, stints in seen.members.items() if kept.get(person) != stints}
    told = [fact for fact in seen.facts if fact.person_id in moved and fact.kind in rules.OF_SIZE]
    if told:
        last = max(told, key=lambda fact: (fact.heard_on, fact.version))
        return last.kind, last.event_id
    return ("coverage" if moved else "age"), None


def mark(row: Award, *periods: str | None) -> None:
    """The ledger counts anew from the earliest of these months, if any."""
    earliest = rules.earlier(row.recompute_from_period, *periods)
    if earliest != row.recompute_from_period:
        row.recompute_from_period = earliest


def close(row: Award, today: date, last_period: str, *, ground: str | None) -> None:
    """No month after the last one; what was paid after it is marked (LV-48)."""
    row.ground, row.last_period, row.stopped_on = ground, last_period, today
    row.held_from_period = None
    after = rules.next_period(last_period)
    if after <= period_of(today):
        mark(row, after)


def give_back(row: Award, since: str) -> None:
    """The award goes on as if it had never stopped: what was withheld is marked (H24)."""
    mark(row, since)
    row.ground = row.last_period = row.stopped_on = None


def let_go(row: Award) -> None:
    """What was held back is marked, and no longer held."""
    mark(row, row.held_from_period)
    row.ground = row.held_from_period = None
