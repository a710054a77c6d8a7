"""What we say about a value that does not fit: our stable code, and a Persian and English sentence.

Only limits from our own schemas are filled in, never a word of what was sent.
"""

from collections.abc import Mapping
from typing import get_args

from pydantic_core.core_schema import ErrorType

_Entry = tuple[str, str, str]

_OURS: dict[str, _Entry] = {
    "missing": ("missing", "این فیلد لازم است", "This field is required"),
    "extra_forbidden": ("unknown_field", "این فیلد شناخته نیست", "This field is not known"),
    "string_type": ("string_type", "باید رشته باشد", "Must be a string"),
    "string_too_short": (
        "too_short",
        "دست‌کم {min_length} نویسه لازم است",
        "At least {min_length} characters are needed",
    ),
    "string_too_long": (
        "too_long",
        "حداکثر {max_length} نویسه پذیرفته می‌شود",
        "At most {max_length} characters are accepted",
    ),
    "string_pattern_mismatch": ("wrong_format", "شکل آن درست نیست", "Not in the right format"),
    "too_short": (
        "too_few",
        "دست‌کم {min_length} مورد لازم است",
        "At least {min_length} items are needed",
    ),
    "too_long": (
        "too_many",
        "حداکثر {max_length} مورد پذیرفته می‌شود",
        "At most {max_length} items are accepted",
    ),
    "int_type": ("integer_type", "باید عدد صحیح باشد", "Must be an integer"),
    "bool_type": ("boolean_type", "باید true یا false باشد", "Must be true or false"),
    "float_type": ("number_type", "باید عدد باشد", "Must be a number"),
    "list_type": ("array_type", "باید فهرست باشد", "Must be an array"),
    "dict_type": ("object_type", "باید شیء JSON باشد", "Must be an object"),
    "greater_than": ("too_small", "باید بیشتر از {gt} باشد", "Must be more than {gt}"),
    "greater_than_equal": ("too_small", "باید دست‌کم {ge} باشد", "Must be at least {ge}"),
    "less_than": ("too_big", "باید کمتر از {lt} باشد", "Must be less than {lt}"),
    "less_than_equal": ("too_big", "باید حداکثر {le} باشد", "Must be at most {le}"),
    "multiple_of": (
        "not_multiple",
        "باید مضربی از {multiple_of} باشد",
        "Must be a multiple of {multiple_of}",
    ),
    "literal_error": (
        "not_one_of",
        "باید یکی از این‌ها باشد: {expected}",
        "Must be one of: {expected}",
    ),
    "union_tag_not_found": ("missing", "نوع آن گفته نشده است", "Its kind is not stated"),
    "union_tag_invalid": (
        "not_one_of",
        "باید یکی از این‌ها باشد: {expected_tags}",
        "Must be one of: {expected_tags}",
    ),
    "date_type": (
        "date_format",
        "باید تاریخ میلادی مانند 2026-11-21 باشد",
        "Must be a Gregorian date like 2026-11-21",
    ),
    "datetime_type": (
        "instant_format",
        "باید زمان با منطقهٔ زمانی مانند 2026-11-21T08:30:00Z باشد",
        "Must be an instant with a zone like 2026-11-21T08:30:00Z",
    ),
    "uuid_type": ("uuid_format", "باید شناسهٔ UUID باشد", "Must be a UUID"),
    "url_type": ("url_format", "باید نشانی وب باشد", "Must be a URL"),
    "json_invalid": ("malformed_json", "JSON درستی نیست", "Is not acceptable JSON"),
    "bytes_type": ("file_type", "باید فایل باشد", "Must be a file"),
}
_OTHER: _Entry = ("invalid", "مقدار آن درست نیست", "The value is not valid")

# Many of Pydantic's types are one thing to the reader: this beginning means that entry.
_FAMILIES = (
    ("enum", "literal_error"),
    ("int_", "int_type"),
    ("bool_", "bool_type"),
    ("float_", "float_type"),
    ("finite_number", "float_type"),
    ("date_", "date_type"),
    ("datetime_", "datetime_type"),
    ("timezone_", "datetime_type"),
    ("uuid_", "uuid_type"),
    ("url_", "url_type"),
    ("model_", "dict_type"),
    ("dataclass_", "dict_type"),
    ("mapping_", "dict_type"),
    ("set_", "list_type"),
    ("tuple_", "list_type"),
    ("string_", "string_type"),
    ("bytes_", "bytes_type"),
)
_PYDANTIC = frozenset(get_args(ErrorType))

# The codes of shared/values: (Persian, English). A service's own codes are told in general words.
_VALUES: dict[str, tuple[str, str]] = {
    "national_code": ("کد ملی درست نیست", "Not a valid national code"),
    "sheba": ("شمارهٔ شبا درست نیست", "Not a valid Sheba (IBAN)"),
    "mobile": ("شمارهٔ همراه باید مانند 09121234567 باشد", "Must be a mobile like 09121234567"),
    "postal_code": ("کد پستی درست نیست", "Not a valid postal code"),
    "legal_id": ("شناسهٔ ملی شخص حقوقی درست نیست", "Not a valid legal person's id"),
    "office_code": ("کد دفتر درست نیست", "Not a valid office code"),
    "tracking_code": ("کد پیگیری درست نیست", "Not a valid tracking code"),
    "period": ("باید ماه شمسی مانند 1405-08 باشد", "Must be a Jalali month like 1405-08"),
    "day": ("باید تاریخ میلادی مانند 2026-11-21 باشد", "Must be a date like 2026-11-21"),
    "instant": (
        "باید زمان با منطقهٔ زمانی مانند 2026-11-21T08:30:00Z باشد",
        "Must be an instant with a zone like 2026-11-21T08:30:00Z",
    ),
    "rial": (
        "باید مبلغی به ریال، عدد صحیح و در حد مجاز باشد",
        "Must be an amount in Rials, an integer within the limits",
    ),
    "code": ("باید یک کلمهٔ لاتین کوتاه باشد", "Must be a short word in Latin letters"),
    "text_bidi": ("نویسهٔ تغییر جهت نوشته دارد", "Contains characters that turn its direction"),
    "text_control": ("نویسهٔ کنترلی دارد", "Contains control characters"),
    "text_character": ("نویسهٔ ناشناخته دارد", "Contains characters that are not assigned"),
    "text_marks": ("نشانه‌های روی هم بیش از حد دارد", "Contains too many marks on one letter"),
}


def sentence(kind: str, context: Mapping[str, object]) -> tuple[str, str, str]:
    """Return code, Persian and English for one type of Pydantic error and its context.

    A type that is not Pydantic's own is the stable code of one of our values and stays the code.
    """
    if kind not in _PYDANTIC:
        return (kind, *_VALUES.get(kind, _OTHER[1:]))
    entry = _OURS.get(kind)
    if entry is None:
        family = next((name for start, name in _FAMILIES if kind.startswith(start)), None)
        entry = _OURS[family] if family else _OTHER
    code, fa, en = entry
    try:
        return code, fa.format(**context), en.format(**context)
    except KeyError:  # a relative of the type in the table, without the limit its sentence names
        return code, *_OTHER[1:]
