"""Text: what cannot be seen is refused, what looks the same is stored the same."""

import json
import unicodedata
from typing import Annotated

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.values.text import (
    Code,
    LongText,
    ShortText,
    ascii_digits,
    for_matching,
    normalise,
    persian_text,
)

calm = settings(deadline=None, max_examples=300)
persian = st.text(
    st.one_of(st.sampled_from("ابپتکیكيىۀةآأئؤ ‌ـَِّٰٔٓ‌۱٢3\u00a0\u00ac"), st.characters(codec="utf-8")),
    max_size=30,
)


def refusal(kind, value):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    (error,) = refused.value.errors()
    if not error["type"].startswith("string_"):  # a fixed sentence cannot repeat the value
        assert error["msg"] == f"Not acceptable: {error['type']}"
    return error["type"]


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("علي كريمى", "علی کریمی"),
        ("  زهرا \u00a0\u00a0 محمدی\u2003", "زهرا محمدی"),
        ("کاظمی\u200cنژاد", "کاظمی\u200cنژاد"),
        ("کاظمی\u200c\u200cنژاد", "کاظمی\u200cنژاد"),
        ("\u200cکاظمی\u200c نژاد\u200c", "کاظمی نژاد"),
        ("خانه\u0654\u200cما", "خانه\u0654\u200cما"),
        ("آ", "آ"),
        ("ا\u200c\u0653", "آ"),
        ("رئيس", "رئیس"),
        ("محمــــد", "محمـد"),
        ("تهران ـ کرج", "تهران ـ کرج"),
        ("فاطمة", "فاطمة"),
        ("=cmd|'/c calc'!A1", "=cmd|'/c calc'!A1"),
        ("قطعه ۵، پلاک 12", "قطعه ۵، پلاک 12"),
    ],
)
def test_the_canonical_spelling(raw, canonical):
    assert normalise(raw) == canonical


@pytest.mark.parametrize(
    ("character", "code"),
    [
        *((chr(mark), "text_bidi") for mark in range(0x202A, 0x202F)),
        *((chr(mark), "text_bidi") for mark in range(0x2066, 0x206A)),
        *((mark, "text_bidi") for mark in "\u200e\u200f\u061c"),
        *((mark, "text_control") for mark in "\0\t\n\r\x1b\x7f\x85\xad\u200b\u200d\u2028\ufeff"),
        *((mark, "text_control") for mark in "\u2060\u180e\U000e0041"),
        *((mark, "text_character") for mark in "\ud800\udfff\ue000\uf0a2\ufffe\U000e0fff\u0378"),
        ("\u064e" * 5, "text_marks"),
    ],
)
@pytest.mark.parametrize("place", ["{}علی", "عل{}ی", "علی{}"])
def test_what_cannot_be_seen_is_refused_wherever_it_stands(character, code, place):
    text = place.format(character)
    assert refusal(ShortText, text) == code
    with pytest.raises(ValueError, match=f"^{code}$"):
        normalise(text)


@calm
@given(persian)
@example("ا\u200c \u0653")
@example("ـ\u200cـ\u0653\u200cا")
@example("\u1100\u200c\u1161")
@example("\ufb2c\u200cا")
def test_the_canonical_spelling_is_its_own_canonical_spelling(text):
    try:
        once = normalise(text)
    except ValueError as refused:
        assert str(refused).startswith("text_")  # noqa: PT017
        return
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert "\u200c\u200c" not in once
    assert not set("يىك\u00a0") & set(once)


@calm
@given(st.text(st.characters(), max_size=50))
def test_any_text_at_all_is_taken_or_refused_cleanly(text):
    try:
        kept = TypeAdapter(ShortText).validate_python(text)
    except ValidationError as refused:
        kinds = {"text_bidi", "text_control", "text_character", "text_marks", "string_too_short"}
        assert refused.errors()[0]["type"] in kinds  # noqa: PT017
    else:
        kept.encode()


@pytest.mark.parametrize("value", [1, True, None, 1.0, b"abc", ["a"], {"a": 1}])
@pytest.mark.parametrize("kind", [ShortText, LongText, Code])
def test_only_text_is_taken(kind, value):
    assert refusal(kind, value) == "string_type"


def test_lengths_count_before_and_after():
    short = Annotated[str, persian_text(min_length=2, max_length=5)]
    assert TypeAdapter(short).validate_python(" علی ") == "علی"
    assert refusal(short, "علی رضا") == "string_too_long"
    assert refusal(short, " " * 6) == "string_too_long"
    assert refusal(short, " ع ") == "string_too_short"
    assert refusal(ShortText, " \u00a0\u200c ") == "string_too_short"
    assert refusal(LongText, "ا" * 4001) == "string_too_long"
    # Unicode leaves this letter apart when composing: three characters of one.
    assert refusal(Annotated[str, persian_text(max_length=1)], "\ufb2c") == "string_too_long"


def test_a_lone_surrogate_in_json_is_a_validation_error():
    class Letter(BaseModel):
        model_config = ConfigDict(strict=True)
        text: LongText | None

    for raw in (r'{"text": "\ud800"}', r'{"text": "\u0000"}', r'{"text": "\u202e"}'):
        with pytest.raises(ValidationError):
            Letter.model_validate_json(raw)
        with pytest.raises(ValidationError):
            Letter.model_validate(json.loads(raw))


def test_the_schema_tells_lengths_and_shows_an_example():
    assert TypeAdapter(LongText).json_schema() == {
        "type": "string",
        "minLength": 1,
        "maxLength": 4000,
        "examples": ["نمونه"],
    }
    assert TypeAdapter(Code).json_schema()["pattern"] == "^[A-Za-z0-9_.:/-]{1,64}$"


@pytest.mark.parametrize("word", ["C-1", "loans.approved", "a/b:c_d", "x" * 64])
def test_machine_words_pass(word):
    assert TypeAdapter(Code).validate_python(word) == word


@pytest.mark.parametrize("word", ["", "C-1\n", "کد", "a b", "x" * 65, "\ud800", "۱", "a\0"])
def test_other_words_are_no_machine_words(word):
    assert refusal(Code, word) == "code"


def test_digits_fold_and_nothing_else_does():
    assert ascii_digits("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩0-الف²१") == "012345678901234567890-الف²१"


@pytest.mark.req("H68")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("علي كريمي", "علی کریمی"),
        ("مصطفى", "مصطفی"),
        ("فاطمة", "فاطمه"),
        ("آذر", "اذر"),
        ("ٱمنه", "امنه"),
        ("رئوف", "ریوف"),
        ("رئوف", "رﺋﻮف"),
        ("علی\u200cرضا", "علی رضا"),
        ("علی\u00a0رضا", "علیرضا"),
        ("علی\u00acرضا", "علیرضا"),
        ("محمّـــد", "محمد"),
        ("ھاشمی", "هاشمی"),
        ("شعبه ۱۲", "شعبه ١٢"),
        ("Ali", "ALI"),
    ],
)
def test_two_spellings_of_one_name_meet(one, other):
    assert one != other
    assert for_matching(one) == for_matching(other) != ""


@pytest.mark.req("H68")
@pytest.mark.parametrize(
    ("one", "other"),
    [("علی", "عالی"), ("حسن", "حسین"), ("سارا", "زارا"), ("کریمی", "گریمی"), ("رضا", "رضایی")],
)
def test_two_names_do_not_meet(one, other):
    assert for_matching(one) != for_matching(other)


@calm
@given(st.one_of(persian, st.text(st.characters(), max_size=20)))
def test_a_matching_key_is_its_own_key_and_any_text_has_one(text):
    key = for_matching(text)
    assert for_matching(key) == key
