"""A household with its award, to which life happens."""

import pytest

from tests.livelihood.awards.home import Home


@pytest.fixture
async def home(desk) -> Home:
    """A widow with two children, supported since this month."""
    return await Home.settled(desk)
