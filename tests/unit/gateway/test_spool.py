"""The spool: nothing accepted is lost, numbers have no gap, room is bounded, only what is acknowledged goes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from gateway.spool import LIVE_FOR_US, Outgoing, Spool
from gateway.spool_accept import REMEMBERED_LINES, Accepted
from tests.unit.gateway.lines import NOON_S, new, opened, take
from vigil.domain.errors import SpoolError
from vigil.runtime.clock import ManualClock
from vigil.wire import packs as wire
from vigil.wire.resend import ResendRule

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_S * 1_000_000)


def numbers(outgoing: list[Outgoing]) -> list[tuple[str, int]]:
    return [(pack.device_id, pack.seq) for pack in outgoing]


def test_each_device_counts_from_zero_in_its_own_epoch(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    accepted = spool.accept([new(0), new(1), new(0, "w-2"), new(2)])
    assert [one.seq for one in accepted] == [0, 1, 0, 2]
    taken = take(spool, 10)
    epochs = {pack.device_id: pack.epoch for pack in taken}
    assert epochs["w-1"] != epochs["w-2"]
    for pack in taken:
        read = wire.read(pack.payload, pack.device_id)
        assert (read.epoch, read.seq, len(read.value)) == (epochs[pack.device_id], pack.seq, 2)
    spool.close()


def test_each_start_has_its_own_epoch_and_keeps_the_packs_of_the_last(tmp_path: Path, clock: ManualClock) -> None:
    """Also with the same seed at the same time: who puts back an old copy of the file must not use a number twice."""
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(0), new(1)])
    before = take(spool, 10)
    spool.close()
    again = opened(tmp_path / "spool.db", clock)
    assert (again.packs, again.size) == (spool.packs, spool.size)
    assert [one.seq for one in again.accept([new(2)])] == [0]
    again.all_due()
    after = take(again, 10)
    old = [pack for pack in after if pack.epoch == before[0].epoch]
    assert sorted((p.seq, p.payload) for p in old) == sorted((p.seq, p.payload) for p in before)
    assert [(pack.seq, wire.read(pack.payload, "w-1").epoch == pack.epoch) for pack in after if pack not in old] == [
        (0, True)
    ]
    again.close()


def test_a_repeated_line_keeps_its_number_also_after_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    assert spool.accept([new(0), new(1), new(0)]) == [Accepted(0), Accepted(1), Accepted(0, repeated=True)]
    assert spool.accept([new(1)]) == [Accepted(1, repeated=True)]
    ((epoch,),) = {(pack.epoch,) for pack in take(spool, 10)}
    spool.prune({("w-1", epoch): 1})
    spool.close()
    again = opened(tmp_path / "spool.db", clock)
    assert again.accept([new(0)]) == [Accepted(0, repeated=True)]
    assert again.packs == 0
    again.close()


def test_only_so_many_lines_are_remembered(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(number) for number in range(REMEMBERED_LINES)])
    assert spool.accept([new(0)])[0].repeated
    spool.accept([new(REMEMBERED_LINES)])
    assert not spool.accept([new(0)])[0].repeated
    assert spool.accept([new(2)])[0].repeated
    spool.close()


def test_a_full_spool_refuses_new_lines_and_keeps_the_old(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock, max_bytes=2000)
    accepted = spool.accept([new(number) for number in range(20)])
    kept = [one.seq for one in accepted if one.seq is not None]
    assert kept == list(range(len(kept)))
    assert 0 < len(kept) < 20
    assert spool.size <= 2000
    taken = take(spool, 100)
    assert sorted(pack.seq for pack in taken) == kept
    assert spool.prune({("w-1", taken[0].epoch): 3}) == 4
    assert spool.accept([new(19)])[0].seq == len(kept)
    spool.close()


def test_only_what_is_acknowledged_and_was_sent_is_deleted(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(number) for number in range(4)])
    clock.advance(1)
    spool.accept([new(0, "w-2")])
    taken = take(spool, 4)
    assert numbers(taken) == [("w-2", 0), ("w-1", 3), ("w-1", 2), ("w-1", 1)]  # the newest first
    epoch = taken[1].epoch
    assert spool.prune({("w-1", epoch + 1): 9, ("w-3", epoch): 9}) == 0
    assert spool.prune({("w-1", epoch): 1}) == 1
    assert spool.prune({("w-1", epoch): 1}) == 0
    assert spool.prune({("w-1", epoch): 3}) == 2
    assert numbers(take(spool, 9)) == [("w-1", 0)]  # covered, but never sent
    assert spool.packs == 2
    spool.close()


def test_resending_backs_off(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(0)])
    sent_at: list[int] = []
    for second in range(2000):
        for pack in take(spool, 9):
            assert pack.attempts == len(sent_at) + 1
            sent_at.append(second)
        clock.advance(1)
    assert sent_at == [0, 30, 90, 210, 450, 930, 1530]
    spool.close()


def test_after_a_reconnect_everything_is_due_and_the_back_off_starts_anew(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(number) for number in range(3)])
    for _ in range(5):
        assert len(take(spool, 9)) == 3
        spool.all_due()
    assert len(take(spool, 9)) == 3
    clock.advance(59.9)
    assert take(spool, 9) == []
    clock.advance(0.1)
    assert len(take(spool, 9)) == 3
    spool.close()


def test_a_clock_that_is_set_back_does_not_stop_the_resending(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(0)])
    take(spool, 9)
    clock.jump_to(1_000_000)
    assert len(take(spool, 9)) == 1
    spool.close()


def test_fresh_live_values_go_before_an_old_backlog_and_the_oldest_always_goes(
    tmp_path: Path, clock: ManualClock
) -> None:
    spool = opened(tmp_path / "spool.db", clock, rule=ResendRule(window=5))
    spool.accept([new(number) for number in range(20)])
    clock.advance(LIVE_FOR_US / 1e6)
    assert spool.take_live(9) == []
    spool.accept([new(20), new(21), new(22, backfill=True)])
    first = take(spool, 4)
    assert [(pack.seq, pack.channel) for pack in first] == [
        (21, "vitals"),
        (20, "vitals"),
        (0, "backfill"),
        (1, "backfill"),
    ]
    assert [pack.seq for pack in take(spool, 99)] == [2, 3, 4]
    assert take(spool, 99) == []  # the window is full
    spool.accept([new(23)])
    assert [pack.seq for pack in take(spool, 99)] == [23]
    epoch, seen = first[0].epoch, {0, 1, 2, 3, 4, 20, 21, 23}
    acknowledged = 4
    while spool.packs:
        spool.prune({("w-1", epoch): acknowledged})
        seen |= {pack.seq for pack in take(spool, 99)}
        acknowledged = max(seq for seq in range(24) if set(range(seq + 1)) <= seen)
        if seen == set(range(24)):
            spool.prune({("w-1", epoch): 23})
    assert seen == set(range(24))
    spool.close()


def test_a_second_gateway_on_the_same_file_is_told(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    with pytest.raises(SpoolError, match="another gateway uses it"):
        opened(tmp_path / "spool.db", clock)
    spool.close()
    opened(tmp_path / "spool.db", clock).close()


def test_a_damaged_or_foreign_file_is_an_error_with_its_name(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "damaged.db").write_bytes(b"no database" * 1000)
    with pytest.raises(SpoolError, match=r"damaged\.db"):
        opened(tmp_path / "damaged.db", clock)
    with sqlite3.connect(tmp_path / "later.db") as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(SpoolError, match="version 7"):
        opened(tmp_path / "later.db", clock)
    with pytest.raises(SpoolError, match="cannot be opened"):
        opened(tmp_path, clock)


def test_others_on_the_machine_cannot_read_it(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "deep" / "spool.db", clock)
    spool.accept([new(0)])
    for file in (tmp_path / "deep").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name
    spool.close()


def test_a_failed_commit_changes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(0)])
    _limit_pages(spool, spool_pages(spool))
    before = (spool.packs, spool.size)
    with pytest.raises(SpoolError, match="full"):
        spool.accept([new(number, values={"hr": 60, "spo2": 97, "rr": 12}) for number in range(1, 2000)])
    assert (spool.packs, spool.size) == before
    _limit_pages(spool, 100_000)
    assert spool.accept([new(1), new(0)]) == [Accepted(1), Accepted(0, repeated=True)]
    spool.close()


def test_every_commit_waits_for_the_disk(tmp_path: Path, clock: ManualClock) -> None:
    """``kill -9`` cannot show it, a power cut would: 2 is FULL."""
    spool = opened(tmp_path / "spool.db", clock)
    assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert spool._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    spool.close()


def spool_pages(spool: Spool) -> int:
    (pages,) = spool._db.execute("PRAGMA page_count").fetchone()
    return int(pages)


def _limit_pages(spool: Spool, pages: int) -> None:
    """The nearest thing to a full disk that needs no special rights."""
    spool._db.execute(f"PRAGMA max_page_count = {pages}")


def test_kill_9_loses_nothing_that_was_accepted(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "spool.db"
    said: set[tuple[str, int]] = set()
    for start, lines in ((0, 500), (1_000_000, 501)):
        command = [sys.executable, "-m", "tests.unit.gateway.spool_child", str(path), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            assert child.stdout is not None
            heard = [child.stdout.readline() for _ in range(lines)]
            child.kill()
            heard += child.stdout.read().splitlines()  # said before the kill, read after it; short writes are whole
        said |= {(device, int(number)) for device, number, _ in map(str.split, heard)}
        spool = opened(path, clock)
        seqs: dict[tuple[str, int], list[int]] = defaultdict(list)
        stored: list[tuple[str, int]] = []
        for device, payload in spool._db.execute("SELECT device, payload FROM packs ORDER BY device, epoch, seq"):
            pack = wire.read(payload, device)
            seqs[device, pack.epoch].append(pack.seq)
            stored += [(device, at // 1_000_000 - NOON_S) for at in sorted(set(pack.time_us))]
        assert spool.packs == sum(map(len, seqs.values()))
        spool.close()
        assert all(numbers == list(range(len(numbers))) for numbers in seqs.values()), "a gap"
        assert len(stored) == len(set(stored)), "twice"
        assert said <= set(stored), "accepted, but not there"
    assert len(seqs) == 4
    assert len(said) >= 1001
