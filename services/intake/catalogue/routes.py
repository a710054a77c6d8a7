"""The catalogue over HTTP: reading is public, writing is the operator's."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field, StrictInt

from services.intake.catalogue import actions, queries
from services.intake.catalogue.card import IdentityCard, ServiceId
from services.intake.catalogue.schemas import (
    AreaOut,
    ContractIn,
    ContractOut,
    LifeEvent,
    OfficeOut,
    Paper,
    ServiceRef,
    ServiceRow,
    StatementRow,
)
from services.intake.catalogue.statement import Statement, StatementIn
from services.intake.errors import ServiceIdImmutable
from shared.service import JSON, Tx, answer
from shared.values.identifiers import OfficeCode
from shared.values.text import Code
from shared.web.auth import Actor, Role, allow
from shared.web.document import refuses
from shared.web.page import Digits, KnownQuery, Limit, Page, etag, version_from_if_match

router = APIRouter(dependencies=[KnownQuery])
Operator = Annotated[Actor, Depends(allow(Role.OPERATOR))]
Overseer = Annotated[Actor, Depends(allow(Role.OPERATOR, Role.AUDITOR, Role.INSPECTOR))]
Named = Annotated[ServiceRef, Path()]
After = Annotated[str | None, Query(max_length=1024)]
Version = Annotated[int | None, Digits, Query(ge=1, le=30_000)]
AreaId = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9-]+)?$")]


class StatementBody(StatementIn):
    """A statement as somebody read and changed it; the version it came with is not asked."""

    version: Annotated[StrictInt, Field(ge=1, le=30_000)] | None = None


def _shown(out: BaseModel, version: int) -> Response:
    headers = {"ETag": etag(version)}
    return Response(out.model_dump_json(), headers=headers, media_type=JSON)


@router.get("/services", tags=["catalogue"], summary="فهرست خدمت‌ها")
async def list_services(
    tx: Tx,
    life_event: LifeEvent | None = None,
    parent_id: ServiceId | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Page[ServiceRow]:
    return await queries.services(tx, event=life_event, parent_id=parent_id, page=(limit, cursor))


@router.get(
    "/services/{service}",
    tags=["catalogue"],
    response_model=IdentityCard,
    summary="شناسنامهٔ خدمت با همهٔ فیلدهای آن",
)
async def read_card(service: Named, tx: Tx) -> Response:
    card, version = await queries.card(tx, service)
    return _shown(card, version)


@router.put(
    "/services/{service}",
    tags=["catalogue"],
    response_model=IdentityCard,
    summary="ویرایش تازهٔ شناسنامهٔ خدمت",
    openapi_extra=refuses(ServiceIdImmutable),
)
async def write_card(
    service: Named, body: IdentityCard, tx: Tx, actor: Operator, request: Request
) -> Response:
    version_from_if_match(request.headers, required=True)
    name = await queries.service_named(tx, service)
    version = await actions.write_card(tx, name, body, actor=actor)
    return await answer(tx, 200, (await queries.card(tx, name))[0], ETag=etag(version))


@router.get(
    "/services/{service}/checklist", tags=["catalogue"], summary="مدارکی که این درخواست می‌خواهد"
)
async def read_checklist(service: Named, tx: Tx, reason: Code | None = None) -> list[Paper]:
    return await queries.checklist(tx, await queries.service_named(tx, service), reason)


@router.get(
    "/services/{service}/statement",
    tags=["catalogue"],
    response_model=Statement,
    summary="شرح بیانیهٔ سطح خدمت",
)
async def read_statement(service: Named, tx: Tx, version: Version = None) -> Response:
    text = await queries.statement(tx, await queries.service_named(tx, service), version)
    return _shown(text, text.version)


@router.put(
    "/services/{service}/statement",
    tags=["catalogue"],
    response_model=Statement,
    summary="نسخهٔ تازهٔ بیانیهٔ سطح خدمت",
)
async def write_statement(
    service: Named, body: StatementBody, tx: Tx, actor: Operator, request: Request
) -> Response:
    version_from_if_match(request.headers, required=True)
    name = await queries.service_named(tx, service)
    text = await actions.write_statement(tx, name, body, actor=actor)
    return await answer(tx, 200, text, ETag=etag(text.version))


@router.get("/statements/{service}", tags=["catalogue"], summary="نسخه‌های بیانیهٔ یک خدمت")
async def list_statements(
    service: Named, tx: Tx, limit: Limit = 50, cursor: After = None
) -> Page[StatementRow]:
    name = await queries.service_named(tx, service)
    return await queries.statement_versions(tx, name, page=(limit, cursor))


@router.get("/areas", tags=["catalogue"], summary="استان‌ها و شهرستان‌ها")
async def list_areas(
    tx: Tx,
    kind: Literal["province", "county"] | None = None,
    parent_id: AreaId | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Page[AreaOut]:
    return await queries.areas(tx, kind=kind, parent_id=parent_id, page=(limit, cursor))


@router.get("/offices", tags=["catalogue"], summary="اداره‌ها و شهرستان‌های هر یک")
async def list_offices(
    tx: Tx, province: AreaId | None = None, limit: Limit = 50, cursor: After = None
) -> Page[OfficeOut]:
    return await queries.offices(tx, province=province, page=(limit, cursor))


@router.get("/counters/contracts", tags=["counters"], summary="قراردادهای دفترهای پیشخوان")
async def list_contracts(
    tx: Tx,
    _: Overseer,
    office_code: OfficeCode | None = None,
    number: Code | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Page[ContractOut]:
    return await queries.contracts(tx, office_code=office_code, number=number, page=(limit, cursor))


@router.post(
    "/counters/contracts",
    tags=["counters"],
    status_code=201,
    response_model=ContractOut,
    summary="ثبت قرارداد واگذاری خدمات به دفتر پیشخوان",
)
async def sign_contract(body: ContractIn, tx: Tx, actor: Operator) -> Response:
    return await answer(tx, 201, await actions.sign_contract(tx, body, actor=actor))
