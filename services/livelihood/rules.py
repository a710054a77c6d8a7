"""Judgement of an admission from values in hand: no input or output, and the day is a parameter."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Self

from shared.values.calendar import add_jalali_months, jalali_text

LAST = 99
"""The rank of a reason that the order of priority does not name: after all that it does."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an admission is judged by: why they ask, how old, what the worker saw, how many points.

    `age` is None where no register has told it, which is never taken for young enough or too old.
    """

    reason: str
    age: int | None
    findings: tuple[str, ...]
    score: int

    def as_json(self) -> dict[str, Any]:
        """What is sealed with the decision."""
        return asdict(self)

    @classmethod
    def read(cls, sealed: Mapping[str, Any]) -> Self:
        """From what was sealed with the decision."""
        return cls(**{**sealed, "findings": tuple(sealed["findings"])})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the admission instruction says, condition by condition."""

    version: str
    met: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failed


def judge(facts: Facts, instruction: Mapping[str, Any]) -> Verdict:
    """Hold the facts against one version of the admission instruction (LV-17)."""
    rule = instruction["reasons"].get(facts.reason)
    if rule is None:
        return Verdict(instruction["version"], (), ("reason",))
    held = {"score": facts.score >= rule.get("min_score", instruction["min_score"])}
    if "min_age" in rule:
        held["age"] = facts.age is not None and facts.age >= rule["min_age"]
    if "needs" in rule:
        finding = rule["needs"].removeprefix("visit_finding:")
        held[finding] = finding in facts.findings
    return Verdict(
        instruction["version"],
        met=tuple(name for name, holds in held.items() if holds),
        failed=tuple(name for name, holds in held.items() if not holds),
    )


FAILED_FA = {
    "reason": "دستورالعمل پذیرش این دلیل را نمی‌شناسد",
    "score": "امتیاز بازدید به حد لازم نمی‌رسد",
    "age": "سن متقاضی به حد لازم نمی‌رسد یا معلوم نیست",
    "disability": "در بازدید، ازکارافتادگی دیده نشده است",
    "no_head": "در بازدید، نبود سرپرست دیده نشده است",
    "illness": "در بازدید، بیماری دیده نشده است",
}
FAILED_EN = {
    "reason": "The admission instruction does not know this reason",
    "score": "The score of the visit is below the minimum",
    "age": "The applicant's age is below the minimum or not known",
    "disability": "The visit found no disability",
    "no_head": "The visit found a head of household",
    "illness": "The visit found no illness",
}


def age_on(day: date, birth: date | None) -> int | None:
    """Whole years lived on a day."""
    if birth is None:
        return None
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def rule_day(choice: Mapping[str, str], *, submitted_on: date, today: date) -> date:
    """The day whose rules judge a case: of submission or of decision, as policy chose (H52)."""
    return submitted_on if choice["by"] == "submission" else today


def priority(reason: str, order: Mapping[str, int]) -> int:
    """The rank of a reason on the waiting list; the elderly and disabled come first (LV-41)."""
    return order.get(reason, LAST)


def account_state(answer: tuple[bytes, str] | None, *, owner: bytes) -> str:
    """What the central bank's answer (holder, state) means for a payee; None: no such account."""
    if answer is None:
        return "not_found"
    holder, state = answer
    if holder != owner:
        return "mismatch"
    return "verified" if state == "open" else "closed"


def quota_of(policy: Mapping[str, Any], province: str | None, today: date) -> tuple[int, int]:
    """The Jalali year and how many awards it allows a province: none where none are written."""
    year = int(jalali_text(today)[:4])
    if policy["year"] != year or province is None:
        return year, 0
    return year, policy["awards"].get(province, 0)


def term(reason: str, policy: Mapping[str, Any], start: date) -> tuple[date | None, date | None]:
    """The last day of an award and the day of its next review, by reason (LV-40)."""
    rule = policy["reasons"].get(reason, {})
    months, review = rule.get("months"), rule.get("review_months")
    ends = add_jalali_months(start, months) - timedelta(days=1) if months else None
    return ends, add_jalali_months(start, review) if review else None


def may_object(decided_on: date, window: Mapping[str, int], today: date) -> bool:
    """Whether the time for an objection has not run out."""
    return today <= decided_on + timedelta(days=window["days"])
