"""Months of a test's own, on a desk that knows rates and budgets."""

from collections.abc import AsyncIterator

import pytest

from tests.livelihood.desk import Desk
from tests.livelihood.runs.month import TABLES, Month, a_month
from tests.livelihood.runs.season import Season, begun


@pytest.fixture(scope="module", autouse=True)
async def priced(whole_desk: Desk) -> AsyncIterator[None]:
    """Tables of rates and budgets, where the service does not have them of its own."""
    theirs = await whole_desk.eye.fetchval("SELECT to_regclass('livelihood.rate') IS NOT NULL")
    if not theirs:
        await whole_desk.eye.execute(TABLES)
    yield
    if not theirs:
        await whole_desk.eye.execute("DROP TABLE livelihood.rate, livelihood.budget")


@pytest.fixture
async def month(desk: Desk) -> Month:
    """A month with rates, a large budget, and as yet no household."""
    made = a_month(desk)
    await made.rates()
    await made.budget(10**15)
    return made


@pytest.fixture
async def season(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Season:
    """Four months with rates, at their beginning."""
    return await begun(desk, monkeypatch, months=4)


@pytest.fixture
async def long_season(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Season:
    """Half a year."""
    return await begun(desk, monkeypatch, months=6)
