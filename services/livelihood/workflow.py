"""Admission to the livelihood service: request and documents, review, visit, confirmation, service.

The order is fixed by seed 001 section 4 (LV-18): a table has no way past the visit. What happens
after `active` is the life of the award.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where an admission stands."""

    IDENTIFIED = "identified"
    ROUTED = "routed"
    UNDER_REVIEW = "under_review"
    VISIT_PLANNED = "visit_planned"
    VISIT_FAILED = "visit_failed"
    UNREACHED = "unreached"
    VISITED = "visited"
    CONFIRMED = "confirmed"
    WAITING_LIST = "waiting_list"
    ACTIVE = "active"
    TAKEN_OVER = "taken_over"
    REFUSED = "refused"
    OBJECTION_OPEN = "objection_open"
    OBJECTION_REJECTED = "objection_rejected"
    EMERGENCY_ACTIVE = "emergency_active"
    EMERGENCY_ENDED = "emergency_ended"
    WITHDRAWN = "withdrawn"
    CLOSED_DECEASED = "closed_deceased"


S = Status

SYSTEM = {Role.SYSTEM}
WORKER = {Role.SOCIAL_WORKER}
APPROVER = {Role.APPROVER}
APPLICANT = {Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER}
STAFF = {Role.SOCIAL_WORKER, Role.APPROVER, Role.INTAKE_OFFICER}

BEFORE_VISIT = {S.IDENTIFIED, S.ROUTED, S.UNDER_REVIEW, S.VISIT_PLANNED}
BEFORE_DECISION = BEFORE_VISIT | {S.VISIT_FAILED, S.VISITED}
PAYS_SOON = {S.CONFIRMED, S.WAITING_LIST, S.EMERGENCY_ACTIVE}
OPEN = BEFORE_DECISION | {S.CONFIRMED, S.WAITING_LIST, S.OBJECTION_OPEN}

CONFLICT = ("declare_conflict",)
# Whoever brought, reviewed or visited the household neither confirms nor refuses it.
WORKED = ("identify", "review", "plan_visit", "record_visit", "record_no_show", *CONFLICT)

# A table is read by its lines.
# fmt: off
ADMISSION = Workflow("livelihood.admission", Status, {
    S.ROUTED, S.IDENTIFIED, S.EMERGENCY_ACTIVE, S.TAKEN_OVER,
}, [
    Step("open", (), S.ROUTED, by=SYSTEM,
         tell="livelihood.opened", fa="پرونده در حوزه باز شد"),
    Step("identify", (), S.IDENTIFIED, by=SYSTEM | WORKER,
         tell="livelihood.identified", fa="خانوار شناسایی شد"),
    # Admitted and paid by an older system until now; whoever ran the import answers for it.
    Step("take_over", (), S.TAKEN_OVER, by=SYSTEM | {Role.INTAKE_OFFICER},
         tell="livelihood.taken_over", fa="پرونده از سامانهٔ پیشین آورده شد"),
    Step("declare_conflict", OPEN | {S.EMERGENCY_ACTIVE}, None, by=STAFF,
         silent="a matter between colleagues", fa="همکار، تعارض منافع خود را اعلام کرد"),

    Step("review", {S.IDENTIFIED, S.ROUTED}, S.UNDER_REVIEW, by=WORKER, not_by=CONFLICT,
         within="livelihood.review", tell="livelihood.review_started", fa="بررسی آغاز شد"),
    Step("plan_visit", {S.UNDER_REVIEW, S.VISIT_FAILED}, S.VISIT_PLANNED, by=WORKER,
         not_by=CONFLICT, within="livelihood.plan_visit",
         tell="livelihood.visit_planned", fa="نوبت بازدید تعیین شد"),
    Step("record_no_show", {S.VISIT_PLANNED}, S.VISIT_FAILED, by=WORKER, not_by=CONFLICT,
         tell="livelihood.visit_missed", fa="بازدید انجام نشد؛ کسی در نشانی نبود"),
    # After the last try that policy allows; whoever is found again may ask again.
    Step("close_unreached", {S.VISIT_FAILED}, S.UNREACHED, by=SYSTEM,
         tell="livelihood.closed_unreached", fa="پس از چند نوبت بازدید ناموفق بسته شد"),
    Step("record_visit", {S.VISIT_PLANNED}, S.VISITED, by=WORKER, not_by=CONFLICT,
         within="livelihood.visit", tell="livelihood.visited", fa="بازدید انجام شد"),

    Step("confirm", {S.VISITED}, S.CONFIRMED, by=APPROVER, not_by=WORKED,
         within="livelihood.decision", tell="livelihood.confirmed", fa="شرایط تأیید شد"),
    Step("refuse", {S.VISITED}, S.REFUSED, by=APPROVER, not_by=WORKED,
         within="livelihood.decision", tell="livelihood.refused", fa="درخواست رد شد"),
    Step("object", {S.REFUSED}, S.OBJECTION_OPEN, by=APPLICANT,
         tell="livelihood.objection_registered", fa="اعتراض ثبت شد"),
    # One objection to a decision (H54): a rejected one has its own status, with no way on.
    Step("decide_objection", {S.OBJECTION_OPEN},
         {S.CONFIRMED, S.UNDER_REVIEW, S.OBJECTION_REJECTED}, by=APPROVER,
         not_by=("refuse", *WORKED), within="livelihood.objection",
         tell={S.CONFIRMED: "livelihood.confirmed",
               S.UNDER_REVIEW: "livelihood.objection_accepted",
               S.OBJECTION_REJECTED: "livelihood.objection_rejected"},
         fa="به اعتراض رسیدگی شد"),

    Step("ask_for_account", PAYS_SOON, None, by=SYSTEM,
         tell="livelihood.account_requested", fa="اصلاح شمارهٔ شبا خواسته شد"),
    Step("correct_account", PAYS_SOON, None, by=APPLICANT,
         tell="livelihood.account_corrected", fa="شمارهٔ شبا اصلاح شد"),
    Step("join_waiting_list", {S.CONFIRMED}, S.WAITING_LIST, by=SYSTEM,
         tell="livelihood.waiting_listed", fa="در نوبت قرار گرفت"),
    Step("activate", {S.CONFIRMED, S.WAITING_LIST}, S.ACTIVE, by=SYSTEM | APPROVER, not_by=WORKED,
         within="livelihood.activation", tell="livelihood.activated", fa="خدمت برقرار شد"),

    # Earthquake, flood, epidemic: help first, the visit follows within the days of the policy.
    Step("open_emergency", (), S.EMERGENCY_ACTIVE, by=APPROVER,
         tell="livelihood.emergency_granted", fa="حمایت اضطراری برقرار شد"),
    Step("grant_emergency", BEFORE_DECISION, S.EMERGENCY_ACTIVE, by=APPROVER, not_by=WORKED,
         tell="livelihood.emergency_granted", fa="حمایت اضطراری برقرار شد"),
    Step("record_emergency_visit", {S.EMERGENCY_ACTIVE}, None, by=WORKER, not_by=CONFLICT,
         within="livelihood.emergency_visit", tell="livelihood.emergency_visited",
         fa="بازدید پس از حمایت اضطراری انجام شد"),
    # Somebody else looks at it again before it goes on; what is prolonged has been visited.
    Step("review_emergency", {S.EMERGENCY_ACTIVE}, {S.EMERGENCY_ACTIVE, S.EMERGENCY_ENDED},
         by=APPROVER, not_by=("open_emergency", "grant_emergency", *CONFLICT),
         within="livelihood.emergency_review",
         tell={S.EMERGENCY_ACTIVE: "livelihood.emergency_extended",
               S.EMERGENCY_ENDED: "livelihood.emergency_ended"},
         fa="حمایت اضطراری بازبینی شد"),
    Step("end_emergency", {S.EMERGENCY_ACTIVE}, S.EMERGENCY_ENDED, by=SYSTEM,
         tell="livelihood.emergency_ended", fa="دورهٔ حمایت اضطراری پایان یافت"),

    Step("transfer", OPEN | {S.EMERGENCY_ACTIVE}, None, by=SYSTEM,
         tell="livelihood.transferred", fa="با نشانی تازه به ادارهٔ دیگری سپرده شد"),

    Step("withdraw", OPEN, S.WITHDRAWN, by=SYSTEM,
         tell="livelihood.withdrawn", fa="با انصراف یا پایان مهلت متقاضی بسته شد"),
    Step("close_deceased", OPEN, S.CLOSED_DECEASED, by=SYSTEM,
         tell="livelihood.closed_deceased", fa="با فوت متقاضی بسته شد"),
    Step("restore", {S.CLOSED_DECEASED}, OPEN, by=SYSTEM,
         tell="livelihood.restored", fa="با اصلاح خبر فوت بازگردانده شد"),
], labels={
    S.IDENTIFIED: "شناسایی‌شده",
    S.ROUTED: "ارجاع به حوزه",
    S.UNDER_REVIEW: "در حال بررسی",
    S.VISIT_PLANNED: "نوبت بازدید",
    S.VISIT_FAILED: "عدم حضور در بازدید",
    S.UNREACHED: "در دسترس نبود",
    S.VISITED: "بازدید شد",
    S.CONFIRMED: "تأیید شرایط",
    S.WAITING_LIST: "پشت نوبت",
    S.ACTIVE: "برقراری",
    S.TAKEN_OVER: "برقرار از سامانهٔ پیشین",
    S.REFUSED: "رد",
    S.OBJECTION_OPEN: "اعتراض در دست رسیدگی",
    S.OBJECTION_REJECTED: "رد اعتراض",
    S.EMERGENCY_ACTIVE: "حمایت اضطراری",
    S.EMERGENCY_ENDED: "پایان حمایت اضطراری",
    S.WITHDRAWN: "انصراف",
    S.CLOSED_DECEASED: "فوت متقاضی",
}, paused={S.VISIT_FAILED, S.WAITING_LIST}, stopped=set(S) - OPEN, next_step={
    S.IDENTIFIED: "مددکار خانواده با شما تماس می‌گیرد تا مدارک را کامل کنید.",
    S.ROUTED: "مددکار خانواده بررسی درخواست را آغاز می‌کند.",
    S.UNDER_REVIEW: "مددکار خانواده زمان بازدید از منزل را تعیین و به شما اعلام می‌کند.",
    S.VISIT_PLANNED: "مددکار خانواده در روز اعلام‌شده به نشانی شما می‌آید.",
    S.VISIT_FAILED: "نوبت تازه‌ای برای بازدید تعیین و به شما اعلام می‌شود.",
    S.VISITED: "رئیس اداره نتیجهٔ بازدید را بررسی و دربارهٔ درخواست تصمیم می‌گیرد.",
    S.CONFIRMED: "پس از فراهم شدن سهمیه و تأیید شمارهٔ شبا، خدمت برقرار می‌شود.",
    S.WAITING_LIST: "با فراهم شدن سهمیه و رسیدن نوبت، خدمت برقرار می‌شود.",
    S.REFUSED: "دلیل‌ها در پروندهٔ خدمت آمده است؛ اگر نمی‌پذیرید می‌توانید یک بار اعتراض کنید.",
    S.OBJECTION_OPEN: "شخص دیگری به اعتراض شما رسیدگی و نتیجه را اعلام می‌کند.",
    S.EMERGENCY_ACTIVE: "حمایت تا تاریخ پایان اعلام‌شده ادامه دارد و مددکار برای بازدید می‌آید.",
})
# fmt: on
