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
