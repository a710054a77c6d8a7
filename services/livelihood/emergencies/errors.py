"""Refusals of emergencies."""

from shared.web.errors import Refusal


class OutsideEmergency(Refusal):
    """Give what does not fit as `outside`: `area` or `dates`."""

    status, code = 409, "outside_emergency"
    fa = "این خانوار یا این روز در محدودهٔ وضعیت اضطراری اعلام‌شده نیست"
    en = "The household or the day is outside the declared emergency"


class HouseholdHasEmergency(Refusal):
    """Give the last month that is granted already as `last_period`."""

    status, code = 409, "household_has_emergency"
    fa = "این خانوار هم‌اکنون از حمایت اضطراری برخوردار است"
    en = "This household has emergency support for these months already"


class HouseholdNotKnown(Refusal):
    status, code = 409, "household_not_known"
    fa = "خانوار این پرونده هنوز شناخته نشده است"
    en = "The household of this case is not known yet"


class EmergencyVisitMissing(Refusal):
    status, code = 409, "emergency_visit_missing"
    fa = "پیش از تمدید حمایت اضطراری باید بازدید انجام شود"
    en = "The home has to be visited before emergency support is prolonged"


class WorthMissing(Refusal):
    """Give the kinds of emergency as `kinds`."""

    status, code = 409, "emergency_worth_missing"
    fa = "برای نوعی از وضعیت اضطراری، مبلغ این ماه در مقررات نیست"
    en = "Policy does not say what an emergency of some kind is worth in this month"
