"""The same three routes as a team would write them at first: AsyncSession, flush, Depends.

The same tables, the same rows, the same sealing and the same rules; no strict parser before it, no
one-statement step, no answer made ahead. What this costs is what the figures compare with.
"""

import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry

from deploy.bench.asked import stand_in
from services.intake.applications import actions, queries
from services.intake.applications.models import Application, CaseStep
from services.intake.applications.schemas import ApplicationIn, ApplicationOut, ApplicationView
from services.intake.people.models import Person
from services.livelihood.models import AdmissionCase, Visit
from services.livelihood.routes import show
from services.livelihood.schemas import AdmissionOut, PlanVisitIn
from shared.cases import may_see
from shared.running.settings import Settings
from shared.storage import policy
from shared.storage.audit import entry_bytes
from shared.storage.db import Runtime, Transaction
from shared.storage.idempotency import Answer, Key, request_hash
from shared.storage.idempotency import values as answer_values
from shared.storage.outbox import outbox_values
from shared.storage.tables import Mechanisms
from shared.values.calendar import tehran_date
from shared.values.identifiers import TrackingCode, uuid7
from shared.web.auth import Actor, Role, load_verifier


def mapped(tables: Mechanisms) -> SimpleNamespace:
    """ORM classes over the mechanism tables of one schema."""
    maps = registry()

    def model(name: str, table: Table) -> type[Any]:
        made = type(name, (), {})
        maps.map_imperatively(made, table)
        return made

    return SimpleNamespace(
        History=model("History", tables.history),
        Audit=model("Audit", tables.audit),
        Outbox=model("Outbox", tables.outbox),
        Idempotency=model("Idempotency", tables.idempotency),
    )


class Plain:
    """What the routes of one plain application share."""

    def __init__(self, service: str, settings: Settings, runtime: Runtime) -> None:
        self.runtime = runtime
        self.models = mapped(runtime.tables)
        self.verifier = load_verifier(settings.keys_dir, audience=service)
        dsn = settings.dsn(service).replace("postgresql://", "postgresql+asyncpg://")
        self.engine = create_async_engine(dsn)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    async def session(self) -> AsyncIterator[AsyncSession]:
        async with self.sessions() as session:
            yield session

    async def actor(self, authorization: Annotated[str, Header()]) -> Actor:
        return self.verifier.verify(authorization.removeprefix("Bearer "))

    async def replayed(self, session: AsyncSession, key: Key) -> None:
        """Refuse what was answered before; the load never sends a key twice."""
        if await session.get(self.models.Idempotency, (key.actor, key.operation, key.key)):
            raise HTTPException(409)

    def follow(
        self, session: AsyncSession, row: Any, step_name: str, actor: Actor, before: str | None
    ) -> None:
        """History, audit and event of a step, each an object of its own."""
        runtime, models, step = self.runtime, self.models, row.workflow.steps[step_name]
        role, told, after = min(step.by & actor.roles), row.told(), row.workflow.status(row.status)
        session.add(
            _filled(
                models.History,
                subject_id=row.id, version=row.version, step=step_name, from_status=before,
                status=row.status, actor_sub=actor.sub, actor_role=role,
                channel=next(iter(actor.channels), None), office_code=actor.office_code,
                reason=None, facts={}, at=row.changed_at,
            )
        )  # fmt: skip
        audit_id = uuid7()
        entry = entry_bytes(
            id=audit_id, at=row.changed_at, service=runtime.service, actor=actor.sub, role=role,
            action=f"{row.workflow.name}.{step_name}",
            subject=runtime.crypto.pseudonym(told["person_ids"][0]),
            reference=row.tracking_code, request_id=uuid7().hex, status=row.status,
            version=row.version,
        )  # fmt: skip
        session.add(_filled(models.Audit, id=audit_id, at=row.changed_at, entry=entry))
        payload = {
            **told, "service": runtime.service, "case_id": str(row.id), "status": row.status,
            "step": step_name, "version": row.version, "clock": row.workflow.clock(after),
            "outcome": row.workflow.outcome(after), "waits_for": row.workflow.waits_for(after),
            "step_label": step.fa, "status_label": row.workflow.labels[after],
            "next_step": row.workflow.next_step.get(after), "within": step.within, "role": role,
            "facts": {},
        }  # fmt: skip
        event = outbox_values(
            step.topic(after), subject_id=row.id, version=row.version, payload=payload,
            at=row.changed_at, trace=uuid7().hex,
        )  # fmt: skip
        session.add(_filled(models.Outbox, **event))

    def keep(self, session: AsyncSession, key: Key, answer: Answer, *, now: Any) -> None:
        """The idempotent answer, sealed as ours is."""
        values = answer_values(self.runtime, key, answer, now=now)
        session.add(_filled(self.models.Idempotency, **values))


def _filled(model: type[Any], **values: Any) -> Any:
    made = model()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _key(actor: Actor, route: str, key: str, body: bytes) -> Key:
    return Key(actor.sub, f"POST {route}", key, request_hash("POST", route, body))


def plain(service: str, settings: Settings) -> FastAPI:
    """The plain application of `intake` or `livelihood`."""
    manifest = importlib.import_module(f"services.{service}.app").service
    runtime: Runtime = manifest.runtime(settings)
    stand_in(runtime)
    held = Plain(service, settings, runtime)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await runtime.open()
        yield
        await runtime.close()
        await held.engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    {"intake": _intake, "livelihood": _livelihood}[service](app, held)
    return app


def _intake(app: FastAPI, held: Plain) -> None:
    runtime, models = held.runtime, held.models
    session_of, actor_of = Depends(held.session), Depends(held.actor)

    @app.post("/v1/applications", status_code=201, response_model=ApplicationOut)
    async def file_application(
        body: ApplicationIn,
        idempotency_key: Annotated[str, Header()],
        session: AsyncSession = session_of,
        actor: Actor = actor_of,
    ) -> Any:
        if not actor.has(Role.COUNTER, Role.CITIZEN):
            raise HTTPException(403)
        key = _key(actor, "/v1/applications", idempotency_key, body.model_dump_json().encode())
        await held.replayed(session, key)
        tx = Transaction(runtime)
        filing = await actions.prepare(tx, body, actor)
        row = filing.application
        row.status, row.version = "submitted", 1
        session.add_all(Person(**dict(new.values)) for new in filing.also)
        await session.flush()
        session.add(row)
        held.follow(session, row, "submit", actor, None)
        out = queries.filed(row, body, actor)
        held.keep(session, key, Answer(201, out.model_dump_json().encode()), now=tx.now)
        await session.commit()
        return out

    @app.get("/v1/applications/{tracking_code}", response_model=ApplicationView)
    async def read_application(
        tracking_code: TrackingCode,
        session: AsyncSession = session_of,
        actor: Actor = actor_of,
    ) -> Any:
        tx = Transaction(runtime)
        found = select(Application).where(Application.tracking_code == tracking_code)
        row = (await session.scalars(found)).one_or_none()
        if row is None or not may_see(tx, row, actor):
            raise HTTPException(404)
        row.past = await _past(session, models.History, row)
        steps = await session.scalars(
            select(CaseStep).where(CaseStep.application_id == row.id).order_by(CaseStep.at)
        )
        ids = dict.fromkeys((row.applicant_id, row.subject_id))
        people = await session.scalars(select(Person).where(Person.id.in_(ids)))
        codes = {person.id: person.code for person in people}
        story: Mapping[str, Any] = {
            "case_steps": [vars(step) for step in steps],
            "codes": [codes[person_id] for person_id in ids],
        }
        return queries.view(tx, row, story, actor)


async def _past(session: AsyncSession, history: Any, row: Any) -> list[Any]:
    steps = await session.scalars(
        select(history).where(history.subject_id == row.id).order_by(history.version)
    )
    return [vars(step) for step in steps]


def _livelihood(app: FastAPI, held: Plain) -> None:
    runtime, models = held.runtime, held.models
    session_of, actor_of = Depends(held.session), Depends(held.actor)

    @app.post("/v1/livelihood/cases/{tracking_code}/plan-visit", response_model=AdmissionOut)
    async def plan_visit(
        tracking_code: TrackingCode,
        body: PlanVisitIn,
        idempotency_key: Annotated[str, Header()],
        session: AsyncSession = session_of,
        actor: Actor = actor_of,
    ) -> Any:
        if not actor.has(Role.SOCIAL_WORKER):
            raise HTTPException(403)
        tx = Transaction(runtime)
        route = f"/v1/livelihood/cases/{tracking_code}/plan-visit"
        key = _key(actor, route, idempotency_key, body.model_dump_json().encode())
        await held.replayed(session, key)
        found = select(AdmissionCase).where(AdmissionCase.tracking_code == tracking_code)
        row = (await session.scalars(found.with_for_update())).one_or_none()
        if row is None or not may_see(tx, row, actor):
            raise HTTPException(404)
        row.past = await _past(session, models.History, row)
        before = row.status
        if row.workflow.refusal("plan_visit", row.workflow.status(before), actor.roles):
            raise HTTPException(409)
        tries = await policy.on(tx, "livelihood.visit_tries", tehran_date(tx.now))
        if body.visit_on < tehran_date(tx.now) or row.visit_tries >= tries["max"]:
            raise HTTPException(422)
        row.status, row.version, row.changed_at = "visit_planned", row.version + 1, tx.now
        row.visit_number, row.visit_on = row.visit_number + 1, body.visit_on
        session.add(
            Visit(
                case_id=row.id,
                number=row.visit_number,
                planned_on=body.visit_on,
                time_window=body.time_window,
                outcome="planned",
            )
        )
        held.follow(session, row, "plan_visit", actor, before)
        await session.flush()
        row.past = await _past(session, models.History, row)
        out = show(tx, row, actor)
        held.keep(session, key, Answer(200, out.model_dump_json().encode()), now=tx.now)
        await session.commit()
        return out
