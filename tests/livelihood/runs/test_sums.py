"""Whatever becomes known, and when: what was approved and adjusted of a month is what is due."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.livelihood.ledger.queries import balances
from tests.livelihood.runs.season import RATES, Season, begun

MONTHS, HOMES = 6, 5
BOOKS = "support", "payable", "recovery"
home = st.integers(0, HOMES - 1)
back = st.integers(0, 3)
news = st.one_of(
    st.tuples(st.just("resize"), home, back, st.integers(0, 7)),
    st.tuples(st.just("stop"), home, back, st.none()),
    st.tuples(st.just("go_on"), home, back, st.none()),
    st.tuples(st.just("suspend"), home, st.just(0), st.none()),
    st.tuples(st.just("reprice"), home, back, st.integers(60, 160)),
)
month_of_news = st.tuples(st.lists(news, min_size=1, max_size=5), st.booleans())


@dataclass
class Model:
    """The plainest way to say what is due: what is known now, month by month."""

    sizes: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    last: dict[int, int] = field(default_factory=dict)
    rates: list[tuple[int, ...]] = field(default_factory=lambda: [RATES] * (MONTHS + 1))

    def due(self, one: int, month: int) -> int:
        if month > self.last.get(one, MONTHS):
            return 0
        size = [size for since, size in self.sizes[one] if since <= month][-1]
        return self.rates[month][min(size, 5) - 1] if size else 0


class Told:
    """News as the steps of an award write them, in the database and in the model."""

    def __init__(self, season: Season, homes: list) -> None:
        self.season, self.homes, self.model = season, homes, Model()
        for one in range(HOMES):
            self.model.sizes[one].append((1, 3))

    async def __call__(self, what: str, one: int, month: int, value: int | None) -> None:
        await getattr(self, what)(one, month, value)

    async def _write(self, one: int, month: int, **columns) -> None:
        period = self.season.period(month)
        names = "".join(f", {name} = ${at}" for at, name in enumerate(columns, start=3))
        await self.season.desk.eye.execute(
            "UPDATE livelihood.award SET version = version + 1,"
            f" recompute_from_period = least(recompute_from_period, $2){names} WHERE id = $1",
            self.homes[one], period, *columns.values(),
        )  # fmt: skip

    async def resize(self, one: int, month: int, size: int) -> None:
        self.model.sizes[one].append((month, size))
        await self.season.desk.eye.execute(
            "INSERT INTO livelihood.award_version (award_id, version, effective_from_period,"
            " covered_size, reason, recorded_at) VALUES ($1, $2, $3, $4, 'review', $5)",
            self.homes[one], len(self.model.sizes[one]), self.season.period(month), size,
            self.season.clock.now(),
        )  # fmt: skip
        await self._write(one, month, covered_size=size)

    async def stop(self, one: int, month: int, _: None) -> None:
        self.model.last[one] = month
        last = self.season.period(month)
        await self._write(one, month, status="stopped", last_period=last, held_from_period=None)

    async def go_on(self, one: int, _month: int, _: None) -> None:
        self.model.last.pop(one, None)
        await self._write(one, 1, status="active", last_period=None, held_from_period=None)

    async def suspend(self, one: int, month: int, _: None) -> None:
        if one not in self.model.last:
            held = self.season.period(month)
            await self._write(one, month, status="suspended", held_from_period=held)

    async def reprice(self, _: int, month: int, percent: int) -> None:
        amounts = tuple(amount * percent // 100 for amount in RATES)
        self.model.rates[month:] = [amounts] * (MONTHS + 1 - month)
        await self.season.rates(amounts, since=month)


async def debts(season: Season) -> int:
    return await season.desk.eye.fetchval(
        "SELECT coalesce(sum(-rial), 0)::bigint FROM (SELECT sum(delta_rial) AS rial"
        " FROM livelihood.adjustment GROUP BY award_id, period) m WHERE rial < 0"
    )


async def stand(season: Season) -> Counter[str]:
    async with season.desk.runtime.transaction() as tx:
        return Counter(await balances(tx))


@pytest.mark.req("LV-12")
@given(year=st.lists(month_of_news, min_size=MONTHS, max_size=MONTHS))
@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],  # every example takes months that no other has
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_month_by_month_approved_and_adjusted_are_what_is_due(desk, monkeypatch, year):
    season = await begun(desk, monkeypatch, months=MONTHS)
    before, owing = await stand(season), await debts(season)
    told = Told(season, [await season.household(3) for _ in range(HOMES)])
    runs = []
    for month, (heard, arrears) in enumerate(year, start=1):
        season.on(month, 1)
        for what, one, ago, value in heard:
            await told(what, one, max(1, month - ago), value)
        runs.append(await season.closed(month))
        if arrears:
            runs.append(await season.closed(month, "arrears"))
    last = await _reckoned(season, runs)
    for one, award in enumerate(told.homes):
        await _adds_up(season, award, [told.model.due(one, month + 1) for month in range(MONTHS)])
    after = await stand(season)
    moved = {name: after[name] - before[name] for name in BOOKS}
    withdrawn = await season.desk.eye.fetchval(
        "SELECT coalesce(sum(delta_rial), 0)::bigint FROM livelihood.adjustment"
        " WHERE kind = 'withdrawn' AND run_id = ANY ($1::uuid[])",
        [run["run_id"] for run in last],
    )
    approved = sum(run["totals_rial"]["approved"] for run in last)
    assert moved["payable"] == approved - withdrawn
    assert moved["recovery"] == await debts(season) - owing
    assert moved["support"] == moved["payable"] - moved["recovery"]


async def _reckoned(season: Season, runs: list) -> list:
    """A last list of arrears, unless the last month has one, so that every month is compared."""
    number = season.period(MONTHS)
    if any((run["period"], run["kind"]) == (number, "arrears") for run in runs):
        return runs
    return [*runs, await season.closed(MONTHS, "arrears")]


async def _adds_up(season: Season, award, due: list[int]) -> None:
    items = await season.items(award)
    differences: dict[int, int] = defaultdict(int)
    for month, rial, _ in await season.adjusted(award):
        differences[month] += rial
    gross = {m: one["amount_rial"] + one["recovered_rial"] for m, one in items.items()}
    found = [gross.get(month, 0) + differences[month] for month in range(1, MONTHS + 1)]
    assert found == due
    arrears = await season.paid(award, kind="arrears")
    paid = sum(one["amount_rial"] for one in items.values() if not one["reversed"])
    assert paid + sum(arrears.values()) + await season.open(award) == sum(due)
    assert min([*arrears.values(), *(one["amount_rial"] for one in items.values()), 1]) > 0
    for one in items.values():
        assert one["recovered_rial"] * 4 <= one["amount_rial"] + one["recovered_rial"]
    left = await season.desk.eye.fetch(
        "SELECT sum(delta_rial) AS rial FROM livelihood.adjustment WHERE award_id = $1"
        " GROUP BY period",
        award,
    )
    assert all(row["rial"] <= 0 for row in left)
