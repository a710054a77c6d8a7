"""Applications over HTTP: file, amend, follow, list; and what our own services may fetch."""

from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.intake.applications import actions, queries, rules
from services.intake.applications.models import Application
from services.intake.applications.schemas import (
    EXAMPLE,
    ApplicationIn,
    ApplicationOut,
    ApplicationRow,
    ApplicationView,
    DetailsIn,
    DocumentsWantedIn,
    FollowIn,
    FollowOut,
    ReasonIn,
    VisitDoneIn,
    VisitWantedIn,
)
from services.intake.errors import (
    ContractNotValid,
    DuplicateOpenRequest,
    NotYourApplication,
    RegistryAway,
    ServiceNotOpen,
)
from services.intake.people import queries as people_queries
from services.intake.workflow import APPLICATION, Status
from shared.cases import CASEWORKERS, LOAN_EXPERTS, find, get_or_refuse, made, may_see, taking
from shared.service import KeyedTx, Tx, respond, transaction
from shared.storage.db import Transaction, dumps
from shared.values.identifiers import OfficeCode, TrackingCode
from shared.web.auth import Actor, Role, allow
from shared.web.document import REPEATABLE, refuses
from shared.web.errors import ChannelNotAllowed, Fault, InvalidInput, NotFound, RequestInProgress
from shared.web.page import KnownQuery, Limit, Page, version_from_if_match

router = APIRouter(tags=["applications"])
APPLICANTS = (Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER, Role.SOCIAL_WORKER)
READERS = (
    *APPLICANTS,
    *sorted((CASEWORKERS | LOAN_EXPERTS) - {*APPLICANTS}),
    *(Role.INSPECTOR, Role.AUDITOR),
)
Applicant = Annotated[Actor, Depends(allow(*APPLICANTS))]
Withdrawer = Annotated[Actor, Depends(allow(Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER))]
Officer = Annotated[Actor, Depends(allow(Role.INTAKE_OFFICER))]
Reader = Annotated[Actor, Depends(allow(*READERS))]
Lister = Annotated[Actor, Depends(allow(*READERS, Role.OPERATOR))]
OurService = Annotated[Actor, Depends(allow(Role.SYSTEM))]
_BODY: TypeAdapter[Any] = TypeAdapter(ApplicationIn)
NOT_TAKEN = (ChannelNotAllowed, ContractNotValid, NotYourApplication, ServiceNotOpen, RegistryAway)
_FILED_ONCE = "one_open_application"


@router.post(
    "/applications",
    status_code=201,
    response_model=ApplicationOut,
    summary="ثبت درخواست برای یکی از خدمت‌ها",
    openapi_extra=taking(APPLICATION, "submit", *NOT_TAKEN, DuplicateOpenRequest),
)
async def file_application(
    body: Annotated[ApplicationIn, Body(examples=[EXAMPLE])], request: Request, actor: Applicant
) -> Response:
    for last_try in (False, True):
        try:
            async with transaction(request, keyed=True) as tx:
                return await _file(tx, body, actor)
        except asyncpg.ForeignKeyViolationError:
            # A rival wrote the same person first: their id is there now.
            if last_try:
                raise RequestInProgress from None
    raise AssertionError


async def _file(tx: Transaction, body: Any, actor: Actor) -> Response:
    filing = await actions.prepare(tx, body, actor)
    application = filing.application
    tx.reply = lambda: made(
        201,
        queries.filed(application, body, actor),
        version=application.version,
        Location=f"/v1/applications/{application.tracking_code}",
    )
    try:
        await actions.file(tx, filing, actor)
    except asyncpg.UniqueViolationError as clash:
        await _explain(tx, clash, application, actor)
        raise
    return respond(tx)


async def _explain(
    tx: Transaction, clash: asyncpg.UniqueViolationError, application: Application, actor: Actor
) -> None:
    """Say which open application stands in the way, to whom may know of it (H10)."""
    if clash.constraint_name != _FILED_ONCE:
        return
    async with tx.runtime.transaction() as fresh:
        first = await queries.open_instead_of(fresh, application)
    if first is not None and may_see(tx, first, actor):
        raise DuplicateOpenRequest(tracking_code=first.tracking_code) from None
    raise DuplicateOpenRequest from None


@router.get(
    "/applications",
    summary="فهرست درخواست‌هایی که این نقش می‌بیند",
    dependencies=[KnownQuery],
)
async def list_applications(
    tx: Tx,
    actor: Lister,
    *,
    service: Literal["livelihood", "eligibility", "exemption", "shares", "loans"] | None = None,
    status: Status | None = None,
    person_id: UUID | None = None,
    office_code: OfficeCode | None = None,
    overdue: bool | None = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Page[ApplicationRow]:
    filters = {
        "service": service,
        "status": status,
        "person_id": person_id,
        "office_code": office_code,
    }
    return await queries.listed(
        tx, actor, filters=filters, overdue=overdue, limit=limit, cursor=cursor
    )


@router.get(
    "/applications/{tracking_code}",
    response_model=ApplicationView,
    summary="درخواست با همهٔ مراحل آن",
)
async def read_application(
    tracking_code: TrackingCode, request: Request, actor: Reader
) -> Response:
    async with transaction(request) as tx:
        application, story = await queries.get_with_story(tx, tracking_code, actor)
        out = queries.view(tx, application, story, actor)
    answer = made(200, out, version=application.version)
    return Response(answer.body, 200, answer.headers, media_type="application/json")


@router.patch(
    "/applications/{tracking_code}",
    response_model=ApplicationView,
    summary="ویرایش پیش‌نویس یا درخواست ناقص",
    openapi_extra=taking(APPLICATION, "amend"),
)
async def amend_application(
    tracking_code: TrackingCode, body: DetailsIn, tx: KeyedTx, actor: Applicant, request: Request
) -> Response:
    version_from_if_match(request.headers, required=True)
    application = await _answering(tx, tracking_code, actor)
    content = queries.open_content(tx, application) | {"details": body.details}
    await actions.amend(tx, application, actor, body=_parsed(content))
    return respond(tx)


@router.post(
    "/applications/{tracking_code}/submit",
    response_model=ApplicationView,
    summary="ثبت نهایی پیش‌نویس",
    openapi_extra=taking(APPLICATION, "submit_draft", *NOT_TAKEN, DuplicateOpenRequest),
)
async def submit_application(
    tracking_code: TrackingCode, tx: KeyedTx, actor: Applicant
) -> Response:
    application = await _answering(tx, tracking_code, actor)
    body = _parsed(queries.open_content(tx, application) | {"draft": False})
    try:
        await actions.submit_draft(tx, application, actor, body)
    except asyncpg.UniqueViolationError as clash:
        await _explain(tx, clash, application, actor)
        raise
    return respond(tx)


@router.post(
    "/applications/{tracking_code}/resubmit",
    response_model=ApplicationView,
    summary="بازفرستادن پس از تکمیل مدارک",
    openapi_extra=taking(APPLICATION, "resubmit"),
)
async def resubmit_application(
    tracking_code: TrackingCode, tx: KeyedTx, actor: Applicant
) -> Response:
    application = await _answering(tx, tracking_code, actor)
    back = rules.status_before(application.past)
    await actions.move(tx, application, "resubmit", actor, to=back)
    return respond(tx)


@router.post(
    "/applications/{tracking_code}/withdraw",
    response_model=ApplicationView,
    summary="انصراف متقاضی",
    openapi_extra=taking(APPLICATION, "withdraw"),
)
async def withdraw_application(
    tracking_code: TrackingCode, body: ReasonIn, tx: KeyedTx, actor: Withdrawer
) -> Response:
    application = await _answering(tx, tracking_code, actor)
    await actions.move(tx, application, "withdraw", actor, reason=body.reason)
    return respond(tx)


@router.post(
    "/applications/{tracking_code}/request-documents",
    response_model=ApplicationView,
    summary="خواستن مدارک تکمیلی",
    openapi_extra=taking(APPLICATION, "request_documents"),
)
async def request_documents(
    tracking_code: TrackingCode, body: DocumentsWantedIn, tx: KeyedTx, actor: Officer
) -> Response:
    application = await _answering(tx, tracking_code, actor)
    await actions.request_documents(tx, application, actor, kinds=body.kinds, reason=body.reason)
    return respond(tx)


@router.post(
    "/applications/{tracking_code}/request-visit",
    response_model=ApplicationView,
    summary="دعوت به مراجعهٔ حضوری با ذکر دلیل",
    openapi_extra=taking(APPLICATION, "request_visit"),
)
async def request_visit(
    tracking_code: TrackingCode, body: VisitWantedIn, tx: KeyedTx, actor: Officer
) -> Response:
    application = await _answering(tx, tracking_code, actor)
    if body.reason_kind == "other" and body.reason is None:
        raise InvalidInput(
            errors=[Fault("/reason", "missing", "این فیلد لازم است", "This field is required")]
        )
    facts = {"visit_on": body.on.isoformat(), "place": body.place, "kind": body.reason_kind}
    await actions.move(
        tx, application, "request_visit", actor, reason=body.reason or body.reason_kind,
        facts=facts,
    )  # fmt: skip
    return respond(tx)


@router.post(
    "/applications/{tracking_code}/record-visit",
    response_model=ApplicationView,
    summary="ثبت مراجعهٔ حضوری",
    openapi_extra=taking(APPLICATION, "record_visit"),
)
async def record_visit(
    tracking_code: TrackingCode, body: VisitDoneIn, tx: KeyedTx, actor: Officer
) -> Response:
    application = await _answering(tx, tracking_code, actor)
    application.visits += body.attended
    back = rules.status_before(application.past)
    await actions.move(tx, application, "record_visit", actor, to=back, reason=body.reason)
    return respond(tx)


@router.post(
    "/follow",
    summary="پیگیری با کد رهگیری و تلفن همراه",
    openapi_extra=REPEATABLE | refuses(NotFound),
)
async def follow(body: FollowIn, tx: Tx) -> FollowOut:
    """Open to all: the code and the mobile together say no more than where the case stands."""
    try:
        code = TypeAdapter(TrackingCode).validate_python(body.tracking_code)
    except ValidationError:
        raise NotFound from None
    application = await find(tx, Application, code)
    mobile = tx.runtime.crypto.index(f"mobile|{body.mobile}")
    if application is None or application.mobile_index != mobile:
        raise NotFound
    return queries.short(application)


async def _answering(tx: Transaction, tracking_code: str, actor: Actor) -> Application:
    """The application, with the answer arranged: itself, as it is after the step."""
    application, story = await queries.get_with_story(tx, tracking_code, actor)
    tx.reply = lambda: made(
        200, queries.view(tx, application, story, actor), version=application.version
    )
    return application


def _parsed(content: dict[str, Any]) -> Any:
    """A stored body read again, so that what was amended is as strict as what was filed."""
    try:
        return _BODY.validate_json(dumps(content))
    except ValidationError as failure:
        found = [
            {**fault, "loc": ("body", *fault["loc"])} for fault in failure.errors(include_url=False)
        ]
        raise RequestValidationError(found, body=content) from None


internal = APIRouter()


@internal.get("/applications/{tracking_code}")
async def application_for_service(
    tracking_code: TrackingCode, tx: Tx, actor: OurService
) -> dict[str, Any]:
    """What the service that works on an application may know of it, in clear."""
    application = await get_or_refuse(tx, Application, tracking_code, actor=actor)
    return await queries.for_service(tx, application, queries.open_content(tx, application))


class PeopleIn(BaseModel):
    """Whom a notice is for."""

    person_ids: list[UUID]


@internal.post("/people/reachable", dependencies=[Depends(allow(Role.SYSTEM))])
async def reachable(body: PeopleIn, tx: Tx) -> Response:
    """Those of very many who live, with whether they have a mobile: no number leaves."""
    items = await people_queries.reachable(tx, body.person_ids)
    return Response(f'{{"items":{items}}}', media_type="application/json")


@internal.post("/people/identities")
async def identities(body: PeopleIn, tx: Tx, actor: OurService) -> dict[str, Any]:
    """National codes, for a service that must name people to another body; each is written down."""
    return {"items": await people_queries.identities(tx, body.person_ids, actor)}


@internal.post("/people/contacts", dependencies=[Depends(allow(Role.SYSTEM))])
async def contacts(body: PeopleIn, tx: Tx) -> dict[str, Any]:
    return {"items": await people_queries.contacts(tx, body.person_ids)}
