"""Exemption from military service: coverage, ground, social worker, approval, letter, outcome.

At delivery the application closes (EX-41); what follows is the life of the letter. A reissue puts
a new letter in the place of the old one, so `superseded` belongs to the letter, not to the case.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a request for exemption stands, and after delivery its letter."""

    COVERAGE_CHECK = "coverage_check"
    GROUND_CHECK = "ground_check"
    MANUAL_CHECK = "manual_check"
    SOCIAL_WORKER_REVIEW = "social_worker_review"
    APPROVAL = "approval"
    LETTER_ISSUED = "letter_issued"
    DELIVERED = "delivered"
    ACCEPTED_BY_CONSCRIPTION = "accepted_by_conscription"
    TEMPORARY_EXEMPTION = "temporary_exemption"
    PERMANENT_EXEMPTION = "permanent_exemption"
    REJECTED_BY_CONSCRIPTION = "rejected_by_conscription"
    REVOKED_BY_CONSCRIPTION = "revoked_by_conscription"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REFUSED = "refused"
    OBJECTION_OPEN = "objection_open"
    OBJECTION_REJECTED = "objection_rejected"
    WITHDRAWN = "withdrawn"
    CLOSED_DECEASED = "closed_deceased"


S = Status

SYSTEM = {Role.SYSTEM}
WORKER = {Role.SOCIAL_WORKER}
APPROVER = {Role.APPROVER}
OFFICE = {Role.SOCIAL_WORKER, Role.INTAKE_OFFICER}
APPLICANT = {Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER}

BEFORE_APPROVAL = {S.COVERAGE_CHECK, S.GROUND_CHECK, S.MANUAL_CHECK, S.SOCIAL_WORKER_REVIEW}
OPEN = BEFORE_APPROVAL | {S.APPROVAL, S.OBJECTION_OPEN}
REISSUABLE = {S.LETTER_ISSUED, S.DELIVERED, S.EXPIRED, S.REJECTED_BY_CONSCRIPTION}
ANSWERED = {S.ACCEPTED_BY_CONSCRIPTION, S.TEMPORARY_EXEMPTION, S.PERMANENT_EXEMPTION}

# What the conscription organisation may say next (H49: temporary, then permanent; only permanent
# ends). The action asks this table before the step.
OUTCOMES = {
    S.DELIVERED: ANSWERED | {S.REJECTED_BY_CONSCRIPTION},
    S.ACCEPTED_BY_CONSCRIPTION: {
        S.TEMPORARY_EXEMPTION,
        S.PERMANENT_EXEMPTION,
        S.REJECTED_BY_CONSCRIPTION,
        S.REVOKED_BY_CONSCRIPTION,
    },
    S.TEMPORARY_EXEMPTION: {
        S.TEMPORARY_EXEMPTION,
        S.PERMANENT_EXEMPTION,
        S.REVOKED_BY_CONSCRIPTION,
    },
    S.PERMANENT_EXEMPTION: {S.REVOKED_BY_CONSCRIPTION},
}

CONFLICT = ("declare_conflict",)
WORKED = ("record_manual_check", "record_mother_choice", "review", *CONFLICT)

# A table is read by its lines.
# fmt: off
EXEMPTION = Workflow("exemption.case", Status, S.COVERAGE_CHECK, [
    Step("open", (), S.COVERAGE_CHECK, by=SYSTEM,
         tell="exemption.opened", fa="پرونده در حوزه باز شد"),
    Step("declare_conflict", OPEN | REISSUABLE, None, by=OFFICE | APPROVER,
         silent="a matter between colleagues", fa="همکار، تعارض منافع خود را اعلام کرد"),

    Step("pass_coverage", {S.COVERAGE_CHECK}, S.GROUND_CHECK, by=SYSTEM,
         tell="exemption.coverage_confirmed", fa="پوشش حمایتی تأیید شد"),
    Step("refuse_coverage", {S.COVERAGE_CHECK}, S.REFUSED, by=SYSTEM,
         tell="exemption.coverage_refused", fa="پوشش حمایتی تأیید نشد"),
    Step("pass_ground", {S.GROUND_CHECK}, S.SOCIAL_WORKER_REVIEW, by=SYSTEM,
         tell="exemption.ground_confirmed", fa="بند معافیت احراز شد"),
    Step("refuse_ground", {S.GROUND_CHECK}, S.REFUSED, by=SYSTEM,
         tell="exemption.ground_refused", fa="بند معافیت احراز نشد"),
    # A registry that is away or contradicts itself stops nobody: a person asks, or it is retried.
    Step("ask_manual_check", {S.GROUND_CHECK}, S.MANUAL_CHECK, by=SYSTEM,
         tell="exemption.manual_check_requested", fa="استعلام غیربرخط لازم شد"),
    Step("retry_ground", {S.MANUAL_CHECK}, S.GROUND_CHECK, by=SYSTEM,
         tell="exemption.ground_check_resumed", fa="استعلام برخط از سر گرفته شد"),
    Step("record_manual_check", {S.MANUAL_CHECK}, {S.SOCIAL_WORKER_REVIEW, S.REFUSED}, by=OFFICE,
         not_by=CONFLICT, within="exemption.manual_check",
         tell={S.SOCIAL_WORKER_REVIEW: "exemption.ground_confirmed",
               S.REFUSED: "exemption.ground_refused"},
         fa="نتیجهٔ استعلام غیربرخط ثبت شد"),

    # With more than one son the case waits for the mother's written choice (H42).
    Step("ask_mother_choice", BEFORE_APPROVAL, None, by=SYSTEM | WORKER,
         tell="exemption.mother_choice_requested", fa="انتخاب کتبی مادر خواسته شد"),
    Step("record_mother_choice", BEFORE_APPROVAL, None, by=OFFICE | {Role.COUNTER},
         not_by=CONFLICT, tell="exemption.mother_choice_recorded", fa="انتخاب کتبی مادر ثبت شد"),
    Step("review", {S.SOCIAL_WORKER_REVIEW}, S.APPROVAL, by=WORKER, not_by=CONFLICT,
         within="exemption.review", tell="exemption.reviewed", fa="مددکار بررسی را انجام داد"),
    Step("approve", {S.APPROVAL}, S.LETTER_ISSUED, by=APPROVER, not_by=WORKED,
         within="exemption.approval", tell="exemption.letter_issued", fa="معرفی‌نامه صادر شد"),
    Step("refuse", {S.SOCIAL_WORKER_REVIEW, S.APPROVAL}, S.REFUSED, by=APPROVER, not_by=WORKED,
         within="exemption.approval", tell="exemption.refused", fa="درخواست رد شد"),

    Step("object", {S.REFUSED, S.REVOKED}, S.OBJECTION_OPEN, by=APPLICANT,
         tell="exemption.objection_registered", fa="اعتراض ثبت شد"),
    # One objection to a decision (H54): a rejected one has its own status, with no way on.
    Step("decide_objection", {S.OBJECTION_OPEN},
         {S.COVERAGE_CHECK, S.SOCIAL_WORKER_REVIEW, S.OBJECTION_REJECTED}, by=APPROVER,
         not_by=("refuse", "revoke", "approve", *WORKED), within="exemption.objection",
         tell={S.COVERAGE_CHECK: "exemption.objection_accepted",
               S.SOCIAL_WORKER_REVIEW: "exemption.objection_accepted",
               S.OBJECTION_REJECTED: "exemption.objection_rejected"},
         fa="به اعتراض رسیدگی شد"),

    Step("deliver", {S.LETTER_ISSUED}, S.DELIVERED, by=SYSTEM | APPLICANT,
         within="exemption.delivery", tell="exemption.delivered", fa="معرفی‌نامه تحویل شد"),
    Step("expire", {S.LETTER_ISSUED, S.DELIVERED}, S.EXPIRED, by=SYSTEM,
         tell="exemption.letter_expired", fa="اعتبار معرفی‌نامه پایان یافت"),
    # By the system when coverage or ground is lost before use and policy says so (H46, H47).
    Step("revoke", {S.LETTER_ISSUED, S.DELIVERED}, S.REVOKED, by=SYSTEM | APPROVER,
         not_by=CONFLICT, tell="exemption.letter_revoked", fa="معرفی‌نامه ابطال شد"),
    Step("reissue", REISSUABLE, S.LETTER_ISSUED, by=APPROVER, not_by=WORKED,
         tell="exemption.letter_reissued", fa="معرفی‌نامهٔ تازه به جای پیشین صادر شد"),

    Step("record_outcome", {S.DELIVERED} | ANSWERED,
         ANSWERED | {S.REJECTED_BY_CONSCRIPTION, S.REVOKED_BY_CONSCRIPTION},
         by={Role.CONSCRIPTION},
         tell={S.ACCEPTED_BY_CONSCRIPTION: "exemption.letter_accepted",
               S.TEMPORARY_EXEMPTION: "exemption.temporarily_exempted",
               S.PERMANENT_EXEMPTION: "exemption.permanently_exempted",
               S.REJECTED_BY_CONSCRIPTION: "exemption.letter_rejected",
               S.REVOKED_BY_CONSCRIPTION: "exemption.exemption_cancelled"},
         fa="پاسخ سازمان وظیفهٔ عمومی ثبت شد"),

    Step("withdraw", OPEN, S.WITHDRAWN, by=SYSTEM,
         tell="exemption.withdrawn", fa="با انصراف یا پایان مهلت متقاضی بسته شد"),
    Step("close_deceased", OPEN, S.CLOSED_DECEASED, by=SYSTEM,
         tell="exemption.closed_deceased", fa="با فوت متقاضی بسته شد"),
    Step("restore", {S.CLOSED_DECEASED}, OPEN, by=SYSTEM,
         tell="exemption.restored", fa="با اصلاح خبر فوت بازگردانده شد"),
], labels={
    S.COVERAGE_CHECK: "بررسی پوشش",
    S.GROUND_CHECK: "احراز بند",
    S.MANUAL_CHECK: "استعلام غیربرخط",
    S.SOCIAL_WORKER_REVIEW: "بررسی مددکار",
    S.APPROVAL: "تأیید رئیس اداره",
    S.LETTER_ISSUED: "صدور معرفی‌نامه",
    S.DELIVERED: "تحویل",
    S.ACCEPTED_BY_CONSCRIPTION: "پذیرش سازمان وظیفهٔ عمومی",
    S.TEMPORARY_EXEMPTION: "معافیت موقت",
    S.PERMANENT_EXEMPTION: "معافیت دائم",
    S.REJECTED_BY_CONSCRIPTION: "عدم پذیرش سازمان وظیفهٔ عمومی",
    S.REVOKED_BY_CONSCRIPTION: "لغو معافیت",
    S.EXPIRED: "انقضای معرفی‌نامه",
    S.REVOKED: "ابطال معرفی‌نامه",
    S.REFUSED: "رد",
    S.OBJECTION_OPEN: "اعتراض در دست رسیدگی",
    S.OBJECTION_REJECTED: "رد اعتراض",
    S.WITHDRAWN: "انصراف",
    S.CLOSED_DECEASED: "فوت متقاضی",
}, paused={S.MANUAL_CHECK}, stopped=set(S) - OPEN - {S.LETTER_ISSUED}, next_step={
    S.COVERAGE_CHECK: "پوشش حمایتی خانوار بررسی می‌شود.",
    S.GROUND_CHECK: "شرایط بند معافیت از ثبت احوال استعلام می‌شود.",
    S.MANUAL_CHECK: "همکار ما شرایط را به صورت غیربرخط استعلام می‌کند.",
    S.SOCIAL_WORKER_REVIEW: "مددکار درخواست را بررسی می‌کند.",
    S.APPROVAL: "رئیس اداره دربارهٔ صدور معرفی‌نامه تصمیم می‌گیرد.",
    S.LETTER_ISSUED: "معرفی‌نامه را از درگاه بگیرید یا در دفتر پیشخوان تحویل بگیرید.",
    S.DELIVERED: "معرفی‌نامه را به سازمان وظیفهٔ عمومی بدهید و منتظر پاسخ آن بمانید.",
    S.ACCEPTED_BY_CONSCRIPTION: "سازمان وظیفهٔ عمومی نتیجهٔ نهایی را اعلام می‌کند.",
    S.TEMPORARY_EXEMPTION: "سازمان وظیفهٔ عمومی نتیجهٔ نهایی را اعلام می‌کند.",
    S.EXPIRED: "اگر هنوز به معرفی‌نامه نیاز دارید، صدور دوبارهٔ آن را بخواهید.",
    S.REJECTED_BY_CONSCRIPTION: "پس از رفع ایراد می‌توان معرفی‌نامهٔ تازه صادر کرد.",
    S.OBJECTION_OPEN: "شخص دیگری به اعتراض شما رسیدگی و نتیجه را اعلام می‌کند.",
})
# fmt: on
