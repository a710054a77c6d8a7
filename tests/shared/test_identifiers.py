"""Identifiers: one code has one spelling, and a wrong character never passes."""

import time
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.values import identifiers as ids

calm = settings(deadline=None, max_examples=200)
TYPES = {
    "national_code": ids.NationalCode,
    "sheba": ids.Sheba,
    "mobile": ids.Mobile,
    "postal_code": ids.PostalCode,
    "legal_id": ids.LegalId,
    "tracking_code": ids.TrackingCode,
    "office_code": ids.OfficeCode,
    "period": ids.Period,
}
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def example_of(kind: Any) -> str:
    return get_args(kind)[1].example


def refusal(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    (error,) = refused.value.errors()
    if error["type"] != "string_type":  # a fixed sentence cannot repeat the value
        assert error["msg"] == f"Not acceptable: {error['type']}"
        assert error["ctx"] == {"code": error["type"]}
    return error["type"]


def passes(parse: Callable[[str], str], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("code", "kind"), TYPES.items())
def test_the_example_in_the_schema_is_valid_and_canonical(code, kind):
    schema = TypeAdapter(kind).json_schema()
    assert schema["type"] == "string"
    if code != "office_code":
        assert schema["format"] == code.replace("_", "-")
    (example,) = schema["examples"]
    assert TypeAdapter(kind).validate_python(example) == example


@pytest.mark.parametrize(("code", "kind"), TYPES.items())
@pytest.mark.parametrize("digits", [PERSIAN, ARABIC])
def test_persian_and_arabic_digits_become_ascii(code, kind, digits):
    written = example_of(kind).translate(digits)
    assert written != example_of(kind), code
    assert TypeAdapter(kind).validate_python(written) == example_of(kind)


@pytest.mark.parametrize(("code", "kind"), TYPES.items())
@pytest.mark.parametrize(
    "dirt", ["\n", "\r", "\0", "\ud800", "\u202e", "\u200f", "\ufeff", " ", "\u200c", "१", "²"]
)
def test_dirt_on_either_side_is_refused_with_the_types_own_code(code, kind, dirt):
    example = example_of(kind)
    assert refusal(kind, example + dirt) == code
    assert refusal(kind, dirt + example) == code
    assert refusal(kind, example[:-1] + dirt) == code


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("value", [499370899, True, None, 1.5, b"0499370899", ["0499370899"]])
def test_only_text_is_taken(kind, value):
    assert refusal(kind, value) == "string_type"


@pytest.mark.parametrize(("code", "kind"), TYPES.items())
@calm
@given(text=st.text(st.characters(), max_size=40))
def test_any_text_at_all_is_taken_canonically_or_refused_cleanly(code, kind, text):
    adapter = TypeAdapter(kind)
    try:
        canonical = adapter.validate_python(text)
    except ValidationError as refused:
        assert refused.errors()[0]["type"] == code  # noqa: PT017
    else:
        assert canonical.isascii()
        assert adapter.validate_python(canonical) == canonical


@pytest.mark.parametrize("digit", "0123456789")
def test_one_digit_ten_times_is_no_national_code_though_its_check_digit_is_right(digit):
    assert sum(int(digit) * weight for weight in range(1, 11)) % 11 in {0, int(digit)}
    assert refusal(ids.NationalCode, digit * 10) == "national_code"


@pytest.mark.parametrize("code", ["0499370899", "0123456789", "1234567891", "0013542419"])
def test_real_and_odd_looking_national_codes_pass(code):
    assert ids.parse_national_code(code) == code


@pytest.mark.parametrize("code", ["0123456788", "499370899", "00499370899", "049937089a", ""])
def test_wrong_or_short_national_codes_are_refused(code):
    assert refusal(ids.NationalCode, code) == "national_code"


@calm
@given(nine=st.text("0123456789", min_size=9, max_size=9))
def test_nine_digits_have_one_check_digit_at_most(nine):
    passing = [digit for digit in "0123456789" if passes(ids.parse_national_code, nine + digit)]
    total = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True))
    expected = "01987654321"[total % 11]
    assert passing == ([] if nine + expected == expected * 10 else [expected])


def test_a_mask_shows_two_digits():
    assert ids.mask_national_code("0499370899") == "***99"


@calm
@given(account=st.text("0123456789", min_size=22, max_size=22))
def test_an_account_has_one_sheba_and_mod_97_agrees(account):
    written = [f"IR{check:02}{account}" for check in range(100)]
    passing = [sheba for sheba in written if passes(ids.parse_sheba, sheba)]
    assert len(passing) == 1
    assert int(passing[0][4:] + "1827" + passing[0][2:4]) % 97 == 1


@pytest.mark.parametrize(
    "sheba",
    [
        "IR820540102680020817909003",
        "IR82054010268002081790900",
        "DE820540102680020817909002",
        "820540102680020817909002",
        "IR82 0540 1026 8002 0817 9090 02",
        "ır820540102680020817909002",
    ],
)
def test_wrong_shebas_are_refused(sheba):
    assert refusal(ids.Sheba, sheba) == "sheba"


def test_the_bank_is_read_from_the_sheba():
    sheba = ids.parse_sheba("ir820540102680020817909002")
    assert sheba == "IR820540102680020817909002"
    assert ids.bank_code(sheba) == "054"


@pytest.mark.parametrize(
    "mobile",
    ["09121234567", "9121234567", "989121234567", "+989121234567", "00989121234567", "۰۹۱۲۱۲۳۴۵۶۷"],
)
def test_every_way_to_write_a_mobile_is_one_mobile(mobile):
    assert ids.parse_mobile(mobile) == "09121234567"


@pytest.mark.parametrize("mobile", ["02188881234", "0912123456", "091212345678", "+9809121234567"])
def test_landlines_and_wrong_lengths_are_no_mobiles(mobile):
    assert refusal(ids.Mobile, mobile) == "mobile"


@pytest.mark.parametrize("legal_id", ["10380284790", "14007650912", "10100302746"])
def test_registered_organisations_pass_and_a_wrong_digit_does_not(legal_id):
    assert ids.parse_legal_id(legal_id) == legal_id
    for check in set("0123456789") - {legal_id[10]}:
        assert refusal(ids.LegalId, legal_id[:10] + check) == "legal_id"
    assert refusal(ids.LegalId, f"0{legal_id}") == "legal_id"


@calm
@given(entropy=st.binary(min_size=6, max_size=16))
def test_a_tracking_code_detects_every_single_wrong_character(entropy):
    code = ids.new_tracking_code(entropy)
    assert ids.parse_tracking_code(code) == code
    for place in range(3, 13):
        for other in set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") - {code[place]}:
            with pytest.raises(ValueError, match=r"^tracking_code$"):
                ids.parse_tracking_code(code[:place] + other + code[place + 1 :])


@calm
@given(entropy=st.binary(min_size=6, max_size=6), place=st.integers(3, 11))
def test_a_tracking_code_detects_two_swapped_neighbours(entropy, place):
    code = ids.new_tracking_code(entropy)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped != code:
        with pytest.raises(ValueError, match=r"^tracking_code$"):
            ids.parse_tracking_code(swapped)


@calm
@given(entropy=st.binary(min_size=6, max_size=6))
def test_a_tracking_code_copied_by_hand_still_opens_the_case(entropy):
    code = ids.new_tracking_code(entropy)
    assert ids.parse_tracking_code(code.lower()) == code
    by_hand = "SH-" + code[3:].replace("0", "o").replace("1", "l")
    assert ids.parse_tracking_code(by_hand) == code


def test_a_tracking_code_uses_45_bits_and_wants_six_bytes():
    base = ids.new_tracking_code(bytes(6))
    codes = {ids.new_tracking_code((1 << bit).to_bytes(6, "big")) for bit in range(48)}
    assert len(codes - {base}) == 45
    with pytest.raises(ValueError, match=r"^entropy$"):
        ids.new_tracking_code(bytes(5))


@pytest.mark.parametrize("period", ["1405-13", "1405-00", "2026-01", "1405-8", "140508", "1405/08"])
def test_only_jalali_months_are_periods(period):
    assert refusal(ids.Period, period) == "period"


@pytest.mark.parametrize("code", ["", "T_1", "T 1", "دفتر", "T" * 21])
def test_office_codes_are_short_and_ascii(code):
    assert refusal(ids.OfficeCode, code) == "office_code"


def test_uuids_are_version_7_and_follow_time():
    before = time.time_ns() // 1_000_000
    made = [ids.uuid7()]
    for _ in range(5):
        time.sleep(0.001)
        made.append(ids.uuid7())
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(7, made[0].variant)}
    assert made[0].variant == "specified in RFC 4122"
    assert before <= made[0].int >> 80 <= time.time_ns() // 1_000_000
