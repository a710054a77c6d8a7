"""A case, the same shape in every service: its columns, who may see it, and its routes.

`GET /v1/{service}/cases/{tracking_code}` and `POST …/{action}` come from the Step table; the
service gives its actions and its public shape.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.service import respond, transaction
from shared.storage.db import Transaction, loads
from shared.storage.idempotency import Answer
from shared.values.calendar import jalali_text
from shared.values.identifiers import TrackingCode
from shared.web.auth import SCHEME, Actor, Caller, Role
from shared.web.document import refuses
from shared.web.errors import NotFound, Refusal, RoleNotAllowed
from shared.workflow import Workflow, check, offered

Case = TypeVar("Case", bound="CaseColumns")
Action = Callable[[Transaction, Any, Actor, Any], Awaitable[None]]
CASEWORKERS = frozenset({Role.INTAKE_OFFICER, Role.SOCIAL_WORKER, Role.APPROVER, Role.REVIEWER})
LOAN_EXPERTS = frozenset({Role.JOB_COUNSELLOR, Role.EMPLOYMENT_EXPERT})
SEES_ALL = frozenset({Role.AUDITOR, Role.INSPECTOR, Role.SYSTEM})


class CaseColumns:
    """What every case has, whichever service keeps it.

    `holders` are the blind indexes of those whose case it is; `kin` those of their relatives too,
    who may not decide on it; `office_code` is the office that handles it, `filed_by` the one that
    filed it.
    """

    workflow: ClassVar[Workflow]
    __table__: ClassVar[Any]  # SQLAlchemy makes it

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    tracking_code: Mapped[str] = mapped_column(Text, unique=True)
    status: Mapped[str] = mapped_column(Text, index=True)
    version: Mapped[int]
    person_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    holders: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    kin: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    province: Mapped[str | None] = mapped_column(Text)
    office_code: Mapped[str | None] = mapped_column(Text)
    filed_by: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    past: Sequence[Mapping[str, Any]] = ()

    @property
    def read_by(self) -> frozenset[Role]:
        """The staff who see it in their province: money is prepared without reading files."""
        return CASEWORKERS

    def told(self) -> dict[str, Any]:
        """What an event says of a case: ids and codes only."""
        return {
            "tracking_code": self.tracking_code,
            "person_ids": [str(person) for person in self.person_ids],
            "province": self.province,
            "office_code": self.office_code,
        }


class PastStep(BaseModel):
    """One row of a case's history."""

    version: int
    step: str
    label: str = Field(description="The step in plain Persian")
    from_status: str | None
    status: str
    status_label: str
    actor_role: str
    channel: str | None
    reason: str | None
    facts: dict[str, str]
    at: datetime
    at_jalali: str


class CaseOut(BaseModel):
    """A case as its service shows it; `actions` are what this caller may do now."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    tracking_code: str
    case_id: UUID
    status: str
    status_label: str
    next_step: str | None
    version: int
    opened_at: datetime
    opened_at_jalali: str
    actions: list[str]
    history: list[PastStep]


def shown(tx: Transaction, row: CaseColumns, actor: Actor) -> dict[str, Any]:
    """The fields of `CaseOut` for this caller."""
    flow = row.workflow
    status = flow.status(row.status)
    return {
        "tracking_code": row.tracking_code,
        "case_id": row.id,
        "status": status,
        "status_label": flow.labels[status],
        "next_step": flow.next_step.get(status),
        "version": row.version,
        "opened_at": row.opened_at,
        "opened_at_jalali": jalali_text(row.opened_at),
        "actions": offered(tx, row, actor),
        "history": [past_step(flow, past) for past in row.past],
    }


def past_step(flow: Workflow, past: Mapping[str, Any]) -> PastStep:
    """One row of history, labelled."""
    step = flow.steps.get(past["step"])
    at = past["at"]
    at = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return PastStep.model_construct(
        **{**past, "at": at},
        label=step.fa if step else past["step"],
        status_label=flow.labels[flow.status(past["status"])],
        at_jalali=jalali_text(at),
    )


# Reading


@lru_cache(maxsize=64)
def _read(table: Table, column: str) -> tuple[str, tuple[str, ...]]:
    """One statement: the row and its whole history. Also the names of its json columns."""
    names = ", ".join(f'c."{c.name}"' for c in table.columns)
    sql = (
        f"SELECT {names}, (SELECT json_agg(h ORDER BY h.version)"  # noqa: S608
        f' FROM "{table.schema}".history h WHERE h.subject_id = c.id) AS past'
        f' FROM "{table.schema}"."{table.name}" c WHERE c."{column}" = $1'
    )
    return sql, tuple(c.name for c in table.columns if isinstance(c.type, JSONB))


def from_record(model: type[Case], record: Mapping[str, Any]) -> Case:
    """A model instance from a driver's row: what an action sets on it later is what changed."""
    values = dict(record)
    past = loads(values.pop("past", None)) or []
    for name in _read(model.__table__, "id")[1]:
        values[name] = loads(values[name])
    row = model()
    row.__dict__.update(values)
    row.past = past
    return row


async def find(
    tx: Transaction, model: type[Case], value: object, *, by: str = "tracking_code"
) -> Case | None:
    """The row with its history, in one read; None when there is none."""
    record = await tx.fetchrow(_read(model.__table__, by)[0], value)
    return None if record is None else from_record(model, record)


async def get_or_refuse(
    tx: Transaction, model: type[Case], tracking_code: str, *, actor: Actor
) -> Case:
    """The case, if this caller may see it. Raises NotFound alike for absent and for not theirs."""
    row = await find(tx, model, tracking_code)
    if row is None or not may_see(tx, row, actor):
        raise NotFound
    return row


def may_see(tx: Transaction, row: CaseColumns, actor: Actor) -> bool:
    """Citizens see their own, counters what they filed, staff their province."""
    if actor.roles & SEES_ALL:
        return True
    if actor.roles & row.read_by and actor.province and actor.province == row.province:
        return True
    if actor.has(Role.COUNTER) and actor.office_code and actor.office_code == row.filed_by:
        return True
    if actor.has(Role.CITIZEN) and actor.national_code:
        return tx.runtime.crypto.index(actor.national_code) in row.holders
    return False


# Routes


class Nothing(BaseModel):
    """An action that needs no more than its name."""

    model_config = ConfigDict(extra="forbid")


def case_router(
    service: str,
    model: type[Any],
    show: Callable[[Transaction, Any, Actor], CaseOut],
    *,
    out: type[CaseOut],
    actions: Mapping[str, tuple[type[BaseModel], Action, *tuple[type[Refusal], ...]]],
) -> APIRouter:
    """The routes of one kind of case, from its Step table.

    `actions` gives each step its body, its action, and the refusals that only this action makes.
    """
    router = APIRouter(prefix=f"/{service}/cases", tags=[service])

    @router.get(
        "/{tracking_code}",
        response_model=out,
        openapi_extra=access(set(Role) - {Role.SYSTEM}),
        operation_id=f"{service}_case",
        summary="پرونده با تاریخچه و اقدام‌های ممکن",
    )
    async def case(tracking_code: TrackingCode, request: Request, actor: Caller) -> Response:
        async with transaction(request) as tx:
            row = await get_or_refuse(tx, model, tracking_code, actor=actor)
            return _answer(show(tx, row, actor))

    for name, (body, action, *refusals) in actions.items():
        step = model.workflow.steps[name]
        router.add_api_route(
            f"/{{tracking_code}}/{step.path}",
            _taking(model, show, name, body, action),
            methods=["POST"],
            response_model=out,
            operation_id=f"{service}_{name}",
            summary=step.fa,
            openapi_extra=access(step.by) | taking(model.workflow, name, *refusals),
        )
    return router


def _taking(
    model: type[Any],
    show: Callable[[Transaction, Any, Actor], CaseOut],
    name: str,
    body_type: type[BaseModel],
    action: Action,
) -> Callable[..., Awaitable[Response]]:
    allowed = model.workflow.steps[name].by

    async def take(
        tracking_code: TrackingCode,
        body: body_type,  # type: ignore[valid-type]
        request: Request,
        actor: Caller,
    ) -> Response:
        if not allowed & actor.roles:
            raise RoleNotAllowed
        async with transaction(request, keyed=True) as tx:
            row = await get_or_refuse(tx, model, tracking_code, actor=actor)
            check(tx, row, name, actor)
            tx.reply = lambda: made(200, show(tx, row, actor), version=row.version)
            await action(tx, row, actor, body)
            return respond(tx)

    take.__name__ = name
    return take


def made(status: int, out: BaseModel, *, version: int, **headers: str) -> Answer:
    """The answer with the strong ETag of a version."""
    return Answer(status, out.model_dump_json().encode(), {"ETag": f'"{version}"', **headers})


def _answer(out: CaseOut) -> Response:
    answer = made(200, out, version=out.version)
    return Response(answer.body, answer.status, answer.headers, media_type="application/json")


# What the document says


def access(roles: Iterable[Role]) -> dict[str, Any]:
    """For `openapi_extra`: who may call, where the route itself looks at the role."""
    return {"x-roles": sorted(roles), "security": [{SCHEME: []}]}


def taking(flow: Workflow, name: str, *refusals: type[Refusal]) -> dict[str, Any]:
    """For `openapi_extra`: which step an operation takes, as its table has it."""
    step = flow.steps[name]
    told = {
        "name": name,
        "from": {status: flow.labels[status] for status in flow.status if status in step.sources},
        "to": {status: flow.labels[status] for status in flow.status if status in step.targets},
        "within": step.within,
        "not_by": list(step.not_by),
    }
    return {"x-step": told, "x-keyed": True, **refuses(*refusals)}


def case_example(flow: Workflow, *steps: str, **more: Any) -> ConfigDict:
    """The example of a `CaseOut` after these steps of its table, one a day; `more` is its own."""
    at, status, history = datetime(2026, 11, 22, 8, tzinfo=UTC), "", []
    for version, name in enumerate(steps, start=1):
        step = flow.steps[name]
        before, status = status or None, min(step.targets, default=status)
        past = {"version": version, "step": name, "from_status": before, "status": status}
        past |= {"actor_role": min(step.by), "channel": None, "reason": None, "facts": {}}
        history.append(past_step(flow, {**past, "at": at}).model_dump(mode="json"))
        at += timedelta(days=1)
    now = flow.status(status)
    shape = {
        "tracking_code": "SH-PHC26MXDKE",
        "case_id": "019a9d5e-4c2b-7d33-a1f0-c6b2e8d49f57",
        "status": status,
        "status_label": flow.labels[now],
        "next_step": flow.next_step.get(now),
        "version": len(steps),
        "opened_at": history[0]["at"],
        "opened_at_jalali": history[0]["at_jalali"],
        "actions": flow.actions(now, [Role(role) for role in flow.waits_for(now)]),
        "history": history,
    }
    return ConfigDict(json_schema_extra={"examples": [shape | more]})
