"""Refusals that only the monthly run makes."""

from shared.web.errors import Refusal


class RunExists(Refusal):
    """Give the run that is there as `run_id`."""

    status, code = 409, "run_exists"
    fa = "پرداخت این ماه از این نوع پیش‌تر باز شده است"
    en = "This month has a run of this kind already"


class RatesIncomplete(Refusal):
    """Give the sizes that no rate covers as `covered_sizes`."""

    status, code = 409, "rates_incomplete"
    fa = "برای همهٔ اندازه‌های خانوار در این ماه نرخ مصوب نیست"
    en = "There is no approved rate for every covered size in this month"


class StatementMalformed(Refusal):
    """Give the `line` where reading ended, where it is known."""

    status, code = 400, "malformed_statement"
    fa = "پاسخ بانک pain.002 یا camt.053 درستی نیست؛ هیچ ردیفی از آن ثبت نشد"
    en = "The answer is no acceptable pain.002 or camt.053; nothing of it was taken in"


class TooManyResults(Refusal):
    """Give how many one answer may have as `most`."""

    status, code = 413, "too_many_results"
    fa = "ردیف‌های این پاسخ از اندازهٔ یک بار بیشتر است؛ آن را در چند بخش بفرستید"
    en = "The answer has more rows than one may have: send it in parts"


class RunDoesNotBalance(Refusal):
    """Give what does not add up as `off`: for each sum what it is and what it should be."""

    status, code = 409, "run_does_not_balance"
    fa = "جمع‌های این پرداخت هنوز با هم برابر نیست"
    en = "The sums of this run do not add up yet"
