"""Refusals that only intake makes."""

from shared.web.errors import Refusal


class DuplicateOpenRequest(Refusal):
    status, code = 409, "duplicate_open_request"
    fa = "برای همین شخص و همین خدمت درخواستی در جریان است"
    en = "This person already has an open application for this service"


class PersonInOtherHousehold(Refusal):
    status, code = 409, "person_in_other_household"
    fa = "این شخص هم‌اکنون عضو خانوار دیگری است"
    en = "This person is a member of another household at that time"


class NotYourApplication(Refusal):
    status, code = 403, "not_your_application"
    fa = "هر شهروند تنها برای خود یا با اختیار قانونی درخواست می‌دهد"
    en = "A citizen applies for themselves, or with lawful authority"


class ContractNotValid(Refusal):
    status, code = 403, "contract_not_valid"
    fa = "قرارداد این دفتر برای این خدمت امروز معتبر نیست"
    en = "This office's contract is not valid for this service today"


class ServiceNotOpen(Refusal):
    status, code = 422, "service_not_open"
    fa = "ثبت درخواست برای این خدمت هنوز آغاز نشده است"
    en = "Applications for this service are not open yet"


class RegistryAway(Refusal):
    status, code, retry_after = 503, "registry_unavailable", 60
    fa = "سامانهٔ استعلام هویت اکنون پاسخ نمی‌دهد؛ درخواست شما ثبت نشد، کمی بعد دوباره بکوشید"
    en = "The identity registry does not answer now; nothing was stored, please try again later"


class DocumentNotAccepted(Refusal):
    status, code = 415, "document_not_accepted"
    fa = "تنها پروندهٔ PDF یا تصویر JPEG و PNG پذیرفته می‌شود"
    en = "Only PDF, JPEG and PNG documents are accepted"


class AlreadyClaimed(Refusal):
    status, code = 409, "already_claimed"
    fa = "همکار دیگری این پرونده را در دست دارد"
    en = "A colleague has this case in hand"


class ServiceIdImmutable(Refusal):
    status, code = 409, "service_id_immutable"
    fa = "شناسهٔ خدمت را سازمان مدیریت و برنامه‌ریزی می‌دهد و اینجا تغییر نمی‌کند"
    en = "The service id is assigned from outside and does not change here"


class DeathNotProven(Refusal):
    status, code = 409, "death_not_proven"
    fa = "ثبت احوال فوت این شخص را تأیید نمی‌کند"
    en = "The civil registry does not confirm this death"


class DeathStands(Refusal):
    status, code = 409, "death_stands"
    fa = "ثبت احوال هنوز این شخص را درگذشته می‌داند"
    en = "The civil registry still holds this person to be dead"


class HeadNeedsSuccessor(Refusal):
    status, code = 409, "head_needs_successor"
    fa = "تا سرپرست دیگری تعیین نشود، سرپرست خانوار از آن بیرون نمی‌رود"
    en = "The head leaves a household only after another head is named"


class AlreadyCovered(Refusal):
    status, code = 409, "already_covered"
    fa = "همهٔ این افراد هم‌اکنون تحت پوشش‌اند"
    en = "All of these people are under coverage already"


class DocumentNotWhole(Refusal):
    status, code = 422, "document_not_whole"
    fa = "پرونده ناقص است یا چیزی به دنبال آن چسبیده است؛ آن را دوباره از اصل بسازید"
    en = "The file is cut off, or something is appended to it; please make it anew"
