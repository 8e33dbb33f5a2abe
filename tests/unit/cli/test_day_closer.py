"""Closed days move by themselves, and what is not kept is forgotten; a disk that is full is said once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from cli.day_closer import CLOSED_AFTER_US, DayCloser
from tests.conformance.stores.given import commit, readings
from vigil.domain.errors import StoreError
from vigil.domain.readings import Stream
from vigil.domain.times import DAY, SECOND
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import StoreSettings
from vigil.runtime.metrics import Metrics
from vigil.store.duck import DuckReadingStore
from vigil.store.influx.forward import NO_END

NEW_YEAR = 1_767_225_600_000_000


class Site:
    """A store with a value on each of 40 days, and a clock just before the first may be closed."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NEW_YEAR + DAY + CLOSED_AFTER_US - SECOND)
        self.store = DuckReadingStore(folder / "readings.duckdb", self.clock)
        self.store.commit(
            commit(readings([(0, NEW_YEAR + day * DAY, 60.0, 0) for day in range(40)]), [Stream(0, "w-1", 0, "")])
        )
        self.metrics = Metrics()

    def closer(self, keep_days: int) -> DayCloser:
        return DayCloser(self.store, self.clock, keep_days, self.metrics)

    def counts(self) -> list[float]:
        lines = [line for line in self.metrics.text().decode().splitlines() if line.startswith("store_readings_")]
        return sorted(float(line.split()[1]) for line in lines if "_total" in line)

    def left(self) -> int:
        return len(self.store.range([0], 0, NEW_YEAR + 100 * DAY, 100))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.store.close()


def test_days_close_when_nothing_can_come_for_them_any_more(site: Site) -> None:
    closer = site.closer(0)
    closer.look()
    assert site.counts() == [0, 0]
    site.clock.advance(1)
    closer.look()
    assert (site.counts(), site.left()) == ([0, 1], 40)


def test_what_is_not_kept_is_forgotten(site: Site) -> None:
    closer = site.closer(31)
    site.clock.advance(38 * DAY / SECOND)
    closer.look()
    # It is 02:00 of the 41st day, less a second: 39 days ended 26 hours ago but for a second, and 9 of them 31 days ago.
    assert (site.counts(), site.left()) == ([9, 38], 31)


@pytest.mark.parametrize(("days", "hours"), [(0, 40), (35, 34)])
def test_roll_ups_are_kept_longer(site: Site, days: int, hours: int) -> None:
    closer = DayCloser(site.store, site.clock, 31, site.metrics, rollup_keep_days=days)
    site.clock.advance(39 * DAY / SECOND)
    closer.look()
    # It is 02:00 of the 42nd day, less a second.
    assert site.left() == 30
    assert site.store.buckets([0], NEW_YEAR, NEW_YEAR + 40 * DAY, 40).count.sum() == hours


@pytest.mark.parametrize(("readings_days", "days"), [(0, 40), (40, 39), (40, -1)])
def test_roll_ups_may_not_end_before_their_readings(readings_days: int, days: int) -> None:
    with pytest.raises(ValidationError, match="rollup_keep_days"):
        StoreSettings(keep_days=readings_days, rollup_keep_days=days)
    assert StoreSettings(keep_days=40, rollup_keep_days=40).rollup_keep_days == 40


def test_a_day_waits_until_all_of_it_is_copied(site: Site) -> None:
    """Ordinal 5 is a value of the fifth day: the four days before it may go."""
    waiting: list[list[tuple[int, int]]] = [[(5, NO_END)], [(6, 6), (39, NO_END)], [(41, NO_END)]]
    closer = DayCloser(site.store, site.clock, 31, site.metrics, lambda: waiting.pop(0), rollup_keep_days=31)
    site.clock.advance(38 * DAY / SECOND)
    left = []
    while waiting:
        closer.look()
        left.append(site.left())
        # A roll-up stays as long as its reading, whatever the settings keep: charts go by it.
        assert site.store.buckets([0], NEW_YEAR, NEW_YEAR + 40 * DAY, 40).count.sum() == site.left()
    assert left == [36, 35, 31]


def test_a_late_value_of_a_forgotten_day_waits_too(site: Site) -> None:
    site.clock.advance(38 * DAY / SECOND)
    site.closer(31).look()
    site.store.commit(commit(readings([(0, NEW_YEAR + 3 * DAY, 99.0, 0)])))
    waiting = [[(41, NO_END)], [(42, NO_END)]]
    closer = DayCloser(site.store, site.clock, 31, site.metrics, lambda: waiting.pop(0))
    closer.look()
    assert site.left() == 32
    closer.look()
    assert (site.left(), site.store.whole_since()) == (31, NEW_YEAR + 9 * DAY)


def test_a_failure_is_said_once_and_over_when_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_before: int) -> int:
        raise StoreError("the disk is full")

    closer = site.closer(0)
    with monkeypatch.context() as patched:
        patched.setattr(site.store, "close_days", full)
        closer.look()
        closer.look()
        assert closer.failing == "the disk is full"
    assert caplog.text.count("the disk is full") == 1
    closer.look()
    assert closer.failing == ""
