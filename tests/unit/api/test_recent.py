"""Small curves and trend arrows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.glance import EVERY_US
from api.recent import BUCKET_US, FULL_ARROW, KEPT, LAST_HOUR, SEEDED_AT_ONCE, Recent, medians, trends
from tests.unit.api.site import START, Site, open_site
from vigil.bus.board import Bus
from vigil.domain.quality import Quality
from vigil.domain.readings import COLUMN_TYPES, ReadingBatch
from vigil.domain.times import HOUR, MINUTE
from vigil.domain.vitals import BY_NAME


def kept(recent: Recent, stream: int = 0, since: int = 0) -> dict[int, float]:
    """Mean by bucket start, relative to ``START``, in minutes."""
    starts, means = recent.means(np.array([stream]), np.array([since]))
    return {
        (at - START) // MINUTE: mean
        for at, mean in zip(starts.tolist(), means[0].tolist(), strict=True)
        if mean == mean
    }


def reading(stream: int, at: int, value: float, quality: int) -> ReadingBatch:
    one = {
        "stream": stream,
        "measured_at": at,
        "device_time": at,
        "received_at": at,
        "value": value,
        "quality": quality,
    }
    return ReadingBatch(**{name: np.array([one.get(name, 0)], kind) for name, kind in COLUMN_TYPES.items()})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Opened once for all the drawn examples, which store nothing."""
    opened = open_site(tmp_path_factory.mktemp("recent"))
    yield opened
    opened.close()


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(-400, 9), st.floats(50, 100), st.booleans()), max_size=40)
)
def test_means_are_those_of_the_good_values_of_the_last_five_hours(
    shared: Site, rows: list[tuple[int, int, float, bool]]
) -> None:
    recent = Recent(shared.readings, Bus(), shared.clock)
    recent.reserve(np.arange(4))
    want: dict[tuple[int, int], list[float]] = {}
    newest = START // BUCKET_US
    for stream, minute, value, gated in rows:
        at = START + minute * MINUTE
        recent.add(reading(stream, at, value, Quality.MOTION if gated else 0))
        bucket = at // BUCKET_US
        if not gated and newest - KEPT < bucket <= newest:
            want.setdefault((stream, (bucket * BUCKET_US - START) // MINUTE), []).append(value)
    for stream in range(4):
        expected = {minute: np.mean(values) for (one, minute), values in want.items() if one == stream}
        assert kept(recent, stream) == pytest.approx(expected)


def test_the_ring_forgets_what_is_older_than_five_hours(site: Site) -> None:
    recent = Recent(site.readings, site.bus, site.clock)
    site.store("w-1", "spo2", [90.0])
    recent.refresh()
    site.clock.jump_to(START + KEPT * BUCKET_US)
    site.store("w-1", "spo2", [80.0])
    recent.refresh()
    assert kept(recent) == {KEPT * BUCKET_US // MINUTE: 80}


def test_the_past_is_read_from_the_store_once_and_little_by_little(site: Site) -> None:
    for number in range(SEEDED_AT_ONCE + 1):
        site.store(f"w-{number}", "spo2", [90.0, 92.0], start=START - HOUR, step_s=60)
    recent = Recent(site.readings, site.bus, site.clock)
    streams = np.arange(SEEDED_AT_ONCE + 1)
    recent.reserve(streams)
    recent.seed(streams)
    assert [len(kept(recent, one)) for one in streams.tolist()] == [1] * SEEDED_AT_ONCE + [0]
    recent.seed(streams)
    assert kept(recent, SEEDED_AT_ONCE) == {-60: 91}
    site.store("w-0", "spo2", [50.0], start=START - HOUR)
    recent.seed(streams)
    assert kept(recent) == {-60: 91}


def test_what_another_patient_wore_before_is_not_shown(site: Site) -> None:
    recent = Recent(site.readings, site.bus, site.clock)
    site.store("w-1", "spo2", [90.0, 95.0], start=START - 10 * MINUTE, step_s=300)
    recent.refresh()
    assert kept(recent, since=START - 9 * MINUTE) == {-5: 95}


@pytest.mark.parametrize(
    ("before", "now", "word"),
    [
        ([96, 96, 96], [94], "down2"),
        ([96, 96, 96], [94.9], "down1"),
        ([96, 96, 96], [95.1], "flat"),
        ([96, 96], [97], "up1"),
        ([96, 96], [98.5], "up2"),
        ([96, 96, 60], [96, 96, 60], "flat"),  # the median does not follow one bad bucket
        ([96], [90], "unknown"),
        ([96, 96], [], "unknown"),
    ],
)
def test_trend_words(before: list[float], now: list[float], word: str) -> None:
    row = np.full((1, KEPT), np.nan)
    row[0, : len(before)] = before
    row[0, KEPT - LAST_HOUR : KEPT - LAST_HOUR + len(now)] = now
    assert trends(row, np.array([FULL_ARROW["spo2"]])) == [word]


@given(
    st.lists(
        st.lists(st.one_of(st.floats(0, 200), st.just(float("nan"))), min_size=5, max_size=5), min_size=1, max_size=4
    )
)
def test_medians_leave_nan_out(rows: list[list[float]]) -> None:
    table = np.array(rows)
    for row, median in zip(rows, medians(table).tolist(), strict=True):
        held = [one for one in row if one == one]
        assert median == pytest.approx(np.median(held)) if held else np.isnan(median)


def test_a_card_shows_the_trend_and_the_curve_and_ticks_tell_of_changes(site: Site) -> None:
    site.admit("p-1", "w-1")
    ward = site.context.ward
    ward.take_changes()
    for minutes, value in ((0, 96.0), (30, 96.0), (70, 96.0), (130, 91.0)):
        site.clock.jump_to(START + minutes * MINUTE)
        site.store("w-1", "spo2", [value])
    changes = ward.take_changes()
    assert changes.trends == {"p-1": {"spo2": "down2"}}
    card = site.get("/api/v1/patients/p-1").json()
    assert card["trend"] == {"spo2": "down2"}
    assert [((at - START // 1000) // 60_000, value) for at, value in card["sparks"]["spo2"]] == [
        (0, 96),
        (30, 96),
        (70, 96),
        (130, 91),
    ]
    assert changes.tick("now")["patients"]["p-1"]["sparks"]["spo2"][-1][1] == 91
    site.clock.advance(EVERY_US / 1e6)
    assert ward.take_changes().trends == {}


def test_every_trend_vital_is_in_the_table() -> None:
    assert set(FULL_ARROW) <= set(BY_NAME)
