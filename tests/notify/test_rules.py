"""Texts, their length, their hours, and what they never say: pure."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.notify
from services.notify.actions import delivered
from services.notify.rules import (
    SAMPLE,
    SENDER,
    Words,
    allowed_from,
    exposes,
    faults,
    mask_mobile,
    places,
    readable,
    segments,
)
from shared.topics import TOPICS
from shared.values.calendar import TEHRAN

ROOM = Path(services.notify.__file__).parent
POLICY = {
    row["key"]: row["value"]
    for row in json.loads((ROOM / "data/policies.json").read_text(encoding="utf-8"))
}
TEXT_RULE = POLICY["notify.sms.text"]
DELIVERED = delivered()
WORDS = Words(
    "درخواست ثبت شد",
    "سها: درخواست {tracking_code} ثبت شد.",
    "درخواست {tracking_code} ثبت شد. تا {due_on} پاسخ می‌دهیم؛ پس از آن {phone}. بدرود.",
)


def told(inbox, **facts):
    return Words("عنوان", "سها: x", inbox).filled(facts).inbox


# Filling


def test_days_are_told_in_jalali_words_and_what_is_no_fact_is_left_out():
    facts = {
        "due_on": "2026-11-21",
        "visit_on": "soon",
        "tracking_code": "SH-1",
        "office": "  ",
        "place": None,
        "phone": 6369,
    }
    assert readable(facts) == {"due_on": "۳۰ آبان ۱۴۰۵", "tracking_code": "SH-1"}


def test_a_sentence_is_told_up_to_its_first_unknown_clause():
    text = "درخواست {tracking_code} ثبت شد. تا {due_on} پاسخ می‌دهیم؛ پس از آن {phone}. بدرود."
    assert told(text, tracking_code="A", due_on="B", phone="C") == (
        "درخواست A ثبت شد. تا B پاسخ می‌دهیم؛ پس از آن C. بدرود."
    )
    assert told(text, tracking_code="A", due_on="B") == (
        "درخواست A ثبت شد. تا B پاسخ می‌دهیم. بدرود."
    )
    assert told(text, tracking_code="A", phone="C") == "درخواست A ثبت شد. بدرود."
    assert told("الف {x}. ب {x}؛ پ.") == "عنوان."


def test_a_message_of_which_nothing_is_left_says_its_title_and_who_speaks():
    assert WORDS.filled({}).sms == "سها: درخواست ثبت شد."
    assert WORDS.filled({"tracking_code": "SH-1"}).sms == "سها: درخواست SH-1 ثبت شد."


@given(st.dictionaries(st.sampled_from(sorted(SAMPLE)), st.text(min_size=1, max_size=20)))
def test_whatever_the_facts_are_nothing_unfilled_is_left(facts):
    """A fact that looks like a placeholder stays what it is."""
    named = {name: f"<{name}>" for name in facts}
    filled = WORDS.filled(named)
    assert not places(filled.sms + filled.inbox)
    assert filled.sms.startswith(SENDER)
    WORDS.filled(facts)
    assert "{phone}" in told("کد {office}.", office="{phone}", phone="x")


def test_a_file_of_another_form_is_no_template():
    assert Words.read("title: a\nsms: b\ninbox: c\n") == Words("a", "b", "c")
    for wrong in ("", "title: a\nsms: b\n", "title: a\nsms: b\ninbox: c\nmore: d\n"):
        with pytest.raises(ValueError, match="template"):
            Words.read(wrong)


# Every topic that a citizen hears of


@pytest.mark.req("LV-08", "LV-09", "X-04")
@pytest.mark.parametrize("topic", sorted(name for name, row in TOPICS.items() if row.citizen))
def test_every_topic_renders_for_both_channels_with_and_without_its_facts(topic):
    words = DELIVERED[topic]
    facts = {name: SAMPLE[name] for name in TOPICS[topic].facts}
    full = words.filled(facts)
    assert full.inbox.endswith(".")
    for name in places(words.inbox):
        assert facts[name] in full.inbox
    for filled in (full, words.filled({})):
        for text in (filled.sms, filled.inbox):
            assert not re.search(r"[{}]|\s{2}|؛$|؛\.| \.", text)
            assert len(text) > len(SENDER)
        assert filled.sms.startswith(SENDER)
        assert filled.sms != SENDER


@pytest.mark.req("LV-10")
@pytest.mark.parametrize("topic", sorted(DELIVERED))
def test_no_delivered_text_shows_need_or_money_on_a_lock_screen(topic):
    found = faults(
        DELIVERED[topic],
        TOPICS[topic].facts,
        kept_inside=TEXT_RULE["kept_inside"],
        most_parts=TEXT_RULE["most_parts"],
    )
    assert list(found) == []


@pytest.mark.req("LV-10")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("مستمری شما واریز شد", True),
        ("دربارهٔ وام‌های شما", True),
        ("مبلغی واریز شد", True),
        ("۱۲ میلیون واریز شد", True),
        ("دوام کار شما بررسی شد", False),
        ("پروندهٔ {tracking_code} آماده است", False),
        ("درخواست شما ثبت شد", False),
    ],
)
def test_what_shames_is_seen_by_the_beginning_of_its_words(text, shown):
    assert exposes(text, TEXT_RULE["kept_inside"]) is shown


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"title": "مستمری شما"}, ["kept_inside"]),
        ({"title": "کد {tracking_code}"}, ["placeholder_unknown"]),
        ({"sms": "سها: {tracking_code}: {status_label}"}, ["placeholder_unknown"]),
        ({"inbox": "نام {name}."}, ["placeholder_unknown"]),
        ({"inbox": "نام {name."}, ["placeholder_unknown"]),
        ({"sms": "درخواست {tracking_code}"}, ["sender_missing"]),
        ({"sms": "سها: درخواست ثبت شد."}, ["tracking_code_missing"]),
        ({"sms": f"سها: {{tracking_code}} {'الف ' * 40}"}, ["too_many_parts"]),
    ],
)
def test_each_fault_of_a_text_has_its_code(change, codes):
    words = Words(**{"title": "ثبت شد", "sms": WORDS.sms, "inbox": WORDS.inbox} | change)
    facts = ("tracking_code", "status_label", "phone", "due_on")
    found = faults(words, facts, kept_inside=["مستمری"], most_parts=2)
    assert [fault.code for fault in found] == codes


# Length


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("س" * 70, 1),
        ("س" * 71, 2),
        ("س" * 134, 2),
        ("س" * 135, 3),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("a" * 70 + "س", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("`" * 71, 2),
    ],
)
def test_an_sms_costs_as_many_parts_as_the_networks_count(text, parts):
    assert segments(text) == parts


# Hours


def tehran(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=TEHRAN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "opens", "closes", "goes"),
    [
        (tehran(22, 12), "07:00", "22:00", tehran(22, 12)),
        (tehran(22, 7), "07:00", "22:00", tehran(22, 7)),
        (tehran(22, 22), "07:00", "22:00", tehran(23, 7)),
        (tehran(22, 23, 59), "07:00", "22:00", tehran(23, 7)),
        (tehran(22, 3), "07:00", "22:00", tehran(22, 7)),
        (tehran(22, 23, 59), "00:00", "24:00", tehran(22, 23, 59)),
        (tehran(22, 1), "20:00", "06:00", tehran(22, 1)),
        (tehran(22, 12), "20:00", "06:00", tehran(22, 20)),
    ],
)
def test_a_message_asked_for_at_night_goes_at_the_next_opening(now, opens, closes, goes):
    assert allowed_from(now, opens=opens, closes=closes) == goes


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_production_hours_are_never_left_and_nothing_waits_longer_than_the_night(now):
    hours = POLICY["notify.sms.hours"]["production"]
    goes = allowed_from(now, opens=hours["from"], closes=hours["to"])
    assert 7 <= goes.astimezone(TEHRAN).hour < 22
    assert timedelta() <= goes - now <= timedelta(hours=9)
    demo = POLICY["notify.sms.hours"]["demo"]
    assert allowed_from(now, opens=demo["from"], closes=demo["to"]) == now


def test_a_masked_mobile_is_recognised_by_its_owner_only():
    assert mask_mobile("09121234567") == "0912***4567"
