"""An emergency is declared by decree, for an area and with an end, and changed in versions."""

from uuid import uuid4

import pytest

from shared.storage import policy
from tests.livelihood.emergencies.quake import DECREE, ELSEWHERE, PROVINCE


@pytest.mark.req("LV-33")
@pytest.mark.parametrize(
    "kind", ["earthquake", "flood", "disease_outbreak", "special_economic_state"]
)
async def test_an_emergency_is_declared_with_its_decree(quake, kind):
    answer = await quake.declare(kind, provinces=[], counties=[f"{PROVINCE}/center"] * 2)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found["kind"] == kind
    assert found["kind_label"] != kind
    [version] = found["versions"]
    assert version["counties"] == [f"{PROVINCE}/center"]
    assert (version["version"], version["decree_ref"]) == (1, DECREE)
    assert version["effective_from_period"] == quake.first
    assert version["to_on"] == quake.last_day(2).isoformat()
    again = await quake.desk.caller("approver").get(f"/emergencies/{found['emergency_id']}")
    assert again.json() == found


@pytest.mark.req("LV-33")
async def test_another_kind_of_emergency_is_a_row_of_policy(quake):
    assert (await quake.declare("landslide")).json()["errors"][0]["code"] == "unknown_kind"
    async with quake.desk.runtime.transaction(lone=False) as tx:
        today = quake.day(0)
        known = await policy.on(tx, "livelihood.emergency_kinds", today)
        known["kinds"]["landslide"] = {"fa": "رانش زمین", "base_percent": 80, "added_percent": 0}
        await policy.put(
            tx, "livelihood.emergency_kinds", known,
            effective_from=today, source_ref="P-1", confidence="H",
        )  # fmt: skip
    answer = await quake.declare("landslide")
    assert (answer.status_code, answer.json()["kind_label"]) == (201, "رانش زمین")


@pytest.mark.parametrize(
    ("more", "pointer", "code"),
    [
        ({"kind": "rain"}, "/kind", "unknown_kind"),
        ({"provinces": []}, "/provinces", "area_missing"),
        ({"provinces": ["Atlantis"]}, "/provinces/0", "unknown_province"),
        ({"counties": [f"{PROVINCE}/center", "Atlantis/x"]}, "/counties/1", "unknown_province"),
        ({"to_on": "2026-01-01"}, "/to_on", "ends_before_it_begins"),
        ({"to_on": None}, "/to_on", None),
        ({"decree_ref": " "}, "/decree_ref", None),
    ],
)
@pytest.mark.req("LV-33")
async def test_what_says_no_kind_no_place_or_no_end_is_refused(quake, more, pointer, code):
    answer = await quake.declare(**more)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert code is None or fault["code"] == code


async def test_only_the_operator_declares_and_everybody_reads(quake):
    desk = quake.desk
    body = {"kind": "flood"}
    for role in ("approver", "social_worker", "finance_preparer", "citizen"):
        assert (await desk.caller(role).post("/emergencies", body)).status_code == 403
    path = f"/emergencies/{quake.emergency_id}"
    for role in ("social_worker", "auditor", "counter", "citizen"):  # who asks names one
        for one in ("/emergencies", path):
            assert (await desk.caller(role).get(one)).status_code == 200, role
    for role in ("operator", "finance_sender", "citizen"):  # who is helped is another matter
        assert (await desk.caller(role).get(f"{path}/awards")).status_code == 403
    for unknown in (f"/emergencies/{uuid4()}", f"/emergencies/{uuid4()}/awards"):
        assert (await desk.caller("approver").get(unknown)).status_code == 404
    answer = await desk.caller("operator").post(f"/emergencies/{uuid4()}/versions", body)
    assert answer.status_code == 422


@pytest.mark.req("H28")
async def test_a_change_is_a_version_from_next_month_on(quake):
    answer = await quake.change(provinces=[ELSEWHERE], to_on=quake.last_day(5).isoformat())
    assert answer.status_code == 201, answer.text
    first, second = answer.json()["versions"]
    assert (first["provinces"], first["effective_from_period"]) == ([PROVINCE], quake.first)
    assert (second["version"], second["provinces"]) == (2, [ELSEWHERE])
    assert second["effective_from_period"] == quake.month(1)
    assert second["from_on"] == first["from_on"]
    refused = await quake.change(to_on=quake.day(-1).isoformat())
    assert refused.json()["errors"][0]["code"] == "ends_before_it_begins"


async def test_nobody_who_runs_the_service_rewrites_a_declaration(quake):
    async with quake.desk.runtime.pool.acquire() as connection:
        for statement in (
            "UPDATE livelihood.emergency_version SET to_on = to_on + 1",
            "DELETE FROM livelihood.emergency_version",
            "UPDATE livelihood.emergency SET kind = 'flood'",
            "DELETE FROM livelihood.emergency_award",
        ):
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(statement)


async def test_emergencies_are_listed_the_newest_first(quake):
    newer = (await quake.declare("flood")).json()["emergency_id"]
    found, cursor = [], None
    caller = quake.desk.caller("auditor")
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await caller.get("/emergencies", limit=1, **more)).json()
        assert "items" in page, page
        found += [one["emergency_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found.index(newer) + 1 == found.index(quake.emergency_id)
    assert (await caller.get("/emergencies", cursor="x")).json()["code"] == "invalid_cursor"
