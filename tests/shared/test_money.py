"""Money: whole Rials in, Toman only as text."""

from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.values.money import MOST_RIAL, Rial, RialOrZero, in_words, toman_text

calm = settings(deadline=None, max_examples=200)


def refusal(kind, value):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    return refused.value.errors()[0]["type"]


@pytest.mark.req("X-02")
@pytest.mark.parametrize("value", [True, False, 1.0, "1", "1_000", "۱", None, 1e15, float("nan")])
def test_an_amount_is_an_integer_and_nothing_like_one(value):
    assert refusal(Rial, value) == "int_type"
    assert refusal(RialOrZero, value) == "int_type"


@pytest.mark.req("X-02")
@pytest.mark.parametrize("raw", ["1.0", "1e3", "true", '"1"', "null"])
def test_an_amount_in_json_is_an_integer_too(raw):
    class Award(BaseModel):
        amount_rial: Rial

    with pytest.raises(ValidationError) as refused:
        Award.model_validate_json(f'{{"amount_rial": {raw}}}')
    assert refused.value.errors()[0]["type"] == "int_type"
    assert Award.model_validate_json('{"amount_rial": 1000}').amount_rial == 1000


@pytest.mark.req("X-02")
def test_amounts_have_bounds():
    assert TypeAdapter(Rial).validate_python(MOST_RIAL) == MOST_RIAL
    assert TypeAdapter(RialOrZero).validate_python(0) == 0
    assert refusal(Rial, 0) == "greater_than"
    assert refusal(RialOrZero, -1) == "greater_than_equal"
    assert refusal(Rial, MOST_RIAL + 1) == "less_than_equal"
    assert refusal(Rial, 10**400) == "less_than_equal"
    assert TypeAdapter(Rial).json_schema() == {
        "type": "integer",
        "exclusiveMinimum": 0,
        "maximum": 10**15,
        "examples": [15_000_000],
    }
    assert refusal(Annotated[list[Rial], ...], [1, 2.0]) == "int_type"


@pytest.mark.req("X-02")
@pytest.mark.parametrize(
    ("rial", "text"),
    [
        (0, "۰ تومان"),
        (10, "۱ تومان"),
        (15, "۱٫۵ تومان"),
        (15_000_000, "۱٬۵۰۰٬۰۰۰ تومان"),
        (MOST_RIAL, "۱۰۰٬۰۰۰٬۰۰۰٬۰۰۰٬۰۰۰ تومان"),
    ],
)
def test_toman_is_a_text(rial, text):
    assert toman_text(rial) == text


@pytest.mark.req("X-02")
@calm
@given(st.integers(0, 10**18))
def test_a_toman_text_loses_no_rial(rial):
    number = toman_text(rial).removesuffix(" تومان").replace("٬", "")
    toman, _, odd = number.partition("٫")
    assert int(toman) * 10 + int(odd or 0) == rial


@pytest.mark.parametrize(
    ("rial", "words"),
    [
        (0, "صفر ریال"),
        (15_000_000, "پانزده میلیون ریال"),
        (1_234_567, "یک میلیون و دویست و سی و چهار هزار و پانصد و شصت و هفت ریال"),
        (10**12, "یک تریلیون ریال"),
        (10**12 + 5, "یک تریلیون و پنج ریال"),
        (MOST_RIAL, "یک هزار تریلیون ریال"),
        (MOST_RIAL * 12 + 1, "دوازده هزار تریلیون و یک ریال"),
    ],
)
def test_amounts_in_words(rial, words):
    assert in_words(rial) == words


@calm
@given(st.sets(st.integers(0, 10**15), min_size=2, max_size=2))
def test_two_amounts_have_different_words(pair):
    one, other = pair
    assert in_words(one) != in_words(other)


@pytest.mark.parametrize("show", [toman_text, in_words])
def test_a_debt_is_not_shown_as_an_amount(show):
    with pytest.raises(ValueError, match=r"^rial$"):
        show(-1)
