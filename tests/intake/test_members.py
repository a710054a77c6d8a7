"""Who lives in a household is what was filed and what the registry knows; nobody is lost."""

from datetime import date

from tests import make

PATH = "/v1/applications"


def faults(answer):
    return {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}


async def test_unknown_repeated_and_dead_members_are_named_one_by_one_and_nothing_is_stored(agency):
    head, stranger = make.Person(), make.Person()
    child = make.child(head)
    late = make.Person(alive=False, died_on=date(2022, 10, 4))
    await agency.known(head, child, late)
    counter = await agency.caller("counter")
    body = make.livelihood(head, child, stranger, child, head, late)
    answer = await counter.post(PATH, body)
    assert answer.status_code == 422
    assert faults(answer) == {
        "/details/members/1": "person_unknown",
        "/details/members/2": "repeated",
        "/details/members/3": "repeated",
        "/details/members/4": "person_deceased",
    }
    citizen = await agency.citizen(head)
    assert (await citizen.get(PATH)).json()["items"] == []


async def test_every_fault_of_form_and_identity_comes_at_once(agency):
    head = make.Person()
    await agency.known(head)
    counter = await agency.caller("counter")
    body = make.livelihood(head, declaration_accepted=False, statement_version=7)
    body["details"]["address"]["county"] = "ناکجاآباد"
    body["applicant"]["mobile"] = make.mobile()
    assert faults(await counter.post(PATH, body)) == {
        "/statement_version": "statement_not_current",
        "/declaration_accepted": "declaration_required",
        "/details/address/county": "unknown_area",
        "/applicant/mobile": "mobile_not_owned",
    }


async def test_the_applicant_reads_back_what_was_filed_and_the_counter_does_not(agency):
    head = make.Person()
    await agency.known(head)
    counter = await agency.caller("counter")
    filed = await counter.post(PATH, make.livelihood(head))
    code = filed.json()["tracking_code"]
    await agency.settled()
    own = (await (await agency.citizen(head)).get(f"{PATH}/{code}")).json()
    theirs = (await counter.get(f"{PATH}/{code}")).json()
    assert own["details"]["sheba"] == head.sheba
    assert own["case_url"] == f"/v1/livelihood/cases/{code}"
    assert own["handling_office"] != own["office_code"] == "72010001"
    assert theirs["details"] is None


async def test_a_stale_version_is_412_also_where_the_status_has_moved_on(agency):
    head = make.Person()
    await agency.known(head)
    counter = await agency.caller("counter")
    code = (await counter.post(PATH, make.livelihood(head))).json()["tracking_code"]
    await agency.settled()
    worker = await agency.caller("social_worker")
    path = f"/v1/livelihood/cases/{code}/review"
    assert (await worker.post(path, headers={"If-Match": '"1"'})).status_code == 200
    late = await worker.post(path, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "stale_version")
    blind = await worker.post(path)
    assert (blind.status_code, blind.json()["code"]) == (409, "step_not_allowed")


async def test_who_prepares_money_reads_no_files(agency):
    head = make.Person()
    await agency.known(head)
    code = (await (await agency.caller("counter")).post(PATH, make.livelihood(head))).json()[
        "tracking_code"
    ]
    await agency.settled()
    for role in ("finance_preparer", "employment_expert"):
        somebody = await agency.caller(role)
        assert (await somebody.get(f"/v1/livelihood/cases/{code}")).status_code == 404
        listed = await somebody.get(PATH)
        assert listed.status_code == 403 or listed.json()["items"] == []


async def test_a_second_filing_moves_the_house_and_notes_whom_it_does_not_name(agency):
    head = make.Person()
    first, second = make.child(head), make.child(head)
    await agency.known(head, first, second)
    counter = await agency.caller("counter")
    code = (await counter.post(PATH, make.livelihood(head, first, second))).json()["tracking_code"]
    await agency.settled()
    await counter.post(f"{PATH}/{code}/withdraw", {"reason": "اشتباه در نشانی"})
    await agency.settled()
    body = make.livelihood(head, first)
    body["details"]["address"] |= {"county": "ری", "text": "شهر ری، خیابان فدائیان، پلاک ۹"}
    again = (await counter.post(PATH, body)).json()["tracking_code"]
    await agency.settled()
    household = await agency.eye.fetchrow(
        "SELECT h.county, h.version FROM intake.household h JOIN intake.application a"
        " ON a.household_id = h.id WHERE a.tracking_code = $1",
        again,
    )
    assert household["version"] > 1
    assert household["county"] == "Tehran/Rey"
    noted = await agency.eye.fetch(
        "SELECT field FROM intake.contradiction WHERE tracking_code = $1", again
    )
    assert [row["field"] for row in noted] == ["members"]
