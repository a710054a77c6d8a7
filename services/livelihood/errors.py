"""Refusals that only livelihood makes."""

from shared.web.errors import Refusal


class DocumentsMissing(Refusal):
    status, code = 409, "documents_missing"
    fa = "مدارک لازم برای این درخواست هنوز کامل نیست"
    en = "The documents that this application needs are not complete"


class VisitTriesUsed(Refusal):
    status, code = 409, "visit_tries_used"
    fa = "همهٔ نوبت‌های بازدید به کار رفته است"
    en = "Every visit that the rules allow has been tried"


class AdmissionRulesNotMet(Refusal):
    status, code = 409, "admission_rules_not_met"
    fa = "شرایط دستورالعمل پذیرش برقرار نیست"
    en = "The conditions of the admission instruction are not met"


class HouseholdHasAward(Refusal):
    status, code = 409, "household_has_award"
    fa = "این خانوار هم‌اکنون از کمک معیشت برخوردار است"
    en = "This household has an open award already"


class IdentificationNotPossible(Refusal):
    """Whether it is an award, a case or an application of theirs, it does not say."""

    status, code = 409, "identification_not_possible"
    fa = "برای این شخص اکنون نمی‌توان پرونده‌ای به ابتکار امداد باز کرد"
    en = "A case cannot be begun for this person at present"


class CoverageNotStarted(Refusal):
    status, code = 409, "coverage_not_started"
    fa = "پوشش حمایتی این خانوار هنوز آغاز نشده است"
    en = "The coverage of this household has not started yet"


class AccountNotVerified(Refusal):
    """Give what the central bank said as `account_state`."""

    status, code = 409, "account_not_verified"
    fa = "شمارهٔ شبا به نام متقاضی و فعال شناخته نشد"
    en = "The account is not an open account of the applicant"


class QuotaFull(Refusal):
    status, code = 409, "quota_full"
    fa = "سهمیهٔ امسال این استان پر شده است"
    en = "This year's quota of the province is used up"


class ObjectionTooLate(Refusal):
    status, code = 409, "objection_too_late"
    fa = "مهلت اعتراض به این تصمیم گذشته است"
    en = "The time for an objection to this decision has passed"
