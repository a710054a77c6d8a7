"""What intake starts with beside the cards: statements, channels, areas, offices, checklists."""

import json
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from pydantic import ValidationError

import services.intake
from services.intake.catalogue.statement import Statement
from shared.values.calendar import jalali_text

DATA = Path(services.intake.__file__).parent / "data"
SERVICES = ("livelihood", "eligibility", "exemption", "shares", "loans")
STAGES = ("information", "request", "documents", "production", "delivery")


def load(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def statement(service):
    return Statement.model_validate(load(f"statements/{service}.json"))


def present(service):
    sections = statement(service).sections
    return [name for name in type(sections).model_fields if getattr(sections, name) is not None]


def allowed(service, stage):
    return {
        row["channel"]
        for row in load("channels.json")
        if row["service"] == service and row["stage"] == stage and row["allowed"]
    }


def policy(key):
    (row,) = (row for row in load("policies.json") if row["key"] == key)
    return row["value"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_round_trip_of_a_statement_is_exact(service):
    before = load(f"statements/{service}.json")
    after = Statement.model_validate(before).model_dump(mode="json")
    assert after == before
    assert (after["service"], after["version"], after["valid_from"]) == (service, 1, "2026-03-21")
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Statement.model_validate({**before, "sections": {**before["sections"], "other": None}})
    with pytest.raises(ValidationError, match="ends_before_it_begins"):
        Statement.model_validate({**before, "valid_to": "2026-03-21"})


@pytest.mark.req("EX-01", "LV-01")
@pytest.mark.parametrize(
    ("service", "name"),
    [("exemption", "معافیت از خدمت نظام وظیفه"), ("livelihood", "کمک معیشت")],
)
def test_the_long_statements_have_all_twelve_sections(service, name):
    assert statement(service).name == name
    assert len(present(service)) == 12
    sections = statement(service).sections
    numbers = [getattr(sections, section).number for section in present(service)]
    assert numbers == [str(n) for n in range(1, 13)]


@pytest.mark.req("EL-01", "EL-31")
def test_the_ministry_s_statement_has_its_seven_sections_and_no_end_date():
    sections = statement("eligibility").sections
    numbers = [getattr(sections, section).number for section in present("eligibility")]
    assert numbers == [str(n) for n in range(1, 8)]
    assert statement("eligibility").valid_to is None


@pytest.mark.req("LN-01", "LN-26", "LN-41", "LN-43")
def test_the_loan_agreement_keeps_its_empty_headings_empty():
    loans = statement("loans")
    assert loans.name == "پرداخت تسهیلات اشتغال به مددجویان"
    assert loans.sections.reporting is not None
    assert loans.sections.reporting.paragraphs == []
    assert loans.exceptions == []
    assert (loans.sections.fees, loans.sections.period) == (None, None)


def test_no_statement_is_invented_for_shares():
    shares = statement("shares")
    assert shares.source.kind == "identity_card"
    assert present("shares") == ["introduction", "definition", "interactions", "fees"]
    assert shares.obligations == []


@pytest.mark.req("EX-23", "EX-27")
def test_the_applicant_for_exemption_declares_real_need():
    obligations = {duty.code: duty for duty in statement("exemption").obligations}
    assert obligations["real_need"].declared
    assert obligations["real_need"].party == "recipient"
    assert statement("exemption").monitoring
    assert statement("exemption").responsibilities


@pytest.mark.req("EX-26", "LV-27", "LV-28", "LN-30")
def test_card_and_statement_agree_on_the_laws():
    for service in SERVICES:
        card = load(f"catalogue/{service}.json")
        said = statement(service)
        assert said.legal_basis == card["legal_basis"], service
        assert said.legal_basis_stated == card["legal_basis_stated"], service
        assert said.name == card["name_fa"], service


@pytest.mark.req("EL-18")
def test_qualification_is_asked_for_only_by_the_ministry_s_system():
    assert allowed("eligibility", "request") == {"ministry_portal"}
    assert allowed("eligibility", "documents") == {"ministry_portal"}
    refused = {
        row["channel"]
        for row in load("channels.json")
        if (row["service"], row["stage"]) == ("eligibility", "request") and not row["allowed"]
    }
    assert {"counter", "in_person_desk", "ivr_callcentre"} <= refused


@pytest.mark.req("EX-33", "LV-37")
@pytest.mark.parametrize("service", ["exemption", "livelihood", "shares", "loans"])
def test_documents_come_by_the_system_the_counter_or_in_person_only(service):
    ways = allowed(service, "documents")
    assert {"soha_portal", "counter", "in_person_desk"} <= ways
    assert not ways & {"email", "post", "sms", "ivr_callcentre", "internet_cafe", "counter_like"}


@pytest.mark.req("EX-02", "EX-03", "EX-04", "EX-06", "EX-07")
def test_exemption_is_asked_for_by_the_six_ways_of_its_statement():
    assert allowed("exemption", "request") == {
        "soha_portal",
        "emdad_portal",
        "counter",
        "beneficiary_inbox",
        "e_service_desk",
        "in_person_desk",
    }


@pytest.mark.req("JS-17", "JS-22")
def test_a_request_for_shares_may_come_by_every_medium_of_the_form():
    assert allowed("shares", "request") == {
        "soha_portal",
        "emdad_portal",
        "mobile_app",
        "email",
        "post",
        "sms",
        "ivr_callcentre",
        "counter",
        "counter_like",
        "internet_cafe",
    }


def test_every_channel_row_is_said_once_and_sourced():
    rows = load("channels.json")
    keys = [(row["service"], row["stage"], row["channel"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert {key[:2] for key in keys} == set(product(SERVICES, STAGES))
    assert all(row["source"].strip() for row in rows)
    assert all(row.keys() == {"service", "stage", "channel", "allowed", "source"} for row in rows)


def test_the_cards_show_the_channels_of_the_table():
    for service in SERVICES:
        shown = load(f"catalogue/{service}.json")["channels"]
        for stage in STAGES:
            assert set(shown[stage]) == allowed(service, stage), (service, stage)


def test_every_county_stands_in_a_province_and_is_served_by_one_office():
    areas = load("areas.json")
    provinces = {row["id"] for row in areas["provinces"]}
    counties = [row["id"] for row in areas["counties"]]
    assert len(provinces) == 31
    assert len(set(counties)) == len(counties)
    assert {county.split("/")[0] for county in counties} == provinces
    assert all(row["province"] == row["id"].split("/")[0] for row in areas["counties"])
    offices = load("offices.json")["offices"]
    assert {"T-1", "T-2", "A-1", "I-1"} <= {office["code"] for office in offices}
    served = [county for office in offices for county in office["counties"]]
    assert sorted(served) == sorted(counties)
    assert all(row["source"] for rows in areas.values() for row in rows)


@pytest.mark.req("JS-23")
def test_the_demonstration_contract_covers_every_service_with_a_counter():
    seeds = load("offices.json")
    (contract,) = seeds["contracts"]
    assert (contract["number"], contract["office_code"]) == ("C-1", "72010001")
    assert {counter["office_code"] for counter in seeds["counters"]} == {"72010001"}
    by_counter = {service for service in SERVICES if "counter" in allowed(service, "request")}
    assert set(contract["services"]) == by_counter
    assert "eligibility" not in by_counter


@pytest.mark.req("LV-14")
@pytest.mark.parametrize("reason", ["elderly", "disabled", "no_head", "illness", "other"])
def test_the_demonstration_lists_documents_and_requires_none(reason):
    items = policy(f"intake.documents.livelihood.{reason}")["items"]
    assert items
    assert not any(item["required"] for item in items)
    assert all(item.keys() == {"kind", "required", "fa"} for item in items)


def test_the_fixed_holidays_of_two_years_are_on_their_jalali_days():
    days = policy("calendar.holidays")["days"]
    assert all(jalali_text(date.fromisoformat(day["on"])) == day["jalali"] for day in days)
    fixed = [day["jalali"] for day in days if day["confirmed"]]
    yearly = ("01-01", "01-02", "01-03", "01-04", "01-12", "01-13", "03-14", "03-15", "11-22")
    assert fixed == [f"{year}-{day}" for year in (1405, 1406) for day in (*yearly, "12-29")]
    moving = [day for day in days if day["kind"] == "lunar"]
    assert len(moving) >= 2 * 16
    assert not any(day["confirmed"] for day in moving)


def test_ashura_is_the_day_after_tasua_and_354_or_355_days_later_again():
    days = {day["on"]: day["fa"] for day in policy("calendar.holidays")["days"]}
    ashura = [date.fromisoformat(on) for on, name in days.items() if name == "عاشورای حسینی"]
    assert (ashura[1] - ashura[0]).days in {354, 355}
    for day in ashura:
        assert days[(day - timedelta(days=1)).isoformat()] == "تاسوعای حسینی"
