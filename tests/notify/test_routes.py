"""Over HTTP: one's own inbox, what became of messages, and texts that are never rewritten."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from services.notify.actions import FIRST_DAY, delivered
from shared.topics import TOPICS
from shared.values.identifiers import new_tracking_code
from shared.web.auth import Role

WORDS = {
    "title": "پاسخ آماده است",
    "sms": "سها: پاسخ درخواست {tracking_code} آماده است.",
    "inbox": "پاسخ درخواست {tracking_code} آماده است. برای راهنمایی {phone}.",
}


def day(post, after):
    return (post.runtime.clock.today() + timedelta(days=after)).isoformat()


async def put(post, topic, *, version, **body):
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return await post.ask(
        "PUT", f"/v1/templates/{topic}", Role.OPERATOR, json=body, headers=headers
    )


# The inbox


async def test_a_citizen_reads_their_own_inbox_newest_first_page_by_page(post):
    person, other = post.person(), post.person()
    topics = ["application.submitted", "application.routed", "livelihood.opened"]
    for topic in topics:
        await post.tell(topic, person)
    await post.tell("livelihood.confirmed", other)
    seen, cursor = [], ""
    while cursor is not None:
        answer = await post.ask("GET", f"/v1/inbox?limit=2{cursor}", person)
        page = answer.json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert [item["topic"] for item in seen] == topics[::-1]
    assert set(seen[0]) == {
        *("id", "topic", "tracking_code", "title", "text", "created_at", "created_at_jalali"),
        "read_at",
    }
    assert seen[0]["created_at_jalali"].startswith("14")


async def test_an_item_is_read_once_and_by_its_owner_only(post):
    person, other = post.person(), post.person()
    await post.tell("livelihood.confirmed", person)
    (item,) = await post.items(person)
    assert item["read_at"] is None
    path = f"/v1/inbox/{item['id']}/read"
    assert (await post.ask("POST", path, other)).status_code == 404
    assert (await post.items(person))[0]["read_at"] is None
    first = await post.ask("POST", path, person)
    again = await post.ask("POST", path, person)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json() == (await post.items(person))[0]
    assert first.json()["read_at"] is not None
    assert (await post.ask("POST", f"/v1/inbox/{uuid4()}/read", person)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/v1/inbox", Role.OPERATOR),
        ("POST", f"/v1/inbox/{uuid4()}/read", Role.SOCIAL_WORKER),
        ("GET", "/v1/notifications?status=unknown", Role.AUDITOR),
        ("GET", "/v1/templates/loans.closed", Role.CITIZEN),
        ("PUT", "/v1/templates/loans.closed", Role.APPROVER),
        ("POST", "/v1/templates/loans.closed/preview", Role.CITIZEN),
        ("GET", "/v1/inbox", Role.CITIZEN),  # a citizen's token that names no citizen
    ],
)
async def test_each_route_is_for_its_role(post, method, path, role):
    body = {} if method == "GET" else {"json": WORDS | {"valid_from_on": day(post, 1)}}
    answer = await post.ask(method, path, role, **body)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=x", "invalid_cursor"),
        ("cursor=WyJhIiwiYiJd", "invalid_cursor"),
        ("person=1", "invalid_query"),
        ("limit=0", "invalid_query"),
    ],
)
async def test_a_query_that_is_not_understood_shows_nothing(post, query, code):
    answer = await post.ask("GET", f"/v1/inbox?{query}", post.person())
    assert (answer.status_code, answer.json()["code"]) == (400, code)


# What became of messages


async def test_an_operator_sees_what_became_of_a_message_and_not_what_it_says(post):
    person, blocked = post.person(), post.person()
    await post.sandbox.put(f"/sms-blacklist/{blocked.mobile}", json={"blocked": True})
    code = new_tracking_code(uuid4().bytes)
    await post.tell("livelihood.confirmed", person, blocked, tracking_code=code)
    answer = await post.ask("GET", f"/v1/notifications?tracking_code={code}", Role.OPERATOR)
    rows = {row["mobile"]: row for row in answer.json()["items"]}
    assert len(rows) == 2
    sent = rows[f"0912***{person.mobile[-4:]}"]
    assert (sent["status"], sent["provider"], sent["attempts"]) == ("sent", "sms-primary", 1)
    failed = rows[f"0912***{blocked.mobile[-4:]}"]
    assert (failed["status"], failed["error_code"]) == ("failed", "115")
    for secret in (person.mobile, blocked.mobile, *(await post.phone(person))):
        assert secret not in answer.text
    looked = await post.eye.fetchval(
        "SELECT convert_from(entry, 'UTF8') FROM notify.audit"
        " WHERE position('notify.notice.read' IN convert_from(entry, 'UTF8')) > 0"
        " ORDER BY id DESC LIMIT 1"
    )
    assert code in looked
    assert "demo-operator" in looked


async def test_what_waits_for_a_person_is_found_by_status(post):
    person = post.person()
    await post.tell("livelihood.confirmed", person)
    await post.eye.execute(
        "UPDATE notify.notice SET status = 'unknown' WHERE person_id = $1", person.id
    )
    answer = await post.ask("GET", "/v1/notifications?status=unknown", Role.OPERATOR)
    assert {row["status"] for row in answer.json()["items"]} == {"unknown"}
    for query in ("", "?status=sent", "?status=lost", "?mobile=09121234567"):
        refused = await post.ask("GET", f"/v1/notifications{query}", Role.OPERATOR)
        assert refused.status_code == 400, query


# Texts


async def test_the_delivered_texts_are_version_one(post):
    assert set(delivered()) == {topic.name for topic in TOPICS.values() if topic.citizen}
    answer = await post.ask("GET", "/v1/templates/loans.settled", Role.OPERATOR)
    shown = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert shown["sms"] == delivered()["loans.settled"].sms
    assert shown["placeholders"] == ["phone", "status_label", "tracking_code"]
    assert [row["valid_from_on"] for row in shown["versions"]] == [FIRST_DAY.isoformat()]
    for topic in ("loans.withdrawn", "loans.nothing"):
        absent = await post.ask("GET", f"/v1/templates/{topic}", Role.OPERATOR)
        assert absent.status_code == 404


async def test_a_new_text_holds_from_its_day_and_the_old_one_stays(post):
    topic = "loans.closed"
    before = (await post.ask("GET", f"/v1/templates/{topic}", Role.OPERATOR)).json()
    answer = await put(post, topic, version=1, **WORDS, valid_from_on=day(post, 10))
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json()["sms"] == before["sms"]
    newest, first = answer.json()["versions"]
    assert newest["valid_from_on"] == first["valid_to_on"] == day(post, 10)
    assert newest["written_by"] == "demo-operator"
    today, then = post.person(), post.person()
    await post.tell(topic, today)
    post.later(timedelta(days=10))
    await post.tell(topic, then)
    assert "پاسخ درخواست" not in (await post.items(today))[0]["text"]
    assert "پاسخ درخواست" in (await post.items(then))[0]["text"]
    shown = (await post.ask("GET", f"/v1/templates/{topic}", Role.OPERATOR)).json()
    assert (shown["version"], shown["title"]) == (2, WORDS["title"])


async def test_an_edit_names_the_version_that_it_follows(post):
    topic = "loans.cured"
    body = WORDS | {"valid_from_on": day(post, 1)}
    assert (await put(post, topic, version=None, **body)).status_code == 428
    assert (await put(post, topic, version=7, **body)).status_code == 412
    assert (await put(post, topic, version=1, **body)).status_code == 200
    assert (await put(post, topic, version=1, **body)).status_code == 412
    for day_on in (day(post, 1), day(post, 0), day(post, -1)):
        answer = await put(post, topic, version=2, **body | {"valid_from_on": day_on})
        assert (answer.status_code, answer.json()["code"]) == (409, "template_from_the_past")


@pytest.mark.req("LV-10")
async def test_a_text_that_would_shame_on_a_lock_screen_is_refused_with_every_fault(post):
    body = WORDS | {
        "title": "مستمری شما",
        "sms": "مبلغ ۱۲۰۰۰ تومان {name}",
        "valid_from_on": day(post, 1),
    }
    answer = await put(post, "loans.warned", version=1, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]} == {
        ("/title", "kept_inside"),
        ("/sms", "kept_inside"),
        ("/sms", "placeholder_unknown"),
        ("/sms", "sender_missing"),
        ("/sms", "tracking_code_missing"),
    }


async def test_a_preview_shows_the_text_as_people_will_read_it(post):
    path = "/v1/templates/loans.warned/preview"
    answer = await post.ask("POST", path, Role.OPERATOR, json=WORDS)
    shown = answer.json()
    assert shown["sms"] == "سها: پاسخ درخواست SH-0000000000 آماده است."
    assert shown["segments"] == 1
    assert "{" not in shown["inbox"]
    absent = await post.ask("POST", "/v1/templates/none/preview", Role.OPERATOR, json=WORDS)
    assert absent.status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE notify.template SET sms = 'x'",
        "DELETE FROM notify.template",
        "UPDATE notify.inbox_item SET text = ''",
        "DELETE FROM notify.inbox_item",
    ],
)
async def test_what_people_were_told_is_beyond_the_reach_of_the_service_itself(post, change):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await post.runtime.pool.execute(change)


async def test_no_two_texts_of_a_topic_hold_on_one_day(post):
    with pytest.raises(asyncpg.ExclusionViolationError):
        await post.eye.execute(
            "INSERT INTO notify.template"
            " (topic, version, valid_from, title, sms, inbox, written_by, written_at)"
            " SELECT topic, 99, '2030-01-01', title, sms, inbox, written_by, written_at"
            " FROM notify.template WHERE topic = 'loans.settled'"
        )
