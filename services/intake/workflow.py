"""The application: one envelope around every request, from the draft to the answer.

While a service works on the case the application only mirrors it: `enter_service`, `close`,
`refuse` and `reopen` follow the service's events, and the service's own message speaks.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where an application stands (api.md section 2)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    INCOMPLETE = "incomplete"
    ROUTED = "routed"
    IN_SERVICE = "in_service"
    VISIT_REQUIRED = "visit_required"
    CLOSED = "closed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CLOSED_DECEASED = "closed_deceased"


S = Status

SYSTEM = {Role.SYSTEM}
OFFICER = {Role.INTAKE_OFFICER}
APPLICANT = {Role.CITIZEN, Role.COUNTER, Role.INTAKE_OFFICER}
WRITERS = APPLICANT | {Role.SOCIAL_WORKER}  # a request may be put in at a desk, with the applicant

WORKING = {S.SUBMITTED, S.ROUTED, S.IN_SERVICE}
OPEN = WORKING | {S.DRAFT, S.INCOMPLETE, S.VISIT_REQUIRED}
WITH_SERVICE = {S.ROUTED, S.IN_SERVICE, S.INCOMPLETE, S.VISIT_REQUIRED}

MIRRORED = "the service's own message says it"

# A table is read by its lines.
# fmt: off
APPLICATION = Workflow("intake.application", Status, {S.DRAFT, S.SUBMITTED, S.IN_SERVICE}, [
    Step("draft", (), S.DRAFT, by=WRITERS,
         silent="a draft is known to its writer only", fa="پیش‌نویس ساخته شد"),
    Step("amend", {S.DRAFT, S.INCOMPLETE}, None, by=WRITERS,
         silent="the writer is told when it is submitted", fa="درخواست ویرایش شد"),
    Step("submit", (), S.SUBMITTED, by=WRITERS,
         tell="application.submitted", fa="درخواست ثبت شد"),
    Step("submit_draft", {S.DRAFT}, S.SUBMITTED, by=WRITERS,
         tell="application.submitted", fa="درخواست ثبت شد"),
    # A case that the agency or a ministry began: identified households, batches (LV-30, EL-04).
    Step("adopt", (), S.IN_SERVICE, by=SYSTEM, silent=MIRRORED, fa="پرونده در حوزه آغاز شد"),

    # The registries may be away when a request comes in: it is taken, and finished when they answer
    Step("finish_identity", {S.SUBMITTED}, None, by=SYSTEM,
         tell="application.identity_confirmed", fa="هویت متقاضی احراز شد"),
    Step("refuse_identity", {S.SUBMITTED}, S.REFUSED, by=SYSTEM,
         tell="application.identity_refused", fa="هویت متقاضی احراز نشد"),
    Step("route", {S.SUBMITTED}, S.ROUTED, by=SYSTEM,
         within="intake.routing", tell="application.routed", fa="به حوزه ارجاع شد"),

    Step("request_documents", WORKING, S.INCOMPLETE, by=SYSTEM | OFFICER,
         tell="application.documents_requested", fa="مدارک تکمیلی خواسته شد"),
    Step("remind", {S.INCOMPLETE}, None, by=SYSTEM,
         tell="application.reminded", fa="یادآوری تکمیل مدارک فرستاده شد"),
    # Both go back to where the application was: the action reads it from the history.
    Step("resubmit", {S.INCOMPLETE}, WORKING, by=WRITERS,
         tell="application.resubmitted", fa="مدارک تکمیل شد"),
    Step("expire", {S.INCOMPLETE}, S.EXPIRED, by=SYSTEM,
         tell="application.expired", fa="مهلت تکمیل مدارک گذشت"),
    Step("request_visit", WORKING | {S.VISIT_REQUIRED}, S.VISIT_REQUIRED, by=OFFICER,
         tell="application.visit_requested", fa="مراجعهٔ حضوری لازم شد"),
    Step("record_visit", {S.VISIT_REQUIRED}, WORKING, by=OFFICER,
         tell="application.visit_recorded", fa="مراجعهٔ حضوری انجام شد"),

    Step("enter_service", {S.ROUTED}, S.IN_SERVICE, by=SYSTEM,
         silent=MIRRORED, fa="رسیدگی در حوزه آغاز شد"),
    Step("close", WITH_SERVICE, S.CLOSED, by=SYSTEM, silent=MIRRORED, fa="رسیدگی پایان یافت"),
    Step("refuse", WITH_SERVICE, S.REFUSED, by=SYSTEM, silent=MIRRORED, fa="درخواست رد شد"),
    Step("reopen", {S.CLOSED, S.REFUSED}, S.IN_SERVICE, by=SYSTEM,
         silent=MIRRORED, fa="رسیدگی دوباره آغاز شد"),

    Step("withdraw", OPEN, S.WITHDRAWN, by=APPLICANT,
         tell="application.withdrawn", fa="متقاضی انصراف داد"),
    Step("close_deceased", OPEN, S.CLOSED_DECEASED, by=SYSTEM,
         tell="application.closed_deceased", fa="با فوت متقاضی بسته شد"),
    Step("restore", {S.CLOSED_DECEASED}, OPEN, by=SYSTEM,
         tell="application.restored", fa="با اصلاح خبر فوت بازگردانده شد"),
], labels={
    S.DRAFT: "پیش‌نویس",
    S.SUBMITTED: "ثبت‌شده",
    S.INCOMPLETE: "نقص مدارک",
    S.ROUTED: "ارجاع به حوزه",
    S.IN_SERVICE: "در حال رسیدگی",
    S.VISIT_REQUIRED: "نیاز به مراجعه",
    S.CLOSED: "پایان‌یافته",
    S.REFUSED: "رد",
    S.WITHDRAWN: "انصراف",
    S.EXPIRED: "منقضی",
    S.CLOSED_DECEASED: "فوت متقاضی",
}, paused={S.DRAFT, S.INCOMPLETE, S.VISIT_REQUIRED}, stopped={
    S.CLOSED, S.REFUSED, S.WITHDRAWN, S.EXPIRED, S.CLOSED_DECEASED,
}, next_step={
    S.DRAFT: "درخواست را کامل و ثبت کنید.",
    S.SUBMITTED: "درخواست به حوزهٔ محل سکونت شما ارجاع می‌شود.",
    S.INCOMPLETE: "مدارک خواسته‌شده را تا مهلت اعلام‌شده از سامانه، دفتر پیشخوان یا حضوری بفرستید.",
    S.ROUTED: "حوزه رسیدگی به درخواست را آغاز می‌کند.",
    S.IN_SERVICE: "درخواست در حوزه در حال رسیدگی است.",
    S.VISIT_REQUIRED: "در روز و محل اعلام‌شده مراجعه کنید.",
})
# fmt: on
