"""Documents over HTTP: multipart in, the file itself out, to whoever may see the application."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from services.intake.applications.models import Application
from services.intake.documents import actions, clients, queries, rules
from services.intake.documents.schemas import DocumentOut
from services.intake.errors import DocumentNotAccepted, DocumentNotWhole
from shared.cases import get_or_refuse
from shared.service import Tx, answer, transaction
from shared.values.identifiers import TrackingCode
from shared.values.text import Code
from shared.web.auth import STAFF, Actor, Role, allow
from shared.web.document import refuses
from shared.web.errors import ChannelNotAllowed, Fault, InvalidInput, StepNotAllowed, TooLarge
from shared.web.page import KnownQuery, Limit, Page

router = APIRouter(prefix="/applications/{tracking_code}/documents", tags=["documents"])
APPLICANTS = (Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER, Role.SOCIAL_WORKER)
Applicant = Annotated[Actor, Depends(allow(*APPLICANTS))]
Reader = Annotated[Actor, Depends(allow(*APPLICANTS, *sorted(STAFF - {*APPLICANTS})))]
PARTS = frozenset({"kind", "file", "channel"})
FILE = {"content": {media: {} for media in rules.SUFFIX}, "description": "The file itself"}


@router.post(
    "",
    status_code=201,
    response_model=DocumentOut,
    responses={200: {"model": DocumentOut, "description": "This very file was given before"}},
    summary="افزودن مدرک به درخواست",
    openapi_extra=refuses(
        ChannelNotAllowed, StepNotAllowed, TooLarge, DocumentNotAccepted, DocumentNotWhole
    ),
)
async def add_document(
    tracking_code: TrackingCode,
    kind: Annotated[Code, Form()],
    file: Annotated[UploadFile, File(description="PDF, JPEG or PNG, at most 10 MiB")],
    request: Request,
    actor: Applicant,
    *,
    channel: Annotated[Code | None, Form()] = None,
) -> Response:
    await _known_parts(request)
    data = await file.read(rules.MAX_BYTES + 1)
    if len(data) > rules.MAX_BYTES:
        raise TooLarge
    async with transaction(request) as tx:
        application = await get_or_refuse(tx, Application, tracking_code, actor=actor)
        out, new = await actions.add(tx, application, actor, kind=kind, data=data, channel=channel)
        where = f"/v1/applications/{tracking_code}/documents/{out.id}"
        return await answer(tx, 201 if new else 200, out, Location=where)


@router.get("", dependencies=[KnownQuery], summary="مدارک درخواست")
async def list_documents(
    tracking_code: TrackingCode,
    tx: Tx,
    actor: Reader,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Page[DocumentOut]:
    application = await get_or_refuse(tx, Application, tracking_code, actor=actor)
    return await queries.listed(tx, application, limit=limit, cursor=cursor)


@router.get("/{document_id}", response_class=Response, responses={200: FILE}, summary="یک مدرک")
async def read_document(
    tracking_code: TrackingCode, document_id: UUID, tx: Tx, actor: Reader
) -> Response:
    application = await get_or_refuse(tx, Application, tracking_code, actor=actor)
    document = await queries.one(tx, application, document_id)
    data = await clients.fetch(tx.runtime, bytes.fromhex(document.sha256))
    await actions.record(tx, application, actor, "document.read", kind=document.kind)
    name = f"{document.kind}-{str(document.id)[-8:]}.{rules.SUFFIX[document.media_type]}"
    headers = {"Content-Disposition": f'attachment; filename="{_plain(name)}"'}
    return Response(data, headers=headers, media_type=document.media_type)


async def _known_parts(request: Request) -> None:
    """Each part once, and none that we do not know. Raises InvalidInput."""
    names = [name for name, _ in (await request.form()).multi_items()]
    if PARTS.issuperset(names) and len(set(names)) == len(names):
        return
    fa, en = "بخشی ناشناخته یا تکراری دارد", "It has a part that is not known, or one twice"
    raise InvalidInput(errors=[Fault("", "unknown_field", fa, en)])


def _plain(name: str) -> str:
    return name.replace("/", "-").replace(":", "-")
