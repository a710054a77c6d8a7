"""Telling: who hears of an event, by which ways, and how often whatever is delivered again."""

import asyncio

import asyncpg
import pytest

from services.notify.events import HEARS, TIMERS, on_told
from shared.storage import timers
from shared.storage.inbox import Inbox
from shared.storage.outbox import Event
from shared.storage.timers import Timers
from shared.topics import TOPICS

FOR_MANY = {name for name, topic in TOPICS.items() if topic.recipients}  # test_broadcasts
CITIZEN_TOPICS = sorted({name for name, topic in TOPICS.items() if topic.citizen} - FOR_MANY)


def test_notify_hears_exactly_what_a_citizen_may_see():
    assert sorted({*HEARS} - FOR_MANY) == CITIZEN_TOPICS
    assert {*HEARS} >= FOR_MANY
    assert len(HEARS) > 100


@pytest.mark.req("LV-08", "LV-09", "X-04", "EX-09")
async def test_every_step_of_every_service_reaches_the_portal_and_the_phone(post):
    person = post.person()
    for topic in CITIZEN_TOPICS:
        await post.deliver(topic, person, status_label="در حال بررسی")
    await post.hear()
    while await post.timers.run_once():
        pass
    answer = await post.ask("GET", "/v1/inbox?limit=200", person)
    items = {item["topic"]: item for item in answer.json()["items"]}
    texts = await post.phone(person)
    assert sorted(items) == CITIZEN_TOPICS
    assert len(texts) == len(CITIZEN_TOPICS)
    for topic, item in items.items():
        code = item["tracking_code"]
        assert (code is not None) == ("tracking_code" in TOPICS[topic].facts)
        if code is not None:
            assert [text for text in texts if code in text], topic
        assert "{" not in item["text"] + item["title"]
    assert "۱۰ آذر ۱۴۰۵" in items["application.submitted"]["text"]


@pytest.mark.req("X-04")
async def test_a_message_leaves_history_for_each_of_its_steps(post):
    person = post.person()
    await post.tell("livelihood.confirmed", person)
    notice = await post.notice(person)
    assert await post.history(notice) == ["queue", "start_sending", "record_sent"]
    rows = await post.eye.fetch(
        "SELECT * FROM notify.history WHERE subject_id = $1 ORDER BY version", notice["id"]
    )
    assert {(row["actor_sub"], row["actor_role"]) for row in rows} == {("system", "system")}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


async def test_an_event_delivered_again_adds_nothing(post):
    person = post.person()
    event_id = await post.tell("livelihood.visited", person)
    first = await post.notice(person)
    await post.eye.execute(
        "UPDATE notify.inbox SET done_at = NULL, due_at = now() WHERE event_id = $1", event_id
    )
    await post.hear()
    await post.send()
    assert await post.notice(person) == first
    assert len(await post.items(person)) == len(await post.phone(person)) == 1


async def test_two_who_handle_the_same_event_at_once_make_one_notice(post):
    """The second runner had lost its lease, not its mind: the database decides."""
    people = [post.person() for _ in range(3)]
    event_id = await post.deliver("livelihood.visited", *people)
    row = await post.eye.fetchrow("SELECT * FROM notify.inbox WHERE event_id = $1", event_id)
    payload = {"person_ids": [str(person.id) for person in people], "tracking_code": "SH-1"}
    event = Event(
        event_id, "livelihood", row["topic"], row["subject_id"], 1, payload, row["at"], None
    )

    async def handle():
        async with post.runtime.transaction(lone=False) as tx:
            await on_told(tx, event)
            await asyncio.sleep(0.05)

    outcomes = await asyncio.gather(handle(), handle(), handle(), return_exceptions=True)
    lost = [outcome for outcome in outcomes if outcome is not None]
    assert len(lost) == 2
    assert all(isinstance(outcome, asyncpg.UniqueViolationError) for outcome in lost)
    await post.hear()
    await post.send()
    for person in people:
        assert (await post.notice(person))["attempts"] == 1
        assert len(await post.items(person)) == len(await post.phone(person)) == 1


async def test_the_database_itself_holds_one_notice_for_event_person_and_channel(post):
    person = post.person()
    await post.tell("livelihood.visited", person)
    for table in ("notice", "inbox_item"):
        columns = await post.eye.fetchval(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute"
            " WHERE attrelid = $1::regclass AND attnum > 1 AND NOT attisdropped",
            f"notify.{table}",
        )
        with pytest.raises(asyncpg.UniqueViolationError):
            await post.eye.execute(
                f"INSERT INTO notify.{table} (id, {columns})"
                f" SELECT gen_random_uuid(), {columns} FROM notify.{table} WHERE person_id = $1",
                person.id,
            )


async def test_everybody_named_is_told_once_and_the_dead_are_not(post):
    applicant, subject, late = post.person(), post.person(), post.person(alive=False)
    await post.tell("exemption.letter_issued", applicant, subject, applicant, late)
    for person in (applicant, subject):
        assert len(await post.items(person)) == len(await post.phone(person)) == 1
    assert await post.items(late) == await post.phone(late) == []


async def test_who_has_no_mobile_reads_it_in_the_portal(post):
    silent, reached = post.person(mobile=None), post.person()
    await post.tell("livelihood.activated", silent, reached)
    (item,) = await post.items(silent)
    assert item["topic"] == "livelihood.activated"
    assert len(await post.phone(reached)) == 1
    assert await post.eye.fetchval(
        "SELECT count(*) FROM notify.notice WHERE person_id = $1", silent.id
    ) == 0  # fmt: skip


async def test_nothing_is_written_while_intake_does_not_answer(post):
    person = post.person()
    apps, post.runtime.inside.apps = post.runtime.inside.apps, {}
    event_id = await post.deliver("livelihood.activated", person)
    await post.hear()
    row = await post.eye.fetchrow("SELECT * FROM notify.inbox WHERE event_id = $1", event_id)
    assert (row["done_at"], row["attempts"]) == (None, 1)
    assert await post.items(person) == []
    post.runtime.inside.apps = apps
    await post.eye.execute("UPDATE notify.inbox SET due_at = now()")
    await post.hear()
    assert len(await post.items(person)) == 1


async def test_an_event_without_its_facts_still_reads_well(post):
    person = post.person()
    await post.tell("livelihood.visit_planned", person, facts={})
    (item,) = await post.items(person)
    assert item["text"].endswith(".")
    assert (await post.phone(person)) == [f"سها: {item['title']}."]


async def test_what_is_stored_names_nobody(post):
    person = post.person()
    await post.tell("livelihood.activated", person)
    notice = dict(await post.notice(person))
    stored = await post.eye.fetchrow(
        "SELECT * FROM notify.inbox_item WHERE person_id = $1", person.id
    )
    seen = repr(notice) + repr(dict(stored))
    for secret in (person.mobile, person.national_code, *(await post.phone(person))):
        assert secret not in seen
        assert secret.encode() not in notice["mobile"] + notice["text"] + stored["text"]


async def test_what_has_just_been_told_does_not_wait_for_the_timers_to_look(post, monkeypatch):
    monkeypatch.setattr(timers, "IDLE_S", 60)
    running = (Inbox(post.runtime, HEARS), Timers(post.runtime, TIMERS))
    tasks = [asyncio.create_task(loop.run()) for loop in running]
    await asyncio.sleep(2.7)  # by now the timers would rest for more than two seconds
    person = post.person()
    clock = asyncio.get_running_loop().time
    started = clock()
    await post.deliver("livelihood.activated", person)
    post.runtime.wake.set()
    while not await post.phone(person):
        assert clock() < started + 1.5
        await asyncio.sleep(0.01)
    for loop in running:
        loop.stop()
    await asyncio.gather(*tasks)
