"""What happens in notify: people are told, messages go out, items are read, texts change."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg
from sqlalchemy.dialects.postgresql import insert

from services.notify import queries, rules
from services.notify.channels import portal
from services.notify.channels.sms import NotAccepted, Receipt, SmsProvider
from services.notify.clients import Contact, clients, contacts
from services.notify.errors import TemplateFromThePast
from services.notify.models import Notice, Template
from services.notify.rules import Words
from services.notify.schemas import TemplateIn
from services.notify.workflow import Status
from shared.running.log import get_logger
from shared.storage import audit, policy
from shared.storage.db import Runtime, Transaction
from shared.storage.outbox import Event
from shared.storage.step import Row, row_of
from shared.storage.timers import Timer, remind, timer_values
from shared.topics import TOPICS
from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import PartyUnavailable
from shared.web.errors import Fault, InvalidInput, NotFound, StaleVersion
from shared.workflow import advance

SEND = "send"
TEMPLATES = Path(__file__).parent / "templates"
FIRST_DAY = date(2026, 3, 21)  # 1 Farvardin 1405: from here on the delivered texts hold
TABLE = "notify.notice"

_log = get_logger()


# Telling


async def announce(tx: Transaction, event: Event, contact: Contact, words: Words) -> None:
    """Put a message into a person's inbox and, where they have a mobile, an SMS into the queue.

    Raises UniqueViolationError when this event has reached this person before.
    """
    crypto = tx.runtime.crypto
    item = portal.item(
        crypto, event, words, person_id=contact.person_id, holder=contact.holder, at=tx.now
    )
    if contact.mobile is None:
        await tx.execute(row_of(item).insert())
        return
    notice_id = uuid5(event.id, f"{contact.person_id}/sms")
    notice = Notice(
        id=notice_id,
        event_id=event.id,
        person_id=contact.person_id,
        channel="sms",
        topic=event.topic,
        tracking_code=event.payload.get("tracking_code"),
        mobile=crypto.seal(contact.mobile, table=TABLE, column="mobile", row=notice_id),
        text=crypto.seal(words.sms, table=TABLE, column="text", row=notice_id),
        segments=rules.segments(words.sms),
        created_at=tx.now,
        changed_at=tx.now,
    )
    due = timer_values(SEND, subject_id=notice_id, due_at=tx.now)
    reminder = Row(tx.tables.timer, due, on_conflict="replace")
    await advance(tx, notice, "queue", SYSTEM, also=[row_of(item), reminder])
    tx.runtime.due.set()


# Sending


async def send(runtime: Runtime, timer: Timer) -> None:
    """Send one SMS in stages, each committed: about to send, handed over, what came of it.

    Called again after a crash or a silence it asks the provider first. Raises PartyUnavailable
    while nobody knows: the reminder comes back, later each time.
    """
    notice, asks_first = await _take(runtime, timer)
    if notice is None or notice.provider is None:
        return
    provider = clients(runtime).provider(notice.provider)
    try:
        receipt = await provider.status(str(notice.id)) if asks_first else None
        if receipt is None and asks_first and not provider.dedupes:
            await _unknown(runtime, notice)
            return
        if receipt is None:
            if asks_first and not await _again(runtime, notice):
                return
            receipt = await _hand_over(runtime, notice, provider)
    except NotAccepted as no:
        await _refused(runtime, notice, no)
    except PartyUnavailable:
        if not await _too_late(runtime, notice):
            raise
        await _unknown(runtime, notice)
    else:
        await _sent(runtime, notice, receipt)


async def _take(runtime: Runtime, timer: Timer) -> tuple[Notice | None, bool]:
    """Write ahead that it is being sent; also whether it may have gone out before."""
    async with runtime.transaction() as tx:
        notice = await queries.find_notice(tx, timer.subject_id)
        if notice is None or notice.status not in {Status.QUEUED, Status.SENDING}:
            return None, False
        if notice.status == Status.SENDING:
            return notice, True
        if await _waits(tx, notice):
            return None, False
        if notice.mobile is None and not await _addressed(tx, notice):
            return None, False
        notice.provider = clients(runtime).sms[0].name
        notice.attempts += 1
        facts = {"provider": notice.provider}
        await advance(tx, notice, "start_sending", SYSTEM, facts=facts)
        return notice, False


async def _addressed(tx: Transaction, notice: Notice) -> bool:
    """Give a message of a broadcast its number, asked for only now, and its words."""
    found = await contacts(tx.runtime, [notice.person_id])
    mobile = next((contact.mobile for contact in found), None)
    if mobile is None:  # died meanwhile, or has no number any more: the inbox has it
        await tx.begin()
        notice.error_code = "not_reachable"
        for step in ("start_sending", "record_failure"):
            await advance(tx, notice, step, SYSTEM, facts={"code": notice.error_code})
        return False
    words = await queries.broadcast(tx, notice.event_id)
    if words is None:
        raise LookupError("a notice without words")
    crypto, row = tx.runtime.crypto, notice.id
    notice.mobile = crypto.seal(mobile, table=TABLE, column="mobile", row=row)
    notice.text = crypto.seal(words["sms"], table=TABLE, column="text", row=row)
    return True


async def may_send_from(tx: Transaction) -> datetime:
    """The first instant from now on at which an SMS may go out (H60)."""
    hours = await policy.on(tx, "notify.sms.hours", tehran_date(tx.now))
    here = hours["production" if tx.runtime.settings.production else "demo"]
    return rules.allowed_from(tx.now, opens=here["from"], closes=here["to"])


async def _waits(tx: Transaction, notice: Notice) -> bool:
    """Whether it is too late in the evening; then it comes back in the morning."""
    may_go = await may_send_from(tx)
    if may_go == tx.now:
        return False
    await remind(tx, SEND, subject_id=notice.id, due_at=may_go)
    return True


async def _hand_over(runtime: Runtime, notice: Notice, provider: SmsProvider) -> Receipt:
    opened = {
        column: runtime.crypto.open(sealed, table=TABLE, column=column, row=notice.id)
        for column, sealed in (("mobile", notice.mobile), ("text", notice.text))
        if sealed is not None
    }
    return await provider.send(str(notice.id), **opened)


async def _again(runtime: Runtime, notice: Notice) -> bool:
    """Write one more attempt ahead, unless it is night.

    Raises RuntimeError when somebody else has settled it.
    """
    async with runtime.transaction() as tx:
        if await _waits(tx, notice):
            return False
        row = await tx.write(
            "UPDATE notify.notice SET attempts = attempts + 1"
            " WHERE id = $1 AND version = $2 AND status = 'sending' RETURNING attempts",
            notice.id,
            notice.version,
        )
    if row is None:
        raise RuntimeError("another runner has settled this notice")
    return True


async def _sent(runtime: Runtime, notice: Notice, receipt: Receipt) -> None:
    async with runtime.transaction() as tx:
        notice.provider_ref, notice.error_code = receipt.provider_ref, None
        await advance(tx, notice, "record_sent", SYSTEM)


async def _refused(runtime: Runtime, notice: Notice, no: NotAccepted) -> None:
    """It did not go out: for good, or until our account with the provider is in order."""
    async with runtime.transaction() as tx:
        await tx.begin()
        rule = await _sending_rule(tx)
        notice.error_code = no.code
        await advance(tx, notice, "record_failure", SYSTEM, facts={"code": no.code})
        if not no.account:
            return
        _log.error("sms_account_refused", party=notice.provider, code=no.code)
        if tx.now < notice.created_at + timedelta(seconds=rule["give_up_after_s"]):
            await advance(tx, notice, "requeue", SYSTEM, facts={"code": no.code})
            again = tx.now + timedelta(seconds=rule["account_retry_s"])
            await remind(tx, SEND, subject_id=notice.id, due_at=again)


async def _unknown(runtime: Runtime, notice: Notice) -> None:
    """It may have gone out: a person looks at it, nobody sends it again."""
    async with runtime.transaction() as tx:
        await advance(tx, notice, "record_unknown", SYSTEM)
    _log.error("sms_unknown", party=notice.provider, topic=notice.topic)


async def _too_late(runtime: Runtime, notice: Notice) -> bool:
    async with runtime.transaction() as tx:
        rule = await _sending_rule(tx)
        return tx.now > notice.created_at + timedelta(seconds=rule["give_up_after_s"])


async def _sending_rule(tx: Transaction) -> Any:
    return await policy.on(tx, "notify.sms.sending", tehran_date(tx.now))


# Reading


async def mark_read(tx: Transaction, item_id: UUID, *, national_code: str) -> asyncpg.Record:
    """The item, read from now on or since it was first read. Raises NotFound for another's."""
    row = await tx.write(
        "UPDATE notify.inbox_item i SET read_at = coalesce(read_at, $3)"  # noqa: S608
        f" WHERE id = $1 AND holder_index = ANY($2::bytea[]) RETURNING {queries.ITEM}",
        item_id,
        tx.runtime.crypto.indexes(national_code),
        tx.now,
    )
    if row is None:
        raise NotFound
    return row


# Texts


async def check_words(tx: Transaction, topic: str, words: Words) -> None:
    """Refuse texts that may not be sent, with everything that is wrong. Raises InvalidInput."""
    rule = await policy.on(tx, "notify.sms.text", tehran_date(tx.now))
    found = rules.faults(
        words,
        TOPICS[topic].facts,
        kept_inside=rule["kept_inside"],
        most_parts=rule["most_parts"],
    )
    errors = [Fault(f"/{fault.field}", fault.code, fault.fa, fault.en) for fault in found]
    if errors:
        raise InvalidInput(errors=errors)


async def write_template(tx: Transaction, topic: str, body: TemplateIn, actor: Actor) -> int:
    """Add a version from a day on; the one before it ends there. Returns its number.

    Raises NotFound, StaleVersion, TemplateFromThePast, InvalidInput.
    """
    await tx.begin()
    await tx.fetchrow("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"template/{topic}")
    known = await queries.versions(tx, topic)
    if tx.if_match is not None and tx.if_match != known.newest:
        raise StaleVersion
    await check_words(tx, topic, body.words)
    day = body.valid_from_on
    if day < tehran_date(tx.now) or day <= known.rows[0]["valid_from"]:
        raise TemplateFromThePast
    await tx.write(
        "UPDATE notify.template SET valid_to = $3 WHERE topic = $1 AND version = $2",
        topic,
        known.newest,
        day,
    )
    version = known.newest + 1
    await tx.add(_template(topic, version, day, words=body.words, by=actor.sub, at=tx.now))
    await audit.record(
        tx,
        actor=actor.sub,
        action="notify.template.write",
        reference=topic,
        request_id=tx.trace,
        version=version,
    )
    return version


def _template(topic: str, version: int, day: date, *, words: Words, by: str, at: Any) -> Template:
    return Template(
        topic=topic,
        version=version,
        valid_from=day,
        title=words.title,
        sms=words.sms,
        inbox=words.inbox,
        written_by=by,
        written_at=at,
    )


async def seed(runtime: Runtime, demo: bool) -> None:  # noqa: ARG001, FBT001 - the manifest calls it so
    """Load the delivered texts as version 1; what is there already stays as it is."""
    async with runtime.transaction() as tx:
        rows = [
            row_of(_template(topic, 1, FIRST_DAY, words=words, by=SYSTEM.sub, at=tx.now)).values
            for topic, words in delivered().items()
        ]
        await tx.execute(insert(Template).values(rows).on_conflict_do_nothing())


def delivered() -> dict[str, Words]:
    """The texts that the software comes with, by topic."""
    suffix = ".fa.txt"
    return {
        path.name.removesuffix(suffix): Words.read(path.read_text(encoding="utf-8"))
        for path in sorted(TEMPLATES.glob(f"*{suffix}"))
    }
