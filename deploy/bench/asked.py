"""Intake's registries as if they had been asked a moment ago: what is measured is ours alone."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, TypeVar

from services.intake.clients import Clients, Record, Remembered
from shared.storage.db import Runtime

T = TypeVar("T")
WIDOW = Record(
    national_code="0499370899",
    first_name="زهرا",
    last_name="کریمی",
    birth_on=date(1981, 3, 2),
    sex="female",
    marital_status="widowed",
    father_name="حسین",
    birth_certificate_no="2817",
    children=("0029183456",),
)


class Answered(Remembered):
    """A memory that holds the answer to every question already."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self._answer = answer

    def holds(self, key: bytes) -> bool:  # noqa: ARG002
        return True

    async def get(self, key: bytes, seconds: float, ask: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002
        answer: Any = self._answer
        found: T = answer
        return found


class AskedBefore(Clients):
    """Intake's adapters when both registries have been asked a moment ago: openly a stand-in."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._people = Answered(WIDOW)
        self._mobiles = Answered(answer=True)


def stand_in(runtime: Runtime) -> None:
    """Let intake's inquiries be answered from memory."""
    if runtime.service == "intake":
        runtime.clients = AskedBefore(runtime)
