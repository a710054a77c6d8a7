"""The tables of every service: read whole, so that none can say one thing and do another."""

import importlib
import re
from itertools import pairwise
from pathlib import Path

import pytest

from services.eligibility.workflow import ELIGIBILITY
from services.exemption.workflow import EXEMPTION, OUTCOMES
from services.livelihood.runs.workflow import RUN
from services.livelihood.workflow import ADMISSION
from services.loans.workflow import BANK_LEADS_TO, LOAN, OBJECTION_LEADS_TO, VISIT_LEADS_TO
from services.shares.workflow import SHARES
from shared.topics import KNOWN, TOPICS
from shared.values.text import normalise
from shared.web.auth import STAFF, Role
from shared.web.errors import RoleNotAllowed, StepNotAllowed
from shared.workflow import Clock, Workflow

ROOT = Path(__file__).parents[2]


def module(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


TEMPLATES = {
    path.name.removesuffix(".fa.txt"): path.read_text(encoding="utf-8")
    for path in (ROOT / "services/notify/templates").glob("*.fa.txt")
}
SERVICES = sorted({path.parent.name for path in (ROOT / "services").glob("*/workflow*")})
ROOMS = [".".join(path.relative_to(ROOT).with_suffix("").parts)
         for path in sorted((ROOT / "services").rglob("workflow.py"))]  # fmt: skip
WORKFLOWS = [
    room
    for name in ROOMS
    for room in vars(importlib.import_module(name)).values()
    if isinstance(room, Workflow)
]
STEPS = [
    pytest.param(flow, step, id=f"{flow.name}.{step.name}")
    for flow in WORKFLOWS
    for step in flow.steps.values()
]

# api.md section 2, "A case in its service"
ACTIONS = {
    "livelihood": "review plan-visit record-visit record-no-show confirm refuse activate object",
    "eligibility": "complete-forms object decide-objection revoke end-by-law",
    "exemption": "record-manual-check record-mother-choice review approve refuse deliver revoke "
    "reissue record-outcome object",
    "shares": "review record-inquiry correct deliver refuse object",
    "loans": "approve-social-work complete-documents record-counselling agree-plan refuse "
    "refer-to-bank renew-referral record-bank-decision record-guarantees record-disbursement "
    "record-repayment record-visit warn cure propose-recall record-hearing recall reinstate "
    "restructure settle object",
}
# Told by intake's actions rather than by a step of a case.
FACTS = {
    *("coverage.started", "coverage.ended", "coverage.file_suspended", "coverage.file_resumed"),
    *("person.died", "person.death_reversed", "person.married", "person.divorced"),
    *("person.born", "person.moved", "person.income_changed", "person.business_sustained"),
    *("household.changed", "statement.changed", "access.recorded"),
}
# By which steps a status that ends a case may still be left.
EXITS = {
    "intake.application": {"closed": {"reopen"}, "refused": {"reopen"}, "expired": set()},
    "livelihood.admission": {
        "refused": {"object"},
        "active": set(),
        "unreached": set(),
        "emergency_ended": set(),
    },
    "livelihood.run": {"closed": set()},
    "livelihood.handover": {"acknowledged": set(), "dropped": set()},
    "exemption.case": {
        "refused": {"object"},
        "revoked": {"object"},
        "expired": {"reissue"},
        "permanent_exemption": {"record_outcome"},
        "revoked_by_conscription": set(),
    },
    "livelihood.award": {"stopped": {"object", "restore"}},
    "shares.case": {"refused": {"object"}, "delivered": set()},
    "loans.case": {"refused": {"object"}, "closed": set()},
    "eligibility.case": {
        "not_qualified": {"object"},
        "revoked": {"object"},
        "ended_by_law": set(),
        "ended_deceased": {"restore"},
    },
}
FOR_ALL = {"withdrawn": set(), "closed_deceased": {"restore"}, "objection_rejected": set()}
# Where an action chooses among several targets by where the case stands: the same, as a table.
CHOICES = {
    ("exemption.case", "record_outcome"): OUTCOMES,
    ("loans.case", "record_visit"): VISIT_LEADS_TO,
    ("loans.case", "record_bank_decision"): BANK_LEADS_TO,
    ("loans.case", "object"): OBJECTION_LEADS_TO,
}


def flows():
    return pytest.mark.parametrize("flow", WORKFLOWS, ids=lambda flow: flow.name)


def ends(flow, step, status):
    """Where the step may lead from this status."""
    if (flow.name, step.name) in CHOICES:
        return CHOICES[flow.name, step.name].get(status, set())
    return step.targets if status in step.sources else set()


def reach(flow, *, without=()):
    """Return the statuses that can be reached; `restore` only leads back to where a case was."""
    seen = set(flow.start) - set(without)
    ahead = list(seen)
    while ahead:
        status = ahead.pop()
        for step in flow.steps.values():
            found = set() if step.name == "restore" else ends(flow, step, status)
            ahead += found - seen - set(without)
            seen |= found - set(without)
    return seen


def leaving(flow, status):
    return {s.name for s in flow.steps.values() if set(ends(flow, s, status)) - {status}}


def test_every_service_with_cases_has_its_tables():
    assert {flow.name for flow in WORKFLOWS} >= {
        *("intake.application", "livelihood.admission", "livelihood.run"),
        *("exemption.case", "shares.case"),
        *("loans.case", "loans.repayment", "eligibility.case", "notify.notice"),
        "livelihood.award",
    }
    assert set(SERVICES) >= {*ACTIONS, "intake", "notify"}


# The tables


@flows()
def test_every_status_is_reached_and_named(flow):
    assert reach(flow) == set(flow.status)
    assert set(flow.labels) == set(flow.status)
    assert all(normalise(label) == label for label in flow.labels.values())
    created = {
        target for step in flow.steps.values() if not step.sources for target in step.targets
    }
    assert created == flow.start


@flows()
def test_every_status_in_which_the_clock_has_not_stopped_says_what_comes_next(flow):
    waiting = {status for status in flow.status if flow.clock(status) is not Clock.STOP}
    assert waiting
    assert waiting <= set(flow.next_step)
    assert not flow.paused & flow.stopped
    assert all(text.endswith(".") and normalise(text) == text for text in flow.next_step.values())


@pytest.mark.parametrize(("flow", "step"), STEPS)
def test_every_status_step_and_role_goes_as_its_table_says(flow, step):
    allowed = 0
    for status in (None, *flow.status):
        for role in Role:
            answer = flow.refusal(step.name, status, {role})
            if role not in step.by:
                assert answer is RoleNotAllowed
            elif status in step.sources or (status is None and not step.sources):
                assert answer is None
                allowed += 1
            else:
                assert answer is StepNotAllowed
            if status is not None:
                assert (step.path in flow.actions(status, {role})) == (answer is None)
    assert allowed == max(len(step.sources), 1) * len(step.by)


@pytest.mark.parametrize(("flow", "step"), STEPS)
def test_a_step_is_written_whole(flow, step):
    assert step.by
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", step.name)
    assert step.fa == normalise(step.fa) != ""
    assert set(step.sources) | step.targets <= set(flow.status)
    assert set(step.not_by) <= set(flow.steps)
    if not isinstance(step.tell, str | None):
        assert set(step.tell) == step.targets
    if step.within is not None:
        assert re.fullmatch(rf"{flow.name.split('.')[0]}\.[a-z_]+", step.within)


@flows()
def test_what_has_ended_is_left_only_by_objection_or_by_undoing_an_error(flow):
    expected = {s: FOR_ALL[s] for s in flow.status if s in FOR_ALL} | EXITS.get(flow.name, {})
    if flow is ELIGIBILITY:  # who was qualified before a rejected objection stays so
        expected["objection_rejected"] = {"keep"}
    assert {status: leaving(flow, status) for status in expected} == expected


@pytest.mark.parametrize("service", ACTIONS)
def test_every_action_that_must_exist_is_a_step_that_people_may_take(service):
    steps = {
        step.path: step
        for flow in WORKFLOWS
        if flow.name.split(".")[0] == service
        for step in flow.steps.values()
    }
    for action in ACTIONS[service].split():
        assert action in steps
        assert set(steps[action].by) - {Role.SYSTEM}, action


# Order


def order(*marks):
    def param(flow, goal, *stages):
        return pytest.param(flow, stages, goal, id=flow.name, marks=pytest.mark.req(*marks))

    return param


@pytest.mark.parametrize(
    ("flow", "stages", "goal"),
    [
        order("LV-15", "LV-16", "LV-18")(
            ADMISSION, "active", "under_review", "visit_planned", "visited", "confirmed"
        ),
        order("LN-21", "LN-22", "LN-23", "LN-24", "LN-25")(
            LOAN,
            "referred_to_bank",
            *("registered", "social_work_approved", "documents_complete", "counselling"),
            *("plan_agreed", "queued"),
        ),
        order("LV-21")(RUN, "sent", "open", "snapshot", "funding", "funded", "file_built"),
        order("EX-18")(EXEMPTION, "letter_issued", "social_worker_review", "approval"),
        order("JS-28", "JS-29", "JS-30")(
            SHARES, "delivered", "coverage_check", "social_worker_review", "review_done"
        ),
        order("EL-08")(ELIGIBILITY, "qualified", "data_collection", "assessed"),
    ],
)
def test_no_way_leads_past_a_stage(flow, stages, goal):
    assert goal in reach(flow)
    for stage in stages:
        assert goal not in reach(flow, without={stage}), stage
    for earlier, later in pairwise(stages):
        assert later not in reach(flow, without={earlier})


@pytest.mark.req("LV-18")
def test_an_admission_goes_in_one_order_only():
    roles = {Role.SOCIAL_WORKER, Role.APPROVER, Role.SYSTEM}
    line = {
        "routed": "review",
        "under_review": "plan_visit",
        "visit_planned": "record_visit",
        "visited": "confirm",
        "confirmed": "activate",
    }
    for status in ADMISSION.status:
        for at, step in line.items():
            refusal = ADMISSION.refusal(step, status, roles)
            also = {("identified", "review"), ("visit_failed", "plan_visit")}
            also |= {("waiting_list", "activate")}
            free = status == at or (status, step) in also
            assert refusal is (None if free else StepNotAllowed)


@pytest.mark.req("H49", "LN-37")
@pytest.mark.parametrize(("flow", "name"), CHOICES)
def test_where_an_action_chooses_the_choice_is_a_table_too(flow, name):
    step = next(w for w in WORKFLOWS if w.name == flow).steps[name]
    leads = CHOICES[flow, name]
    assert set(leads) == set(step.sources)
    assert set().union(*leads.values()) == step.targets


# Duties


@flows()
@pytest.mark.req("H51", "X-12")
def test_who_declared_a_conflict_moves_nothing(flow):
    if "declare_conflict" not in flow.steps:
        assert flow.name in {
            "intake.application",
            "livelihood.handover",
            "livelihood.run",
            "loans.repayment",
            "notify.notice",
        }
        return
    people = STAFF | {Role.MINISTRY}
    applicant = {Role.CITIZEN, Role.COUNTER}
    deciding = [
        step
        for step in flow.steps.values()
        if step.sources and step.target is not None and set(step.by) & people - applicant
        if not set(step.by) & applicant
    ]
    assert len(deciding) >= 3
    assert [step.name for step in deciding if "declare_conflict" not in step.not_by] == []


@pytest.mark.req("X-05", "H54")
@pytest.mark.parametrize("flow", [ADMISSION, EXEMPTION, SHARES, LOAN, ELIGIBILITY])
def test_an_objection_is_decided_once_and_by_another_person(flow):
    objection = flow.steps["object"]
    assert objection.sources
    for status in objection.sources:
        opened = ends(flow, objection, status)
        refusing = {
            step.name
            for step in flow.steps.values()
            if status in step.targets and set(step.by) - {Role.SYSTEM}
        }
        judging = [
            step
            for step in flow.steps.values()
            if set(step.sources) & opened and set(step.by) & STAFF and step.targets
        ]
        assert judging
        assert [step.name for step in judging if not refusing <= set(step.not_by)] == []
    assert leaving(flow, flow.status("objection_rejected")) <= {"keep"}


@pytest.mark.req("X-12")
def test_who_worked_on_a_case_does_not_decide_it():
    assert {"review", "record_visit", "record_no_show"} <= set(ADMISSION.steps["confirm"].not_by)
    assert set(ADMISSION.steps["refuse"].not_by) == set(ADMISSION.steps["confirm"].not_by)
    assert "review" in EXEMPTION.steps["approve"].not_by
    assert "approve_social_work" in LOAN.steps["refer_to_bank"].not_by
    assert "propose_recall" in LOAN.steps["recall"].not_by
    assert "recall" in LOAN.steps["reinstate"].not_by
    assert "decide" in ELIGIBILITY.steps["decide_objection"].not_by


# What is told


@pytest.mark.req("LV-09", "X-04", "EX-08", "LN-12")
@pytest.mark.parametrize(("flow", "step"), STEPS)
def test_a_step_tells_a_known_topic_or_says_why_it_is_silent(flow, step):
    assert bool(step.topics) != bool(step.silent)
    assert step.topics <= set(TOPICS)
    owner = {"intake": "application"}.get(flow.name.split(".")[0], flow.name.split(".")[0])
    assert {topic.split(".")[0] for topic in step.topics} <= {owner}
    moves_a_case = step.target is not None and flow.name.endswith((".case", ".admission"))
    assert step.topics or not moves_a_case


def test_every_topic_is_told_and_heard():
    told = {topic for flow in WORKFLOWS for step in flow.steps.values() for topic in step.topics}
    assert told | FACTS == set(TOPICS)
    assert not told & FACTS
    known = {*ACTIONS, "intake", "notify"}
    for topic in TOPICS.values():
        assert topic.heard_by
        assert set(topic.heard_by) <= known
        assert len(set(topic.heard_by)) == len(topic.heard_by)
        assert (
            topic.name.startswith("application.")
            or topic.name in FACTS
            or topic.recipients  # for very many, and no step of anybody's case
            or (
                "intake" in topic.heard_by  # the timeline shows every state of every service
            )
        )


@pytest.mark.req("LV-09", "X-04")
def test_what_a_citizen_may_see_is_never_silent():
    for topic in TOPICS.values():
        assert topic.citizen == (topic.silent is None) == ("notify" in topic.heard_by), topic.name
    assert set(TEMPLATES) == {topic.name for topic in TOPICS.values() if topic.citizen}


@pytest.mark.req("LV-08", "LN-11", "X-04")
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_is_whole_and_uses_only_facts_that_it_can_have(name):
    title, sms, inbox = re.fullmatch(
        r"title: (.+)\nsms: (.+)\ninbox: (.+)\n", TEMPLATES[name]
    ).groups()
    topic = TOPICS[name]
    used = set(re.findall(r"\{(\w*)\}", title + sms + inbox))
    assert used <= set(topic.facts)
    assert set(topic.facts) - set(KNOWN) <= used, "a fact that nobody reads"
    assert ("{tracking_code}" in sms) == ("tracking_code" in topic.facts)
    assert re.search(r"[{}]", re.sub(r"\{\w+\}", "", title + sms + inbox)) is None
    for text in (title, sms, inbox):
        assert normalise(text) == text
    assert "{" not in title
    assert 5 <= len(title) <= 40
    assert inbox.endswith(".")


WORDS_FOR_INSIDE = (
    *("مستمری", "معیشت", "فقر", "فقیر", "نیازمند", "محروم", "مددجو", "مددکار", "حمایت", "پوشش"),
    *("یارانه", "کمک", "وام", "تسهیلات", "بدهی", "دین ", "قسط", "اقساط", "معوق", "امهال"),
    *("ریال", "تومان", "مبلغ"),
)
LONGEST = {"tracking_code": "SH-0123456789", "due_on": "۳۰ اردیبهشت ۱۴۰۵"}


@pytest.mark.req("LV-10")
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_lock_screen_shows_no_amount_and_nothing_that_shames(name):
    title, sms, _ = TEMPLATES[name].splitlines()
    for word in WORDS_FOR_INSIDE:
        assert word not in title + sms
    assert re.search(r"[0-9۰-۹]", title + sms) is None
    filled = sms.removeprefix("sms: ").format_map(LONGEST | {"visit_on": LONGEST["due_on"]})
    assert len(filled) <= 134  # two parts of a Persian SMS
