"""Months with households of every kind, before the agency's own history: nobody else is in them."""

from itertools import count

import pytest

from tests.livelihood.desk import Desk
from tests.livelihood.runs.month import Month

_MONTHS = count(1397 * 12)  # the tests of the runs have the years before


@pytest.fixture
async def month(desk: Desk) -> Month:
    """A month with rates, and as yet no household."""
    year, number = divmod(next(_MONTHS), 12)
    made = Month(desk, year, number + 1)
    known = "SELECT count(*) FROM livelihood.rate WHERE from_period = $1"
    if not await desk.eye.fetchval(known, year * 100 + 1):
        await made.rates()
    return made
