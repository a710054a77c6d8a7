"""Draws docs/workflows.md from the Step tables and the topics: `make docs`."""

import importlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from shared.running.settings import SERVICES
from shared.topics import TOPICS, Topic
from shared.web.auth import Role
from shared.workflow import Clock, Step, Workflow

PAGE = Path(__file__).with_name("workflows.md")
ROOT = PAGE.parents[1]
MOST_ARROWS = 3
"""A step that leads from so many statuses that its arrows would hide the others is only named."""
TITLES = {
    "intake.application": "درخواست · the application",
    "livelihood.admission": "پذیرش کمک معیشت · admission to livelihood aid",
    "livelihood.award": "مستمری خانوار · a household's award",
    "livelihood.run": "پرداخت ماهانه · the monthly run",
    "livelihood.handover": "معرفی به سازمان هدفمندی · hand-over to the subsidies organisation",
    "eligibility.case": "استحقاق‌سنجی · eligibility",
    "exemption.case": "معافیت کفالت · conscription exemption",
    "shares.case": "سهام عدالت · justice shares",
    "loans.case": "تسهیلات اشتغال · self-employment loans",
    "loans.repayment": "بازپرداخت تسهیلات · repayment of a loan",
    "notify.notice": "پیام · a message to one person",
}
CLOCKS = {Clock.RUN: "runs", Clock.PAUSE: "waits", Clock.STOP: "stopped"}
HEAD = """\
# Workflows

Drawn from the Step tables in `services/**/workflow.py` and from `shared/topics.py` by `make docs`;
a test compares this page with them. Change the tables, never the page.

A **step** is the only way a status moves (`shared/workflow.py`). It names from where and to where,
who may take it, whose earlier step forbids it to them, its promised time (a key of dated policy)
and the topic that is told. The **clock** of the promised time runs, waits or has stopped in each
status. Roles and steps are the words of the API: `record_visit` is
`POST /v1/livelihood/cases/{tracking_code}/record-visit`.
"""


def workflows() -> list[Workflow]:
    """Every workflow of every service, in the order in which the agency's services are listed."""
    apps = [importlib.import_module(f"services.{service}.app") for service in SERVICES]
    return [flow for app in apps for flow in app.service.workflows]


def page() -> str:
    """The whole page."""
    flows = workflows()
    parts = [HEAD, *(_section(flow) for flow in flows), _roles(flows), _topics(flows)]
    return "\n".join(parts)


def _section(flow: Workflow) -> str:
    return "\n".join(
        [
            f"## {TITLES[flow.name]}",
            "",
            f"`{flow.name}`: {len(list(flow.status))} statuses, {len(flow.steps)} steps.",
            "",
            *_diagram(flow),
            "",
            *_statuses(flow),
            "",
            *_steps(flow),
            "",
        ]
    )


# The picture


def _diagram(flow: Workflow) -> Iterator[str]:
    arrows = [(step, _arrows(flow, step)) for step in flow.steps.values()]
    crowded = [step for step, leads in arrows if len(leads) > MOST_ARROWS]
    drawn = [
        (source, target, step.fa)
        for step, leads in arrows
        if step not in crowded
        for source, target in leads
    ]
    touched = {end for source, target, _ in drawn for end in (source, target)}
    yield "```mermaid"
    yield "stateDiagram-v2"
    for status in flow.status:
        if status in touched:
            yield f'    state "{flow.labels[status]}" as {status}'
    for source, target, label in drawn:
        yield f"    {source} --> {target}: {label}"
    yield "```"
    if crowded:
        names = ", ".join(f"`{step.name}`" for step in crowded)
        yield f"\nNot drawn, because they lead from or to many statuses: {names}."


def _arrows(flow: Workflow, step: Step) -> list[tuple[str, str]]:
    """From where to where the step leads; nothing where the case stays."""
    sources = _in_order(flow, step.sources) or ["[*]"]
    targets = _in_order(flow, step.targets)
    return [(a, b) for a in sources for b in targets if a != b]


def _in_order(flow: Workflow, statuses: Iterable[StrEnum]) -> list[str]:
    wanted = set(statuses)
    return [str(status) for status in flow.status if status in wanted]


# The tables


def _statuses(flow: Workflow) -> Iterator[str]:
    yield "| status | وضعیت | clock | means | who can move it | گام بعد |"
    yield "|---|---|---|---|---|---|"
    for status in flow.status:
        yield _row(
            f"`{status}`",
            flow.labels[status],
            CLOCKS[flow.clock(status)],
            flow.outcome(status),
            _codes(flow.waits_for(status)),
            flow.next_step.get(status, ""),
        )


def _steps(flow: Workflow) -> Iterator[str]:
    yield "| step | گام | from | to | by | not by who did | promised time | tells |"
    yield "|---|---|---|---|---|---|---|---|"
    for step in flow.steps.values():
        told = _codes(sorted(step.topics)) or f"silent: {step.silent}"
        yield _row(
            f"`{step.name}`",
            step.fa,
            _some(flow, step.sources) or "nothing",
            _some(flow, step.targets) or "stays",
            _codes(sorted(step.by)),
            _codes(step.not_by),
            _codes([step.within] if step.within else []),
            told,
        )


def _some(flow: Workflow, statuses: Iterable[StrEnum]) -> str:
    """A list of statuses, told shorter where it is nearly all of them."""
    names = _in_order(flow, statuses)
    others = [str(status) for status in flow.status if status not in names]
    if len(names) > 2 * len(others):
        return f"any but {_codes(others)}" if others else "any"
    return _codes(names)


def _roles(flows: list[Workflow]) -> str:
    """Who may take which step, over all workflows."""
    lines = ["## Roles", "", "| role | steps |", "|---|---|"]
    for role in Role:
        steps = [
            f"{flow.name.partition('.')[0]}: "
            + _codes(step.name for step in flow.steps.values() if role in step.by)
            for flow in flows
            if any(role in step.by for step in flow.steps.values())
        ]
        lines.append(_row(f"`{role}`", "<br>".join(steps) or "takes no step of a case"))
    return "\n".join([*lines, ""])


def _topics(flows: list[Workflow]) -> str:
    """Which event is told by which steps, and who hears it."""
    tellers: dict[str, list[str]] = {}
    for flow in flows:
        for step in flow.steps.values():
            for topic in step.topics:
                tellers.setdefault(topic, []).append(step.name)
    lines = [
        "## Topics",
        "",
        "An event carries ids, codes and dates; hearers ask the owner for the rest. What a citizen",
        "may see has a Persian template in `services/notify/templates/`.",
        "",
        "| topic | told by the step | heard by | to the citizen |",
        "|---|---|---|---|",
        *(_topic(topic, tellers.get(name, [])) for name, topic in TOPICS.items()),
    ]
    return "\n".join([*lines, ""])


def _topic(topic: Topic, steps: list[str]) -> str:
    heard = ", ".join(topic.heard_by)
    citizen = "inbox and SMS" if topic.citizen else f"silent: {topic.silent}"
    return _row(f"`{topic.name}`", _codes(steps) or "no step, an action", heard, citizen)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
