"""The registries fall silent, answer wrongly, and come back; nothing remembered stays behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

REGISTRIES = ("civil-registry", "shahkar")


def forget(agency) -> None:
    """Intake remembers no answer, and holds no silence against a registry."""
    clients = agency.runtime("intake").clients
    for remembered in (clients._people, clients._mobiles):
        remembered._held.clear()
    for outside in (clients._registry, clients._shahkar):
        outside._breaker.answered()


@asynccontextmanager
async def faulty(agency, *parties: str, mode: str = "error") -> AsyncIterator[None]:
    """These registries (both, when none is named) behave so within the block."""
    parties = parties or REGISTRIES
    await agency.settled()  # what others began still meets them well
    forget(agency)
    for party in parties:
        await agency.fault(party, mode)
    try:
        yield
    finally:
        for party in parties:
            await agency.fault(party, "ok")
        forget(agency)


async def ask_now(agency, tracking_code: str) -> None:
    """The time of the next inquiry about an application has come."""
    moved = await agency.eye.execute(
        "UPDATE intake.timer SET due_at = $2 WHERE kind = 'finish_identity' AND subject_id ="
        " (SELECT id FROM intake.application WHERE tracking_code = $1)",
        tracking_code,
        agency.runtime("intake").clock.now() - timedelta(seconds=1),
    )
    assert moved == "UPDATE 1", moved
