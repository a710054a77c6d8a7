"""Applications as they are shown: one, with both halves of its story; many, by keyset."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.intake.applications import rules
from services.intake.applications.models import FILED_AND_OPEN, Application
from services.intake.applications.schemas import (
    ApplicationOut,
    ApplicationRow,
    ApplicationView,
    FollowOut,
    PersonOut,
    Sla,
    TimelineEntry,
)
from services.intake.workflow import APPLICATION, Status
from shared.cases import CASEWORKERS, LOAN_EXPERTS, find, from_record, may_see
from shared.storage import policy
from shared.storage.db import Transaction, loads
from shared.values.calendar import jalali_text, parse_instant, tehran_date
from shared.values.identifiers import mask_national_code
from shared.web.auth import Actor, Role
from shared.web.errors import NotFound
from shared.web.page import Cursor, InvalidCursor, Page
from shared.workflow import offered

# Where the path of an action is not the word of its step.
ROUTES = {"submit-draft": "submit", "amend": "edit"}
IDENTITY_PENDING = (
    "سامانهٔ استعلام هویت هنوز پاسخ نداده است؛ خودبه‌خود دوباره پرسیده می‌شود و لازم نیست کاری کنید."
)
_COLUMNS = ", ".join(f'a."{column.name}"' for column in Application.__table__.columns)
_STORY = f"""
SELECT {_COLUMNS},
  (SELECT json_agg(h ORDER BY h.version) FROM intake.history h WHERE h.subject_id = a.id) AS past,
  (SELECT json_agg(s ORDER BY s.at, s.version) FROM intake.case_step s
    WHERE s.application_id = a.id) AS case_steps,
  (SELECT array_agg(p.code ORDER BY p.id = a.applicant_id DESC) FROM intake.person p
    WHERE p.id IN (a.applicant_id, a.subject_id)) AS codes
FROM intake.application a WHERE a.tracking_code = $1
"""  # noqa: S608 - column names from our own model


async def get_with_story(
    tx: Transaction, tracking_code: str, actor: Actor
) -> tuple[Application, Mapping[str, Any]]:
    """An application with both halves of its timeline, in one read. Raises NotFound."""
    record = await tx.fetchrow(_STORY, tracking_code)
    if record is None:
        raise NotFound
    values = dict(record)
    story = {"case_steps": loads(values.pop("case_steps")) or [], "codes": values.pop("codes")}
    application = from_record(Application, values)
    if not may_see(tx, application, actor):
        raise NotFound
    return application, story


async def open_instead_of(tx: Transaction, application: Application) -> Application | None:
    """The open application for the same service and person that stands in this one's way (H10)."""
    row = await tx.fetchrow(
        "SELECT tracking_code FROM intake.application WHERE service = $1"  # noqa: S608
        f" AND subject_index = $2 AND status IN ({FILED_AND_OPEN})",
        application.service,
        application.subject_index,
    )
    return await find(tx, Application, row["tracking_code"]) if row else None


async def for_service(
    tx: Transaction, application: Application, content: Mapping[str, Any]
) -> dict[str, Any]:
    """What the service of an application may know: people by id, the details in clear."""
    rows = await tx.fetch(
        "SELECT p.id AS person_id, m.relation, p.alive, p.record FROM intake.person p"
        " LEFT JOIN intake.membership m"
        " ON m.person_id = p.id AND m.household_id = $1 AND m.ended_on IS NULL"
        " WHERE m.id IS NOT NULL OR p.id = ANY ($2::uuid[]) ORDER BY m.joined_on, m.id",
        application.household_id,
        [application.applicant_id, application.subject_id],
    )
    people = {row["person_id"]: _for_service(tx, row) for row in rows}
    members = [row for row in rows if row["relation"] is not None and row["alive"]]
    at = application.submitted_at
    return {
        "tracking_code": application.tracking_code,
        "application_id": application.id,
        "service": application.service,
        "channel": application.channel,
        "submitted_at": at,
        "submitted_on": tehran_date(at) if at else None,
        "province": application.province,
        "county": application.county,
        "office_code": application.office_code,
        "filed_by": application.filed_by,
        "household_id": application.household_id,
        "applicant": people[application.applicant_id],
        "subject": people[application.subject_id],
        "person_ids": application.person_ids,
        "holders": [index.hex() for index in application.holders],
        "kin": [index.hex() for index in application.kin],
        "members": [
            people[member["person_id"]] | {"relation": member["relation"]} for member in members
        ],
        "missing_documents": await missing_documents(tx, application, content),
        "applicant_code": content["applicant"]["national_code"],
        "details": content["details"],
    }


def _for_service(tx: Transaction, row: Mapping[str, Any]) -> dict[str, Any]:
    """A person by id, with the birth date that the civil registry told, if it has told one."""
    record = row["record"] and tx.runtime.crypto.open_json(
        row["record"], table="intake.person", column="record", row=row["person_id"]
    )
    return {"person_id": row["person_id"], "birth_on": record["birth_on"] if record else None}


def checklist_key(service: str, details: Mapping[str, Any]) -> str:
    """The policy that lists the papers of a request, by the reason that it gives."""
    parts = ("reason", "ground", "kind", "applicant_kind")
    why = next((details[part] for part in parts if details.get(part)), None)
    return ".".join(("intake.documents", service, *([why] if why else [])))


async def missing_documents(
    tx: Transaction, application: Application, content: Mapping[str, Any]
) -> list[str]:
    """Kinds that are required on the day of filing and have not been given."""
    key = checklist_key(application.service, content["details"])
    items = (await policy.on(tx, key, tehran_date(application.opened_at)))["items"]
    required = {item["kind"] for item in items if item["required"]}
    if not required:
        return []
    given = await tx.fetch(
        "SELECT DISTINCT kind FROM intake.document WHERE application_id = $1", application.id
    )
    return sorted(required - {row["kind"] for row in given})


def filed(application: Application, body: Any, actor: Actor) -> ApplicationOut:
    """The answer to a filing."""
    applicant = body.applicant.national_code
    subject = body.subject.national_code if body.subject else applicant
    return ApplicationOut.model_construct(**_head(application, actor, applicant, subject))


def _head(application: Application, actor: Actor, applicant: str, subject: str) -> dict[str, Any]:
    status = Status(application.status)
    at, due = application.submitted_at, application.due_on
    return {
        "tracking_code": application.tracking_code,
        "service": application.service,
        "status": status,
        "status_label": APPLICATION.labels[status],
        "version": application.version,
        "submitted_at": at,
        "submitted_at_jalali": jalali_text(at) if at else None,
        "due_on": due,
        "due_on_jalali": jalali_text(due) if due else None,
        "applicant": _person(application.applicant_id, applicant, actor),
        "subject": _person(application.subject_id, subject, actor),
        "channel": application.channel,
        "office_code": application.filed_by or application.office_code,
        "next_step": _next_step(application, status),
        "identity": application.identity,
    }


def _next_step(application: Application, status: Status) -> str | None:
    if status is Status.SUBMITTED and application.identity == "pending":
        return IDENTITY_PENDING
    if status in SERVICE_SPEAKS and application.case_next:
        return application.case_next
    return APPLICATION.next_step.get(status)


def open_content(tx: Transaction, application: Application) -> dict[str, Any]:
    """The body as it was filed."""
    content: dict[str, Any] = tx.runtime.crypto.open_json(
        application.content, table="intake.application", column="content", row=application.id
    )
    return content


def _details(tx: Transaction, application: Application, actor: Actor) -> dict[str, Any] | None:
    """The details as filed: for the applicant and the office, and for a counter while it writes."""
    writing = application.status in {Status.DRAFT, Status.INCOMPLETE}
    if actor.has(Role.COUNTER, Role.INSPECTOR, Role.AUDITOR) and not writing:
        return None
    details: dict[str, Any] = open_content(tx, application)["details"]
    return details


def _person(person_id: UUID, code: str, actor: Actor) -> PersonOut:
    shown = code if code == actor.national_code else mask_national_code(code)
    return PersonOut(person_id=person_id, national_code=shown)


def view(
    tx: Transaction, application: Application, story: Mapping[str, Any], actor: Actor
) -> ApplicationView:
    """An application with its clock and its whole timeline."""
    opened = [
        tx.runtime.crypto.open(code, table="intake.person", column="code", row=person)
        for code, person in zip(
            story["codes"],
            dict.fromkeys((application.applicant_id, application.subject_id)),
            strict=True,
        )
    ]
    timeline = [_own_entry(past) for past in application.past]
    timeline += [_case_entry(step) for step in story["case_steps"]]
    timeline.sort(key=lambda entry: entry.at)
    return ApplicationView.model_construct(
        **_head(application, actor, opened[0], opened[-1]),
        case_status=application.case_status,
        case_status_label=application.case_label,
        handling_office=application.office_code,
        case_url=_case_url(application),
        details=_details(tx, application, actor),
        sla=clock(application, tehran_date(tx.now)),
        actions=[ROUTES.get(path, path) for path in offered(tx, application, actor)],
        timeline=timeline,
    )


def _case_url(application: Application) -> str | None:
    if application.case_status is None:
        return None
    return f"/v1/{application.service}/cases/{application.tracking_code}"


def clock(application: Application, today: date) -> Sla:
    """How an application stands against its promise today."""
    at, due = application.submitted_at, application.due_on
    found = rules.sla(
        submitted_on=tehran_date(at) if at else None,
        due=due,
        paused_on=application.paused_on,
        paused_days=application.paused_days,
        stopped_on=application.stopped_on,
        today=today,
    )
    return Sla.model_construct(
        due_on=due,
        due_on_jalali=jalali_text(due) if due else None,
        elapsed_days=found.elapsed_days,
        paused=found.paused,
        breached=found.breached,
    )


def _own_entry(past: Mapping[str, Any]) -> TimelineEntry:
    step = APPLICATION.steps[past["step"]]
    return _entry(
        past,
        service="intake",
        label=step.fa,
        status_label=APPLICATION.labels[Status(past["status"])],
        channel=past["channel"],
    )


def _case_entry(step: Mapping[str, Any]) -> TimelineEntry:
    return _entry(
        step,
        service=step["service"],
        label=step["label"],
        status_label=step["status_label"],
        channel=None,
    )


def _entry(row: Mapping[str, Any], **labels: Any) -> TimelineEntry:
    at = row["at"] if not isinstance(row["at"], str) else parse_instant(row["at"])
    return TimelineEntry.model_construct(
        step=row["step"],
        status=row["status"],
        actor_role=row["actor_role"],
        facts=row["facts"] or {},
        at=at,
        at_jalali=jalali_text(at),
        **labels,
    )


SERVICE_SPEAKS = {Status.IN_SERVICE, Status.CLOSED, Status.REFUSED}


def short(application: Application) -> FollowOut:
    """The public status, for whoever knows the code and the mobile."""
    status, due = Status(application.status), application.due_on
    return FollowOut(
        tracking_code=application.tracking_code,
        service=application.service,
        status=status,
        status_label=APPLICATION.labels[status],
        case_status_label=application.case_label,
        next_step=_next_step(application, status),
        due_on=due,
        due_on_jalali=jalali_text(due) if due else None,
    )


# Many


async def listed(
    tx: Transaction,
    actor: Actor,
    *,
    filters: Mapping[str, Any],
    overdue: bool | None,
    limit: int,
    cursor: str | None,
) -> Page[ApplicationRow]:
    """Newest first, what this caller may see and no more."""
    where, values = _scope(tx, actor)
    for column, value in filters.items():
        if value is not None:
            values.append(value)
            where.append(_FILTERS[column].format(n=len(values)))
    today = tehran_date(tx.now)
    if overdue is not None:
        values.append(today)
        late = f"(a.due_on < ${len(values)} AND a.paused_on IS NULL AND a.stopped_on IS NULL)"
        where.append(late if overdue else f"NOT coalesce({late}, false)")
    if cursor is not None:
        at, row_id = Cursor.decode(cursor, str, str)
        values += _after(at, row_id)
        where.append(f"(a.opened_at, a.id) < (${len(values) - 1}, ${len(values)})")
    values.append(limit + 1)
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM intake.application a WHERE {' AND '.join(where)}"  # noqa: S608
        f" ORDER BY a.opened_at DESC, a.id DESC LIMIT ${len(values)}",
        *values,
    )
    found = [from_record(Application, row) for row in rows[:limit]]
    more = len(rows) > limit
    last = found[-1] if more else None
    return Page[ApplicationRow](
        items=[_row(application, today) for application in found],
        next_cursor=Cursor.encode([last.opened_at.isoformat(), str(last.id)]) if last else None,
    )


_FILTERS = {
    "service": "a.service = ${n}",
    "status": "a.status = ${n}",
    "person_id": "a.person_ids @> ARRAY[${n}::uuid]",
    "office_code": "(a.office_code = ${n} OR a.filed_by = ${n})",
}


def _after(at: str, row_id: str) -> list[Any]:
    try:
        return [parse_instant(at), UUID(row_id)]
    except ValueError:
        raise InvalidCursor from None


def _scope(tx: Transaction, actor: Actor) -> tuple[list[str], list[Any]]:
    """The rows that a caller may see at all, as SQL: never the whole table by mistake."""
    if actor.has(Role.AUDITOR, Role.INSPECTOR, Role.OPERATOR):
        return ["true"], []
    if actor.roles & CASEWORKERS and actor.province is not None:
        return ["a.province = $1"], [actor.province]
    if actor.roles & LOAN_EXPERTS and actor.province is not None:
        return ["a.province = $1", "a.service = 'loans'"], [actor.province]
    if actor.has(Role.COUNTER) and actor.office_code:
        return ["a.filed_by = $1"], [actor.office_code]
    if actor.has(Role.CITIZEN) and actor.national_code:
        return ["$1::bytea = ANY(a.holders)"], [tx.runtime.crypto.index(actor.national_code)]
    return ["false"], []


def _row(application: Application, today: date) -> ApplicationRow:
    status, at, due = Status(application.status), application.submitted_at, application.due_on
    return ApplicationRow(
        tracking_code=application.tracking_code,
        service=application.service,
        status=status,
        status_label=APPLICATION.labels[status],
        case_status=application.case_status,
        channel=application.channel,
        office_code=application.filed_by or application.office_code,
        handling_office=application.office_code,
        submitted_at=at,
        submitted_at_jalali=jalali_text(at) if at else None,
        due_on=due,
        due_on_jalali=jalali_text(due) if due else None,
        overdue=clock(application, today).breached,
    )
