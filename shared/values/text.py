"""Text as people write it: one canonical spelling, and nothing that cannot be seen (decision 17).

The raw form stays with whoever keeps evidence; here is what is stored, compared and shown.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

ZWNJ = "\u200c"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_LETTERS = str.maketrans("يىك", "ییک")
# What remains different after NFKD: letters with a twin in Arabic or Urdu, and the stretching mark.
_TWINS = str.maketrans("يىێكہھەةۃٱ", "یییکههههها", "ـ")
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_MOST_MARKS = 4  # Persian needs two on one letter, the Quran three
_NO_LETTERS = re.compile(
    rf"[^\w\s]{{{_MOST_MARKS + 1}}}"
)  # a mark is none: only here may be a pile


@dataclass(frozen=True, slots=True)
class Parsed:
    """For `Annotated[str, Parsed(parse, …)]`: a strict string, kept as `parse` returns it.

    `parse` raises ValueError(code); the code becomes the stable type of the validation error, whose
    sentence never repeats the value. Lengths are checked before and after.
    """

    parse: Callable[[str], str]
    example: str
    format: str | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self.validate, core_schema.str_schema(strict=True)
        )

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = {
            "type": "string",
            "format": self.format,
            "pattern": self.pattern,
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "examples": [self.example],
        }
        return {key: value for key, value in schema.items() if value is not None}

    def validate(self, raw: str) -> str:
        self._measure(raw)
        try:
            text = self.parse(raw)
        except ValueError as refused:
            code = str(refused)
            raise PydanticCustomError(code, "Not acceptable: {code}", {"code": code}) from None
        self._measure(text)
        return text

    def _measure(self, text: str) -> None:
        if self.max_length is not None and len(text) > self.max_length:
            raise PydanticKnownError("string_too_long", {"max_length": self.max_length})
        if self.min_length is not None and len(text) < self.min_length:
            raise PydanticKnownError("string_too_short", {"min_length": self.min_length})


def ascii_digits(text: str) -> str:
    """Persian and Arabic digits as ASCII; everything else as it is. Raises nothing."""
    return text.translate(_DIGITS)


def normalise(text: str) -> str:
    """The canonical spelling: NFC, Persian yeh and kaf, single spaces, ZWNJ only between letters.

    Raises ValueError: text_bidi (a direction mark), text_control (another invisible character or a
    line break), text_character (surrogate, private, unassigned), text_marks (marks in a pile).
    """
    if not text.isprintable():
        for character in text:
            _refuse_unseen(character)
    text = re.sub(f"{ZWNJ}+", _between_letters, re.sub("ـ+", "ـ", text))
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    _refuse_piled_marks(text)
    return " ".join(text.split())


def for_matching(name: str) -> str:
    """A key under which two spellings of one name meet; never shown, never stored as the name.

    Drops spaces, ZWNJ, marks, tatweel and punctuation (the seeds hold U+00AC for a space), folds
    Arabic letters and digits (facts 2.1, H68). Raises nothing, whatever the text.
    """
    folded = unicodedata.normalize("NFKD", ascii_digits(name)).translate(_TWINS)
    folded = ascii_digits(unicodedata.normalize("NFKD", folded.casefold()))
    return "".join(filter(str.isalnum, folded))


def printable(text: str) -> str:
    """What of a text may stand on paper: nothing unseen, so nothing that turns its surroundings.

    For text that was stored by whatever rule; ZWNJ and line breaks stay. Raises nothing.
    """
    return "".join(one for one in text if one.isprintable() or one in {ZWNJ, "\n"})


def persian_text(*, min_length: int = 1, max_length: int, example: str = "نمونه") -> Parsed:
    """For `Annotated[str, persian_text(max_length=60)]`: normalised text, lengths in characters."""
    return Parsed(normalise, example, min_length=min_length, max_length=max_length)


def parse_code(text: str) -> str:
    """A word between machines: 1-64 of A-Z a-z 0-9 _ . : / -. Raises ValueError("code")."""
    if not _CODE.fullmatch(text):
        raise ValueError("code")
    return text


def _refuse_unseen(character: str) -> None:
    if character.isprintable() or character == ZWNJ:
        return
    if character in _BIDI:
        raise ValueError("text_bidi")
    match unicodedata.category(character):
        case "Zs":  # a no-break space and its sisters become a space
            return
        case "Cs" | "Co" | "Cn":
            raise ValueError("text_character")
        case _:
            raise ValueError("text_control")


def _between_letters(joiners: re.Match[str]) -> str:
    text, (start, end) = joiners.string, joiners.span()
    inside = start > 0 and end < len(text)
    if inside and _kind(text[start - 1]) in "LM" and _kind(text[end]) == "L":
        return ZWNJ
    return ""


def _refuse_piled_marks(text: str) -> None:
    if _NO_LETTERS.search(text) is None:
        return
    pile = 0
    for character in text:
        pile = pile + 1 if _kind(character) == "M" else 0
        if pile > _MOST_MARKS:
            raise ValueError("text_marks")


def _kind(character: str) -> str:
    """The first letter of the Unicode category: L letter, M mark, N number, …."""
    return unicodedata.category(character)[0]


ShortText = Annotated[str, persian_text(max_length=120)]
LongText = Annotated[str, persian_text(max_length=4000)]
Code = Annotated[str, Parsed(parse_code, "C-1", pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
