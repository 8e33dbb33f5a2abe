"""Too much and too old: what goes, who is told, and what a clock that is set does to it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from gateway.spool import Spool
from gateway.spool_bounds import KEPT_US, QUIET_S
from gateway.spool_dropped import Dropped, Reason
from gateway.spool_join import MAX_READINGS
from tests.unit.gateway.lines import NOON_S, new, opened, take
from vigil.runtime.clock import ManualClock
from vigil.wire import packs as wire
from vigil.wire.commands import Backfill

DAY_S = 86_400.0
NOON_US = NOON_S * 1_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_US)


def seqs(spool: Spool, device: str = "w-1") -> list[int]:
    return [seq for (seq,) in spool._db.execute("SELECT seq FROM packs WHERE device = ? ORDER BY seq", (device,))]


def counted(spool: Spool) -> tuple[int, int]:
    """``packs`` and ``size`` as the file has them."""
    return spool._db.execute("SELECT count(*), sum(length(payload)) + 100 * count(*) FROM packs").fetchone()  # type: ignore[no-any-return]


def test_what_waited_too_long_goes_and_is_said(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path / "spool.db", clock, max_age_s=3 * DAY_S)
    for day in range(6):
        spool.accept([new(day * 86_400 + k, device) for k in range(2) for device in ("w-1", "w-2")])
        clock.advance(DAY_S)
    with caplog.at_level(logging.WARNING):
        assert (
            spool.drop_old() == 10
        )  # of days 0 to 3, two of the first and then one a day; day 3 is three days old by now
        assert spool.drop_old() == 0
    assert seqs(spool) == seqs(spool, "w-2") == [5, 6]
    assert (spool.packs, spool.size) == counted(spool)
    assert spool.lost == {Reason.AGE: 10}
    first, second = spool.dropped()
    assert (first.device_id, first.first, first.last, first.readings) == ("w-1", 0, 4, 16)
    assert (first.from_us, first.to_us) == (NOON_US, NOON_US + 3 * 86_400_000_000 + 1_000_000)
    assert (second.device_id, second.reason) == ("w-2", Reason.AGE)
    assert [record.message.split(":")[0] for record in caplog.records] == ["the spool begins to drop"] * 2
    clock.advance(DAY_S)
    with caplog.at_level(logging.WARNING):
        assert spool.drop_old() == 2
    assert [run.last for run in spool.dropped()] == [5, 5]
    assert len(caplog.records) == 2  # the same runs, only longer
    spool.close()


def test_nothing_is_too_old_while_the_platform_takes_packs(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock, max_age_s=2 * DAY_S)
    spool.accept([new(number, values={"hr": 60 + number}) for number in range(4)])
    clock.advance(5 * DAY_S)
    spool.close()
    spool = opened(tmp_path / "spool.db", clock, max_age_s=2 * DAY_S)
    assert spool.drop_old() == 0  # it has just started
    first = take(spool, 1)[0]
    clock.advance(QUIET_S - 1)
    assert spool.prune({("w-1", first.epoch): first.seq}) == 1
    clock.advance(QUIET_S - 1)
    assert spool.drop_old() == 0
    clock.advance(1)
    assert spool.drop_old() == 3
    spool.close()


def test_a_full_spool_gives_up_what_can_raise_no_alarm_for_what_can(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock, max_bytes=10_000)
    spool.take_live(1)
    for number in range(60):
        spool.accept([new(number, "w-1" if number % 2 else "w-2")])
        spool.take_live(9)
        clock.advance(1)
    full = spool.packs
    assert spool.size <= 10_000
    clock.advance(KEPT_US / 1e6 - 100)
    assert spool.accept([new(1000)])[0].seq is None  # all that is here could still raise an alarm
    assert spool.dropped() == []
    clock.advance(100)
    accepted = spool.accept([new(1000 + number) for number in range(5)])
    assert all(one.seq is not None for one in accepted)
    assert spool.size <= 10_000
    gone = spool.dropped()
    assert {run.reason for run in gone} == {Reason.SIZE}
    assert {run.device_id for run in gone} == {"w-1", "w-2"}  # the oldest of all
    assert 0 < spool.lost[Reason.SIZE] < full / 2
    assert (spool.packs, spool.size) == counted(spool)
    spool.close()


def test_the_platform_is_told_what_it_need_not_wait_for(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path / "spool.db", clock, max_age_s=DAY_S)
    spool.accept([new(0), new(1)])
    clock.advance(DAY_S)
    spool.take_live(1)
    spool.accept([new(90_000), new(90_001), new(90_002)])
    assert spool.drop_old() == 2
    epoch = take(spool, 9)[0].epoch
    assert take(spool, 9) == []
    assert spool.asked_again("w-1", Backfill(epoch, 0, 2)) == [Backfill(epoch, 0, 1)]
    assert [pack.seq for pack in take(spool, 9)] == [2]
    assert spool.asked_again("w-1", Backfill(epoch, 4, 90)) == []  # never used, so nothing is gone
    assert spool.asked_again("w-1", Backfill(epoch + 1, 0, 90)) == []  # somebody else's
    spool.close()
    spool = opened(tmp_path / "spool.db", clock, max_age_s=DAY_S)
    assert spool.asked_again("w-1", Backfill(epoch, 0, 9)) == [Backfill(epoch, 0, 1)]  # also at the next start
    with caplog.at_level(logging.WARNING):
        assert spool.prune({("w-1", epoch): 4}) == 3
    assert "the platform knows: device w-1" in caplog.text
    assert spool.dropped() == [Dropped("w-1", epoch, 0, 1, Reason.AGE, 4, NOON_US, NOON_US + 1_000_000)]
    spool.close()


def test_a_gateway_that_starts_in_1970_keeps_everything_when_it_learns_the_date(tmp_path: Path) -> None:
    clock = ManualClock(5_000_000)
    spool = opened(tmp_path / "spool.db", clock, max_age_s=DAY_S)
    spool.accept([new(number) for number in range(3)])
    clock.advance(QUIET_S)
    clock.jump_to(NOON_US)
    assert spool.drop_old() == 0
    clock.advance(DAY_S - QUIET_S)
    assert spool.drop_old() == 3  # a day after they came, by the steady clock
    spool.accept([new(number) for number in range(3, 6)])
    spool.close()
    for wrong in (5_000_000, 4_000_000_000_000_000):  # a clock that is wrong at the start: 1970, and 2096
        spool = opened(tmp_path / "spool.db", ManualClock(wrong), max_age_s=DAY_S)
        spool._clock.sleep(QUIET_S)
        assert spool.drop_old() == 0
        spool.close()


def test_values_stay_live_when_the_clock_is_set(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(0)])
    clock.advance(1)
    clock.jump_to(NOON_US + 40 * 86_400_000_000)
    assert [pack.channel for pack in take(spool, 9)] == ["vitals"]
    spool.close()


def test_lines_join_while_nobody_takes_packs(tmp_path: Path, clock: ManualClock) -> None:
    """At 1 Hz: two packs until it is plain that nobody does, then ten lines to a pack."""
    spool = opened(tmp_path / "spool.db", clock)
    told = []
    for second in range(32):
        told += spool.accept([new(second)])
        clock.advance(1)
    assert [one.seq for one in told] == [0, *[1] * 10, *[2] * 10, *[3] * 10, 4]
    assert (spool.packs, spool.size) == counted(spool)
    packs = sorted(take(spool, 99), key=lambda pack: pack.seq)
    read = [wire.read(pack.payload, "w-1") for pack in packs]
    assert [at for pack in read for at in pack.time_us[::2]] == [(NOON_S + second) * 1_000_000 for second in range(32)]
    assert all(pack.refused == [] for pack in read)
    assert spool.accept([new(31)])[0].repeated
    assert spool.accept([new(33)])[0].seq == len(packs)  # those before are sent
    spool.close()


def test_history_joins_up_to_a_hundred_values_and_live_values_never(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.take_live(1)
    accepted = spool.accept([new(number, backfill=True) for number in range(120)])
    assert [one.seq for one in accepted] == [number // 50 for number in range(120)]
    assert MAX_READINGS == 100
    clock.advance(1)
    assert [one.seq for one in spool.accept([new(200), new(201)])] == [3, 4]
    spool.close()


def test_a_joined_pack_is_what_a_pack_of_all_its_values_would_be(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    odd = {"avpu": "V", "temp": {"value": 36.8, "q": 1, "site": "ear"}, "spo2": None}
    lines = [new(number, backfill=True, values=odd | {"hr": 60 + number}) for number in (7, 3, 9)]
    spool.accept(lines)
    (pack,) = take(spool, 9)
    assert pack.payload == wire.write("w-1", pack.epoch, 0, [sample for line in lines for sample in line.samples])
    spool.close()


def test_two_values_of_one_name_and_time_never_join(tmp_path: Path, clock: ManualClock) -> None:
    """The platform would refuse the second as a contradiction; apart, both are kept."""
    spool = opened(tmp_path / "spool.db", clock)
    lines = [{"hr": 60}, {"spo2": 97}, {"hr": 61}, {"spo2": {"value": 95, "site": "ear"}}]
    accepted = spool.accept([new(0, backfill=True, values=values) for values in lines])
    assert [one.seq for one in accepted] == [0, 0, 1, 1]
    spool.close()
