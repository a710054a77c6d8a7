"""Each test has an earthquake, and households of its own."""

import pytest

from tests.livelihood.emergencies.quake import Quake


@pytest.fixture
async def quake(desk) -> Quake:
    """Declared this month for three months."""
    return await Quake.begun(desk)


@pytest.fixture
async def paying(desk) -> Quake:
    """The same, in months whose runs are this test's alone."""
    return await Quake.begun(desk, pays=True)
