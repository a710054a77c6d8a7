"""The catalogue at the gateway: open to everybody, written by the operator, version by version."""

import asyncio
import json
from datetime import date
from pathlib import Path

import pytest

import services.intake
from services.intake.catalogue.card import IdentityCard, LifeEvents
from services.intake.catalogue.queries import Rulebook
from services.intake.catalogue.schemas import LifeEvent
from tests import make

DATA = Path(services.intake.__file__).parent / "data"
SERVICES = ("livelihood", "eligibility", "exemption", "shares", "loans")
CARD_FIELDS = set(IdentityCard.model_fields)


def seed(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@pytest.fixture
async def anybody(agency):
    return agency.nobody()


@pytest.fixture
async def operator(agency):
    return await agency.caller("operator")


@pytest.fixture
async def restored(operator):
    """The cards as they were, once more, for whoever reads them after this test."""
    before = {service: (await card_of(operator, service))[0] for service in SERVICES}
    yield
    for service, card in before.items():
        now, version = await card_of(operator, service)
        if now != card:
            assert (await write(operator, service, card, version=version)).status_code == 200


async def card_of(caller, service):
    answer = await caller.get(f"/v1/services/{service}")
    assert answer.status_code == 200
    return answer.json(), answer.headers["etag"]


async def write(caller, service, body, *, version, part="", **more):
    path = f"/v1/services/{service}{part}"
    headers = {"If-Match": version} | more.pop("headers", {})
    return await caller.request("PUT", path, json=body, headers=headers, **more)


@pytest.mark.req("X-03", "LV-01", "LV-06", "LV-38", "LN-08")
@pytest.mark.parametrize("service", SERVICES)
async def test_anybody_reads_what_a_service_promises(anybody, service):
    card, _ = await card_of(anybody, service)
    assert set(card) == CARD_FIELDS
    before = seed(f"catalogue/{service}.json")
    published = ("costs", "average_duration", "in_person_visits", "frequency", "access_hours")
    published += ("legal_basis", "legal_basis_stated", "service_id", "name_fa", "approving_body")
    assert {name: card[name] for name in published} == {name: before[name] for name in published}
    for stage, channels in before["channels"].items():
        assert sorted(channels) == card["channels"][stage], stage
    statement = (await anybody.get(f"/v1/services/{service}/statement")).json()
    assert statement == seed(f"statements/{service}.json")


async def test_the_official_id_names_a_service_too(anybody):
    assert (await card_of(anybody, "19072703102"))[0]["service"] == "shares"
    statement = await anybody.get("/v1/services/19072702000/statement")
    assert statement.json()["service"] == "livelihood"
    for nobody in ("19072702999", "pensions"):
        answer = await anybody.get(f"/v1/services/{nobody}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.req("JS-07")
async def test_the_list_is_filtered_by_life_event(anybody):
    assert set(LifeEvents.model_fields) == set(LifeEvent.__args__)
    everything = (await anybody.get("/v1/services")).json()["items"]
    assert [row["service"] for row in everything] == sorted(SERVICES)
    assert all(row["statement_version"] >= 1 for row in everything)
    found = (await anybody.get("/v1/services", params={"life_event": "social_security"})).json()
    assert [row["service"] for row in found["items"]] == ["shares"]
    for wrong in ({"life_event": "coronation"}, {"livelihood": "1"}, {"limit": "0"}):
        answer = await anybody.get("/v1/services", params=wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")


@pytest.mark.parametrize("path", ["/v1/areas", "/v1/offices", "/v1/services"])
async def test_pages_follow_one_another_and_miss_nothing(anybody, path):
    whole = (await anybody.get(path, params={"limit": 200})).json()
    pages, cursor = [], None
    size = 60 if path == "/v1/areas" else 2
    while True:
        params = {"limit": size} | ({"cursor": cursor} if cursor else {})
        page = (await anybody.get(path, params=params)).json()
        pages += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(pages) >= 200:
            break
    assert pages[:200] == whole["items"][: len(pages)]
    assert len(pages) >= 5
    bad = await anybody.get(path, params={"cursor": "!"})
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_cursor")


async def test_provinces_and_their_counties(anybody):
    provinces = (await anybody.get("/v1/areas", params={"kind": "province", "limit": 50})).json()
    assert len(provinces["items"]) == 31
    counties = (await anybody.get("/v1/areas", params={"parent_id": "Tehran"})).json()["items"]
    assert {
        "id": "Tehran/Rey",
        "parent_id": "Tehran",
        "kind": "county",
        "name_fa": "ری",
    } in counties


async def test_the_checklist_of_a_reason(anybody):
    path = "/v1/services/exemption/checklist"
    papers = (await anybody.get(path, params={"reason": "mother_divorced"})).json()
    assert {"kind": "divorce_document", "required": False, "fa": "طلاق‌نامه"} in papers
    kinds = {paper["kind"] for paper in (await anybody.get(path)).json()}
    assert kinds > {paper["kind"] for paper in papers}
    assert (await anybody.get("/v1/services/eligibility/checklist")).json() == []
    unknown = await anybody.get(path, params={"reason": "lottery"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_query")


@pytest.mark.req("JS-01", "EX-37")
@pytest.mark.usefixtures("restored")
async def test_a_card_is_written_version_by_version(agency, operator, anybody):
    card, version = await card_of(anybody, "loans")
    changed = card | {"in_person_visits": 3}
    key = "card-of-loans-1"
    headers = {"Idempotency-Key": key}
    first = await write(operator, "loans", changed, version=version, headers=headers)
    assert (first.status_code, first.json()) == (200, changed)
    again = await write(operator, "loans", changed, version=version, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    stale = await write(operator, "loans", changed, version=version)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    careless = await operator.request("PUT", "/v1/services/loans", json=changed)
    assert (careless.status_code, careless.json()["code"]) == (428, "precondition_required")
    assert (await card_of(anybody, "loans")) == (changed, first.headers["etag"])
    kept = await agency.eye.fetch("SELECT version FROM intake.card WHERE service = 'loans'")
    assert len(kept) == int(first.headers["etag"].strip('"'))


@pytest.mark.req("JS-01", "X-02")
@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"colour": "red"}, "/colour", "unknown_field"),
        ({"costs": [{"amount_rial": 1.5, "account": None, "electronic": None}]}, "amount", ""),
        ({"costs": [{"amount_rial": "5", "account": None, "electronic": None}]}, "amount", ""),
        ({"service": "shares"}, "/service", "other_service"),
        ({"opens_on": 0}, "/opens_on", "date_format"),
        ({"ended_on": "2026-12-01"}, "", "end_needs_law_ref"),
    ],
)
async def test_a_card_with_a_fault_is_refused(operator, change, pointer, code):
    card, version = await card_of(operator, "livelihood")
    answer = await write(operator, "livelihood", card | change, version=version)
    fault = answer.json()["errors"][0]
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert pointer in fault["pointer"]
    assert code in fault["code"]


@pytest.mark.req("JS-02", "LV-26")
async def test_the_official_id_does_not_change_here(operator):
    for service in ("shares", "livelihood"):
        card, version = await card_of(operator, service)
        for other in ("19072703199", None):
            answer = await write(operator, service, card | {"service_id": other}, version=version)
            assert (answer.status_code, answer.json()["code"]) == (409, "service_id_immutable")


@pytest.mark.usefixtures("restored")
async def test_of_two_operators_one_is_told_to_read_again(operator, agency):
    second = await agency.caller("operator", sub="another-operator")
    card, version = await card_of(operator, "exemption")
    answers = await asyncio.gather(
        write(operator, "exemption", card | {"in_person_visits": 1}, version=version),
        write(second, "exemption", card | {"in_person_visits": 2}, version=version),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_only_the_operator_writes(agency):
    for role in ("citizen", "counter", "intake_officer", "approver", "auditor"):
        caller = await agency.caller(role)
        card, version = await card_of(caller, "shares")
        answer = await write(caller, "shares", card, version=version)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed"), role
    nobody = await write(agency.nobody(), "shares", card, version=version)
    assert nobody.status_code == 401


@pytest.mark.req("JS-17")
@pytest.mark.usefixtures("restored")
async def test_the_channel_guard_follows_the_card(agency, operator):
    person = make.Person()
    await agency.known(person)
    citizen = await agency.citizen(person)
    card, version = await card_of(operator, "livelihood")
    channels = card["channels"]
    closed = channels | {"request": [c for c in channels["request"] if c != "mobile_app"]}
    answer = await write(operator, "livelihood", card | {"channels": closed}, version=version)
    body = make.livelihood(person, channel="mobile_app")
    refused = await citizen.post("/v1/applications", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "channel_not_allowed")
    opened = await write(operator, "livelihood", card, version=answer.headers["etag"])
    assert opened.json()["channels"] == channels
    assert (await citizen.post("/v1/applications", body)).status_code == 201


@pytest.mark.req("LV-39", "EX-38", "H62")
@pytest.mark.usefixtures("restored")
async def test_the_fee_is_the_card_s_at_the_moment_of_filing(agency, operator):
    async def filed():
        person = make.Person()
        await agency.known(person)
        answer = await (await agency.caller("counter")).post(
            "/v1/applications", make.livelihood(person)
        )
        return answer.json()["tracking_code"]

    async def fee(tracking_code):
        return await agency.eye.fetchval(
            "SELECT fee_rial FROM intake.application WHERE tracking_code = $1", tracking_code
        )

    before = await filed()
    card, version = await card_of(operator, "livelihood")
    cost = {"amount_rial": 25_000, "account": None, "electronic": None}
    answer = await write(operator, "livelihood", card | {"costs": [cost]}, version=version)
    after = await filed()
    await write(operator, "livelihood", card, version=answer.headers["etag"])
    assert (await fee(before), await fee(after), await fee(await filed())) == (0, 25_000, 0)


@pytest.mark.req("EL-31", "EL-32")
async def test_a_new_statement_is_told_and_the_old_one_stays_readable(agency, operator, anybody):
    path = "/v1/services/eligibility/statement"
    before = await anybody.get(path)
    number = int(before.headers["etag"].strip('"'))
    text = before.json() | {"valid_from": "2100-01-01"}
    text["monitoring"] = [*text["monitoring"], "بازبینی سالانهٔ این توافقنامه"]
    new = await write(
        operator, "eligibility", text, part="/statement", version=before.headers["etag"]
    )
    assert (new.status_code, new.json()["version"]) == (200, number + 1)
    readable = await anybody.get(path, params={"version": number + 1})
    assert readable.json() == new.json()
    now = (await anybody.get(path)).json()
    assert now == before.json() | {"valid_to": "2100-01-01"}
    told = await agency.eye.fetch(
        "SELECT payload FROM intake.outbox WHERE topic = 'statement.changed'"
    )
    (event,) = (json.loads(row["payload"]) for row in told)
    assert (event["service"], event["version"]) == ("eligibility", number + 1)
    versions = "/v1/statements/eligibility"
    listed = (await anybody.get(versions, params={"limit": 1})).json()
    rest = (await anybody.get(versions, params={"cursor": listed["next_cursor"]})).json()
    assert [row["version"] for row in listed["items"] + rest["items"]] == [number + 1, number]
    missing = await anybody.get(path, params={"version": 900})
    assert missing.status_code == 404
    earlier = text | {"valid_from": "2020-01-01"}
    refused = await write(
        operator, "eligibility", earlier, part="/statement", version=new.headers["etag"]
    )
    assert refused.json()["errors"][0]["code"] == "before_present_version"


def test_the_newest_statement_that_has_begun_is_in_force():
    march, june = date(2026, 3, 21), date(2026, 6, 1)
    book = Rulebook(
        cards={}, channels=frozenset(), contracts=(), offices=(), areas={},
        statements={"loans": [(1, march, None), (2, june, None), (3, june, date(2026, 7, 1))]},
    )  # fmt: skip
    days = (date(2026, 3, 20), march, date(2026, 5, 31), june, date(2026, 7, 1))
    assert [book.statement_version("loans", day) for day in days] == [None, 1, 1, 3, 2]


@pytest.mark.req("JS-23")
async def test_a_contract_opens_a_counter_and_ends_by_its_date(agency, operator):
    office = {"office_code": "72019999", "contract_number": "C-77"}
    counter = await agency.caller("counter", sub="new-counter", **office)
    person = make.Person()
    await agency.known(person)
    body = make.livelihood(person)
    refused = await counter.post("/v1/applications", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "contract_not_valid")
    contract = {"number": "C-77", "office_code": "72019999", "services": ["livelihood"]}
    past = contract | {"from_on": "2026-03-21", "to_on": "2026-03-22"}
    assert (await operator.post("/v1/counters/contracts", past)).status_code == 201
    assert (await counter.post("/v1/applications", body)).status_code == 403
    now = contract | {"from_on": "2026-03-23", "to_on": None}
    made = await operator.post("/v1/counters/contracts", now)
    assert made.status_code == 201
    assert (await counter.post("/v1/applications", body)).status_code == 201
    listed = await operator.get("/v1/counters/contracts", params={"office_code": "72019999"})
    assert [row["to_on"] for row in listed.json()["items"]] == ["2026-03-22", None]
    backwards = contract | {"from_on": "2026-05-01", "to_on": "2026-04-01"}
    wrong = await operator.post("/v1/counters/contracts", backwards)
    assert wrong.json()["errors"][0]["code"] == "ends_before_it_begins"
    assert (await counter.get("/v1/counters/contracts")).status_code == 403


def test_reading_needs_no_token_in_the_document_and_writing_does(agency):
    paths = agency.apps["intake"].openapi()["paths"]
    public = ("", "/{service}", "/{service}/checklist", "/{service}/statement")
    for path in (*(f"/v1/services{end}" for end in public), "/v1/areas", "/v1/offices"):
        assert "security" not in paths[path]["get"], path
    for path in ("/v1/services/{service}", "/v1/services/{service}/statement"):
        assert paths[path]["put"]["security"] == [{"oidc": []}]
        assert paths[path]["put"]["x-roles"] == ["operator"]
