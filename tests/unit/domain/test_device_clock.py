"""The estimate of a device's clock: honest about its error, never misled by a queue, the same for any split, cheap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.clocks import CASES, START, Packs, Times, sent, watch
from vigil.domain.clock_line import BINS, Envelope, fit
from vigil.domain.device_clock import ClockState, ClockTracker
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.times import DAY, HOUR, SECOND

#: Interval, mean delay (seconds) and length (hours) of what is sent.
NETWORKS = [(1.0, 0.05, 1.0), (1.0, 0.5, 1.0), (1.0, 2.0, 1.0), (60.0, 0.5, 12.0), (10.0, 2.0, 6.0), (60.0, 5.0, 24.0)]


@pytest.mark.parametrize(("offset", "ppm"), [(90.0, 0.0), (-3600.0, 50.0), (4.0, 20.0), (-30.0, -100.0), (0.0, 0.0)])
@pytest.mark.parametrize(("every", "delay", "hours"), NETWORKS)
def test_the_uncertainty_holds_the_true_error(
    offset: float, ppm: float, every: float, delay: float, hours: float
) -> None:
    seen = watch(sent(11, hours, every, delay, offset, ppm))
    assert seen.covered >= 0.99
    assert seen.uncertainties[-1] <= 1.0
    assert seen.clock.state is (ClockState.SET if offset == 0 else ClockState.CORRECTED)


@pytest.mark.parametrize("seed", range(8))
def test_outages_and_bursts_leave_the_uncertainty_honest(seed: int) -> None:
    """Three outages of random length; what was measured meanwhile comes at once at the end of each."""
    rng = np.random.default_rng(seed)
    packs = sent(seed, 6.0, 5.0, 1.0, -3600.0, 50.0)
    received = packs.received.copy()
    for start in rng.uniform(0, 5 * 3600, 3):
        out = (packs.true >= start) & (packs.true < start + rng.exponential(1200))
        received[out] = np.maximum(received[out], packs.true[out].max(initial=0.0) + rng.random(int(out.sum())))
    seen = watch(replace(packs, received=received))
    assert seen.covered >= 0.99
    assert seen.clock.state is ClockState.CORRECTED


def test_the_table_of_the_issue() -> None:
    for name, (offset, ppm, jump) in CASES.items():
        packs = sent(6, 3.0, 1.0, 0.5, offset, ppm, jump)
        seen = watch(packs)
        clock = seen.clock
        assert clock.offset_s is not None, name
        assert clock.uncertainty_s is not None, name
        assert abs(clock.offset_s - float(packs.device[-1] - packs.true[-1])) <= clock.uncertainty_s <= 0.5, name
        assert clock.jumps == (jump is not None), name


def test_drift_is_found() -> None:
    clock = watch(sent(3, 3.0, 1.0, 0.5, -3600.0, 50.0)).clock
    assert clock.drift_ppm == pytest.approx(50.0, abs=5.0)
    assert clock.drift_uncertainty_ppm is not None
    assert clock.drift_uncertainty_ppm <= 20.0


@st.composite
def queues(draw: st.DrawFn) -> Packs:
    """A right clock behind every kind of outage that we know of. It may drift by 100 ppm for as long as the run lasts."""
    every = draw(st.sampled_from([1.0, 5.0, 10.0, 60.0]))
    delay = draw(st.sampled_from([0.05, 0.5, 2.0, 8.0]))
    packs = sent(draw(st.integers(0, 2**32 - 1)), every * draw(st.integers(300, 1500)) / 3600, every, delay)
    received = packs.received.copy()
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.floats(0.0, 0.9)) * float(packs.true[-1])
        length = draw(st.floats(1.0, 7200.0))
        rate = draw(st.sampled_from([1.01, 1.05, 1.5, 3.0, 20.0, 1000.0]))
        received = draw(st.sampled_from(OUTAGES))(packs.true, received, start, length, rate)
    return replace(packs, received=received)


def burst(true: Times, received: Times, start: float, length: float, _rate: float) -> Times:
    """All at once when the connection is back."""
    out = (true >= start) & (true < start + length)
    return np.where(out, np.maximum(received, start + length), received)


def worked_off(true: Times, received: Times, start: float, length: float, rate: float) -> Times:
    """In its order, ``rate`` times as fast as it grows."""
    due = start + length + (true - start) / rate
    return np.where((true >= start) & (due > true), np.maximum(received, due), received)


def newest_first(true: Times, received: Times, start: float, length: float, rate: float) -> Times:
    """Live values go on; the old ones come among them, newest first."""
    return _among(true, received, start, length, rate, -1)


def oldest_first(true: Times, received: Times, start: float, length: float, rate: float) -> Times:
    return _among(true, received, start, length, rate, 1)


def _among(true: Times, received: Times, start: float, length: float, rate: float, order: int) -> Times:
    late = np.flatnonzero((true >= start) & (true < start + length))[::order]
    result = received.copy()
    result[late] = start + length + (true[late] - start)[::order] / rate
    return result


OUTAGES = (burst, worked_off, newest_first, oldest_first)


@settings(max_examples=80)
@given(queues(), st.booleans())
def test_a_right_clock_is_never_corrected(packs: Packs, numbered: bool) -> None:
    tracker = ClockTracker()
    for number, _, device, received in packs:
        assert tracker.observe(1, number if numbered else NO_SEQUENCE, device, received) is None


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(120.0, 1800.0), st.floats(10.0, 7200.0))
def test_a_lag_that_stands_still_for_hours_after_the_clock_was_seen_live_is_a_queue(
    seed: int, start: float, lag: float
) -> None:
    packs = sent(seed, 4.0, 10.0, 1.0)
    received = packs.received + np.where(packs.true >= start, lag, 0.0)
    tracker = ClockTracker()
    for number, _, device, at in replace(packs, received=received):
        assert tracker.observe(1, number, device, at) is None


@pytest.mark.parametrize("numbered", [True, False])
def test_a_clock_set_back_is_no_queue(numbered: bool) -> None:
    packs = sent(5, 2.0, 1.0, 0.2, 0.0, 0.0, (1800.0, -3600.0))
    tracker = ClockTracker()
    for number, _, device, received in packs:
        tracker.observe(1, number if numbered else NO_SEQUENCE, device, received)
    clock = tracker.clock(START + 2 * HOUR)
    assert clock is not None
    assert (clock.state, clock.jumps) == (ClockState.CORRECTED, 1)
    assert clock.offset_s == pytest.approx(-3600.0, abs=0.3)


@settings(max_examples=60)
@given(queues(), st.floats(0.1, 0.9), st.floats(3.0, 7200.0))
def test_what_a_step_back_proves_holds_the_true_time(packs: Packs, place: float, back: float) -> None:
    """Whatever waits meanwhile, in whatever order: nothing of the stepped clock is put further off than its line says."""
    first = round(place * packs.true.size)
    stepped = np.arange(packs.true.size) >= first
    tracker = ClockTracker()
    for number, true, device, received in replace(packs, device=packs.device - np.where(stepped, back, 0.0)):
        line = tracker.observe(1, number, device, received)
        if line is not None and line.base > line.bound:
            assert number >= first
            assert 0 <= line.true_time(device) - true <= line.base * SECOND


def test_old_packs_of_an_earlier_epoch_do_not_disturb_the_present_one() -> None:
    tracker = ClockTracker()
    for number, _, device, received in sent(1, 0.1, 1.0, 0.2, 90.0):
        tracker.observe(1, number, device, received)
    for number, true, device, received in sent(2, 0.1, 1.0, 0.2, 30.0):
        tracker.observe(2, number, device + HOUR, received + HOUR)
        line = tracker.observe(1, 1000 + number, true - HOUR + 90 * SECOND, received + HOUR)
        assert line is not None
        assert abs(line.true_time(true - HOUR + 90 * SECOND) - (true - HOUR)) <= SECOND // 2
    clock = tracker.clock(START + 2 * HOUR)
    assert clock is not None
    assert clock.offset_s == pytest.approx(30.0, abs=0.3)


def test_a_device_keeps_few_numbers_however_long_it_sends() -> None:
    envelope = Envelope()
    for minute in range(60 * 24 * 30):
        envelope.add(START + minute * 60 * SECOND, 100 + minute % 7)
        assert len(envelope.times) <= BINS
    assert envelope.times == sorted(envelope.times)
    assert envelope.times[-1] - envelope.times[0] <= DAY + HOUR


def test_a_server_clock_that_was_set_back_breaks_nothing() -> None:
    tracker = ClockTracker()
    for number, _, device, received in sent(1, 0.2, 1.0, 0.2):
        tracker.observe(1, number, device, received)
    for number, _, device, received in sent(2, 0.2, 1.0, 0.2):
        tracker.observe(1, 10_000 + number, device + 720 * SECOND, received)
    clock = tracker.clock(START + 720 * SECOND)
    assert clock is not None
    assert (clock.state, clock.jumps) == (ClockState.CORRECTED, 1)
    assert clock.offset_s == pytest.approx(720.0, abs=0.3), "the server's time is what true time is here"


@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.integers(0, 10**8)), min_size=2, max_size=32, unique_by=lambda p: p[0]
    ),
    st.integers(-(10**12), 10**12),
)
def test_no_lag_lies_below_the_line(points: list[tuple[int, int]], offset: int) -> None:
    times, lags = (list(column) for column in zip(*sorted(points), strict=True))
    line = fit(times, [lag + offset for lag in lags], 0.25)
    assert all(line.shift_at(time) <= lag + offset + 2 for time, lag in zip(times, lags, strict=True))
    assert any(abs(line.shift_at(time) - lag - offset) <= 2 for time, lag in zip(times, lags, strict=True))
