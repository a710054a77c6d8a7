"""From the counter to the award: each scene is one thing that happens, and is checked."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from deploy.demo.calls import Answer, expect
from deploy.demo.page import Page, in_persian
from deploy.demo.people import ADDRESS, Widow
from deploy.demo.world import Caller, Letterbox, World

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
    "latitude": 35.6612,
    "longitude": 51.4415,
    "photo_consent": True,
    "note": "مادر با دو فرزند در خانهٔ اجاره‌ای زندگی می‌کند",
}
CONFIRM = {"reasons": ["شرایط دستورالعمل پذیرش در بازدید احراز شد"]}
APPLICATIONS = "/v1/applications"
CONTRACTS = "/v1/counters/contracts"
SECOND_OFFICE, SECOND_CONTRACT = "72010002", "C-2"


class Story:
    """One telling: a family of its own, and the callers who meet it."""

    def __init__(self, world: World, page: Page) -> None:
        self.world, self.page = world, page
        self.widow = Widow()
        self.counter = world.caller("counter")
        self.worker = world.caller("social_worker")
        self.approver = world.caller("approver")
        self.citizen = world.somebody(
            "citizen",
            like="citizen",
            claims={
                "sub": f"demo-citizen-{uuid4().hex[:8]}",
                "national_code": self.widow.national_code,
            },
        )
        self.letterbox = Letterbox(world, self.citizen, self.widow.mobile)
        self.code = ""
        self.notices = 0

    def play(self) -> None:
        """Play all scenes. Raises NotAsItShouldBe at the first that goes wrong."""
        self.page.title("A widow's application, from outside", "درخواست زنی سرپرست خانوار")
        self.world.let_live(self.widow)
        self.page.say(
            f"{self.widow.name}, with two children, known to the registries",
            f"{self.widow.name} با دو فرزند، شناختهٔ ثبت احوال و بانک",
        )
        self._filed_at_the_counter()
        self._filed_again_elsewhere()
        self._finds_its_household_and_office()
        self._reviewed()
        self._nobody_home()
        self._visited()
        self._two_persons_are_needed()
        self._confirmed_and_active()
        self._what_everybody_sees()
        told = in_persian(self.notices)
        self.page.end(
            f"Everything was as it should be: {self.notices} notices in the inbox, "
            f"{self.notices} by SMS, none twice",
            f"همه درست بود: {told} پیام در کارتابل و {told} پیامک، بی‌تکرار",
        )

    # The application

    def _filed_at_the_counter(self) -> None:
        self.page.scene("A counter office files it", "دفتر پیشخوان درخواست را ثبت می‌کند")
        statement = self.world.nobody().get("/v1/services/livelihood/statement")
        self._shown("nobody", "GET /v1/services/livelihood/statement", statement)
        self.body = self.widow.application(statement_version=statement.json["version"])
        key = str(uuid4())
        first = self._post(self.counter, APPLICATIONS, self.body, status=201, key=key)
        self.code = first.json["tracking_code"]
        self.page.holds(
            f"tracking code {self.code}, answer promised by {first.json['due_on']}",
            f"کد رهگیری {self.code}، پاسخ تا {in_persian(first.json['due_on_jalali'])}",
        )
        again = self._post(self.counter, APPLICATIONS, self.body, status=201, key=key)
        expect(again.body == first.body, "the retry's bytes differ from the first answer's")
        expect(again.headers.get("idempotency-replayed") == "true", "the retry is not marked")
        self.page.holds("the same key: the same bytes", "همان کلید: همان پاسخ، بایت به بایت")
        changed = self.body | {"declaration_accepted": False}
        self._refused(self.counter, APPLICATIONS, changed, "422 idempotency_key_reused", key=key)

    def _filed_again_elsewhere(self) -> None:
        self.page.scene("Another counter tries the same", "دفتر دیگری همان را ثبت می‌کند")
        other = self._second_counter()
        refused = self._refused(other, APPLICATIONS, self.body, "409 duplicate_open_request")
        expect("tracking_code" not in refused.json, "a stranger was told the tracking code")
        self.page.holds("and is not told whose it is", "و نمی‌فهمد درخواست از آن کیست")
        refused = self._refused(self.counter, APPLICATIONS, self.body, "409 duplicate_open_request")
        expect(refused.json.get("tracking_code") == self.code, "the first office is not told")
        self.page.holds(
            "the first office is told the tracking code", "دفتر نخست کد رهگیری را می‌بیند"
        )

    def _second_counter(self) -> Caller:
        """A counter of another office; its contract is signed once and for all tellings."""
        operator = self.world.caller("operator")
        known = operator.get(f"{CONTRACTS}?number={SECOND_CONTRACT}&office_code={SECOND_OFFICE}")
        self._shown("operator", f"GET {CONTRACTS}", known)
        if not known.json["items"]:
            contract = {
                "number": SECOND_CONTRACT,
                "office_code": SECOND_OFFICE,
                "services": ["livelihood"],
                "from_on": "2026-03-21",
            }
            self._post(operator, CONTRACTS, contract, status=201)
        claims = {
            "sub": "demo-counter-2",
            "office_code": SECOND_OFFICE,
            "contract_number": SECOND_CONTRACT,
        }
        return self.world.somebody("counter 2", like="counter", claims=claims)

    def _finds_its_household_and_office(self) -> None:
        self.page.scene(
            "It finds its household and office by itself", "خانوار و حوزه خودبه‌خود پیدا می‌شود"
        )
        self._told("application.submitted", "application.routed", "livelihood.opened")
        case = self._case()
        expect(case["status"] == "routed", f"the case is {case['status']}")
        expect(case["household_id"] is not None and case["members"] == 3, "no household of three")
        view = self.worker.get(f"{APPLICATIONS}/{self.code}").json
        office = next(e["facts"].get("office") for e in view["timeline"] if e["step"] == "route")
        expect(bool(office), "no office was found")
        self.page.holds(
            f"a household of {case['members']} in {case['province']}; its office is named",
            f"خانوار {in_persian(case['members'])} نفره در استان {ADDRESS['province']}، {office}",
        )

    # The visit

    def _reviewed(self) -> None:
        self.page.scene("The social worker reviews it", "مددکار بررسی را آغاز می‌کند")
        self._step(self.worker, "review")
        self._told("livelihood.review_started")

    def _nobody_home(self) -> None:
        self.page.scene("A visit is planned; nobody is home", "نوبت بازدید؛ کسی در خانه نیست")
        self._plan(days=2)
        reason = {"reason": "در ساعت اعلام‌شده کسی در نشانی نبود"}
        self._step(self.worker, "record-no-show", reason)
        self._told("livelihood.visit_missed")

    def _visited(self) -> None:
        self.page.scene("A new day, and the visit", "نوبت تازه و بازدید از منزل")
        self._plan(days=5)
        self._step(self.worker, "record-visit", VISIT)
        self._told("livelihood.visited")

    def _plan(self, *, days: int) -> None:
        on = self.world.day(days).isoformat()
        self._step(self.worker, "plan-visit", {"visit_on": on, "time_window": "morning"})
        self._told("livelihood.visit_planned")

    # The decision

    def _two_persons_are_needed(self) -> None:
        self.page.scene("Whoever visited may not confirm", "کسی که بازدید کرده نمی‌تواند تأیید کند")
        # The same sub is the same person, whatever else the token says.
        claims = {"roles": ["social_worker", "approver"]}
        both = self.world.somebody("the same one", like="social_worker", claims=claims)
        self._refused(both, self._action("confirm"), CONFIRM, "403 separation_of_duties")
        self.letterbox.stays_quiet()
        expect(self._case()["status"] == "visited", "the refusal moved the case")
        self.page.holds("nothing moved, nobody was told", "چیزی جابه‌جا نشد و پیامی نرفت")

    def _confirmed_and_active(self) -> None:
        self.page.scene(
            "Another person confirms; coverage and award follow",
            "شخص دیگری تأیید می‌کند؛ پوشش و خدمت برقرار می‌شود",
        )
        self._step(self.approver, "confirm", CONFIRM)
        self._told("livelihood.confirmed", "coverage.started", "livelihood.activated")
        case = self._case()
        self.page.status(case)
        expect(case["status"] == "active", f"the case is {case['status']}")
        expect(case["account_state"] == "verified", f"the account is {case['account_state']}")
        self.page.holds(
            "the central bank says: her own account, open", "بانک مرکزی: حساب به نام خود او و باز"
        )
        award = self.citizen.get(f"/v1/livelihood/awards/{case['award_id']}")
        self._shown("citizen", "GET /v1/livelihood/awards/…", award)
        expect(award.json["covered_size"] == 3, "the award does not cover three")
        self.page.holds(
            f"an award for {award.json['covered_size']} from {award.json['start_period']}",
            f"مستمری {in_persian(award.json['covered_size'])} نفر از ماه "
            f"{in_persian(award.json['start_period'])}",
        )

    def _what_everybody_sees(self) -> None:
        self.page.scene("The whole story, and the short one", "همهٔ مراحل، و پیگیری کوتاه")
        view = self.citizen.get(f"{APPLICATIONS}/{self.code}")
        self._shown("citizen", f"GET {APPLICATIONS}/{self.code}", view)
        expect(view.json["status"] == "closed", f"the application is {view.json['status']}")
        self.page.timeline(view.json)
        asked = {"tracking_code": self.code, "mobile": self.widow.mobile}
        short = self._post(self.world.nobody(), "/v1/follow", asked)
        self.page.status(short.json)
        self.letterbox.stays_quiet()

    # The parts of a scene

    def _action(self, name: str) -> str:
        return f"/v1/livelihood/cases/{self.code}/{name}"

    def _case(self) -> dict[str, Any]:
        case: dict[str, Any] = self.worker.get(f"/v1/livelihood/cases/{self.code}").json
        return case

    def _step(self, by: Caller, action: str, body: object = None) -> None:
        self.page.status(self._post(by, self._action(action), body).json)

    def _post(
        self, by: Caller, path: str, body: object, *, status: int = 200, key: str | None = None
    ) -> Answer:
        answer = by.post(path, body, key=key)
        return self.page.call(by.name, f"POST {path}", answer, status=status)

    def _refused(
        self, by: Caller, path: str, body: object, wanted: str, *, key: str | None = None
    ) -> Answer:
        status, _, code = wanted.partition(" ")
        answer = by.post(path, body, key=key)
        return self.page.call(by.name, f"POST {path}", answer, status=int(status), code=code)

    def _shown(self, who: str, what: str, answer: Answer) -> None:
        self.page.call(who, what, answer, status=200)

    def _told(self, *topics: str) -> None:
        """One notice for each step, in the inbox and by SMS."""
        items, texts = self.letterbox.wait_for(list(topics))
        self._about_this_case(items)
        self.notices += len(items)
        self.page.told(items, texts)

    def _about_this_case(self, items: Sequence[dict[str, Any]]) -> None:
        for item in items:
            expect(item["tracking_code"] in {self.code, None}, "a notice of another case")
