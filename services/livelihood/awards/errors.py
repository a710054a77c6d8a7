"""Refusals that only awards make."""

from shared.web.errors import Refusal


class PayeeDied(Refusal):
    status, code = 409, "payee_died"
    fa = "دریافت‌کننده درگذشته است؛ نخست سرپرست تازه و حساب او ثبت شود"
    en = "The payee has died: a new head and their account come first"


class ExitRuleNotMet(Refusal):
    """Give which of the two conditions holds as `services` and `improved`."""

    status, code = 409, "exit_rule_not_met"
    fa = "خروج به این دلیل، هم دریافت خدمت دیگر و هم بهبود درآمد را لازم دارد"
    en = "An exit on this ground needs both another service and an improved income"


class MemberNotCovered(Refusal):
    status, code = 409, "member_not_covered"
    fa = "این شخص در این خانوار زیر پوشش نیست"
    en = "This person is not covered with this household"


class NothingChanges(Refusal):
    status, code = 409, "nothing_changes"
    fa = "وضع این عضو هم‌اکنون همین است"
    en = "This member stands so already"


class ObjectedBefore(Refusal):
    status, code = 409, "objected_before"
    fa = "به این تصمیم پیش‌تر یک بار اعتراض شده است"
    en = "This decision has been objected to before"


class NothingToRecover(Refusal):
    status, code = 409, "nothing_to_recover"
    fa = "برای این پرونده اضافه‌پرداختی در دست وصول نیست"
    en = "Nothing is to be recovered of this award"


class AboveRecoveryCap(Refusal):
    """Give the most that may be kept back of a month as `cap_rial`."""

    status, code = 409, "above_recovery_cap"
    fa = "این مبلغ از سقف ماهانهٔ بازپرداخت بیشتر است"
    en = "This is more than may be kept back of a month"


class ReturnTooEarly(Refusal):
    """Give the first day on which the household may return as `may_return_on`."""

    status, code = 409, "return_too_early"
    fa = "زمان بازگشت به خدمت پس از خروج هنوز نرسیده است"
    en = "The time before a return to the service has not passed yet"
