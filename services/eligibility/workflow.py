"""Qualification for livelihood support: forms, inquiries, assessment, decision, hand-over.

Only through the ministry's portal and wholly electronic (EL-18, EL-20); given for as long as the
person lives and no new law ends it (EL-24, EL-34).
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a qualification stands."""

    REGISTERED = "registered"
    BATCH_SELECTED = "batch_selected"
    FORMS_COMPLETE = "forms_complete"
    DATA_COLLECTION = "data_collection"
    AWAITING_INQUIRY = "awaiting_inquiry"
    ASSESSED = "assessed"
    QUALIFIED = "qualified"
    NOT_QUALIFIED = "not_qualified"
    HANDED_OVER = "handed_over"
    OBJECTION_REGISTERED = "objection_registered"
    RE_INQUIRY = "re_inquiry"
    OBJECTION_ACCEPTED = "objection_accepted"
    OBJECTION_PARTLY = "objection_partly"
    OBJECTION_REJECTED = "objection_rejected"
    RE_ASSESSED = "re_assessed"
    ENDED_DECEASED = "ended_deceased"
    ENDED_BY_LAW = "ended_by_law"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    CLOSED_DECEASED = "closed_deceased"


S = Status

SYSTEM = {Role.SYSTEM}
HEAD = {Role.CITIZEN}
REVIEWER = {Role.REVIEWER}
MINISTRY = {Role.MINISTRY}

BEFORE_DECISION = {
    S.REGISTERED,
    S.BATCH_SELECTED,
    S.FORMS_COMPLETE,
    S.DATA_COLLECTION,
    S.AWAITING_INQUIRY,
    S.ASSESSED,
}
OBJECTING = {S.OBJECTION_REGISTERED, S.RE_INQUIRY}
OPEN = BEFORE_DECISION | OBJECTING
IN_HAND = {S.QUALIFIED, S.HANDED_OVER}
HOLDING = IN_HAND | {S.RE_ASSESSED}

CONFLICT = ("declare_conflict",)

# A table is read by its lines.
# fmt: off
ELIGIBILITY = Workflow("eligibility.case", Status, {S.REGISTERED, S.BATCH_SELECTED}, [
    Step("open", (), S.REGISTERED, by=SYSTEM,
         tell="eligibility.registered", fa="درخواست ثبت شد"),
    Step("select_in_batch", (), S.BATCH_SELECTED, by=SYSTEM | MINISTRY,
         tell="eligibility.batch_selected", fa="وزارت خانوار را شناسایی کرد"),
    Step("declare_conflict", OPEN | HOLDING, None, by=REVIEWER | MINISTRY,
         silent="a matter between colleagues", fa="همکار، تعارض منافع خود را اعلام کرد"),

    # The promised time runs from complete forms (EL-27).
    Step("complete_forms", {S.REGISTERED}, S.FORMS_COMPLETE, by=HEAD,
         tell="eligibility.forms_completed", fa="فرم‌ها تکمیل شد"),
    Step("collect_data", {S.FORMS_COMPLETE, S.BATCH_SELECTED}, S.DATA_COLLECTION, by=SYSTEM,
         tell="eligibility.inquiries_started", fa="استعلام‌ها آغاز شد"),
    Step("await_inquiry", {S.DATA_COLLECTION}, S.AWAITING_INQUIRY, by=SYSTEM,
         tell="eligibility.inquiries_delayed", fa="پاسخ یکی از استعلام‌ها نرسیده است"),
    Step("resume_inquiry", {S.AWAITING_INQUIRY}, S.DATA_COLLECTION, by=SYSTEM,
         tell="eligibility.inquiries_resumed", fa="استعلام‌ها از سر گرفته شد"),
    Step("assess", {S.DATA_COLLECTION}, S.ASSESSED, by=SYSTEM,
         within="eligibility.assessment", tell="eligibility.assessed", fa="استحقاق‌سنجی شد"),
    # The rules decide; a reviewer decides where they say it is borderline.
    Step("decide", {S.ASSESSED, S.RE_ASSESSED}, {S.QUALIFIED, S.NOT_QUALIFIED},
         by=SYSTEM | REVIEWER, not_by=CONFLICT, within="eligibility.decision",
         tell={S.QUALIFIED: "eligibility.qualified", S.NOT_QUALIFIED: "eligibility.not_qualified"},
         fa="دربارهٔ صلاحیت تصمیم گرفته شد"),
    Step("hand_over", {S.QUALIFIED}, S.HANDED_OVER, by=SYSTEM,
         tell="eligibility.handed_over", fa="به سازمان متولی معرفی شد"),

    Step("object", IN_HAND | {S.NOT_QUALIFIED, S.REVOKED}, S.OBJECTION_REGISTERED, by=HEAD,
         tell="eligibility.objection_registered", fa="اعتراض ثبت شد"),
    Step("inquire_again", {S.OBJECTION_REGISTERED}, S.RE_INQUIRY, by=SYSTEM,
         tell="eligibility.inquired_again", fa="استعلام دوباره انجام شد"),
    # A proof in hand may settle an objection before the registries have answered again.
    Step("decide_objection", OBJECTING,
         {S.OBJECTION_ACCEPTED, S.OBJECTION_REJECTED, S.OBJECTION_PARTLY}, by=REVIEWER,
         not_by=("decide", "revoke", *CONFLICT), within="eligibility.objection",
         tell={S.OBJECTION_ACCEPTED: "eligibility.objection_accepted",
               S.OBJECTION_PARTLY: "eligibility.objection_partly_accepted",
               S.OBJECTION_REJECTED: "eligibility.objection_rejected"},
         fa="به اعتراض رسیدگی شد"),
    Step("requalify", {S.OBJECTION_ACCEPTED, S.OBJECTION_PARTLY}, S.QUALIFIED, by=SYSTEM,
         tell="eligibility.requalified", fa="با پذیرش اعتراض، صلاحیت تأیید شد"),

    Step("re_assess", IN_HAND, S.RE_ASSESSED, by=SYSTEM,
         tell="eligibility.re_assessed", fa="بازنگری دوره‌ای انجام شد"),
    # Who was qualified before the review or the rejected objection stays so.
    Step("keep", {S.RE_ASSESSED, S.OBJECTION_REJECTED, S.OBJECTION_PARTLY}, IN_HAND, by=SYSTEM,
         tell="eligibility.kept", fa="صلاحیت پابرجا ماند"),

    Step("revoke", HOLDING, S.REVOKED, by=MINISTRY, not_by=CONFLICT,
         tell="eligibility.revoked", fa="تأیید صلاحیت ابطال شد"),
    Step("end_by_law", HOLDING, S.ENDED_BY_LAW, by=MINISTRY, not_by=CONFLICT,
         tell="eligibility.ended_by_law", fa="با قانون جدید پایان یافت"),
    Step("end_deceased", HOLDING, S.ENDED_DECEASED, by=SYSTEM,
         tell="eligibility.ended_deceased", fa="با فوت سرپرست پایان یافت"),
    Step("withdraw", OPEN, S.WITHDRAWN, by=SYSTEM,
         tell="eligibility.withdrawn", fa="با انصراف یا پایان مهلت متقاضی بسته شد"),
    Step("close_deceased", OPEN, S.CLOSED_DECEASED, by=SYSTEM,
         tell="eligibility.closed_deceased", fa="با فوت متقاضی بسته شد"),
    Step("restore", {S.CLOSED_DECEASED, S.ENDED_DECEASED}, OPEN | HOLDING, by=SYSTEM,
         tell="eligibility.restored", fa="با اصلاح خبر فوت بازگردانده شد"),
], labels={
    S.REGISTERED: "ثبت درخواست",
    S.BATCH_SELECTED: "شناسایی وزارت",
    S.FORMS_COMPLETE: "تکمیل فرم",
    S.DATA_COLLECTION: "استعلام‌ها",
    S.AWAITING_INQUIRY: "در انتظار پاسخ استعلام",
    S.ASSESSED: "استحقاق‌سنجی",
    S.QUALIFIED: "تأیید صلاحیت",
    S.NOT_QUALIFIED: "عدم تأیید",
    S.HANDED_OVER: "معرفی به متولی",
    S.OBJECTION_REGISTERED: "ثبت اعتراض",
    S.RE_INQUIRY: "استعلام دوباره",
    S.OBJECTION_ACCEPTED: "پذیرش اعتراض",
    S.OBJECTION_PARTLY: "پذیرش بخشی از اعتراض",
    S.OBJECTION_REJECTED: "رد اعتراض",
    S.RE_ASSESSED: "بازنگری دوره‌ای",
    S.ENDED_DECEASED: "پایان با فوت",
    S.ENDED_BY_LAW: "پایان با قانون جدید",
    S.REVOKED: "ابطال",
    S.WITHDRAWN: "انصراف",
    S.CLOSED_DECEASED: "فوت متقاضی",
}, paused={S.REGISTERED, S.AWAITING_INQUIRY}, stopped=set(S) - OPEN, next_step={
    S.REGISTERED: "فرم‌ها را در سامانه کامل کنید تا رسیدگی آغاز شود.",
    S.BATCH_SELECTED: "اطلاعات خانوار از دستگاه‌های مربوط استعلام می‌شود.",
    S.FORMS_COMPLETE: "اطلاعات خانوار از دستگاه‌های مربوط استعلام می‌شود.",
    S.DATA_COLLECTION: "پس از رسیدن پاسخ استعلام‌ها، استحقاق‌سنجی انجام می‌شود.",
    S.AWAITING_INQUIRY: "پاسخ یکی از دستگاه‌ها نرسیده است؛ استعلام خودکار تکرار می‌شود.",
    S.ASSESSED: "نتیجهٔ استحقاق‌سنجی به‌زودی اعلام می‌شود.",
    S.QUALIFIED: "به سازمان متولی معرفی می‌شوید.",
    S.OBJECTION_REGISTERED: "به بخش‌های مورد اعتراض دوباره رسیدگی می‌شود.",
    S.RE_INQUIRY: "کارشناس دیگری دربارهٔ اعتراض تصمیم می‌گیرد.",
    S.OBJECTION_ACCEPTED: "تصمیم پیشین با نتیجهٔ اعتراض اصلاح می‌شود.",
    S.OBJECTION_PARTLY: "تصمیم پیشین با نتیجهٔ اعتراض سنجیده می‌شود.",
    S.RE_ASSESSED: "اگر نتیجه تغییر کند به شما اعلام می‌شود.",
})
# fmt: on
