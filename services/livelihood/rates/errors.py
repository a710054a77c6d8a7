"""Refusals of rates, budgets and quotas."""

from shared.web.errors import Refusal


class RateOverlaps(Refusal):
    status, code = 409, "rate_overlaps"
    fa = "برای این شمار اعضا در بخشی از این ماه‌ها نرخ دیگری ثبت شده است"
    en = "Another rate of this size holds in some of these months"


class RateMissing(Refusal):
    """Give `covered_size`, `period`, and whether a row is there that nobody has confirmed."""

    status, code = 409, "rate_missing"
    fa = "نرخ این ماه برای این شمار اعضا هنوز ثبت یا تأیید نشده است"
    en = "The rate of this month and size has not been entered or confirmed yet"


class RateConfirmed(Refusal):
    status, code = 409, "rate_confirmed"
    fa = "این نرخ پیش‌تر تأیید شده است"
    en = "This rate has been confirmed already"


class BudgetMissing(Refusal):
    """Give `year`, and whether a version is there that nobody has confirmed."""

    status, code = 409, "budget_missing"
    fa = "بودجهٔ این سال هنوز ثبت یا تأیید نشده است"
    en = "The budget of this year has not been entered or confirmed yet"


class QuotaSetThatDay(Refusal):
    status, code = 409, "quota_set_that_day"
    fa = "از همین روز سهمیه‌ای ثبت شده است و آنچه اجرا شده بازنویسی نمی‌شود"
    en = "A quota begins on that day already, and what was in force is not rewritten"
