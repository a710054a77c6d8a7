"""What may become of a value, judged by the document and by this page alone.

None of the agency's own code is asked: a second opinion on what is canonical.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from tests.prove.corpus import BROKEN, Vector
from tests.prove.document import Json, Operation

REFUSED: Final = object()
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")


def _digits(text: str) -> str:
    return text.translate(_DIGITS)


def _matching(pattern: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        found = _digits(text)
        return found if re.fullmatch(pattern, found, re.ASCII) else REFUSED

    return read


def _national_code(text: str) -> Any:
    code = _digits(text)
    if not re.fullmatch(r"[0-9]{10}", code) or code == code[0] * 10:
        return REFUSED
    rest = (
        sum(int(digit) * weight for digit, weight in zip(code, range(10, 1, -1), strict=False)) % 11
    )
    return code if int(code[9]) == (rest if rest < 2 else 11 - rest) else REFUSED


def _sheba(text: str) -> Any:
    code = _digits(text).upper()
    if not re.fullmatch(r"IR[0-9]{24}", code) or not 2 <= int(code[2:4]) <= 98:
        return REFUSED
    return code if int(code[4:] + "1827" + code[2:4]) % 97 == 1 else REFUSED


def _mobile(text: str) -> Any:
    found = re.fullmatch(r"(?:\+98|0098|98|0)?(9[0-9]{9})", _digits(text))
    return f"0{found[1]}" if found else REFUSED


def _tracking_code(text: str) -> Any:
    found = re.fullmatch(r"SH-([0-9A-Z]{10})", _digits(text).upper())
    return "SH-" + found[1].translate(str.maketrans("OIL", "011")) if found else REFUSED


def _day(text: str) -> Any:
    found = _digits(text)
    try:
        day = date.fromisoformat(found if re.fullmatch(r"\d{4}-\d\d-\d\d", found, re.ASCII) else "")
    except ValueError:
        return REFUSED
    return found if 1800 <= day.year < 2300 else REFUSED


def _instant(text: str) -> Any:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text, re.ASCII):
        return REFUSED
    try:
        return text if 1800 <= datetime.fromisoformat(text).year < 2300 else REFUSED
    except ValueError:
        return REFUSED


def _uuid(text: str) -> Any:
    try:
        return str(UUID(text)) if text.isascii() else REFUSED
    except ValueError:
        return REFUSED


FORMATS: Final[dict[str, Callable[[str], Any]]] = {
    "national-code": _national_code,
    "sheba": _sheba,
    "mobile": _mobile,
    "postal-code": _matching(r"[0-9]{10}"),
    "legal-id": _matching(r"[0-9]{11}"),
    "tracking-code": _tracking_code,
    "period": _matching(r"1[345][0-9]{2}-(0[1-9]|1[0-2])"),
    "date": _day,
    "date-time": _instant,
    "uuid": _uuid,
}


def canonical(operation: Operation, schema: Json, vector: Vector) -> Any:
    """What the value may be kept as: REFUSED where nothing but a refusal will do."""
    if vector.value is BROKEN:
        return REFUSED
    return _judge(operation, schema, vector.value, vector.text)


def _judge(operation: Operation, schema: Json, value: Any, text: str | None) -> Any:
    schema = operation.resolve(schema)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        found = (_judge(operation, one, value, text) for one in options)
        return next((one for one in found if one is not REFUSED), REFUSED)
    if "const" in schema or "enum" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        return value if any(_same(value, one) for one in allowed) else REFUSED
    match schema.get("type"):
        case "null":
            return None if value is None else REFUSED
        case "boolean":
            return value if isinstance(value, bool) else REFUSED
        case "integer":
            return value if type(value) is int and _within(schema, value) else REFUSED
        case "number":
            number = type(value) in {int, float} and math.isfinite(value)
            return value if number and _within(schema, value) else REFUSED
        case "string":
            return _string(schema, value, text) if isinstance(value, str) else REFUSED
        case "array":
            return _array(operation, schema, value)
        case "object":
            return _object(operation, schema, value)
        case _:
            return value


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _within(schema: Json, value: float) -> bool:
    low, high = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    return bool(low < value < high and least <= value <= most)


def _string(schema: Json, value: str, text: str | None) -> Any:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]](value)
    if "pattern" in schema:
        found = value if re.fullmatch(schema["pattern"], value) else _digits(value)
        return found if re.fullmatch(schema["pattern"], found) else REFUSED
    if text is None:
        return REFUSED
    fits = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", math.inf)
    return text if fits else REFUSED


def _array(operation: Operation, schema: Json, value: Any) -> Any:
    if not isinstance(value, list):
        return REFUSED
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return REFUSED
    kept = [_judge(operation, schema.get("items", {}), one, _plain(one)) for one in value]
    return REFUSED if REFUSED in kept else kept


def _object(operation: Operation, schema: Json, value: Any) -> Any:
    if not isinstance(value, dict):
        return REFUSED
    known = schema.get("properties", {})
    if not set(schema.get("required", ())) <= value.keys():
        return REFUSED
    if schema.get("additionalProperties") is False and not value.keys() <= known.keys():
        return REFUSED
    kept = {
        name: _judge(operation, known.get(name, {}), one, _plain(one))
        for name, one in value.items()
    }
    return REFUSED if REFUSED in kept.values() else kept


def _plain(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and value.strip() else None
