"""Arithmetic and judgement of applications: no input or output, and the day is a parameter."""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from services.intake.applications.schemas import Envelope, LivelihoodDetails
from services.intake.catalogue.queries import Rulebook
from services.intake.workflow import WORKING, Status
from shared.values.calendar import add_jalali_months, working_days_after
from shared.web.errors import Fault
from shared.workflow import Clock


@lru_cache(maxsize=8)
def closed_days(holidays: str) -> frozenset[date]:
    """The days of the holidays' policy; one text of it serves many applications."""
    return frozenset(date.fromisoformat(day["on"]) for day in json.loads(holidays)["days"])


def due_on(start: date, promise: Mapping[str, int], *, closed: Container[date]) -> date:
    """The promised day: Jalali months first, then working days; never a closed day (X-06)."""
    day = add_jalali_months(start, promise.get("jalali_months", 0))
    return working_days_after(day, promise.get("working_days", 0), closed=closed)


def postponed(due: date, days: int, *, closed: Container[date]) -> date:
    """The promised day after the clock has waited so many days."""
    return working_days_after(due + timedelta(days=days), 0, closed=closed)


def open_on(day: date, opens_on: str | None, ended_on: str | None) -> bool:
    """Whether a service takes applications that day, by the ISO days on its card."""
    if opens_on is None or date.fromisoformat(opens_on) > day:
        return False
    return ended_on is None or day < date.fromisoformat(ended_on)


@dataclass(frozen=True, slots=True)
class Sla:
    """How an application stands against its promise on a day."""

    elapsed_days: int
    paused: bool
    breached: bool


def sla(
    *,
    submitted_on: date | None,
    due: date | None,
    paused_on: date | None,
    paused_days: int,
    stopped_on: date | None,
    today: date,
) -> Sla:
    """Days that count, whether the clock waits, and whether the promise is broken."""
    if submitted_on is None:
        return Sla(0, paused=False, breached=False)
    end = stopped_on or today
    waiting = (end - paused_on).days if paused_on else 0
    elapsed = max(0, (end - submitted_on).days - paused_days - waiting)
    breached = due is not None and paused_on is None and end > due
    return Sla(elapsed, paused=paused_on is not None and stopped_on is None, breached=breached)


@dataclass(frozen=True, slots=True)
class ClockMove:
    """What a new clock does to the promised time."""

    due: date | None
    paused_on: date | None
    paused_days: int
    stopped_on: date | None


def move_clock(
    before: ClockMove, clock: Clock, today: date, *, closed: Container[date]
) -> ClockMove:
    """The promised time after the case has come to a status whose clock runs, waits or stops."""
    due, paused_days = before.due, before.paused_days
    if before.paused_on is not None and clock is not Clock.PAUSE:
        waited = (today - before.paused_on).days
        paused_days += waited
        due = postponed(due, waited, closed=closed) if due else None
    paused_on = (before.paused_on or today) if clock is Clock.PAUSE else None
    stopped_on = (before.stopped_on or today) if clock is Clock.STOP else None
    return ClockMove(due, paused_on, paused_days, stopped_on)


def status_before(past: Sequence[Mapping[str, Any]]) -> Status:
    """Where an application stood before it was sent back: where a resubmission returns to."""
    for step in reversed(past):
        if step["from_status"] in WORKING and step["status"] not in WORKING:
            return Status(step["from_status"])
    return Status.SUBMITTED


def fee(card: Mapping[str, Any] | None) -> int:
    """What the card asks at this moment; a card without costs asks nothing (LV-39)."""
    rows = (card or {}).get("costs") or {}
    items = rows.get("rows", []) if isinstance(rows, Mapping) else rows
    return sum(int(item.get("amount_rial") or 0) for item in items)


def age_on(day: date, birth: date) -> int:
    """Whole years lived on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def faults(body: Envelope, book: Rulebook, today: date, *, service: str) -> list[Fault]:
    """Everything that is wrong with an application before anybody else is asked."""
    found = []
    current = book.statement_version(service, today)
    if current is not None and body.statement_version != current:
        found.append(
            Fault(
                "/statement_version",
                "statement_not_current",
                f"نسخهٔ جاری بیانیهٔ این خدمت {current} است؛ همان را بخوانید و بپذیرید",
                f"The statement in force is version {current}; read and accept that one",
            )
        )
    found += member_faults(body)
    if not body.declaration_accepted:
        found.append(
            Fault(
                "/declaration_accepted",
                "declaration_required",
                "بدون پذیرش تعهدنامه درخواست ثبت نمی‌شود",
                "The declaration must be accepted",
            )
        )
    return found


def member_faults(body: Envelope) -> list[Fault]:
    """A member who is named twice, or is the applicant: each once, and the head is one anyway."""
    members: list[str] = getattr(getattr(body, "details", None), "members", [])
    seen = {body.applicant.national_code}
    found = []
    for at, code in enumerate(members):
        if code in seen:
            found.append(
                Fault(
                    f"/details/members/{at}",
                    "repeated",
                    "این شخص پیش‌تر نام برده شده است؛ خود متقاضی هم عضو شمرده می‌شود",
                    "Named before; the applicant is a member anyway",
                )
            )
        seen.add(code)
    return found


PROOF_REQUIRED = Fault(
    "/proof",
    "proof_required",
    "اقدام به‌جای دیگری به کد یک‌بارمصرف شهروند یا وکالت‌نامه نیاز دارد",
    "Acting for somebody needs their one-time code or a power of attorney",
)
BORN_LATER = Fault(
    "/applicant/birth_on",
    "in_the_future",
    "تاریخ تولد در آینده است",
    "The birth date lies in the future",
)
GUARDIAN_REQUIRED = Fault(
    "/proof",
    "guardian_required",
    "متقاضی زیر سن قانونی است؛ کد ملی سرپرست قانونی و شمارهٔ همراه او لازم است",
    "The applicant is under age: the guardian's national code and mobile are needed",
)


def codes(body: Any) -> list[str]:
    """Whose case it is: who asks, who is served, on whom the ground rests."""
    subject = body.subject or body.applicant
    parent = getattr(body.details, "parent_national_code", None)
    named = (body.applicant.national_code, subject.national_code, parent)
    return list(dict.fromkeys(code for code in named if code))


def members(body: Any) -> Sequence[str]:
    return getattr(body.details, "members", ())


def place(book: Rulebook, body: Any, faults: list[Fault]) -> tuple[str | None, str | None]:
    """Province and county by id, where the application says where the household lives."""
    if not isinstance(body.details, LivelihoodDetails):
        return None, None
    address = body.details.address
    province = book.area(address.province)
    county = book.area(address.county, within=province) if province else None
    faults += area_faults(province, county if province else "?", "/details/address")
    return province, county


def area_faults(province: str | None, county: str | None, pointer: str) -> list[Fault]:
    """A place that the list of areas does not know."""
    unknown = "این محل در فهرست تقسیمات کشوری نیست", "This place is not in the list of areas"
    return [
        Fault(f"{pointer}/{part}", "unknown_area", *unknown)
        for part, found in (("province", province), ("county", county))
        if found is None
    ]
