"""A case over HTTP: who sees it, what they may do with it, and the same no to everybody else."""

import pytest

from shared.cases import CASEWORKERS, find, may_see
from shared.values.identifiers import new_tracking_code
from shared.web.auth import STAFF, SYSTEM, Role
from tests.shared.desk import FLOW, Case, actor

CODE, OTHER, RELATIVE = "0499370899", "0013542419", "9616493930"
HERE = {"province": "Tehran"}
THERE = {"province": "Fars"}
SEERS = [
    *[({role}, HERE, True) for role in sorted(CASEWORKERS)],
    *[({role}, HERE, False) for role in sorted(STAFF - CASEWORKERS)],
    *[({role}, THERE, False) for role in sorted(STAFF)],
    ({Role.SOCIAL_WORKER}, {"province": None}, False),
    ({Role.AUDITOR}, THERE, True),
    ({Role.INSPECTOR}, THERE, True),
    ({Role.OPERATOR}, HERE, False),
    ({Role.MINISTRY}, HERE, False),
    ({Role.BANK}, HERE, False),
    ({Role.CONSCRIPTION}, HERE, False),
    ({Role.COUNTER}, {"office_code": "72010001", **THERE}, True),
    ({Role.COUNTER}, {"office_code": "72010002", **HERE}, False),
    ({Role.COUNTER}, {"office_code": None, **HERE}, False),
    ({Role.SOCIAL_WORKER}, {"office_code": "72010001", **THERE}, False),
    ({Role.CITIZEN}, {"national_code": CODE, **THERE}, True),
    ({Role.CITIZEN}, {"national_code": OTHER, **HERE}, False),
    ({Role.CITIZEN}, {"national_code": RELATIVE, **HERE}, False),
    ({Role.CITIZEN}, {"national_code": None, **HERE}, False),
    ({Role.COUNTER}, {"national_code": CODE, "office_code": "72010002", **THERE}, False),
    ({Role.CITIZEN, Role.SOCIAL_WORKER}, {"national_code": CODE, **THERE}, True),
    (set(), HERE, False),
]


async def filed(desk, **more):
    """A case of CODE, filed by one office, in one province."""
    index = desk.runtime.crypto.index
    holders = [b"else", index(CODE)]
    values = {"holders": holders, "kin": [*holders, index(RELATIVE)], "filed_by": "72010001"}
    return await desk.opened(**values | more)


async def post(desk, row, path, *, by, body=None, key="k", **headers):
    path = f"/desk/cases/{row.tracking_code}/{path}"
    return await desk.post(path, body, by=by, key=key, **headers)


@pytest.mark.parametrize(("roles", "claims", "sees"), SEERS)
async def test_who_sees_a_case_and_who_is_told_that_there_is_none(desk, roles, claims, sees):
    row, by = await filed(desk), actor(*roles, **claims)
    answer = await desk.get(f"/desk/cases/{row.tracking_code}", by=by)
    assert answer.status_code == (200 if sees else 404)
    if not sees:
        absent = new_tracking_code(b"absent")
        other = await desk.get(f"/desk/cases/{absent}", by=by)
        differs = {"instance", "request_id"}
        assert other.status_code == 404
        assert {k: v for k, v in answer.json().items() if k not in differs} == {
            k: v for k, v in other.json().items() if k not in differs
        }
        assert row.tracking_code not in answer.text


async def test_a_case_that_has_no_province_is_nobodys_of_a_province(desk):
    row = await filed(desk, province=None)
    async with desk.runtime.transaction() as tx:
        assert not may_see(tx, row, actor(Role.SOCIAL_WORKER, province=None))
        assert not may_see(tx, row, actor(Role.SOCIAL_WORKER))
        assert may_see(tx, row, SYSTEM)


async def test_an_action_on_a_case_out_of_sight_is_not_found_and_not_taken(desk):
    row = await filed(desk)
    stranger = actor(Role.SOCIAL_WORKER, **THERE)
    absent = await filed(desk)
    await desk.eye.execute("DELETE FROM desk.case WHERE id = $1", absent.id)
    for one in (row, absent):
        answer = await post(desk, one, "look", by=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await desk.stands(row) == ("open", 1)


async def test_a_role_that_may_never_is_refused_before_the_case_is_sought(desk):
    row = await filed(desk)
    absent = new_tracking_code(b"absent")
    for code in (row.tracking_code, absent):
        answer = await desk.post(f"/desk/cases/{code}/look", by=actor(Role.CITIZEN), key="k")
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


async def test_without_a_token_nothing_is_said_of_any_case(desk):
    row = await filed(desk)
    path = f"/v1/desk/cases/{row.tracking_code}"
    assert (await desk.http.get(path)).status_code == 401
    keyed = {"Idempotency-Key": "k"}
    assert (await desk.http.post(f"{path}/look", json={}, headers=keyed)).status_code == 401


@pytest.mark.parametrize(
    ("roles", "actions"),
    [
        ({Role.CITIZEN}, []),
        ({Role.SOCIAL_WORKER}, ["look", "note"]),
        ({Role.APPROVER}, ["note"]),
        ({Role.AUDITOR}, []),
    ],
)
async def test_the_actions_are_what_the_table_lets_this_caller_do_now(desk, roles, actions):
    row = await filed(desk)
    by = actor(*roles, national_code=CODE if Role.CITIZEN in roles else OTHER)
    shown = (await desk.get(f"/desk/cases/{row.tracking_code}", by=by)).json()
    assert shown["actions"] == actions


async def test_what_somebodys_own_steps_exclude_is_not_among_their_actions(desk):
    row = await filed(desk)
    both = actor(Role.SOCIAL_WORKER, Role.APPROVER)
    assert (await post(desk, row, "look", by=both)).json()["actions"] == ["note"]
    path = f"/desk/cases/{row.tracking_code}"
    for by, actions in ((both, ["note"]), (actor(Role.APPROVER), ["decide", "note"])):
        assert (await desk.get(path, by=by)).json()["actions"] == actions
    refused = await post(desk, row, "decide", by=both, body={"to": "done"}, key="k2")
    assert (refused.status_code, refused.json()["code"]) == (403, "separation_of_duties")


@pytest.mark.req("H51")
async def test_a_relative_is_offered_nothing_and_refused_everything(desk):
    row = await filed(desk)
    relative = actor(Role.SOCIAL_WORKER, national_code=RELATIVE)
    refused = await post(desk, row, "look", by=relative)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_or_relative_case")
    shown = await desk.get(f"/desk/cases/{row.tracking_code}", by=relative)
    assert shown.json()["actions"] == []


async def test_the_answer_to_an_action_is_the_case_after_it(desk):
    row = await filed(desk)
    by = actor(Role.SOCIAL_WORKER)
    taken = await post(desk, row, "look", by=by)
    read = await desk.get(f"/desk/cases/{row.tracking_code}", by=by)
    assert taken.json() == read.json()
    assert taken.headers["etag"] == read.headers["etag"] == '"2"'
    assert [past["label"] for past in read.json()["history"]] == ["باز شد", "دیده شد"]


@pytest.mark.parametrize(("given", "status"), [('"1"', 200), ("*", 200), ('"2"', 412), ("1", 400)])
async def test_an_if_match_is_honoured_where_it_is_given(desk, given, status):
    row = await filed(desk)
    answer = await post(desk, row, "look", by=actor(Role.SOCIAL_WORKER), if_match=given)
    assert answer.status_code == status, answer.text
    assert await desk.stands(row) == (("seen", 2) if status == 200 else ("open", 1))


async def test_a_body_with_more_than_the_action_knows_is_refused(desk):
    row = await filed(desk)
    by = actor(Role.SOCIAL_WORKER)
    assert (await post(desk, row, "look", by=by, body={"status": "done"})).status_code == 422
    assert await desk.stands(row) == ("open", 1)


async def test_a_row_is_read_with_its_whole_history_in_order(desk):
    row = await filed(desk, data={"a": [1]})
    for key in ("1", "2", "3"):
        by = actor(Role.SOCIAL_WORKER)
        assert (await post(desk, row, "note", by=by, key=key)).status_code == 200
    async with desk.runtime.transaction() as tx:
        found = await find(tx, Case, row.tracking_code)
        assert await find(tx, Case, new_tracking_code(b"absent")) is None
    assert [past["version"] for past in found.past] == [1, 2, 3, 4]
    assert (found.data, found.holders) == ({"a": [1]}, row.holders)
    assert found.workflow is FLOW


async def test_the_access_matrix_reads_the_table(desk):
    paths = desk.app.openapi()["paths"]
    for step in ("look", "note", "decide"):
        operation = paths[f"/v1/desk/cases/{{tracking_code}}/{step}"]["post"]
        assert operation["x-roles"] == sorted(FLOW.steps[step].by)
        assert operation["security"]
    read = paths["/v1/desk/cases/{tracking_code}"]["get"]
    assert Role.SYSTEM not in read["x-roles"]
    assert set(read["x-roles"]) == set(Role) - {Role.SYSTEM}
