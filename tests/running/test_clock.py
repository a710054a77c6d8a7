"""The clock of business time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.running import clock
from shared.running.clock import Clock, move
from shared.running.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(env="test", run_dir=tmp_path, data_dir=tmp_path)


def off_by(clock):
    return (clock.now() - datetime.now(UTC)).total_seconds()


def test_it_tells_real_time_in_utc_until_it_is_moved(settings):
    assert Clock(settings).now().tzinfo is UTC
    assert off_by(Clock(settings)) == pytest.approx(0, abs=1)


def test_every_clock_over_one_run_directory_moves_together_and_back(settings):
    first, second = Clock(settings), Clock(settings)
    first.now()
    month_s = timedelta(days=30).total_seconds()
    move(settings.run_dir, month_s)
    assert off_by(first) == pytest.approx(month_s, abs=1)
    assert off_by(second) == pytest.approx(month_s, abs=1)
    move(settings.run_dir, -60)
    assert off_by(first) == pytest.approx(-60, abs=1)
    (settings.run_dir / clock.FILE).unlink()
    assert off_by(first) == pytest.approx(0, abs=1)


def test_production_refuses_a_moved_clock_and_never_follows_one(settings):
    production = settings.model_copy(update={"env": "production"})
    honest = Clock(production)
    move(settings.run_dir, 3600)
    assert off_by(honest) == pytest.approx(0, abs=1)
    with pytest.raises(RuntimeError, match="moved clock"):
        Clock(production)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 3, 20, 20, 29, 59, tzinfo=UTC), date(2026, 3, 20)),  # 29 Esfand, 23:59:59
        (datetime(2026, 3, 20, 20, 30, tzinfo=UTC), date(2026, 3, 21)),  # Nowruz 1405
    ],
)
def test_today_is_the_day_in_tehran(settings, monkeypatch, instant, day):
    ticking = Clock(settings)
    monkeypatch.setattr(ticking, "now", lambda: instant)
    assert ticking.today() == day
