"""The database of the desk as production would read it, and months that no other test uses."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from services.livelihood.app import service
from shared.storage.db import Runtime


@pytest.fixture
async def production(settings) -> AsyncIterator[Runtime]:
    runtime = service.runtime(settings.model_copy(update={"env": "production"}))
    await runtime.open()
    yield runtime
    await runtime.close()


YEARS = count(1301)


@pytest.fixture
def year() -> int:
    """A Jalali year before the known history, fresh for each test."""
    return next(YEARS)
