"""Step and Workflow: who may move what from where, and how soon, as a table that people can read.

From the one table come the routes of a case, `actions` in its answer, the access matrix, the
message that goes out, the clock, the worklist and the diagrams in docs. `advance()` is the only
code that assigns a status.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn

from sqlalchemy.orm.attributes import instance_state

from shared.storage.audit import entry_bytes
from shared.storage.db import Transaction
from shared.storage.idempotency import values as answer_values
from shared.storage.outbox import outbox_values
from shared.storage.step import Row, names_of, write
from shared.values.identifiers import uuid7
from shared.web.auth import STAFF, Actor, Role
from shared.web.errors import (
    CaseChanged,
    NotFound,
    OwnOrRelativeCase,
    Refusal,
    RoleNotAllowed,
    SeparationOfDuties,
    StaleVersion,
    StepNotAllowed,
)

Statuses = Collection[StrEnum]


class Clock(StrEnum):
    """What the promised time does while a case stands in a status."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True)
class Step:
    """One thing that can happen: from where, to where, by whom, and who is told.

    `sources` empty means from nothing; `target` None means the case stays where it is; several
    targets mean that the action chooses. `not_by` names the steps whose actor may not do this one.
    """

    name: str
    sources: Statuses
    target: StrEnum | Statuses | None
    by: AbstractSet[Role]
    not_by: Collection[str] = ()
    within: str | None = None
    tell: str | Mapping[StrEnum, str] | None = None
    silent: str | None = None
    fa: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", frozenset(self.sources))
        object.__setattr__(self, "by", frozenset(self.by))
        object.__setattr__(self, "not_by", tuple(self.not_by))
        if self.target is not None and not isinstance(self.target, StrEnum):
            object.__setattr__(self, "target", frozenset(self.target))
        if (self.tell is None) == (self.silent is None):
            raise ValueError(f"{self.name}: a step tells somebody or says why it is silent")

    @property
    def targets(self) -> frozenset[StrEnum]:
        """Every status this step can lead to; empty where the case stays."""
        if self.target is None:
            return frozenset()
        if isinstance(self.target, StrEnum):
            return frozenset({self.target})
        return frozenset(self.target)

    @property
    def topics(self) -> frozenset[str]:
        """Every topic this step can tell."""
        if self.tell is None:
            return frozenset()
        return frozenset({self.tell} if isinstance(self.tell, str) else self.tell.values())

    def topic(self, status: StrEnum) -> str | None:
        """What is told when the step ends in `status`."""
        return self.tell if self.tell is None or isinstance(self.tell, str) else self.tell[status]

    @property
    def path(self) -> str:
        """The last segment of the route: the same word with dashes."""
        return self.name.replace("_", "-")


class Workflow:
    """The life of one kind of case: its statuses, their Persian labels, clocks and steps."""

    def __init__(
        self,
        name: str,
        status: type[StrEnum],
        start: StrEnum | Statuses,
        steps: Iterable[Step],
        *,
        labels: Mapping[StrEnum, str],
        paused: Statuses = (),
        stopped: Statuses = (),
        next_step: Mapping[StrEnum, str] | None = None,
        refusals: Collection[str] = ("refused", "not_qualified", "objection_rejected"),
    ) -> None:
        self.name = name
        self.status = status
        self.start = frozenset({start} if isinstance(start, StrEnum) else start)
        rows = list(steps)
        self.steps = {step.name: step for step in rows}
        if len(self.steps) != len(rows):
            raise ValueError(f"{name}: a step stands twice in the table")
        self.labels = labels
        self.paused = frozenset(paused)
        self.stopped = frozenset(stopped)
        self.next_step = next_step or {}
        self.refusals = frozenset(refusals)

    def clock(self, status: StrEnum) -> Clock:
        """Whether the promised time runs, waits or has ended in this status."""
        if status in self.stopped:
            return Clock.STOP
        return Clock.PAUSE if status in self.paused else Clock.RUN

    def outcome(self, status: StrEnum) -> str:
        """Return what a status means to whoever waits: `open`, `closed` or `refused`."""
        if status in self.refusals:
            return "refused"
        return "closed" if status in self.stopped else "open"

    def waits_for(self, status: StrEnum) -> list[str]:
        """Return the roles, not the system's, from whom a step is promised in this status.

        What may happen at any time (a withdrawal, say) keeps nobody waiting.
        """
        steps = (step for step in self.steps.values() if status in step.sources and step.within)
        return sorted({role for step in steps for role in step.by} - {Role.SYSTEM})

    def refusal(
        self, step: str, status: StrEnum | None, roles: Collection[Role]
    ) -> type[Refusal] | None:
        """Why the table refuses: role first, then state (api.md section 2); None when it may go."""
        row = self.steps[step]
        if not row.by & frozenset(roles):
            return RoleNotAllowed
        here = status in row.sources if row.sources else status is None
        return None if here else StepNotAllowed

    def actions(
        self, status: StrEnum, roles: Collection[Role], done: Collection[str] = ()
    ) -> list[str]:
        """Path segments of what these roles may do now, having done the steps in `done` before."""
        mine = frozenset(roles)
        return [
            step.path
            for step in self.steps.values()
            if status in step.sources
            and step.by & mine
            and not frozenset(step.not_by) & frozenset(done)
        ]


# How a step is taken


def check(tx: Transaction, row: Any, step_name: str, actor: Actor) -> None:
    """Refuse what `advance` would refuse, before an action asks or judges anything (api.md 2).

    Raises RoleNotAllowed, StepNotAllowed, OwnOrRelativeCase, SeparationOfDuties.
    """
    before = None if row.status is None else row.workflow.status(row.status)
    _check(tx, row, row.workflow.steps[step_name], before, actor)


def offered(tx: Transaction, row: Any, actor: Actor) -> list[str]:
    """Path segments of what this caller may do now: what `check` would let pass."""
    if _own_or_relative(tx, row, actor):
        return []
    done = {past["step"] for past in row.past if past["actor_sub"] == actor.sub}
    found: list[str] = row.workflow.actions(row.workflow.status(row.status), actor.roles, done)
    return found


async def advance(
    tx: Transaction,
    row: Any,
    step_name: str,
    actor: Actor,
    *,
    to: StrEnum | None = None,
    reason: str | None = None,
    facts: Mapping[str, str] | None = None,
    also: Iterable[Row] = (),
) -> None:
    """Take one step: check role, state and duties, then write everything in one statement.

    The row's attributes that the action has set ride along. `reason` is for the history, `facts`
    (codes and dates) go into history and event, `also` are rows that belong to the step.
    Raises RoleNotAllowed, StepNotAllowed, OwnOrRelativeCase, SeparationOfDuties, StaleVersion where
    the caller named a version, else CaseChanged; NotFound for a case that is gone.
    """
    step = row.workflow.steps[step_name]
    before = None if row.status is None else row.workflow.status(row.status)
    _check(tx, row, step, before, actor)
    target = _target(step, before, to)
    was_version = row.version or 0
    row.status, row.version = target, was_version + 1
    if hasattr(row, "changed_at"):
        row.changed_at = tx.now
    taken = Taken(
        step, before, target, actor, reason, dict(facts or {}), tx.now, _channel(row, actor)
    )
    if hasattr(row, "past"):
        row.past = [*row.past, taken.as_past(row.version)]
    tx.made = tx.reply() if tx.reply is not None else None
    rows = [*also, *_following(tx, row, taken)]
    guard = None
    if before is not None:
        guard = {"id": row.id, "version": was_version, "status": before, "actor": actor.sub}
    changed = _changed(row, new=before is None)
    done = await write(
        tx, row.__table__, changed, guard=guard, not_by=step.not_by if guard else (), rows=rows
    )
    if done is None:
        await _explain(tx, row, before, was_version)
    if step.tell is not None:
        tx.runtime.poke.set()


@dataclass(frozen=True, slots=True)
class Taken:
    """A step as it was taken."""

    step: Step
    before: StrEnum | None
    after: StrEnum
    actor: Actor
    reason: str | None
    facts: dict[str, str]
    at: datetime
    channel: str | None

    @property
    def role(self) -> str:
        """The role in which it was taken."""
        return str(min(self.step.by & self.actor.roles))

    def as_past(self, version: int) -> dict[str, Any]:
        return {
            "version": version,
            "step": self.step.name,
            "from_status": self.before,
            "status": self.after,
            "actor_sub": self.actor.sub,
            "actor_role": self.role,
            "channel": self.channel,
            "office_code": self.actor.office_code,
            "reason": self.reason,
            "facts": self.facts,
            "at": self.at,
        }


def _check(tx: Transaction, row: Any, step: Step, before: StrEnum | None, actor: Actor) -> None:
    refusal = row.workflow.refusal(step.name, before, actor.roles)
    if refusal is RoleNotAllowed:
        raise refusal
    if tx.if_match is not None and before is not None and tx.if_match != row.version:
        raise StaleVersion  # who names a version acted on what they saw: say that it is gone
    if refusal is not None:
        raise StepNotAllowed(current_status=before)
    if _own_or_relative(tx, row, actor):
        raise OwnOrRelativeCase
    past = getattr(row, "past", ())
    if step.not_by and any(p["step"] in step.not_by and p["actor_sub"] == actor.sub for p in past):
        raise SeparationOfDuties


def _own_or_relative(tx: Transaction, row: Any, actor: Actor) -> bool:
    """H51: nobody who works here decides on their own file, nor on a relative's."""
    kin: Collection[bytes] = getattr(row, "kin", None) or ()
    code = actor.national_code if actor.roles & STAFF else None
    return bool(kin and code and tx.runtime.crypto.index(code) in kin)


def _channel(row: Any, actor: Actor) -> str | None:
    if Role.SYSTEM in actor.roles:
        return None
    if len(actor.channels) == 1:
        return next(iter(actor.channels))
    return getattr(row, "channel", None) if not actor.roles & STAFF else None


def _target(step: Step, before: StrEnum | None, to: StrEnum | None) -> StrEnum:
    if step.target is None:
        if before is None:
            raise ValueError(f"{step.name}: a step from nothing needs a target")
        return before
    if isinstance(step.target, StrEnum):
        return step.target
    if to is None or to not in step.targets:
        raise ValueError(f"{step.name}: {to} is not among its targets")
    return to


def _changed(row: Any, *, new: bool) -> dict[str, Any]:
    """What the action and this step have set, by column."""
    state = instance_state(row)
    values = state.dict
    set_here = values if new else state.committed_state
    names = names_of(row.__table__)
    return {name: values[name] for name in names if name in set_here and name in values}


def _following(tx: Transaction, row: Any, taken: Taken) -> Iterator[Row]:
    """Yield history, audit, event and idempotent answer of one step."""
    tables, runtime = tx.tables, tx.runtime
    past = taken.as_past(row.version)
    yield Row(tables.history, {"subject_id": row.id, **past})
    told = row.told()
    people = told.get("person_ids") or ()
    audit_id = uuid7()
    entry = entry_bytes(
        id=audit_id,
        at=taken.at,
        service=runtime.service,
        actor=taken.actor.sub,
        role=taken.role,
        action=f"{row.workflow.name}.{taken.step.name}",
        subject=runtime.crypto.pseudonym(people[0]) if people else None,
        reference=told.get("tracking_code") or str(row.id),
        request_id=tx.trace,
        status=str(taken.after),
        version=row.version,
    )
    yield Row(tables.audit, {"id": audit_id, "at": taken.at, "entry": entry})
    topic = taken.step.topic(taken.after)
    if topic is not None:
        payload = {
            **told,
            "service": runtime.service,
            "case_id": str(row.id),
            "status": taken.after,
            "step": taken.step.name,
            "version": row.version,
            "clock": row.workflow.clock(taken.after),
            "outcome": row.workflow.outcome(taken.after),
            "waits_for": row.workflow.waits_for(taken.after),
            "step_label": taken.step.fa,
            "status_label": row.workflow.labels[taken.after],
            "next_step": row.workflow.next_step.get(taken.after),
            "within": taken.step.within,
            "role": taken.role,
            "facts": taken.facts,
        }
        yield Row(
            tables.outbox,
            outbox_values(
                topic,
                subject_id=row.id,
                version=row.version,
                payload=payload,
                at=taken.at,
                trace=tx.trace,
            ),
        )
    if tx.key is not None and tx.made is not None:
        yield Row(tables.idempotency, answer_values(runtime, tx.key, tx.made, now=tx.now))


async def _explain(tx: Transaction, row: Any, before: StrEnum | None, version: int) -> NoReturn:
    """Say why the guard did not hold; nothing was written. Always raises."""
    table = row.__table__
    now = await tx.fetchrow(
        f'SELECT status, version FROM "{table.schema}"."{table.name}" WHERE id = $1',  # noqa: S608
        row.id,
    )
    if now is None:
        raise NotFound
    if now["version"] != version and tx.if_match is not None:
        raise StaleVersion
    if now["status"] != before:
        raise StepNotAllowed(current_status=now["status"])
    raise CaseChanged if now["version"] != version else SeparationOfDuties
