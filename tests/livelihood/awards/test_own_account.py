"""A citizen changes the account of their own award: only to their own, and only once it is known
to be.
"""

import pytest

from tests import make

PATH = "/awards/{}/account"


def code_of(answer):
    return answer.status_code, answer.json().get("code")


async def change(home, sheba, caller=None):
    who = caller or home.desk.citizen(home.filed)
    etag = (await home.desk.caller("approver").get(f"/awards/{home.award_id}")).headers["etag"]
    return await who.put(PATH.format(home.award_id), {"sheba": sheba}, if_match=etag)


@pytest.mark.req("LV-22")
async def test_the_payees_own_account_is_verified_and_paid_from_the_next_list_on(home):
    sheba = make.sheba("015")
    await home.desk.account(sheba, home.filed.person.national_code)
    answer = await change(home, sheba)
    assert answer.status_code == 200, answer.text
    assert answer.json()["history"][-1]["step"] == "change_account"
    paid_to = (await home.owed())["payee_account_id"]
    account = await home.desk.eye.fetchrow(
        "SELECT * FROM livelihood.payee_account WHERE id = $1", paid_to
    )
    opened = home.desk.runtime.crypto.open_json(
        account["sheba"], table="livelihood.payee_account", column="sheba", row=account["id"]
    )
    assert (opened, account["person_id"]) == (sheba, home.filed.person_id)
    assert account["verified_at"] is not None


@pytest.mark.req("H22")
@pytest.mark.parametrize("state", ["somebody_elses", "a_member_of_the_family", "closed", "unknown"])
async def test_what_is_not_the_payees_own_open_account_is_refused_and_the_old_one_stays(
    home, state
):
    """A guardian or a payee named by a court needs a document, and a person who reads it."""
    before, sheba = await home.award(), make.sheba()
    owner = home.filed.person.national_code
    if state in {"somebody_elses", "a_member_of_the_family"}:
        owner = make.national_code()
        home.desk.intake.people[str(home.filed.child_id)] = owner
    if state != "unknown":
        await home.desk.account(sheba, owner, "closed" if state == "closed" else "open")
    answer = await change(home, sheba)
    expected = {"closed": "closed", "unknown": "not_found"}.get(state, "mismatch")
    assert code_of(answer) == (409, "account_not_verified")
    assert answer.json()["account_state"] == expected
    assert sheba not in answer.text
    assert owner not in answer.text
    after = await home.award()
    assert (after["payee_account_id"], after["version"]) == (
        before["payee_account_id"],
        before["version"],
    )
    assert await home.steps() == ["activate"]


async def test_nobody_changes_the_account_of_anothers_award_not_even_to_their_own(home):
    thief = make.Person()
    sheba = make.sheba()
    await home.desk.account(sheba, thief.national_code)
    stranger = home.desk.caller("citizen", national_code=thief.national_code)
    assert code_of(await change(home, sheba, stranger)) == (404, "not_found")
    neighbour = home.desk.caller("intake_officer", province="Qom")
    assert code_of(await change(home, sheba, neighbour)) == (404, "not_found")
    for role in ("social_worker", "approver", "finance_preparer", "finance_sender", "auditor"):
        answer = await change(home, sheba, home.desk.caller(role))
        assert code_of(answer) == (403, "role_not_allowed"), role
    officer = home.desk.caller("intake_officer")
    assert code_of(await change(home, sheba, officer)) == (409, "account_not_verified")
    assert await home.steps() == ["activate"]


async def test_the_account_of_a_payee_who_has_died_is_not_changed_by_who_knows_their_code(home):
    sheba = make.sheba()
    await home.desk.account(sheba, home.filed.person.national_code)
    await home.happens("died", home.filed.person_id, home.today)
    assert code_of(await change(home, sheba)) == (409, "payee_died")


@pytest.mark.parametrize(
    "sheba",
    [
        "IR000170000000301000000137",
        "IR28017000000030100000013",
        "GB28017000000030100000013744",
        "IR28 0170 0000 0030 1000 0001 37",
        "",
        None,
        280170000000301000000137,
    ],
)
async def test_what_is_no_sheba_reaches_no_bank(home, sheba):
    await home.desk.fault("central-bank", "error")
    answer = await change(home, sheba)
    assert answer.status_code in {400, 422}
    assert not sheba or str(sheba) not in answer.text
