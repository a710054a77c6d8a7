"""Over HTTP: the citizen's inbox, what became of messages, and the texts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.notify import actions, queries
from services.notify.errors import TemplateFromThePast
from services.notify.rules import SAMPLE, segments
from services.notify.schemas import (
    InboxItemOut,
    NoticeOut,
    PreviewOut,
    TemplateIn,
    TemplateOut,
    WordsIn,
)
from services.notify.workflow import Status
from shared.service import Tx, answer
from shared.storage import audit
from shared.topics import TOPICS
from shared.values.calendar import tehran_date
from shared.values.identifiers import TrackingCode
from shared.values.text import Code
from shared.web.auth import Actor, Role, allow
from shared.web.document import REPEATABLE, refuses
from shared.web.errors import Fault, InvalidQuery, NotFound, RoleNotAllowed
from shared.web.page import KnownQuery, Limit, Page, etag, version_from_if_match

router = APIRouter()
Citizen = Annotated[Actor, Depends(allow(Role.CITIZEN))]
OPERATOR = Depends(allow(Role.OPERATOR))
Operator = Annotated[Actor, OPERATOR]
After = Annotated[str | None, Query(max_length=1024)]


def _code(actor: Actor) -> str:
    """Whose inbox it is. Raises RoleNotAllowed for a token that names no person."""
    if actor.national_code is None:
        raise RoleNotAllowed
    return actor.national_code


@router.get(
    "/inbox", tags=["inbox"], summary="کارتابل شهروند، تازه‌ترین نخست", dependencies=[KnownQuery]
)
async def read_inbox(
    tx: Tx, actor: Citizen, *, limit: Limit = 50, cursor: After = None
) -> Page[InboxItemOut]:
    return await queries.inbox(tx, _code(actor), limit=limit, cursor=cursor)


@router.post(
    "/inbox/{item_id}/read", tags=["inbox"], summary="پیام خوانده شد", openapi_extra=REPEATABLE
)
async def read_item(item_id: UUID, tx: Tx, actor: Citizen) -> InboxItemOut:
    row = await actions.mark_read(tx, item_id, national_code=_code(actor))
    return queries.item_shown(tx.runtime, row)


@router.get(
    "/notifications",
    tags=["notifications"],
    summary="سرنوشت پیامک‌ها؛ متن آن‌ها نشان داده نمی‌شود",
    dependencies=[KnownQuery],
)
async def list_notifications(
    tx: Tx,
    actor: Operator,
    *,
    tracking_code: TrackingCode | None = None,
    status: Status | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Page[NoticeOut]:
    if tracking_code is None and status in {None, Status.SENT}:
        fault = Fault(
            "/query", "missing", "یک پرونده یا وضعیت نام ببرید", "Name a case or a status"
        )
        raise InvalidQuery(errors=[fault])
    page = await queries.notices(
        tx, tracking_code=tracking_code, status=status, limit=limit, cursor=cursor
    )
    await audit.record(
        tx,
        actor=actor.sub,
        action="notify.notice.read",
        reference=tracking_code,
        request_id=tx.trace,
        count=len(page.items),
    )
    return page


# Texts


@router.get(
    "/templates/{topic}",
    tags=["templates"],
    summary="متن‌های یک پیام با همهٔ نسخه‌ها",
    dependencies=[OPERATOR],
)
async def read_template(topic: Code, tx: Tx, response: Response) -> TemplateOut:
    known = await queries.versions(tx, topic)
    response.headers["ETag"] = etag(known.newest)
    return known.shown(tehran_date(tx.now))


@router.put(
    "/templates/{topic}",
    response_model=TemplateOut,
    tags=["templates"],
    summary="نسخهٔ تازهٔ متن‌ها از یک روز به بعد",
    openapi_extra=refuses(TemplateFromThePast),
)
async def write_template(
    topic: Code, body: TemplateIn, tx: Tx, actor: Operator, request: Request
) -> Response:
    version_from_if_match(request.headers, required=True)
    version = await actions.write_template(tx, topic, body, actor)
    out = (await queries.versions(tx, topic)).shown(tehran_date(tx.now))
    return await answer(tx, 200, out, ETag=etag(version))


@router.post(
    "/templates/{topic}/preview",
    tags=["templates"],
    summary="پیش‌نمایش متن‌ها با دادهٔ نمونه",
    openapi_extra=REPEATABLE,
    dependencies=[OPERATOR],
)
async def preview_template(topic: Code, body: WordsIn, tx: Tx) -> PreviewOut:
    if topic not in TOPICS or not TOPICS[topic].citizen:
        raise NotFound
    await actions.check_words(tx, topic, body.words)
    shown = body.words.filled(SAMPLE)
    return PreviewOut(
        title=shown.title, sms=shown.sms, inbox=shown.inbox, segments=segments(shown.sms)
    )
