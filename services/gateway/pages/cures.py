"""What to do about a refusal, in Persian and English: by its code, else by its status."""

Cure = tuple[str, str]

_READ_AGAIN = (
    "پرونده را دوباره بخوانید؛ `actions` می‌گوید اکنون چه می‌توان کرد.",
    "Read the case again; its `actions` say what may be done now.",
)
_LATER = (
    "پس از زمانی که `Retry-After` می‌گوید، با همان `Idempotency-Key` دوباره بفرستید.",
    "Send it again with the same `Idempotency-Key`, no sooner than `Retry-After` says.",
)
_ASK = (
    "این کار را کسی با نقش یا راه دیگر انجام می‌دهد؛ «چه کسی» هر عملیات در `/docs` آمده است.",
    "Somebody with another role or channel does this; `/docs` names who, for each operation.",
)
_COLLEAGUE = (
    "پرونده را به همکار دیگری بسپارید.",
    "Hand the case to a colleague.",
)
_FIX = (
    "هر مورد `errors` را در جایی که `pointer` نشان می‌دهد درست کنید و دوباره بفرستید.",
    "Put right each of `errors` where its `pointer` says, and send it again.",
)

BY_STATUS: dict[int, Cure] = {
    400: (
        "شکل درخواست را با سند `/openapi.json` بسنجید و درست کنید.",
        "Hold the request against `/openapi.json` and put it right.",
    ),
    401: (
        "توکن تازه بگیرید و در `Authorization: Bearer` بفرستید.",
        "Get a fresh token and send it as `Authorization: Bearer`.",
    ),
    403: _ASK,
    404: (
        "شناسه را بررسی کنید؛ آنچه از آن شما نیست نیز همین پاسخ را دارد.",
        "Check the id; what is not yours is answered in the same way.",
    ),
    405: (
        "عمل‌های این نشانی در سرآیند `Allow` آمده است.",
        "The header `Allow` names the methods of this address.",
    ),
    408: _LATER,
    409: _READ_AGAIN,
    412: (
        "دوباره بخوانید، تغییر را روی نسخهٔ تازه بسازید و با `ETag` تازه بفرستید.",
        "Read it again, make your change upon the new version, and send its `ETag`.",
    ),
    413: (
        "بدنه را کوچک‌تر کنید: JSON تا ۱ و مدرک تا ۱۰ مبی‌بایت.",
        "Send less: JSON up to 1 MiB, a document up to 10 MiB.",
    ),
    414: (
        "نشانی را کوتاه کنید؛ پالایه‌ها را کمتر کنید.",
        "Shorten the address; use fewer filters.",
    ),
    415: (
        "`Content-Type` را همان بفرستید که عملیات می‌پذیرد، بدون فشرده‌سازی.",
        "Send the `Content-Type` that the operation takes, not compressed.",
    ),
    422: _FIX,
    428: (
        "نخست بخوانید و `ETag` آن را در `If-Match` بفرستید.",
        "Read it first and send its `ETag` as `If-Match`.",
    ),
    429: _LATER,
    431: (
        "سرآیندهای اضافی را بردارید.",
        "Leave out headers that are not needed.",
    ),
    500: (
        "`X-Request-ID` را به پشتیبانی بدهید؛ با همان `Idempotency-Key` می‌توان دوباره فرستاد.",
        "Quote `X-Request-ID` to support; the same `Idempotency-Key` may be sent again.",
    ),
    503: _LATER,
    504: _LATER,
}

BY_CODE: dict[str, Cure] = {
    "idempotency_key_required": (
        "برای هر کار تازه کلید تازه‌ای (مثلاً UUID) در `Idempotency-Key` بفرستید.",
        "Send a fresh key, a UUID say, as `Idempotency-Key` for each new piece of work.",
    ),
    "idempotency_key_reused": (
        "برای درخواست تازه کلید تازه بسازید؛ کلید پیشین تنها برای تکرار همان بدنه است.",
        "Make a new key for a new request; the old one is for repeating the same body.",
    ),
    "invalid_cursor": (
        "فهرست را از آغاز بخوانید و `next_cursor` را دست‌نخورده بفرستید.",
        "Begin the list anew and pass `next_cursor` as it came.",
    ),
    "request_in_progress": _LATER,
    "separation_of_duties": _COLLEAGUE,
    "own_or_relative_case": _COLLEAGUE,
    "not_your_application": (
        "برای دیگری `proof` بفرستید: کد یک‌بارمصرف، وکالت‌نامه یا قیمومت.",
        "To act for another send `proof`: a one-time code, power of attorney or guardianship.",
    ),
    "contract_not_valid": (
        "قرارداد دفتر باید امروز و برای همین خدمت معتبر باشد؛ با سازمان تماس بگیرید.",
        "The office's contract must hold today for this service; ask the agency.",
    ),
    "channel_not_allowed": (
        "راه‌های مجاز هر خدمت در شناسنامهٔ آن است: `GET /v1/services/{service}`.",
        "The channels of a service stand on its card: `GET /v1/services/{service}`.",
    ),
    "origin_not_allowed": (
        "نشانی پرتال باید در تنظیمات سازمان ثبت شود.",
        "The portal's origin has to be registered with the agency.",
    ),
    "duplicate_open_request": (
        "همان درخواست باز را پی بگیرید یا نخست از آن انصراف دهید.",
        "Follow the open application, or withdraw it first.",
    ),
    "person_in_other_household": (
        "نخست عضویت او در خانوار دیگر پایان یابد؛ برای این مغایرت کاری در کارتابل ساخته شد.",
        "End the other membership first; a task for the contradiction has been made.",
    ),
    "head_needs_successor": (
        "نخست با `PUT` سرپرست تازه را تعیین کنید.",
        "Name another head by `PUT` first.",
    ),
    "already_claimed": (
        "همکار باید آن را واگذارد یا رئیس اداره آن را بسپارد.",
        "The colleague releases it, or the head of the office reassigns it.",
    ),
    "service_not_open": (
        "از روز `opens_on` دوباره بفرستید.",
        "Send it again from the day `opens_on`.",
    ),
    "service_id_immutable": (
        "شناسهٔ خدمت را همان که بود بفرستید.",
        "Send the service id as it was.",
    ),
    "document_not_accepted": (
        "مدرک را PDF، JPEG یا PNG بفرستید؛ محتوا بررسی می‌شود نه نام.",
        "Send PDF, JPEG or PNG; its content is looked at, not its name.",
    ),
    "document_not_whole": (
        "پرونده را دوباره از اصل بسازید و بفرستید.",
        "Make the file anew from its original and send it.",
    ),
    "documents_missing": (
        "مدارک نام‌برده در `kinds` را از متقاضی بخواهید.",
        "Ask the applicant for the papers that `kinds` names.",
    ),
    "account_not_verified": (
        "متقاضی شبای درست و فعال خود را با `correct-account` بفرستد.",
        "The applicant sends an open account of their own by `correct-account`.",
    ),
    "coverage_not_started": (
        "پس از آغاز پوشش خانوار دوباره بفرستید.",
        "Send it again once the household's coverage has started.",
    ),
    "quota_full": (
        "پرونده در پشت نوبت می‌ماند؛ با آزاد شدن سهمیه برقرار می‌شود.",
        "The case stays on the waiting list until there is quota again.",
    ),
    "objection_too_late": (
        "مهلت گذشته است؛ درخواست تازه می‌توان داد.",
        "The time is over; a new application may be filed.",
    ),
    "template_from_the_past": (
        "`valid_from_on` را امروز یا پس از آن بگذارید.",
        "Let `valid_from_on` be today or later.",
    ),
    "death_not_proven": (
        "نخست فوت در ثبت احوال ثبت شود.",
        "The death has to be in the civil registry first.",
    ),
    "death_stands": (
        "نخست ثبت احوال خبر فوت را اصلاح کند.",
        "The civil registry corrects its news of the death first.",
    ),
}


def cure(code: str, status: int) -> Cure:
    """What to do about a refusal."""
    return BY_CODE.get(code) or BY_STATUS.get(status) or BY_STATUS[status // 100 * 100]
