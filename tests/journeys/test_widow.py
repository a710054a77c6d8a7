"""The main journey: a counter files, a worker visits, another person confirms, help begins.

Judged from outside: what the citizen's inbox and the SMS provider hold, and what the gateway shows.
"""

from collections import Counter

import pytest

from tests import make

VISIT = {
    "findings": {
        "disability": False,
        "no_head": True,
        "illness": False,
        "housing": "rented",
        "persons_seen": 3,
        "income_rial": 40_000_000,
    },
    "score": 72,
    "photo_consent": True,
}
CONFIRM = {"reasons": ["شرایط دستورالعمل پذیرش در بازدید احراز شد"]}
# Every step of which the citizen is told, in the order of the journey.
TOLD = (
    "application.submitted",
    "application.routed",
    "livelihood.opened",
    "livelihood.review_started",
    "livelihood.visit_planned",
    "livelihood.visit_missed",
    "livelihood.visit_planned",
    "livelihood.visited",
    "livelihood.confirmed",
    "coverage.started",
    "livelihood.activated",
)


class Story:
    """A widow with two children, and her application at a counter."""

    def __init__(self, agency) -> None:
        self.agency = agency
        self.widow = make.Person()
        self.children = [make.child(self.widow), make.child(self.widow)]

    async def file(self):
        await self.agency.known(self.widow, *self.children)
        counter = await self.agency.caller("counter")
        answer = await counter.post("/v1/applications", make.livelihood(self.widow, *self.children))
        assert answer.status_code == 201, answer.text
        self.code = answer.json()["tracking_code"]
        await self.agency.settled()
        return answer

    async def step(self, role: str, action: str, body=None, *, status: int = 200, **claims):
        somebody = await self.agency.caller(role, **claims)
        answer = await somebody.post(f"/v1/livelihood/cases/{self.code}/{action}", body)
        assert answer.status_code == status, (action, answer.status_code, answer.text)
        await self.agency.settled()
        return answer.json()

    async def to_visited(self, visit_on: str = "2027-02-10"):
        await self.file()
        await self.step("social_worker", "review")
        await self.step("social_worker", "plan-visit", {"visit_on": visit_on})
        return await self.step("social_worker", "record-visit", VISIT)

    async def view(self):
        citizen = await self.agency.citizen(self.widow)
        answer = await citizen.get(f"/v1/applications/{self.code}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def inbox(self):
        citizen = await self.agency.citizen(self.widow)
        answer = await citizen.get("/v1/inbox?limit=200")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@pytest.mark.req("LV-08", "LV-09", "LV-13", "LV-15", "LV-16", "LV-18", "LV-19", "X-04", "X-12")
async def test_a_widows_application_becomes_an_award_and_every_step_is_told_once(agency):
    story = Story(agency)
    filed = (await story.file()).json()
    assert filed["status"] == "submitted"
    assert filed["due_on_jalali"].startswith("140")

    await story.step("social_worker", "review")
    await story.step("social_worker", "plan-visit", {"visit_on": "2027-02-08"})
    missed = await story.step(
        "social_worker", "record-no-show", {"reason": "در ساعت اعلام‌شده کسی در نشانی نبود"}
    )
    assert missed["status"] == "visit_failed"
    early = await story.step("approver", "confirm", CONFIRM, status=409)
    assert (early["code"], early["current_status"]) == ("step_not_allowed", "visit_failed")
    await story.step("social_worker", "plan-visit", {"visit_on": "2027-02-10"})
    visited = await story.step("social_worker", "record-visit", VISIT)
    assert visited["status"] == "visited"

    both = {"roles": ["social_worker", "approver"]}
    same_person = await story.step("social_worker", "confirm", CONFIRM, status=403, **both)
    assert same_person["code"] == "separation_of_duties"
    await story.step("approver", "confirm", CONFIRM)

    citizen = await agency.citizen(story.widow)
    case = (await citizen.get(f"/v1/livelihood/cases/{story.code}")).json()
    assert case["status"] == "active", case
    award = (await citizen.get(f"/v1/livelihood/awards/{case['award_id']}")).json()
    assert award["covered_size"] == 3

    told = Counter(item["topic"] for item in await story.inbox())
    assert told == Counter(TOLD)
    texts = [sms["text"] for sms in await agency.sms(story.widow.mobile)]
    assert len(texts) == len(TOLD)

    shown = await story.view()
    assert (shown["status"], shown["case_status"]) == ("closed", "active")
    steps = [(entry["service"], entry["step"]) for entry in shown["timeline"]]
    assert steps == [
        ("intake", "submit"),
        ("intake", "route"),
        ("livelihood", "open"),
        ("intake", "enter_service"),
        ("livelihood", "review"),
        ("livelihood", "plan_visit"),
        ("livelihood", "record_no_show"),
        ("livelihood", "plan_visit"),
        ("livelihood", "record_visit"),
        ("livelihood", "confirm"),
        ("livelihood", "activate"),
        ("intake", "close"),
    ]
    assert all(entry["at_jalali"].startswith("140") for entry in shown["timeline"])


@pytest.mark.req("X-04")
async def test_every_transition_is_in_the_history_with_actor_role_channel_reason_and_time(agency):
    story = Story(agency)
    await story.to_visited()
    somebody = await agency.caller("approver")
    case = (await somebody.get(f"/v1/livelihood/cases/{story.code}")).json()
    assert [past["version"] for past in case["history"]] == list(range(1, case["version"] + 1))
    for past in case["history"]:
        assert past["actor_role"]
        assert past["at"]
        assert past["status_label"]
    application = await agency.eye.fetchrow(
        "SELECT h.* FROM intake.history h JOIN intake.application a ON a.id = h.subject_id"
        " WHERE a.tracking_code = $1 AND h.step = 'submit'",
        story.code,
    )
    assert application["channel"] == "counter"
    assert application["office_code"] == "72010001"
    assert application["actor_role"] == "counter"


@pytest.mark.req("X-06")
async def test_the_clock_waits_while_the_applicant_is_asked_for_documents(agency):
    story = Story(agency)
    await story.file()
    before = await story.view()
    officer = await agency.caller("intake_officer")
    asked = await officer.post(
        f"/v1/applications/{story.code}/request-documents",
        {"kinds": ["identity_card"], "reason": "تصویر کارت ملی ناخواناست"},
    )
    assert asked.status_code == 200, asked.text
    assert asked.json()["sla"]["paused"] is True
    now = await agency.sandbox.get("/clock")
    try:
        later = make.days_after(now.json()["now"], 12)
        moved = await agency.sandbox.put("/clock", json={"now": later})
        assert moved.status_code == 200, moved.text
        counter = await agency.caller("counter")
        back = await counter.post(f"/v1/applications/{story.code}/resubmit")
        assert back.status_code == 200, back.text
        after = back.json()
    finally:
        await agency.sandbox.delete("/clock")
    assert after["sla"]["paused"] is False
    late = make.days_between(before["due_on"], after["due_on"])
    assert 12 <= late <= 13, "the waiting days are given back, a closed day may add one"
    await agency.settled()


async def test_a_citizen_withdraws_and_the_case_closes_with_them(agency):
    story = Story(agency)
    await story.file()
    citizen = await agency.citizen(story.widow)
    answer = await citizen.post(
        f"/v1/applications/{story.code}/withdraw", {"reason": "دیگر نیازی نیست"}
    )
    assert answer.status_code == 200, answer.text
    await agency.settled()
    worker = await agency.caller("social_worker")
    case = (await worker.get(f"/v1/livelihood/cases/{story.code}")).json()
    assert case["status"] == "withdrawn"
    assert (await story.view())["status"] == "withdrawn"


async def test_a_neighbour_and_another_province_see_nothing(agency):
    story = Story(agency)
    await story.file()
    neighbour = await agency.citizen(make.Person())
    elsewhere = await agency.caller("social_worker", province="Isfahan", office_code="I-1")
    other_counter = await agency.caller("counter", office_code="72010009", sub="counter-9")
    for somebody in (neighbour, elsewhere, other_counter):
        for path in (f"/v1/applications/{story.code}", f"/v1/livelihood/cases/{story.code}"):
            answer = await somebody.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
