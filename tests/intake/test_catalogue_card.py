"""The identity card of form 002, field by field, against what the form prints."""

import copy
import json
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

import services.intake
from services.intake.catalogue.card import IdentityCard, Reading
from tests.intake.form_002 import EMDAD, FORM

CARDS = Path(services.intake.__file__).parent / "data" / "catalogue"
SERVICES = ("livelihood", "eligibility", "exemption", "shares", "loans")
MEANING = {
    "U+F0A2": "ticked",
    "U+F06E": "ticked",
    "U+F0A3": "unticked",
    "U+F02A": "unticked",
    "U+F0BE": "unknown",  # no legend says what this one means
}


def load(service):
    return json.loads((CARDS / f"{service}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=pytest.mark.req(number)) for number in FORM]
)
def test_a_field_of_the_form_is_as_printed(number):
    values, (line, text) = FORM[number]
    card = IdentityCard.model_validate(load("shares"))
    assert card.model_dump(mode="json", include=set(values)) == values
    printed = {source.line: source.text for source in card.readings[number].raw}
    assert printed[line] == text


@pytest.mark.req("JS-01")
def test_the_model_knows_every_field_of_the_form_and_says_which():
    by_number: dict[str, set[str]] = {}
    for name, field in IdentityCard.model_fields.items():
        number = (field.description or "")[:3]
        if number in FORM:
            by_number.setdefault(number, set()).add(name)
    assert by_number == {number: set(values) for number, (values, _) in FORM.items()}
    assert list(FORM) == [f"F{n:02}" for n in range(1, 34)]


def boxes(node):
    if isinstance(node, dict):
        if node.keys() == {"mark", "glyph", "line"}:
            yield node
        for child in node.values():
            yield from boxes(child)
    elif isinstance(node, list):
        for child in node:
            yield from boxes(child)


@pytest.mark.req("JS-01")
def test_all_24_surviving_marks_belong_to_exactly_one_box():
    card = load("shares")
    lines = {
        source["line"]: source["text"]
        for reading in card["readings"].values()
        for source in reading["raw"]
    }
    printed = Counter(
        (line, f"U+{ord(character):04X}")
        for line, text in lines.items()
        for character in text
        if "\ue000" <= character <= "\uf8ff"
    )
    read = Counter((box["line"], box["glyph"]) for box in boxes(card) if box["glyph"])
    assert printed.total() == 24
    assert read == printed


@pytest.mark.req("JS-01")
def test_a_box_says_what_its_mark_says_and_no_more():
    card = load("shares")
    assert {box["mark"] for box in boxes(card)} == {"ticked", "unticked", "unknown"}
    for box in boxes(card):
        assert box["mark"] == MEANING.get(box["glyph"], "unknown")


@pytest.mark.req("JS-01")
@pytest.mark.parametrize("service", SERVICES)
def test_the_round_trip_of_a_card_is_exact(service):
    before = load(service)
    card = IdentityCard.model_validate(before)
    assert json.loads(card.model_dump_json()) == before
    assert IdentityCard.model_validate_json(card.model_dump_json()) == card


@pytest.mark.req("JS-01")
@pytest.mark.parametrize(
    "path", [(), ("nature",), ("costs", 0), ("readings", "F01"), ("channels",)]
)
def test_an_unknown_field_is_refused_at_every_depth(path):
    card = load("shares")
    node = card
    for step in path:
        node = node[step]
    node["F34"] = None
    with pytest.raises(ValidationError) as refused:
        IdentityCard.model_validate(card)
    assert [fault["type"] for fault in refused.value.errors()] == ["extra_forbidden"]


@pytest.mark.req("JS-01")
def test_no_field_of_the_form_may_be_left_out():
    card = load("shares")
    for values, _ in FORM.values():
        for name in values:
            with pytest.raises(ValidationError):
                IdentityCard.model_validate({key: card[key] for key in card if key != name})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("nature", "sovereign", "mark"), "yes"),
        (("costs", 0, "amount_rial"), -1),
        (("costs", 0, "amount_rial"), "0"),
        (("in_person_visits",), True),
        (("service_id",), "1907270310"),
        (("title",), "عنوان \uf0a2"),
        (("readings", "F01", "raw", 0, "text"), "خط\u202e"),
        (("readings", "F01", "raw", 0, "text"), "خط\x00"),
        (("ended_on",), "2027-03-21"),  # a service ends by a law, and says which (EL-34)
    ],
)
def test_a_card_with_a_wrong_value_is_refused(path, value):
    card = copy.deepcopy(load("shares"))
    node = card
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(ValidationError):
        IdentityCard.model_validate(card)


def test_evidence_keeps_the_characters_that_ordinary_text_refuses():
    raw = [{"line": 97, "text": "پیام کوتاه\uf0a2 \xa0"}]
    reading = Reading.model_validate({"raw": raw, "confidence": "medium", "note_fa": None})
    assert reading.raw[0].text == raw[0]["text"]


# What the statements say of a field of the form; all the rest of the form is null there.
FREE = [{"amount_rial": 0, "account": None, "electronic": None}]
STATED = {
    "livelihood": {
        "title": "اعطای تامین هزینه‌های معیشتی مددجویان",
        "service_id": "19072702000",
        "agency": EMDAD,
        "costs": FREE,
    },
    "exemption": {"title": "معافیت از خدمت نظام وظیفه", "agency": EMDAD, "costs": FREE},
    "loans": {"title": "پرداخت تسهیلات اشتغال به مددجویان", "agency": EMDAD},
    "eligibility": {
        "title": "تایید صلاحیت متقاضیان برقراری کمک معیشت",
        "agency": "وزارت تعاون، کار و رفاه اجتماعی",
        "costs": FREE,
        "web_address": "https://hemayat.mcls.gov.ir/",
    },
}


@pytest.mark.parametrize(
    "service",
    [
        pytest.param("livelihood", marks=pytest.mark.req("LV-26", "LV-39")),
        pytest.param("exemption", marks=pytest.mark.req("EX-38")),
        pytest.param("loans", marks=pytest.mark.req("LN-43")),
        pytest.param("eligibility", marks=pytest.mark.req("EL-01", "EL-30")),
    ],
)
def test_what_a_statement_does_not_say_is_null(service):
    card = load(service)
    fields = {name for values, _ in FORM.values() for name in values}
    said = {name: card[name] for name in fields if card[name] is not None}
    assert said == STATED[service]


@pytest.mark.req("EX-26", "LV-27", "LV-28", "LV-29")
def test_the_unfilled_place_for_the_laws_stays_visible():
    stated = {service: load(service)["legal_basis_stated"] for service in SERVICES}
    assert {service for service in SERVICES if not stated[service]} == {"exemption", "livelihood"}
    assert load("exemption")["legal_basis"] is None
    assert load("livelihood")["legal_basis"] == [
        "لایحه دولت و تصویب در مجلس شورای اسلامی",
        "وزارت رفاه و تامین اجتماعی (سازمان هدفمندی یارانه‌ها)",
    ]


@pytest.mark.req("EL-15")
def test_telephones_are_as_printed_and_no_contact_is_confirmed():
    contacts = [contact for service in SERVICES for contact in load(service)["contacts"]]
    phones = {contact["value"] for contact in contacts if contact["kind"] == "phone"}
    assert phones == {"6369", "021-6369"}
    assert {contact["confirmed"] for contact in contacts} == {False}
    assert "emdadd.ir" in {contact["printed"] for contact in contacts}


def test_only_livelihood_is_open_and_the_others_say_so():
    opened = {service: load(service)["opens_on"] for service in SERVICES}
    assert opened.pop("livelihood") == "2026-03-21"
    assert set(opened.values()) == {None}
    assert all("اعلام نشده" in load(service)["note_fa"] for service in opened)
