"""When a value was measured: corrected by what live packs showed of the clock, held, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.batch import Columns, Pack, columns_of
from ingest.clocks import Clocks
from ingest.decode import decode
from ingest.time import Timekeeper
from ingest.validate import validate
from tests.unit.ingest.rig import HR, NOW, Rig, pack
from vigil.domain.device_clock import ClockState
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND, from_iso
from vigil.runtime.mqtt import Message

AHEAD, CORRECTED = int(Quality.CLOCK_AHEAD), int(Quality.CLOCK_CORRECTED)


class Desk:
    """Time and validation alone. True time starts at ``NOW``; the device's clock shows ``offset`` more, in microseconds."""

    def __init__(self) -> None:
        self.clocks = Clocks()
        self.keeper = Timekeeper(self.clocks)
        self.seq = 0

    def message(
        self, device: int, received: int, *values: dict[str, Any], epoch: int = 1, history: bool = False
    ) -> Message:
        body = json.dumps(pack(*(values or (HR,)), seq=self.seq, epoch=epoch, at=device / 1e6)).encode()
        self.seq += 1
        topic = f"rpm/v1/home/d/w-1/tel/{'backfill' if history else 'vitals'}"
        return Message(topic, body, 1, 1, 1, received)

    def run(self, *messages: Message) -> tuple[list[Pack], Columns]:
        packs = [decode(message) for message in messages]
        columns = columns_of(packs)
        self.keeper.settle(packs, columns)
        validate(packs, columns)
        return packs, columns

    def live(
        self, offset: int, start_s: int, end_s: int, delay_s: float = 0.1, epoch: int = 1, step: int = 1
    ) -> list[tuple[int, int]]:
        """A pack each ``step`` seconds of true time; (measured time less true time, quality) of each, -1 for a refused one."""
        found = []
        for second in range(start_s, end_s, step):
            true = NOW + second * SECOND
            message = self.message(true + offset, true + round(delay_s * SECOND), epoch=epoch)
            _, columns = self.run(message)
            quality = int(columns.quality[0]) if columns.keep[0] else -1
            found.append((int(columns.measured_at[0]) - true, quality))
        return found

    def state(self, second: int) -> ClockState:
        clock = self.clocks.clock("w-1", NOW + second * SECOND)
        assert clock is not None
        return clock.state


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_clock_ahead_stands_at_receipt_until_it_is_known_and_is_then_corrected(desk: Desk) -> None:
    found = desk.live(90 * SECOND, 0, 180)
    first = next(place for place, (_, quality) in enumerate(found) if quality & CORRECTED)
    assert 60 <= first <= 120
    assert set(found[:first]) == {(100_000, AHEAD)}
    assert {quality for _, quality in found[first:]} == {CORRECTED}
    assert max(abs(error) for error, _ in found[first:]) <= 250_000
    assert desk.state(180) is ClockState.CORRECTED


def test_a_clock_behind_is_believed_for_a_quarter_of_an_hour(desk: Desk) -> None:
    found = desk.live(-HOUR, 0, 1200, step=5)
    first = next(place for place, (_, quality) in enumerate(found) if quality)
    assert 900 <= 5 * first <= 1080
    assert set(found[:first]) == {(-HOUR, 0)}
    assert {quality for _, quality in found[first:]} == {CORRECTED}
    assert max(abs(error) for error, _ in found[first:]) <= 250_000


def test_a_clock_that_is_less_than_two_seconds_off_is_left_alone(desk: Desk) -> None:
    assert set(desk.live(1_700_000, 0, 300)) == {(1_700_000, 0)}
    assert desk.state(300) is ClockState.SET


def test_raw_time_and_receipt_stay_as_they_are(desk: Desk) -> None:
    desk.live(90 * SECOND, 0, 120)
    _, columns = desk.run(desk.message(NOW + 300 * SECOND, NOW + 210 * SECOND))
    assert columns.device_time.tolist() == [NOW + 300 * SECOND]
    assert columns.received_at.tolist() == [NOW + 210 * SECOND]


@pytest.mark.parametrize("before", [-HOUR, -NOW + 5 * SECOND])
def test_a_clock_that_is_set_right_is_believed_at_once(desk: Desk, before: int) -> None:
    """The old correction would point into the future."""
    assert desk.live(before, 0, 1200, step=5)[-1][1] == CORRECTED
    assert set(desk.live(0, 1200, 1400)) == {(0, 0)}
    assert desk.state(1400) is ClockState.SET


def test_history_that_an_old_line_would_put_into_the_future_stands_as_sent(desk: Desk) -> None:
    desk.live(-NOW + 5 * SECOND, 0, 120)
    desk.live(0, 120, 130)
    _, columns = desk.run(desk.message(NOW + 125 * SECOND, NOW + 130 * SECOND, history=True))
    assert columns.measured_at.tolist() == [NOW + 125 * SECOND]
    assert columns.quality.tolist() == [0]


@pytest.mark.parametrize("jump", [3, 20, 3600, 400 * 86_400])
def test_no_time_lies_more_than_5_s_after_receipt(desk: Desk, jump: int) -> None:
    found = [*desk.live(-HOUR, 0, 1200, step=5), *desk.live(-HOUR + jump * SECOND, 1200, 1400)]
    assert max(error for error, quality in found if quality >= 0) <= 5_100_000


def test_a_clock_that_steps_back_is_followed(desk: Desk) -> None:
    desk.live(90 * SECOND, 0, 120)
    desk.live(0, 120, 130)
    assert desk.state(130) is ClockState.JUMPED
    assert desk.live(0, 130, 300)[-1] == (0, 0)
    clock = desk.clocks.clock("w-1", NOW + 300 * SECOND)
    assert clock is not None
    assert (clock.state, clock.jumps, clock.jumped_at) == (ClockState.SET, 1, NOW + 120_100_000)


def test_a_numbered_clock_that_steps_back_is_seen_at_the_second_pack(desk: Desk) -> None:
    """A later pack with an earlier time: made after the pack before it, and before it came. So much is known at once."""
    assert set(desk.live(0, 0, 600, step=60)) == {(0, 0)}
    found = desk.live(-HOUR, 600, 3600, step=60)
    known = next(place for place, (_, quality) in enumerate(found) if quality == CORRECTED)
    assert found[0] == (-HOUR, 0)
    assert set(found[1:known]) == {(100_000, AHEAD)}
    assert {quality for _, quality in found[known:]} == {CORRECTED}
    assert max(abs(error) for error, _ in found[1:]) <= 250_000
    assert set(desk.live(0, 3600, 4200, step=60)) == {(0, 0)}


def test_what_is_proved_to_a_second_is_corrected_as_if_it_were_known(desk: Desk) -> None:
    desk.live(0, 0, 60)
    found = desk.live(-HOUR, 60, 120)
    assert set(found[:4]) == {(-HOUR, 0)}
    assert set(found[4:]) == {(100_000, CORRECTED)}


@pytest.mark.parametrize("before", [HOUR, 10 * SECOND])
def test_a_clock_ahead_that_is_set_right_is_not_behind(desk: Desk, before: int) -> None:
    """Its last times lay in the future: they prove nothing of the new ones."""
    desk.live(before, 0, 30)
    assert set(desk.live(0, 30, 400)) == {(0, 0)}


def test_a_known_clock_ahead_that_is_set_right_is_believed_at_the_second_pack(desk: Desk) -> None:
    """Its old correction would put values before those that were made before them."""
    assert desk.live(HOUR, 0, 1200, step=60)[-1][1] == CORRECTED
    found = desk.live(0, 1200, 2400, step=60)
    assert abs(found[0][0] + HOUR) <= SECOND
    assert set(found[1:]) == {(0, 0)}


def test_old_values_under_new_numbers_are_not_shown_as_live(desk: Desk) -> None:
    """A hub that numbers packs as it sends them hands over half a minute of ten minutes ago, at once, among live ones."""
    desk.live(0, 0, 600, step=60)
    for old in range(30):
        true = NOW + old * SECOND
        _, columns = desk.run(desk.message(true, NOW + 600 * SECOND + old * 1000))
        assert (columns.measured_at.tolist(), columns.quality.tolist()) == ([true], [0])
    assert set(desk.live(0, 660, 900, step=60)) == {(0, 0)}


def test_a_step_back_in_a_long_silence_proves_too_little(desk: Desk) -> None:
    """Twenty minutes in which nothing came: by so much a value might be older than it would stand."""
    desk.live(0, 0, 600, step=60)
    assert set(desk.live(-HOUR, 1800, 2400, step=60)) == {(-HOUR, 0)}


def test_what_was_made_before_the_step_is_not_moved_by_it(desk: Desk) -> None:
    """An hour late, it looks as if it came from the clock that is an hour behind; its number says that it did not."""
    desk.live(0, -3600, -3000, step=60)
    late = desk.message(NOW - 3000 * SECOND, NOW + 601 * SECOND)
    desk.live(0, -2940, 480, step=60)
    assert desk.live(-HOUR, 480, 600, step=60)[-1] == (100_000, AHEAD)
    _, columns = desk.run(late)
    assert (columns.measured_at.tolist(), columns.quality.tolist()) == ([NOW - 3000 * SECOND], [0])


def test_a_step_back_during_an_outage_leaves_old_values_old(desk: Desk) -> None:
    """What waited is sent in its order on the topic of live values: never moved beyond what its numbers prove."""
    desk.live(0, 0, 600, step=60)
    for waited in range(600, 2400, 60):
        true = NOW + waited * SECOND
        _, columns = desk.run(desk.message(true - HOUR, NOW + 2400 * SECOND + waited * 1000))
        moved = int(columns.measured_at[0]) - true
        assert moved == -HOUR or abs(moved) <= 5 * MINUTE
    assert desk.live(-HOUR, 2400, 4800, step=60)[-1][1] == CORRECTED


def test_without_numbers_a_step_back_is_believed_as_before(desk: Desk) -> None:
    tracker = desk.clocks
    for second in range(0, 600, 60):
        true = NOW + second * SECOND
        behind = HOUR if second >= 300 else 0
        assert tracker.observe("w-1", NO_SEQUENCE, NO_SEQUENCE, true - behind, true) is None


@pytest.mark.parametrize(("epoch", "known"), [(8, True), (5, False), (4_000_000_000, False)])
def test_a_boot_counter_shows_a_clock_that_lost_its_time(desk: Desk, epoch: int, known: bool) -> None:
    """It starts at the date of its firmware. A random number does not say which of two starts was the later one."""
    firmware = from_iso("2024-06-01T00:00:00Z") - NOW
    desk.live(0, 0, 600, step=60, epoch=7)
    desk.seq = 0
    found = desk.live(firmware, 610, 1400, step=60, epoch=epoch)
    assert found[0] == (firmware, 0)
    assert (set(found[1:8]) == {(100_000, AHEAD)}) is known
    assert known or set(found[1:8]) == {(firmware, 0)}


def test_history_is_corrected_with_the_line_of_its_epoch(desk: Desk) -> None:
    old = desk.message(NOW - 2 * HOUR + 90 * SECOND, 0, history=True)
    desk.live(90 * SECOND, 0, 120)
    desk.live(-40 * SECOND, 120, 240, epoch=2)
    older = desk.message(NOW - HOUR + 90 * SECOND, NOW + 250 * SECOND, epoch=1, history=True)
    packs, columns = desk.run(Message(old.topic, old.payload, 1, 1, 1, NOW + 250 * SECOND), older)
    assert [one.values.epoch for one in packs] == [1, 1]
    assert np.abs(columns.measured_at - [NOW - 2 * HOUR, NOW - HOUR]).max() <= 250_000
    assert columns.quality.tolist() == [CORRECTED, CORRECTED]


def test_history_says_nothing_of_the_clock(desk: Desk) -> None:
    for second in range(0, 1200, 10):
        desk.run(desk.message(NOW + second * SECOND - HOUR, NOW + second * SECOND, history=True))
    assert desk.clocks.clock("w-1", NOW) is None


def test_a_clock_that_was_never_set_keeps_its_live_values_and_their_distances(desk: Desk) -> None:
    message = desk.message(9 * SECOND, NOW, {"n": "hr", "v": 70, "t": -4}, {"n": "hr", "v": 71})
    packs, columns = desk.run(message)
    assert columns.measured_at.tolist() == [NOW - 4 * SECOND, NOW]
    assert columns.quality.tolist() == [AHEAD, AHEAD]
    assert not packs[0].values.refused
    assert desk.state(0) is ClockState.NEVER_SET


def test_a_clock_that_started_in_1970_is_corrected_within_two_minutes(desk: Desk) -> None:
    found = desk.live(-NOW + 5 * SECOND, 0, 180)
    first = next(place for place, (_, quality) in enumerate(found) if quality & CORRECTED)
    assert first <= 120
    assert max(abs(error) for error, _ in found) <= 250_000
    assert desk.state(180) is ClockState.NEVER_SET
    clock = desk.clocks.clock("w-1", NOW + 180 * SECOND)
    assert clock is not None
    assert clock.corrected
    _, columns = desk.run(desk.message(60 * SECOND, NOW + 181 * SECOND, history=True))
    assert (columns.measured_at - (NOW + 55 * SECOND)).tolist() == pytest.approx([0], abs=250_000)


def test_history_of_a_clock_that_was_never_set_and_is_not_known_is_a_dead_letter(desk: Desk) -> None:
    packs, columns = desk.run(desk.message(60 * SECOND, NOW, history=True))
    assert not columns.keep.any()
    assert [item["reason"] for item in packs[0].values.refused] == ["time_too_old"]


def test_a_clock_of_2106_is_refused_until_its_offset_is_known(desk: Desk) -> None:
    offset = 4_294_967_295 * SECOND - NOW
    found = desk.live(offset, 0, 180)
    first = next(place for place, (_, quality) in enumerate(found) if quality >= 0)
    assert first <= 120
    assert {quality for _, quality in found[:first]} == {-1}
    assert {quality for _, quality in found[first:]} == {CORRECTED}


def test_a_wild_time_among_good_ones_costs_only_itself(desk: Desk) -> None:
    desk.live(0, 0, 120)
    packs, _ = desk.run(desk.message(NOW + 400 * DAY, NOW + 120 * SECOND))
    assert [item["reason"] for item in packs[0].values.refused] == ["time_in_future"]
    assert set(desk.live(0, 121, 240)) == {(0, 0)}
    assert desk.state(240) is ClockState.SET


def test_a_gateway_that_catches_up_is_no_slow_clock(desk: Desk) -> None:
    """Live, then an hour's queue sent in its order at exactly the rate at which it grows: the lag stands still for an hour."""
    desk.live(0, 0, 120)
    for second in range(120, 3720, 10):
        _, columns = desk.run(desk.message(NOW + second * SECOND, NOW + second * SECOND + HOUR))
        assert columns.quality.tolist() == [0]


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_any_split_into_batches_gives_the_same_times(cut: int) -> None:
    rng = np.random.default_rng(6)
    delays = rng.exponential(SECOND, 400).astype(int).tolist()
    desk = Desk()
    messages = [
        desk.message(NOW + n * SECOND + (90 if n < 200 else 1) * SECOND, NOW + n * SECOND + delay, history=n % 9 == 8)
        for n, delay in enumerate(delays)
    ]
    whole = Desk().run(*messages)[1]
    other = Desk()
    parts = [other.run(*messages[at : at + cut])[1] for at in range(0, len(messages), cut)]
    assert np.concatenate([part.measured_at for part in parts]).tolist() == whole.measured_at.tolist()
    assert np.concatenate([part.quality for part in parts]).tolist() == whole.quality.tolist()
    assert {CORRECTED, AHEAD, 0} <= set(whole.quality.tolist())


@pytest.mark.parametrize("offset", [90 * SECOND, -HOUR])
def test_a_restart_of_the_core_changes_nothing(rig: Rig, desk: Desk, tmp_path: Path, offset: int) -> None:
    times = [NOW + second * SECOND for second in range(0, 1800, 5)]
    rig.pipeline.run([desk.message(time + offset, time) for time in times])
    rig.restart(tmp_path)
    after = rig.pipeline.run([desk.message(NOW + HOUR + offset, NOW + HOUR)])
    assert after.quality.tolist() == [CORRECTED]
    assert after.measured_at.tolist() == [NOW + HOUR]


def test_after_a_restart_a_right_clock_is_still_not_behind(rig: Rig, desk: Desk, tmp_path: Path) -> None:
    rig.pipeline.run([desk.message(NOW + second * SECOND, NOW + second * SECOND) for second in range(0, 300, 5)])
    rig.restart(tmp_path)
    late = [desk.message(NOW + n * SECOND, NOW + n * SECOND + HOUR) for n in range(300, 2400, 5)]
    assert set(rig.pipeline.run(late).quality.tolist()) == {0}


def test_a_pair_is_of_one_moment_and_one_site(desk: Desk) -> None:
    def at(site: str, *values: tuple[str, float]) -> list[dict[str, Any]]:
        return [record for n, v in values for record in ({"n": n, "v": v}, {"n": f"{n}.site", "vs": site})]

    arms = [*at("left", ("sbp", 16.0), ("dbp", 10.4)), *at("right", ("sbp", 121), ("dbp", 78))]
    packs, columns = desk.run(desk.message(NOW, NOW, *arms))
    kept = [(columns.site[index], columns.value[index]) for index in np.flatnonzero(columns.keep)]
    assert kept == [("right", 121), ("right", 78)]
    assert [item["reason"] for item in packs[0].values.refused] == ["out_of_range"] + ["pair_refused"] * (
        len(packs[0].values.refused) - 1
    )
