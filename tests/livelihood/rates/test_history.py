"""What was delivered: the known rates of 1399 to 1404, and of 1405 only for a demonstration."""

import json

import pytest

from services.livelihood.rates.actions import DATA
from services.livelihood.rates.errors import BudgetMissing, RateMissing
from services.livelihood.rates.queries import budget_of, rate_on, rates_within

# facts 2.3, in thousand Toman; None where no figure was found.
KNOWN = {
    139901: (None,) * 5,
    139902: (181.5, 298.5, 387, 497.5, 554.5),
    139912: (181.5, 298.5, 387, 497.5, 554.5),
    140001: (350, 500, 700, 900, 1100),
    140101: (420, 600, 840, 1080, 1320),
    140106: (None,) * 5,
    140112: (550, 780, 1090, 1400, 1720),
    140203: (None, None, None, 1680, None),
    140206: (770, 1090, 1525, 1960, 2410),
    140307: (1000, 1420, 2000, 2550, 3150),
    140412: (1391.208, 1987.44, 2782.416, 3577.392, 4372.368),
}


@pytest.mark.parametrize("month", KNOWN)
async def test_the_history_is_what_the_sources_say_and_never_more(desk, month):
    async with desk.runtime.transaction() as tx:
        found = {
            rate.covered_size: rate.amount_rial for rate in await rates_within(tx, month, month)
        }
    told = zip(range(1, 6), KNOWN[month], strict=True)
    assert found == {size: round(figure * 10_000) for size, figure in told if figure}


@pytest.mark.req("LV-04")
def test_every_delivered_row_names_its_approval_and_source():
    data = json.loads(DATA.read_text(encoding="utf-8"))
    made_up = [*data["demonstration"]["rates"], *data["demonstration"]["budgets"]]
    for row in (*data["known"], *made_up):
        assert row["approval_ref"].strip()
        assert row["source_ref"].strip()
        assert row["confidence"] in {"H", "M", "L"}
        assert row["confirmed_by"] is None
    assert {row["confidence"] for row in made_up} == {"L"}
    assert all("demonstration value" in row["source_ref"] for row in made_up)
    assert all("1405" not in row["from_period"] for row in data["known"])


async def test_production_pays_by_no_row_that_nobody_has_confirmed(desk, production):
    async with desk.runtime.transaction() as tx:
        assert (await rate_on(tx, 3, 140508)).amount_rial > 0
        assert await budget_of(tx, 1405) > 0
    async with production.transaction() as tx:
        assert (await rate_on(tx, 3, 140307)).amount_rial == 20_000_000
        for size, month in ((3, 140508), (3, 140405), (4, 140203), (1, 139905)):
            with pytest.raises(RateMissing) as refused:
                await rate_on(tx, size, month)
            assert refused.value.extensions["unconfirmed"] is True
        with pytest.raises(RateMissing) as refused:
            await rate_on(tx, 3, 140203)
        assert refused.value.extensions == {
            "covered_size": 3, "period": "1402-03", "unconfirmed": False,
        }  # fmt: skip
        with pytest.raises(BudgetMissing) as refused:
            await budget_of(tx, 1405)
        assert refused.value.extensions == {"year": 1405, "unconfirmed": True}
        with pytest.raises(BudgetMissing) as refused:
            await budget_of(tx, 1404)
        assert refused.value.extensions == {"year": 1404, "unconfirmed": False}


async def test_loading_again_changes_nothing(desk):
    tables = ("rate", "budget")
    before = [await desk.eye.fetch(f"SELECT * FROM livelihood.{name}") for name in tables]
    await desk.app.state.service.seed(desk.runtime, demo=True)
    assert [await desk.eye.fetch(f"SELECT * FROM livelihood.{name}") for name in tables] == before
