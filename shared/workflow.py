"""Step and Workflow: who may move what from where, and how soon, as a table that people can read.

From the one table come the routes of a case, `actions` in its answer, the access matrix, the
message that goes out, the clock, the worklist and the diagrams in docs. `advance()` is the only
code that assigns a status.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.web.auth import Role
from shared.web.errors import Refusal, RoleNotAllowed, StepNotAllowed

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
    by: Collection[Role]
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

    def clock(self, status: StrEnum) -> Clock:
        """Whether the promised time runs, waits or has ended in this status."""
        if status in self.stopped:
            return Clock.STOP
        return Clock.PAUSE if status in self.paused else Clock.RUN

    def refusal(
        self, step: str, status: StrEnum | None, roles: Collection[Role]
    ) -> type[Refusal] | None:
        """Why the table refuses: role first, then state (api.md section 2); None when it may go."""
        row = self.steps[step]
        if not row.by & frozenset(roles):  # type: ignore[operator]
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
            and step.by & mine  # type: ignore[operator]
            and not frozenset(step.not_by) & frozenset(done)
        ]
