"""One application, however often it is sent: by a twin, a retry, a rival or somebody else."""

import asyncio
from uuid import uuid4

import pytest

from tests import make
from tests.journeys import registries

PATH = "/v1/applications"


async def stored(agency, person):
    """Tracking codes of the applications that the database holds for a person."""
    index = agency.runtime("intake").crypto.index(person.national_code)
    rows = await agency.eye.fetch(
        "SELECT tracking_code FROM intake.application WHERE subject_index = $1", index
    )
    return [row["tracking_code"] for row in rows]


async def known(agency, **more):
    """Somebody whom the registries know."""
    person = make.Person(**more)
    await agency.known(person)
    return person


@pytest.mark.req("H10", "X-04")
async def test_twenty_posts_at_once_are_one_application(agency):
    person = await known(agency)
    counter = await agency.caller("counter")
    body = make.livelihood(person)
    answers = await asyncio.gather(*(counter.post(PATH, body) for _ in range(20)))
    (first,) = [answer for answer in answers if answer.status_code == 201]
    others = [answer for answer in answers if answer is not first]
    assert {answer.status_code for answer in others} == {409}
    assert {answer.json()["code"] for answer in others} == {"duplicate_open_request"}
    code = first.json()["tracking_code"]
    assert {answer.json()["tracking_code"] for answer in others} == {code}
    assert await stored(agency, person) == [code]


@pytest.mark.req("H10")
async def test_another_channel_meets_the_same_open_application(agency):
    person = await known(agency)
    counter, citizen = await agency.caller("counter"), await agency.citizen(person)
    desk, portal = await asyncio.gather(
        counter.post(PATH, make.livelihood(person)),
        citizen.post(PATH, make.livelihood(person, channel="soha_portal")),
    )
    assert sorted((desk.status_code, portal.status_code)) == [201, 409]
    assert len(await stored(agency, person)) == 1


@pytest.mark.req("H10")
async def test_whose_business_it_is_not_does_not_learn_the_code(agency):
    person = await known(agency)
    citizen = await agency.citizen(person)
    first = await citizen.post(PATH, make.livelihood(person, channel="soha_portal"))
    assert first.status_code == 201
    stranger = await agency.caller("counter", office_code="72010002", contract_number="C-2")
    refused = await stranger.post(PATH, make.livelihood(person))
    assert refused.status_code in {403, 409}
    assert first.json()["tracking_code"] not in refused.text


@pytest.mark.req("H11")
async def test_twins_on_one_key_get_the_same_bytes(agency):
    person, key = await known(agency), str(uuid4())
    counter = await agency.caller("counter")
    body = make.livelihood(person)

    async def persistent():
        for _ in range(20):
            answer = await counter.post(PATH, body, key=key)
            if answer.status_code != 409:
                return answer
            assert answer.json()["code"] == "request_in_progress"
            await asyncio.sleep(int(answer.headers["retry-after"]))
        raise AssertionError("never answered")

    answers = await asyncio.gather(*(persistent() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
    assert len(replayed) == 19
    assert await stored(agency, person) == [answers[0].json()["tracking_code"]]


@pytest.mark.req("H11")
async def test_the_same_key_with_another_body_is_refused_and_changes_nothing(agency):
    person, other, key = await known(agency), await known(agency), str(uuid4())
    counter = await agency.caller("counter")
    first = await counter.post(PATH, make.livelihood(person), key=key)
    second = await counter.post(PATH, make.livelihood(other), key=key)
    assert (second.status_code, second.json()["code"]) == (422, "idempotency_key_reused")
    assert await stored(agency, other) == []
    again = await counter.post(PATH, make.livelihood(person), key=key)
    assert again.content == first.content


@pytest.mark.req("H11")
async def test_a_retry_gets_the_first_answer_while_the_registries_are_silent(agency):
    person, key = await known(agency), str(uuid4())
    counter = await agency.caller("counter")
    body = make.livelihood(person)
    first = await counter.post(PATH, body, key=key)
    assert (first.status_code, first.json()["identity"]) == (201, "confirmed")
    async with registries.faulty(agency, mode="timeout"):
        again = await asyncio.wait_for(counter.post(PATH, body, key=key), 1.5)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.req("H11")
async def test_a_refused_request_is_decided_anew_under_its_key(agency):
    person, key = make.Person(), str(uuid4())
    counter = await agency.caller("counter")
    body = make.livelihood(person)
    refused = await counter.post(PATH, body, key=key)
    assert refused.status_code == 422
    await agency.known(person)
    registries.forget(agency)
    accepted = await counter.post(PATH, body, key=key)
    assert accepted.status_code == 201, accepted.text
    assert "idempotency-replayed" not in accepted.headers


@pytest.mark.req("H11")
async def test_a_key_belongs_to_its_caller(agency):
    person, key = await known(agency), str(uuid4())
    one = await agency.caller("counter")
    other = await agency.caller("counter", sub="another-clerk-of-the-same-office")
    first = await one.post(PATH, make.livelihood(person), key=key)
    assert first.status_code == 201
    second = await other.post(PATH, make.livelihood(person), key=key)
    assert second.status_code == 409
    assert second.json()["code"] == "duplicate_open_request"
    assert "idempotency-replayed" not in second.headers


@pytest.mark.req("H11")
async def test_a_step_too_is_taken_once_for_each_key(agency):
    person = await known(agency)
    counter, officer = await agency.caller("counter"), await agency.caller("intake_officer")
    code = (await counter.post(PATH, make.livelihood(person))).json()["tracking_code"]
    await agency.settled()
    path, key = f"{PATH}/{code}/request-documents", str(uuid4())
    body = {"kinds": ["birth_certificate"], "reason": "تصویر شناسنامه ناخواناست"}
    answers = await asyncio.gather(*(officer.post(path, body, key=key) for _ in range(5)))
    accepted = [answer for answer in answers if answer.status_code == 200]
    assert accepted
    assert len({answer.content for answer in accepted}) == 1
    for answer in answers:
        assert answer.status_code in {200, 409}, answer.text
    steps = await agency.eye.fetchval(
        "SELECT count(*) FROM intake.history h JOIN intake.application a ON a.id = h.subject_id"
        " WHERE a.tracking_code = $1 AND h.step = 'request_documents'",
        code,
    )
    assert steps == 1
