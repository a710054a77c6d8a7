"""Refusals that only reports make."""

from shared.web.errors import Refusal


class ReportNotReady(Refusal):
    """The list is still being taken, or its figures are: both end by themselves."""

    status, code = 409, "report_not_ready"
    fa = "فهرست این ماه هنوز بسته و شمرده نشده است"
    en = "The list of this month is not closed and counted yet"


class NotCovered(Refusal):
    """Nothing is said of why: one who lives in a covered home may have no case of their own."""

    status, code = 404, "not_covered"
    fa = "پوشش فعالی به نام شما در این خدمت یافت نشد"
    en = "No active coverage in your own name was found in this service"
