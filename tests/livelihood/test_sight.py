"""Who may see a case, its address and its award: its people, and nobody else."""

import json

from tests import make


def code_of(answer):
    return answer.status_code, answer.json().get("code")


async def test_a_case_is_seen_by_its_people_and_nobody_else(desk):
    filed = await desk.opened()
    path = f"/cases/{filed.code}"
    citizen = await desk.citizen(filed).get(path)
    assert citizen.json()["address"]["postal_code"] == "1311675319"
    counter = await desk.caller("counter", office_code="72010001").get(path)
    assert (counter.status_code, counter.json()["address"]) == (200, None)
    auditor = await desk.caller("auditor").get(path)
    assert (auditor.status_code, auditor.json()["address"]) == (200, None)
    for stranger in (
        desk.caller("counter", office_code="1"),
        desk.caller("citizen", national_code=make.national_code()),
        desk.caller("social_worker", province="Qom"),
        desk.caller("bank", organisation="017"),
    ):
        assert code_of(await stranger.get(path)) == (404, "not_found")
    everything = json.dumps((await desk.caller("approver").get(path)).json())
    assert filed.person.national_code not in everything
    assert filed.person.sheba not in everything


async def test_an_award_is_seen_as_its_case_is(desk):
    filed = await desk.opened("active")
    award_id = (await desk.row(filed))["award_id"]
    for who in (desk.citizen(filed), desk.caller("finance_preparer"), desk.caller("auditor"),
                desk.caller("counter", office_code="72010001")):  # fmt: skip
        assert (await who.get(f"/awards/{award_id}")).status_code == 200
        for search in ({"tracking_code": filed.code}, {"person_id": str(filed.child_id)}):
            items = (await who.get("/awards", **search)).json()["items"]
            assert [item["award_id"] for item in items] == [str(award_id)]
    for who in (desk.caller("citizen", national_code=make.national_code()),
                desk.caller("approver", province="Qom"), desk.caller("ministry")):  # fmt: skip
        assert (await who.get(f"/awards/{award_id}")).status_code == 404
        assert (await who.get("/awards", tracking_code=filed.code)).json()["items"] == []
    answer = await desk.caller("approver").get("/awards", household="x")
    assert answer.status_code == 400
    assert code_of(await desk.caller("approver").get("/awards", cursor="x"))[0] == 400


async def test_awards_come_page_by_page_newest_first(desk):
    household = [await desk.opened("active", province="Yazd") for _ in range(3)]
    staff = desk.caller("approver", province="Yazd")
    codes, cursor = [], None
    while True:
        page = (
            await staff.get("/awards", limit=2, **({"cursor": cursor} if cursor else {}))
        ).json()
        codes += [item["tracking_code"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert codes == [filed.code for filed in reversed(household)]
