"""One event for very many: each is told once, page by page, whoever is killed on the way."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from services.notify import broadcasts
from shared.storage.timers import Timer
from shared.web.auth import Role
from shared.web.errors import Unavailable

TOPIC = "livelihood.month_paid"
PATH = "/internal/runs/{run_id}/paid"


class Owner:
    """What livelihood answers: the paid people of a run, in pages of an order that stays."""

    def __init__(self, people):
        self.people = people
        self.asked = []

    def app(self):
        app = FastAPI()

        @app.get(PATH)
        async def paid(run_id: UUID, limit: int, after: UUID | None = None):
            self.asked.append((run_id, after))
            begin = 0 if after is None else after.int
            page = self.people[begin : begin + limit]
            following = str(UUID(int=begin + limit)) if len(page) == limit else None
            return {"person_ids": [str(one.id) for one in page], "after": following}

        return app


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(broadcasts, "PAGE", 3)
    monkeypatch.setattr(broadcasts, "AT_A_TIME", 4)
    monkeypatch.setattr(broadcasts, "REST", timedelta(0))


async def told(post, *people):
    """The event is heard; nothing has been queued yet."""
    owner = Owner(list(people))
    post.runtime.inside.apps["livelihood"] = owner.app()
    payload = {"run_id": str(uuid4()), "period": "1460-08"}
    event_id = await post.deliver(TOPIC, facts={}, **payload)
    await post.eye.execute("UPDATE notify.inbox SET source = 'livelihood' WHERE event_id = $1",
                           event_id)  # fmt: skip
    await post.hear()
    return event_id, owner


async def carried_on(post, event_id, **more):
    timer = Timer(broadcasts.BROADCAST, event_id, datetime.now(UTC), 1)
    await broadcasts.carry_on(post.runtime, timer, **more)


async def progress(post, event_id):
    return await post.eye.fetchrow("SELECT * FROM notify.broadcast WHERE event_id = $1", event_id)


async def everything_sent(post):
    while await post.timers.run_once():
        pass


@pytest.mark.req("LV-02", "LV-08")
async def test_everybody_paid_reads_it_and_gets_one_message_that_shames_nobody(post):
    people = [post.person() for _ in range(8)]
    event_id, owner = await told(post, *people)
    await everything_sent(post)
    for person in people:
        (item,) = await post.items(person)
        assert item["topic"] == TOPIC
        assert "آبان ۱۴۶۰" in item["text"]
        assert "واریز شد" in item["text"]
        (text,) = await post.phone(person)
        assert "واریز" not in text
        assert not any(sign.isdigit() for sign in text)
    assert len(owner.asked) == 3
    row = await progress(post, event_id)
    assert (row["items"], row["notices"]) == (8, 8)
    assert row["done_at"] is not None
    assert await post.history(await post.notice(people[0])) == [
        "queue", "start_sending", "record_sent"
    ]  # fmt: skip


async def test_an_item_of_many_is_marked_as_read_like_any_other(post):
    person = post.person()
    await told(post, person)
    await everything_sent(post)
    (item,) = await post.items(person)
    answer = await post.ask("POST", f"/v1/inbox/{item['id']}/read", person)
    assert answer.status_code == 200
    assert answer.json()["text"] == item["text"]
    assert answer.json()["read_at"] is not None


async def test_who_died_is_not_told_and_who_has_no_mobile_reads_it(post):
    gone, silent, known = post.person(alive=False), post.person(mobile=None), post.person()
    event_id, _ = await told(post, gone, silent, known)
    await everything_sent(post)
    assert await post.items(gone) == []
    assert len(await post.items(silent)) == 1
    assert len(await post.phone(known)) == 1
    row = await progress(post, event_id)
    assert (row["items"], row["notices"]) == (2, 1)


async def test_one_person_in_two_rows_of_a_month_is_told_once(post):
    person, other = post.person(), post.person()
    event_id, _ = await told(post, person, person, other, person)
    await everything_sent(post)
    assert len(await post.items(person)) == len(await post.phone(person)) == 1
    assert (await progress(post, event_id))["items"] == 2


async def test_killed_at_every_page_it_goes_on_and_tells_everybody_once(post, monkeypatch):
    people = [post.person() for _ in range(10)]
    event_id, _ = await told(post, *people)
    asked = broadcasts.reachable

    async def killed(*_):
        monkeypatch.setattr(broadcasts, "reachable", asked)
        raise Unavailable

    broken = 0
    while (await progress(post, event_id))["queued_at"] is None:
        monkeypatch.setattr(broadcasts, "reachable", killed)
        with pytest.raises(Unavailable):
            await carried_on(post, event_id)
        broken += 1
        before = (await progress(post, event_id))["items"]
        await carried_on(post, event_id, for_s=0)  # nothing: its time was over at once
        assert (await progress(post, event_id))["items"] == before
        told_so_far = await progress(post, event_id)
        await broadcasts.queue(post.runtime, told_so_far)
    assert broken == 4
    await everything_sent(post)
    for person in people:
        assert len(await post.items(person)) == len(await post.phone(person)) == 1


async def test_two_runners_at_the_same_page_queue_it_once(post):
    people = [post.person() for _ in range(3)]
    event_id, _ = await told(post, *people)
    stands = await progress(post, event_id)
    await asyncio.gather(*(broadcasts.queue(post.runtime, stands) for _ in range(4)))
    assert (await progress(post, event_id))["items"] == 3
    await everything_sent(post)
    for person in people:
        assert len(await post.items(person)) == len(await post.phone(person)) == 1


async def test_the_same_event_again_tells_nobody_twice(post):
    people = [post.person() for _ in range(4)]
    event_id, owner = await told(post, *people)
    await everything_sent(post)
    asked = len(owner.asked)
    await post.eye.execute(
        "UPDATE notify.inbox SET done_at = NULL, due_at = now() WHERE event_id = $1", event_id
    )
    await post.hear()
    await everything_sent(post)
    assert len(owner.asked) == asked
    for person in people:
        assert len(await post.items(person)) == len(await post.phone(person)) == 1


async def test_a_message_of_somebody_else_does_not_wait_behind_the_many(post):
    people = [post.person() for _ in range(9)]
    event_id, _ = await told(post, *people)
    await carried_on(post, event_id)
    waiting = await post.eye.fetchval("SELECT count(*) FROM notify.timer WHERE kind = 'send'")
    assert (await progress(post, event_id))["notices"] == 9
    assert waiting == 4


@pytest.mark.req("H59")
async def test_who_lost_their_number_meanwhile_has_it_in_the_inbox(post):
    person = post.person()
    event_id, _ = await told(post, person)
    await carried_on(post, event_id)
    number, person.mobile = person.mobile, None
    await everything_sent(post)
    notice = await post.notice(person)
    assert (notice["status"], notice["error_code"]) == ("failed", "not_reachable")
    assert len(await post.items(person)) == 1
    person.mobile = number
    assert await post.phone(person) == []


async def test_operators_see_a_queued_message_of_many_before_it_has_a_number(post):
    event_id, _ = await told(post, post.person())
    await carried_on(post, event_id, for_s=5)
    await post.eye.execute("DELETE FROM notify.timer")
    answer = await post.ask("GET", "/v1/notifications?status=queued", Role.OPERATOR)
    mine = [one for one in answer.json()["items"] if one["topic"] == TOPIC]
    assert mine[0]["mobile"] is None
