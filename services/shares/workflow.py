"""Justice shares for covered clients: covered with a current file, reviewed, inquired, served.

The three process titles of the identity card (JS-28 to JS-30) with what may stop them on the way.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a request about justice shares stands."""

    COVERAGE_CHECK = "coverage_check"
    SUSPENDED_FILE = "suspended_file"
    SOCIAL_WORKER_REVIEW = "social_worker_review"
    INQUIRY = "inquiry"
    BATCH_INQUIRY = "batch_inquiry"
    CONTRADICTION = "contradiction"
    REVIEW_DONE = "review_done"
    DELIVERED = "delivered"
    REFUSED = "refused"
    OBJECTION_OPEN = "objection_open"
    OBJECTION_REJECTED = "objection_rejected"
    WITHDRAWN = "withdrawn"
    CLOSED_DECEASED = "closed_deceased"


S = Status

SYSTEM = {Role.SYSTEM}
WORKER = {Role.SOCIAL_WORKER}
APPROVER = {Role.APPROVER}
APPLICANT = {Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER}

# An inquiry by batch waits for others, so its clock rests: it is a status of its own.
ASKING = {S.INQUIRY, S.BATCH_INQUIRY}
IN_WORK = {S.COVERAGE_CHECK, S.SOCIAL_WORKER_REVIEW, S.CONTRADICTION, S.REVIEW_DONE} | ASKING
UNDECIDED = IN_WORK | {S.SUSPENDED_FILE}
OPEN = UNDECIDED | {S.OBJECTION_OPEN}

CONFLICT = ("declare_conflict",)

# A table is read by its lines.
# fmt: off
SHARES = Workflow("shares.case", Status, S.COVERAGE_CHECK, [
    Step("open", (), S.COVERAGE_CHECK, by=SYSTEM,
         tell="shares.opened", fa="پرونده در حوزه باز شد"),
    Step("declare_conflict", OPEN, None, by=WORKER | APPROVER,
         silent="a matter between colleagues", fa="همکار، تعارض منافع خود را اعلام کرد"),

    Step("pass_coverage", {S.COVERAGE_CHECK}, S.SOCIAL_WORKER_REVIEW, by=SYSTEM,
         tell="shares.coverage_confirmed", fa="پوشش و جاری بودن پرونده تأیید شد"),
    Step("refuse_coverage", {S.COVERAGE_CHECK}, S.REFUSED, by=SYSTEM,
         tell="shares.coverage_refused", fa="پوشش حمایتی تأیید نشد"),
    # A file may fall asleep at any moment before delivery (H67).
    Step("suspend_file", IN_WORK, S.SUSPENDED_FILE, by=SYSTEM,
         tell="shares.file_suspended", fa="پروندهٔ حمایتی راکد است"),
    Step("resume_file", {S.SUSPENDED_FILE}, S.COVERAGE_CHECK, by=SYSTEM,
         tell="shares.file_resumed", fa="پروندهٔ حمایتی دوباره جاری شد"),

    Step("review", {S.SOCIAL_WORKER_REVIEW}, ASKING, by=WORKER, not_by=CONFLICT,
         within="shares.review", tell="shares.reviewed", fa="مددکار بررسی را انجام داد"),
    Step("record_inquiry", ASKING, {S.REVIEW_DONE, S.CONTRADICTION}, by=SYSTEM | WORKER,
         not_by=CONFLICT, within="shares.inquiry",
         tell={S.REVIEW_DONE: "shares.inquiry_answered",
               S.CONTRADICTION: "shares.contradiction_found"},
         fa="پاسخ استعلام ثبت شد"),
    Step("correct", {S.CONTRADICTION}, ASKING, by=SYSTEM | WORKER, not_by=CONFLICT,
         within="shares.correction", tell="shares.corrected", fa="مغایرت اصلاح شد"),
    Step("deliver", {S.REVIEW_DONE}, S.DELIVERED, by=WORKER | APPROVER, not_by=CONFLICT,
         within="shares.delivery", tell="shares.delivered", fa="خدمت ارائه شد"),

    Step("refuse", UNDECIDED, S.REFUSED, by=WORKER, not_by=CONFLICT,
         tell="shares.refused", fa="درخواست رد شد"),
    Step("object", {S.REFUSED}, S.OBJECTION_OPEN, by=APPLICANT,
         tell="shares.objection_registered", fa="اعتراض ثبت شد"),
    # One objection to a decision (H54): a rejected one has its own status, with no way on.
    Step("decide_objection", {S.OBJECTION_OPEN},
         {S.COVERAGE_CHECK, S.SOCIAL_WORKER_REVIEW, S.OBJECTION_REJECTED}, by=APPROVER,
         not_by=("refuse", "review", "record_inquiry", *CONFLICT), within="shares.objection",
         tell={S.COVERAGE_CHECK: "shares.objection_accepted",
               S.SOCIAL_WORKER_REVIEW: "shares.objection_accepted",
               S.OBJECTION_REJECTED: "shares.objection_rejected"},
         fa="به اعتراض رسیدگی شد"),

    Step("withdraw", OPEN, S.WITHDRAWN, by=SYSTEM,
         tell="shares.withdrawn", fa="با انصراف یا پایان مهلت متقاضی بسته شد"),
    Step("close_deceased", OPEN, S.CLOSED_DECEASED, by=SYSTEM,
         tell="shares.closed_deceased", fa="با فوت متقاضی بسته شد"),
    Step("restore", {S.CLOSED_DECEASED}, OPEN, by=SYSTEM,
         tell="shares.restored", fa="با اصلاح خبر فوت بازگردانده شد"),
], labels={
    S.COVERAGE_CHECK: "بررسی پوشش و پروندهٔ فعال",
    S.SUSPENDED_FILE: "پروندهٔ راکد",
    S.SOCIAL_WORKER_REVIEW: "بررسی توسط مددکار",
    S.INQUIRY: "استعلام برخط",
    S.BATCH_INQUIRY: "استعلام دسته‌ای",
    S.CONTRADICTION: "مغایرت",
    S.REVIEW_DONE: "پایان بررسی",
    S.DELIVERED: "ارائهٔ خدمت",
    S.REFUSED: "رد",
    S.OBJECTION_OPEN: "اعتراض در دست رسیدگی",
    S.OBJECTION_REJECTED: "رد اعتراض",
    S.WITHDRAWN: "انصراف",
    S.CLOSED_DECEASED: "فوت متقاضی",
}, paused={S.SUSPENDED_FILE, S.BATCH_INQUIRY}, stopped=set(S) - OPEN, next_step={
    S.COVERAGE_CHECK: "پوشش حمایتی و جاری بودن پرونده بررسی می‌شود.",
    S.SUSPENDED_FILE: "برای جاری شدن پرونده با مددکار خود تماس بگیرید؛ سپس رسیدگی ادامه می‌یابد.",
    S.SOCIAL_WORKER_REVIEW: "مددکار درخواست را بررسی می‌کند.",
    S.INQUIRY: "اطلاعات از دستگاه مربوط استعلام می‌شود.",
    S.BATCH_INQUIRY: "پاسخ استعلام دسته‌ای از دستگاه مربوط می‌رسد.",
    S.CONTRADICTION: "مددکار مغایرت اطلاعات را با شما برطرف می‌کند.",
    S.REVIEW_DONE: "نتیجه آماده است و خدمت ارائه می‌شود.",
    S.OBJECTION_OPEN: "شخص دیگری به اعتراض شما رسیدگی و نتیجه را اعلام می‌کند.",
})
# fmt: on
