"""Employment loans: from registration to the bank, from the money to a business that lasts.

Two tables: the case (request, bank, execution of the plan) and, beside it, the repayment, which
goes on whatever the plan does and of which the bank is master.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a loan stands."""

    REGISTERED = "registered"
    SOCIAL_WORK_REVIEW = "social_work_review"
    SOCIAL_WORK_APPROVED = "social_work_approved"
    DOCUMENTS_PENDING = "documents_pending"
    DOCUMENTS_COMPLETE = "documents_complete"
    COUNSELLING = "counselling"
    PLAN_AGREED = "plan_agreed"
    QUEUED = "queued"
    REFERRED_TO_BANK = "referred_to_bank"
    REFERRAL_EXPIRED = "referral_expired"
    BANK_REVIEW = "bank_review"
    AWAITING_GUARANTEE = "awaiting_guarantee"
    BANK_APPROVED = "bank_approved"
    BANK_REJECTED = "bank_rejected"
    DISBURSED = "disbursed"
    PARTLY_DISBURSED = "partly_disbursed"
    EXECUTING = "executing"
    OPERATING = "operating"
    SUSTAINED = "sustained"
    PLAN_AT_RISK = "plan_at_risk"
    NOT_EXECUTED_PROPOSED = "not_executed_proposed"
    RECALLED = "recalled"
    RECALL_OBJECTION = "recall_objection"
    REINSTATED = "reinstated"
    LEGAL = "legal"
    SETTLED = "settled"
    CLOSED = "closed"
    REFUSED = "refused"
    OBJECTION_OPEN = "objection_open"
    OBJECTION_REJECTED = "objection_rejected"
    WITHDRAWN = "withdrawn"
    CLOSED_DECEASED = "closed_deceased"


class Repaying(StrEnum):
    """Where the repayment of a paid loan stands."""

    CURRENT = "current"
    OVERDUE = "overdue"
    RESTRUCTURED = "restructured"
    ENDED = "ended"


S = Status
P = Repaying

SYSTEM = {Role.SYSTEM}
WORKER = {Role.SOCIAL_WORKER}
OFFICER = {Role.INTAKE_OFFICER}
APPROVER = {Role.APPROVER}
EXPERT = {Role.EMPLOYMENT_EXPERT}
COUNSELLOR = {Role.JOB_COUNSELLOR}
BANK = {Role.BANK}
APPLICANT = {Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER}
STAFF = WORKER | OFFICER | APPROVER | EXPERT | COUNSELLOR

PREPARING = {
    S.REGISTERED,
    S.SOCIAL_WORK_REVIEW,
    S.SOCIAL_WORK_APPROVED,
    S.DOCUMENTS_PENDING,
    S.DOCUMENTS_COMPLETE,
    S.COUNSELLING,
    S.PLAN_AGREED,
    S.QUEUED,
}
AT_BANK = {S.REFERRED_TO_BANK, S.BANK_REVIEW, S.AWAITING_GUARANTEE, S.BANK_APPROVED}
BACK_FROM_BANK = {S.BANK_REJECTED, S.REFERRAL_EXPIRED}
OPEN = PREPARING | AT_BANK | BACK_FROM_BANK | {S.OBJECTION_OPEN}
PAID = {S.PARTLY_DISBURSED, S.DISBURSED}
RUNNING = PAID | {S.EXECUTING, S.OPERATING, S.SUSTAINED, S.PLAN_AT_RISK, S.REINSTATED}
CALLED_IN = {S.RECALLED, S.RECALL_OBJECTION, S.LEGAL}
OWING = RUNNING | {S.NOT_EXECUTED_PROPOSED} | CALLED_IN

# Where a visit may lead. A loan paid in parts stays so until the bank has paid the last; a visit
# after settlement is made by the duty of the plan (H39). The action asks this table.
VISIT_LEADS_TO = {
    S.PARTLY_DISBURSED: {S.PARTLY_DISBURSED},
    S.DISBURSED: {S.DISBURSED, S.EXECUTING},
    S.REINSTATED: {S.REINSTATED, S.EXECUTING},
    S.EXECUTING: {S.EXECUTING, S.OPERATING},
    S.OPERATING: {S.OPERATING, S.SUSTAINED},
    S.SUSTAINED: {S.SUSTAINED},
    S.PLAN_AT_RISK: {S.PLAN_AT_RISK},
    S.CLOSED: {S.CLOSED},
}
# What the bank may say next, guarantees asked for or not.
BANK_LEADS_TO = {
    S.REFERRED_TO_BANK: {S.BANK_REVIEW, S.AWAITING_GUARANTEE, S.BANK_APPROVED, S.BANK_REJECTED},
    S.BANK_REVIEW: {S.AWAITING_GUARANTEE, S.BANK_APPROVED, S.BANK_REJECTED},
    S.AWAITING_GUARANTEE: {S.BANK_APPROVED, S.BANK_REJECTED},
}
OBJECTION_LEADS_TO = {S.REFUSED: {S.OBJECTION_OPEN}, S.RECALLED: {S.RECALL_OBJECTION}}

CONFLICT = ("declare_conflict",)
# The department head refers what others have prepared.
PREPARED = ("approve_social_work", "record_counselling", "agree_plan", *CONFLICT)
# The committee judges findings that are not its own.
FOUND = ("record_visit", "warn", "propose_recall", *CONFLICT)
JUDGED = ("recall", "uphold_recall", *FOUND)

# A table is read by its lines.
# fmt: off
LOAN = Workflow("loans.case", Status, S.REGISTERED, [
    Step("open", (), S.REGISTERED, by=SYSTEM, tell="loans.registered", fa="ثبت‌نام شد"),
    Step("declare_conflict", OPEN | OWING, None, by=STAFF,
         silent="a matter between colleagues", fa="همکار، تعارض منافع خود را اعلام کرد"),
    Step("start_social_work", {S.REGISTERED}, S.SOCIAL_WORK_REVIEW, by=SYSTEM | WORKER,
         not_by=CONFLICT,
         tell="loans.social_work_started", fa="بررسی مددکاری آغاز شد"),
    Step("approve_social_work", {S.SOCIAL_WORK_REVIEW}, S.SOCIAL_WORK_APPROVED, by=WORKER,
         not_by=CONFLICT, within="loans.social_work",
         tell="loans.social_work_approved", fa="واحد مددکاری تأیید کرد"),
    Step("request_documents", {S.SOCIAL_WORK_APPROVED}, S.DOCUMENTS_PENDING, by=SYSTEM | OFFICER,
         not_by=CONFLICT,
         tell="loans.documents_requested", fa="مدارک خواسته شد"),
    Step("complete_documents", {S.SOCIAL_WORK_APPROVED, S.DOCUMENTS_PENDING},
         S.DOCUMENTS_COMPLETE, by=APPLICANT,
         tell="loans.documents_completed", fa="مدارک کامل شد"),
    Step("record_counselling", {S.DOCUMENTS_COMPLETE, S.COUNSELLING}, S.COUNSELLING,
         by=COUNSELLOR, not_by=CONFLICT, within="loans.counselling",
         tell="loans.counselled", fa="مشاورهٔ شغلی انجام شد"),
    Step("agree_plan", {S.COUNSELLING}, S.PLAN_AGREED, by=COUNSELLOR | EXPERT, not_by=CONFLICT,
         within="loans.plan", tell="loans.plan_agreed", fa="طرح تصویب شد"),
    Step("join_queue", {S.PLAN_AGREED}, S.QUEUED, by=SYSTEM,
         tell="loans.queued", fa="در صف اعتبار قرار گرفت"),
    # With the applicant's consent: a new baseline, not a breach (H34, H38).
    Step("amend_plan", {S.PLAN_AGREED, S.QUEUED} | RUNNING, None, by=EXPERT, not_by=CONFLICT,
         tell="loans.plan_amended", fa="طرح با توافق تغییر کرد"),
    Step("reclassify", PREPARING, None, by=SYSTEM,
         tell="loans.reclassified", fa="گروه هدف به‌روز شد"),

    Step("refer_to_bank", {S.QUEUED, S.BANK_REJECTED}, S.REFERRED_TO_BANK, by=APPROVER,
         not_by=PREPARED, within="loans.referral",
         tell="loans.referred_to_bank", fa="به بانک عامل معرفی شد"),
    Step("expire_referral", {S.REFERRED_TO_BANK, S.AWAITING_GUARANTEE}, S.REFERRAL_EXPIRED,
         by=SYSTEM, tell="loans.referral_expired", fa="مهلت معرفی به بانک گذشت"),
    Step("renew_referral", {S.REFERRAL_EXPIRED}, S.REFERRED_TO_BANK, by=APPROVER, not_by=PREPARED,
         within="loans.referral", tell="loans.referral_renewed", fa="معرفی به بانک تمدید شد"),
    Step("follow_up_bank", AT_BANK, None, by=OFFICER | EXPERT | SYSTEM,
         silent="a note between the office and the bank", fa="پیگیری از بانک ثبت شد"),
    Step("record_bank_decision", BANK_LEADS_TO,
         {S.BANK_REVIEW, S.AWAITING_GUARANTEE, S.BANK_APPROVED, S.BANK_REJECTED}, by=BANK,
         within="loans.bank",
         tell={S.BANK_REVIEW: "loans.bank_review_started",
               S.AWAITING_GUARANTEE: "loans.guarantees_requested",
               S.BANK_APPROVED: "loans.bank_approved",
               S.BANK_REJECTED: "loans.bank_rejected"},
         fa="پاسخ بانک ثبت شد"),
    Step("record_guarantees", {S.AWAITING_GUARANTEE, S.BANK_APPROVED},
         {S.AWAITING_GUARANTEE, S.BANK_APPROVED}, by=BANK, within="loans.guarantees",
         tell={S.AWAITING_GUARANTEE: "loans.guarantee_recorded",
               S.BANK_APPROVED: "loans.bank_approved"},
         fa="تضامین ثبت شد"),
    Step("record_disbursement", {S.BANK_APPROVED, S.PARTLY_DISBURSED}, PAID, by=BANK,
         within="loans.disbursement",
         tell={S.DISBURSED: "loans.disbursed", S.PARTLY_DISBURSED: "loans.partly_disbursed"},
         fa="پرداخت بانک ثبت شد"),

    Step("plan_visit", RUNNING, None, by=EXPERT, not_by=CONFLICT,
         tell="loans.visit_planned", fa="نوبت بازدید تعیین شد"),
    Step("record_visit", VISIT_LEADS_TO, RUNNING | {S.CLOSED}, by=EXPERT, not_by=CONFLICT,
         within="loans.visit",
         tell={S.PARTLY_DISBURSED: "loans.visited", S.DISBURSED: "loans.visited",
               S.REINSTATED: "loans.visited", S.PLAN_AT_RISK: "loans.visited",
               S.CLOSED: "loans.visited", S.EXECUTING: "loans.execution_confirmed",
               S.OPERATING: "loans.operation_confirmed", S.SUSTAINED: "loans.business_sustained"},
         fa="بازدید انجام شد"),
    Step("record_guidance", RUNNING, None, by=EXPERT | COUNSELLOR,
         tell="loans.guided", fa="راهنمایی کارشناسی ثبت شد"),
    Step("ask_statistics", RUNNING, None, by=SYSTEM,
         tell="loans.statistics_requested", fa="آمار دوره‌ای خواسته شد"),
    Step("report_statistics", RUNNING, None, by=APPLICANT,
         tell="loans.statistics_reported", fa="آمار دوره‌ای رسید"),

    Step("warn", {S.EXECUTING, S.OPERATING}, S.PLAN_AT_RISK, by=EXPERT, not_by=CONFLICT,
         tell="loans.warned", fa="دربارهٔ انحراف از طرح هشدار داده شد"),
    Step("cure", {S.PLAN_AT_RISK}, {S.EXECUTING, S.OPERATING}, by=EXPERT, not_by=CONFLICT,
         within="loans.cure", tell="loans.cured", fa="انحراف از طرح برطرف شد"),
    Step("propose_recall", PAID | {S.EXECUTING, S.PLAN_AT_RISK}, S.NOT_EXECUTED_PROPOSED,
         by=EXPERT, not_by=CONFLICT, tell="loans.recall_proposed", fa="عدم اجرا پیشنهاد شد"),
    Step("record_hearing", {S.NOT_EXECUTED_PROPOSED}, None, by=APPROVER,
         not_by=FOUND, within="loans.hearing", tell="loans.heard", fa="دفاع متقاضی شنیده شد"),
    Step("dismiss_recall", {S.NOT_EXECUTED_PROPOSED}, S.EXECUTING, by=APPROVER, not_by=FOUND,
         tell="loans.recall_dismissed", fa="پیشنهاد عدم اجرا پذیرفته نشد"),
    Step("recall", {S.NOT_EXECUTED_PROPOSED}, S.RECALLED, by=APPROVER, not_by=FOUND,
         within="loans.recall", tell="loans.recalled", fa="بدهی حال شد"),
    Step("uphold_recall", {S.RECALL_OBJECTION}, S.RECALLED, by=APPROVER,
         not_by=JUDGED, within="loans.objection",
         tell="loans.recall_upheld", fa="اعتراض به حال شدن بدهی پذیرفته نشد"),
    Step("reinstate", {S.RECALLED, S.RECALL_OBJECTION}, S.REINSTATED, by=APPROVER,
         not_by=JUDGED, within="loans.objection",
         tell="loans.reinstated", fa="بدهی به اقساط بازگشت"),
    Step("start_legal", {S.RECALLED}, S.LEGAL, by=BANK,
         tell="loans.sent_to_court", fa="وصول به مرجع حقوقی سپرده شد"),
    Step("settle", OWING, S.SETTLED, by=BANK, tell="loans.settled", fa="تسویه شد"),
    Step("close", {S.SETTLED}, S.CLOSED, by=SYSTEM, tell="loans.closed", fa="خاتمه یافت"),
    # After the money, death goes by bank, insurance and heirs; no visit proposes a recall (H32).
    Step("note_death", OWING, None, by=SYSTEM,
         tell="loans.borrower_died", fa="فوت وام‌گیرنده ثبت شد"),

    Step("refuse", PREPARING | BACK_FROM_BANK, S.REFUSED, by=SYSTEM | WORKER | OFFICER | APPROVER,
         not_by=CONFLICT, tell="loans.refused", fa="درخواست رد شد"),
    Step("object", OBJECTION_LEADS_TO, {S.OBJECTION_OPEN, S.RECALL_OBJECTION}, by=APPLICANT,
         tell={S.OBJECTION_OPEN: "loans.objection_registered",
               S.RECALL_OBJECTION: "loans.recall_objection_registered"},
         fa="اعتراض ثبت شد"),
    # One objection to a decision (H54): a rejected one has its own status, with no way on.
    Step("decide_objection", {S.OBJECTION_OPEN},
         {S.SOCIAL_WORK_REVIEW, S.OBJECTION_REJECTED}, by=APPROVER,
         not_by=("refuse", *PREPARED), within="loans.objection",
         tell={S.SOCIAL_WORK_REVIEW: "loans.objection_accepted",
               S.OBJECTION_REJECTED: "loans.objection_rejected"},
         fa="به اعتراض رسیدگی شد"),
    Step("withdraw", OPEN, S.WITHDRAWN, by=SYSTEM,
         tell="loans.withdrawn", fa="با انصراف یا پایان مهلت متقاضی بسته شد"),
    Step("close_deceased", OPEN, S.CLOSED_DECEASED, by=SYSTEM,
         tell="loans.closed_deceased", fa="با فوت متقاضی بسته شد"),
    Step("restore", {S.CLOSED_DECEASED}, OPEN, by=SYSTEM,
         tell="loans.restored", fa="با اصلاح خبر فوت بازگردانده شد"),
], labels={
    S.REGISTERED: "ثبت‌نام",
    S.SOCIAL_WORK_REVIEW: "بررسی مددکاری",
    S.SOCIAL_WORK_APPROVED: "تأیید مددکاری",
    S.DOCUMENTS_PENDING: "در انتظار مدارک",
    S.DOCUMENTS_COMPLETE: "مدارک کامل",
    S.COUNSELLING: "مشاورهٔ شغلی",
    S.PLAN_AGREED: "طرح مصوب",
    S.QUEUED: "صف اعتبار",
    S.REFERRED_TO_BANK: "معرفی به بانک",
    S.REFERRAL_EXPIRED: "انقضای معرفی",
    S.BANK_REVIEW: "بررسی بانک",
    S.AWAITING_GUARANTEE: "در انتظار تضامین",
    S.BANK_APPROVED: "تأیید بانک",
    S.BANK_REJECTED: "عدم پذیرش بانک",
    S.DISBURSED: "پرداخت",
    S.PARTLY_DISBURSED: "پرداخت مرحله‌ای",
    S.EXECUTING: "اجرای طرح",
    S.OPERATING: "بهره‌برداری",
    S.SUSTAINED: "پایدار",
    S.PLAN_AT_RISK: "انحراف از طرح",
    S.NOT_EXECUTED_PROPOSED: "پیشنهاد عدم اجرا",
    S.RECALLED: "دین حال",
    S.RECALL_OBJECTION: "اعتراض به دین حال",
    S.REINSTATED: "ابقا",
    S.LEGAL: "حقوقی",
    S.SETTLED: "تسویه",
    S.CLOSED: "خاتمه",
    S.REFUSED: "رد",
    S.OBJECTION_OPEN: "اعتراض در دست رسیدگی",
    S.OBJECTION_REJECTED: "رد اعتراض",
    S.WITHDRAWN: "انصراف",
    S.CLOSED_DECEASED: "فوت متقاضی",
}, paused={S.DOCUMENTS_PENDING, S.QUEUED, S.AWAITING_GUARANTEE}, stopped=set(S) - OPEN, next_step={
    S.REGISTERED: "واحد مددکاری درخواست را بررسی می‌کند.",
    S.SOCIAL_WORK_REVIEW: "واحد مددکاری نتیجهٔ بررسی را اعلام می‌کند.",
    S.SOCIAL_WORK_APPROVED: "فهرست مدارک بررسی می‌شود و اگر کم باشد به شما اعلام می‌شود.",
    S.DOCUMENTS_PENDING: "مدارک خواسته‌شده را از سامانه، دفتر پیشخوان یا حضوری بدهید.",
    S.DOCUMENTS_COMPLETE: "برای مشاورهٔ شغلی با شما هماهنگ می‌شود.",
    S.COUNSELLING: "پس از پایان مشاوره، طرح با شما توافق می‌شود.",
    S.PLAN_AGREED: "طرح در صف اعتبار قرار می‌گیرد.",
    S.QUEUED: "با رسیدن نوبت، به بانک عامل معرفی می‌شوید.",
    S.REFERRED_TO_BANK: "به شعبهٔ معرفی‌شده مراجعه کنید؛ بانک درخواست را بررسی می‌کند.",
    S.REFERRAL_EXPIRED: "تمدید معرفی را بخواهید؛ جای شما در صف محفوظ است.",
    S.BANK_REVIEW: "بانک نتیجهٔ بررسی را اعلام می‌کند.",
    S.AWAITING_GUARANTEE: "تضامین خواسته‌شده را به بانک بدهید.",
    S.BANK_APPROVED: "بانک قرارداد را با شما می‌بندد و پرداخت می‌کند.",
    S.BANK_REJECTED: "حوزه معرفی به بانکی دیگر را بررسی می‌کند.",
    S.DISBURSED: "طرح را مطابق توافق اجرا کنید؛ کارشناس برای بازدید هماهنگ می‌کند.",
    S.PARTLY_DISBURSED: "بانک بخش بعدی را با پیشرفت طرح پرداخت می‌کند.",
    S.EXECUTING: "کارشناس پیشرفت طرح را در بازدید بعدی می‌بیند.",
    S.OPERATING: "کارشناس ادامهٔ کار را در بازدیدهای بعدی می‌بیند.",
    S.PLAN_AT_RISK: "تا پایان مهلت، طرح را به توافق بازگردانید؛ کارشناس همراه شماست.",
    S.NOT_EXECUTED_PROPOSED: "توضیح خود را پیش از تصمیم کمیته بدهید.",
    S.RECALLED: "می‌توانید اعتراض کنید یا برای تسویه به بانک مراجعه کنید.",
    S.RECALL_OBJECTION: "شخص دیگری به اعتراض شما رسیدگی و نتیجه را اعلام می‌کند.",
    S.REINSTATED: "طرح و اقساط مطابق توافق ادامه می‌یابد.",
    S.LEGAL: "برای تسویه به بانک مراجعه کنید.",
    S.SETTLED: "پرونده خاتمه می‌یابد.",
    S.OBJECTION_OPEN: "شخص دیگری به اعتراض شما رسیدگی و نتیجه را اعلام می‌کند.",
})

REPAYMENT = Workflow("loans.repayment", Repaying, P.CURRENT, [
    Step("start_repayment", (), P.CURRENT, by=SYSTEM,
         silent="loans.disbursed names the first instalment", fa="بازپرداخت آغاز شد"),
    Step("record_repayment", {P.CURRENT, P.OVERDUE, P.RESTRUCTURED},
         {P.CURRENT, P.OVERDUE, P.RESTRUCTURED}, by=BANK,
         tell="loans.repayment_recorded", fa="پرداخت قسط ثبت شد"),
    Step("miss_instalment", {P.CURRENT, P.RESTRUCTURED}, P.OVERDUE, by=SYSTEM | BANK,
         tell="loans.instalment_missed", fa="قسط معوق شد"),
    Step("remind_instalment", {P.OVERDUE}, None, by=SYSTEM,
         tell="loans.instalment_reminded", fa="قسط معوق یادآوری شد"),
    Step("restructure", {P.CURRENT, P.OVERDUE}, P.RESTRUCTURED, by=BANK | APPROVER,
         tell="loans.restructured", fa="بازپرداخت امهال شد"),
    Step("end_repayment", {P.CURRENT, P.OVERDUE, P.RESTRUCTURED}, P.ENDED, by=SYSTEM,
         silent="loans.settled and loans.recalled say it", fa="بازپرداخت پایان یافت"),
    Step("resume_repayment", {P.ENDED}, P.CURRENT, by=SYSTEM,
         silent="loans.reinstated says it", fa="بازپرداخت از سر گرفته شد"),
], labels={
    P.CURRENT: "به‌موقع",
    P.OVERDUE: "معوق",
    P.RESTRUCTURED: "امهال",
    P.ENDED: "پایان‌یافته",
}, stopped={P.ENDED}, next_step={
    P.CURRENT: "قسط بعدی را در سررسید بپردازید.",
    P.OVERDUE: "قسط معوق را بپردازید یا با بانک دربارهٔ امهال گفت‌وگو کنید.",
    P.RESTRUCTURED: "اقساط را مطابق برنامهٔ تازه بپردازید.",
})
# fmt: on
