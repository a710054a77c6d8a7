"""What is asked: filing an application, reading one, and planning a visit; run a few times first.

Both real applications run in this process for that, and what they send to the database is kept.
"""

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from deploy.bench.floor import Script, overheard
from deploy.bench.people import application
from deploy.bench.serve import measured
from deploy.bench.stage import BenchFault, Stage
from services.livelihood.actions.admission import open_case
from services.livelihood.clients import filed
from services.livelihood.models import AdmissionCase
from shared.running.lifespan import Lifespan
from shared.web.auth import Actor, Role, load_or_create_signer
from shared.web.clients import call_asgi
from shared.workflow import advance

COUNTER = Actor(
    sub="bench-counter",
    roles=frozenset({Role.COUNTER}),
    channels=frozenset({"counter"}),
    office_code="72010001",
    contract_number="C-1",
)
WORKER = Actor(
    sub="bench-worker",
    roles=frozenset({Role.SOCIAL_WORKER}),
    channels=frozenset({"in_person_desk"}),
    province="Tehran",
    office_code="T-1",
)
VISIT = json.dumps({"visit_on": "2099-02-10", "time_window": "morning"})

Request = tuple[str, str, str, str]
"""Method, path, idempotency key, body."""
_keys = count()


def _key() -> str:
    return f"bench-{next(_keys):012d}"


def submission(national_code: str) -> Request:
    return "POST", "/v1/applications", _key(), application(national_code)


def reading(tracking_code: str) -> Request:
    return "GET", f"/v1/applications/{tracking_code}", "", ""


def planning(tracking_code: str) -> Request:
    return "POST", f"/v1/livelihood/cases/{tracking_code}/plan-visit", _key(), VISIT


@dataclass(frozen=True, slots=True)
class Learned:
    """The floors of the three routes, and the codes of an application and a case to copy."""

    submit: Script
    read: Script
    step: Script
    application: str
    case: str


def authorised(stage: Stage, service: str, actor: Actor) -> dict[str, str]:
    """The headers of a caller whom the gateway has signed onward."""
    signer = load_or_create_signer(stage.settings.keys_dir, "gateway")
    return {"authorization": f"Bearer {signer.sign(actor, audience=service)}"}


async def learn(stage: Stage, national_codes: Iterator[str]) -> Learned:
    """Take three applications as far as the planned visit, the third one step less."""
    apps = {name: measured(name, stage.settings) for name in ("intake", "livelihood")}
    async with AsyncExitStack() as stack:
        for name, app in apps.items():
            app.state.runtime.inside.apps.update(apps)
            await stack.enter_async_context(Lifespan(name, app))

        async def call(request: Request, service: str, actor: Actor) -> Any:
            return await _call(apps[service], request, authorised(stage, service, actor))

        with overheard("write") as writes:
            filed_ones = [
                await call(submission(code), "intake", COUNTER)
                for code in islice(national_codes, 3)
            ]
        codes = [one["tracking_code"] for one in filed_ones]
        with overheard("fetchrow") as reads:
            for code in codes[:2]:
                await call(reading(code), "intake", COUNTER)
        cases = [await _under_review(apps["livelihood"], code) for code in codes]
        with overheard("write") as steps:
            for code in codes[:2]:
                await call(planning(code), "livelihood", WORKER)
    # The row is found by the id that stands for its number instead of by its code: as fast.
    by_id = [
        (sql.replace("a.tracking_code = $1", "a.id = $1"), (case.application_id,))
        for (sql, _), case in zip(reads, cases, strict=False)
    ]
    read_ids = (cases[0].application_id, cases[1].application_id)
    return Learned(
        submit=Script(writes[0], writes[1]),
        read=Script(by_id[0], by_id[1], numbered=read_ids),
        step=Script(steps[0], steps[1], numbered=(cases[0].id, cases[1].id)),
        application=codes[2],
        case=codes[2],
    )


async def _under_review(app: Any, tracking_code: str) -> AdmissionCase:
    """The case of an application, as if its event had come and its papers were complete."""
    async with app.state.runtime.transaction(lone=False) as tx:
        row = await open_case(tx, await filed(tx, tracking_code))
    async with app.state.runtime.transaction() as tx:
        await advance(tx, row, "review", WORKER)
    return row


async def _call(app: Any, request: Request, headers: dict[str, str]) -> Any:
    method, path, key, body = request
    if key:
        headers |= {"idempotency-key": key, "content-type": "application/json"}
    wire = [(name.encode(), value.encode()) for name, value in headers.items()]
    status, _, answer = await call_asgi(
        app, method=method, path=path, headers=wire, body=body.encode()
    )
    if status >= 300:
        raise BenchFault(f"{method} {path}: {status} {answer.decode()}")
    return json.loads(answer)
