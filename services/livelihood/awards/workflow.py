"""The life of an award: paid month by month, held, looked at again, stopped, and given back.

Its versions go on from those of the case that it came from, so that the citizen's timeline is one.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where an award stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXIT_REVIEW = "exit_review"
    RENEWAL_REVIEW = "renewal_review"
    STOPPED = "stopped"
    OBJECTION_OPEN = "objection_open"


S = Status

SYSTEM = {Role.SYSTEM}
WORKER = {Role.SOCIAL_WORKER}
APPROVER = {Role.APPROVER}
APPLICANT = {Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER}
STAFF = {Role.SOCIAL_WORKER, Role.APPROVER, Role.INTAKE_OFFICER}

OPEN = {S.ACTIVE, S.SUSPENDED, S.EXIT_REVIEW, S.RENEWAL_REVIEW}
GOES_ON = {S.ACTIVE, S.EXIT_REVIEW, S.RENEWAL_REVIEW}
CONFLICT = ("declare_conflict",)
STOPPING = ("stop", "decide_exit_review")

# A table is read by its lines.
# fmt: off
AWARD = Workflow("livelihood.award", Status, S.ACTIVE, [
    Step("activate", (), S.ACTIVE, by=SYSTEM | APPROVER,
         silent="livelihood.activated of the case says it", fa="مستمری برقرار شد"),
    Step("declare_conflict", OPEN | {S.OBJECTION_OPEN}, None, by=STAFF,
         silent="a matter between colleagues", fa="همکار، تعارض منافع خود را اعلام کرد"),

    # Who counts. What is late is counted back from its month; what was paid is the ledger's.
    Step("change_size", OPEN, None, by=APPROVER, not_by=CONFLICT,
         tell="livelihood.size_changed", fa="شمار اعضای تحت حمایت با تصمیم رئیس اداره تغییر کرد"),
    Step("count_anew", set(S), None, by=SYSTEM,
         tell="livelihood.size_changed", fa="شمار اعضای تحت حمایت تغییر کرد"),
    Step("note_members", set(S), None, by=SYSTEM,
         silent="the rate stays the same, nothing changes for the household",
         fa="تغییر اعضا ثبت شد؛ نرخ همان است"),
    Step("note_newcomer", OPEN, None, by=SYSTEM,
         silent="nothing changes before a person has looked into it",
         fa="عضو تازه برای بررسی ثبت شد"),

    # To whom it is paid.
    Step("change_payee", OPEN, None, by=SYSTEM,
         tell="livelihood.payee_changed", fa="سرپرست تازهٔ خانوار دریافت‌کننده شد"),
    Step("change_account", OPEN | {S.OBJECTION_OPEN}, None, by=APPLICANT,
         tell="livelihood.award_account_changed", fa="حساب دریافت‌کننده تغییر کرد"),

    # What was paid too much is kept back month by month; how much, and when not, a person decides.
    Step("set_recovery_plan", OPEN | {S.OBJECTION_OPEN}, None, by=APPROVER, not_by=CONFLICT,
         tell="livelihood.recovery_planned", fa="شیوهٔ بازپرداخت اضافه‌پرداخت تعیین شد"),
    # Where it is served; the award stays the one it was.
    Step("transfer", OPEN | {S.OBJECTION_OPEN}, None, by=SYSTEM,
         tell="livelihood.transferred", fa="با نشانی تازه به ادارهٔ دیگری سپرده شد"),

    # Back to where it stood before; the months held back are paid as arrears. The system releases
    # only what it held itself: what a person suspended, a person resumes.
    Step("suspend", GOES_ON, S.SUSPENDED, by=WORKER | APPROVER, not_by=CONFLICT,
         tell="livelihood.suspended", fa="پرداخت موقتاً نگه داشته شد"),
    Step("resume", {S.SUSPENDED}, GOES_ON, by=APPROVER, not_by=("suspend", *CONFLICT),
         within="livelihood.exit_decision", tell="livelihood.resumed", fa="پرداخت از سر گرفته شد"),
    Step("hold", GOES_ON, S.SUSPENDED, by=SYSTEM,
         tell="livelihood.suspended", fa="پرداخت با فوت دریافت‌کننده نگه داشته شد"),
    Step("release", {S.SUSPENDED}, GOES_ON, by=SYSTEM,
         tell="livelihood.resumed", fa="پرداخت از سر گرفته شد"),

    Step("open_exit_review", {S.ACTIVE}, S.EXIT_REVIEW, by=SYSTEM | WORKER, not_by=CONFLICT,
         tell="livelihood.exit_review_opened", fa="بررسی ادامهٔ خدمت آغاز شد"),
    Step("decide_exit_review", {S.EXIT_REVIEW}, {S.ACTIVE, S.STOPPED}, by=APPROVER,
         not_by=("open_exit_review", *CONFLICT), within="livelihood.exit_decision",
         tell={S.ACTIVE: "livelihood.kept", S.STOPPED: "livelihood.stopped"},
         fa="دربارهٔ ادامهٔ خدمت تصمیم گرفته شد"),

    Step("open_renewal_review", {S.ACTIVE}, S.RENEWAL_REVIEW, by=SYSTEM,
         tell="livelihood.renewal_review_opened", fa="بررسی تمدید آغاز شد"),
    Step("renew", {S.RENEWAL_REVIEW}, S.ACTIVE, by=APPROVER, not_by=CONFLICT,
         within="livelihood.renewal_decision", tell="livelihood.renewed", fa="خدمت تمدید شد"),

    Step("stop", OPEN, S.STOPPED, by=APPROVER,
         not_by=("suspend", "open_exit_review", *CONFLICT),
         tell="livelihood.stopped", fa="پرداخت پایان یافت"),
    Step("end", OPEN, S.STOPPED, by=SYSTEM,
         tell="livelihood.stopped", fa="با فوت یا پایان پوشش همهٔ اعضا پایان یافت"),
    # One objection to each stop (H54), decided by another person.
    Step("object", {S.STOPPED}, S.OBJECTION_OPEN, by=APPLICANT,
         tell="livelihood.stop_objection_registered", fa="اعتراض به پایان خدمت ثبت شد"),
    Step("decide_objection", {S.OBJECTION_OPEN}, {S.ACTIVE, S.STOPPED}, by=APPROVER,
         not_by=(*STOPPING, "open_exit_review", "suspend", *CONFLICT),
         within="livelihood.objection",
         tell={S.ACTIVE: "livelihood.reinstated", S.STOPPED: "livelihood.stop_upheld"},
         fa="به اعتراض رسیدگی شد"),
    # The news of a death was wrong (H03).
    Step("restore", {S.STOPPED}, S.ACTIVE, by=SYSTEM,
         tell="livelihood.reinstated", fa="با اصلاح خبر فوت بازگردانده شد"),
    Step("open_return", {S.STOPPED}, None, by=SYSTEM,
         tell="livelihood.return_opened", fa="راه بازگشت سریع باز شد"),
], labels={
    S.ACTIVE: "برقرار",
    S.SUSPENDED: "تعلیق",
    S.EXIT_REVIEW: "بررسی خروج",
    S.RENEWAL_REVIEW: "بررسی تمدید",
    S.STOPPED: "قطع",
    S.OBJECTION_OPEN: "اعتراض در دست رسیدگی",
}, paused={S.SUSPENDED}, stopped={S.ACTIVE, S.STOPPED}, next_step={
    S.ACTIVE: "هر ماه به حساب دریافت‌کننده پرداخت می‌شود.",
    S.SUSPENDED: "پس از رفع علت، ماه‌های نگه‌داشته‌شده نیز پرداخت می‌شود.",
    S.EXIT_REVIEW: "رئیس اداره دربارهٔ ادامهٔ خدمت تصمیم می‌گیرد؛ تا آن زمان پرداخت ادامه دارد.",
    S.RENEWAL_REVIEW: "رئیس اداره دربارهٔ تمدید تصمیم می‌گیرد و به شما خبر می‌دهد.",
    S.STOPPED: "اگر نمی‌پذیرید، می‌توانید یک بار اعتراض کنید.",
    S.OBJECTION_OPEN: "شخص دیگری به اعتراض شما رسیدگی و نتیجه را اعلام می‌کند.",
})
# fmt: on
