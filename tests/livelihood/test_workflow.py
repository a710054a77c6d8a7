"""The order of admission is fixed: no jump, no short cut, and nobody checks their own work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.livelihood.routes import cases
from services.livelihood.schemas import ConfirmIn, RecordVisitIn
from services.livelihood.workflow import ADMISSION, OPEN, Status
from shared.web.auth import Role

S = Status
BODIES = {
    route.path.rpartition("/")[2]: route.body_field.field_info.annotation.model_config.get(
        "json_schema_extra", {"examples": [{}]}
    )["examples"][0]
    for route in cases.routes
    if "POST" in route.methods
}
ACTIONS = {step.path: step for step in ADMISSION.steps.values() if step.path in BODIES}
JUMPS = [
    pytest.param(status, action, id=f"{status}-{action}")
    for status in Status
    for action, step in ACTIONS.items()
    if status not in step.sources
]


@pytest.mark.req("LV-18")
@pytest.mark.parametrize(("status", "action"), JUMPS)
async def test_every_jump_is_refused_and_changes_nothing(desk, status, action):
    filed = await desk.opened()
    await desk.eye.execute(
        'UPDATE livelihood."case" SET status = $2, waiting_since = now() WHERE tracking_code = $1',
        filed.code,
        status,
    )
    before = await desk.row(filed)
    role = min(ACTIONS[action].by - {Role.SYSTEM})
    caller = desk.citizen(filed) if role is Role.CITIZEN else desk.caller(role)
    answer = await caller.do(filed, action, BODIES[action])
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "step_not_allowed"
    assert answer.json()["current_status"] == status
    assert await desk.row(filed) == before
    assert await desk.steps(filed) == ["open"]


def ways(to: Status, without: str) -> bool:
    """Whether `to` can be reached from the routed application without this step."""
    seen, waiting = set(), [S.ROUTED]
    while waiting:
        here = waiting.pop()
        seen.add(here)
        for step in ADMISSION.steps.values():
            if here in step.sources and step.name not in {without, "restore"}:
                waiting += [status for status in step.targets if status not in seen]
    return to in seen


@pytest.mark.req("LV-18", "LV-16", "LV-15", "LV-13")
@pytest.mark.parametrize(
    ("status", "needs"),
    [
        (S.UNDER_REVIEW, "review"),
        (S.VISIT_PLANNED, "plan_visit"),
        (S.VISITED, "record_visit"),
        (S.CONFIRMED, "record_visit"),
        (S.REFUSED, "record_visit"),
        (S.WAITING_LIST, "join_waiting_list"),
        (S.ACTIVE, "activate"),
        (S.ACTIVE, "record_visit"),
        (S.ACTIVE, "review"),
    ],
)
def test_no_way_leads_past_review_visit_and_confirmation(status, needs):
    assert ways(status, without="nothing")
    assert not ways(status, without=needs)


@pytest.mark.req("LV-18")
@given(st.data())
def test_whatever_is_tried_the_order_holds(data):
    """Every way that the table allows, drawn at random: nobody is active by another order."""
    status, taken = None, []
    everybody = frozenset(Role)
    for _ in range(25):
        may = [n for n in ADMISSION.steps if ADMISSION.refusal(n, status, everybody) is None]
        emergency = {"open_emergency", "grant_emergency", "identify", "restore", "take_over"}
        may = [name for name in may if name not in emergency]
        if not may or status is S.ACTIVE:
            break
        step = ADMISSION.steps[data.draw(st.sampled_from(may))]
        status = data.draw(st.sampled_from(sorted(step.targets) or [status]))
        taken.append(step.name)
    if status in {S.CONFIRMED, S.WAITING_LIST, S.ACTIVE}:
        order = ["open", "review", "plan_visit", "record_visit"]
        assert [name for name in dict.fromkeys(taken) if name in order] == order
        assert taken.index("record_visit") < max(
            taken.index(name) for name in ("confirm", "decide_objection") if name in taken
        )


def test_what_has_ended_is_open_to_nobody_but_by_law():
    ended = set(Status) - OPEN
    ways_back = {"object", "restore", "record_emergency_visit", "end_emergency", "declare_conflict"}
    ways_back |= {"review_emergency", "ask_for_account", "correct_account"}
    ways_back |= {"transfer"}  # who is helped in an emergency may move house
    for status in ended:
        for step in ADMISSION.steps.values():
            assert status not in step.sources or step.name in ways_back


def test_every_example_in_the_document_is_a_body_that_is_accepted():
    assert set(ACTIONS) == set(BODIES)
    for route in cases.routes:
        if "POST" in route.methods:
            body = route.body_field.field_info.annotation
            body.model_validate(BODIES[route.path.rpartition("/")[2]])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"score": 101}, "score"),
        ({"score": -1}, "score"),
        ({"score": True}, "score"),
        ({"score": "72"}, "score"),
        ({"latitude": "35.6"}, "latitude"),
        ({"latitude": True}, "latitude"),
        ({"latitude": 12.5}, "latitude"),
        ({"longitude": 90}, "longitude"),
        ({"photo_consent": "yes"}, "photo_consent"),
        ({"findings": {}}, "findings"),
        ({"happened_at": "yesterday"}, "happened_at"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_a_visit_is_told_in_strict_types(body, field):
    example = RecordVisitIn.model_config["json_schema_extra"]["examples"][0]
    with pytest.raises(ValueError, match=field):
        RecordVisitIn.model_validate(example | body)


def test_reasons_are_sentences_of_bounded_number():
    with pytest.raises(ValueError, match="reasons"):
        ConfirmIn.model_validate({"reasons": ["دلیل"] * 11})
    with pytest.raises(ValueError, match="reasons"):
        ConfirmIn.model_validate({"reasons": [""]})
