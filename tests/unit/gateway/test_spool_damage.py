"""A damaged spool: moved aside, all that can be read is saved, no number is given twice, the gateway starts."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gateway.spool_dropped import Reason
from gateway.spool_tables import READ_ERRORS, check_sum, tolerant_text
from gateway.spool_thread import SpoolThread
from tests.unit.gateway.lines import NOON_S, new, opened, take
from vigil.domain.errors import SpoolError
from vigil.runtime.clock import ManualClock
from vigil.wire import packs as wire
from vigil.wire.commands import Backfill

Rows = dict[tuple[str, int, int], bytes]
_CONTENT = "SELECT device, epoch, seq, payload, crc FROM packs"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_S * 1_000_000)


@dataclass(frozen=True)
class Site:
    """A spool as a crash leaves it: some packs in the database, the last ones only in its log."""

    db: Path
    rows: Rows

    def copied(self, folder: Path) -> Path:
        for suffix in ("", "-wal"):
            shutil.copy(self.db.with_name(self.db.name + suffix), folder / f"spool.db{suffix}")
        return folder / "spool.db"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    spool = opened(folder / "living.db", ManualClock(NOON_S * 1_000_000))
    for first in range(0, 400, 40):
        spool.accept([new(first + k, f"w-{1 + k % 3}") for k in range(40)])
        if first == 200:
            spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = Site(folder / "left.db", _rows(spool._db))
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"living.db{suffix}", folder / f"left.db{suffix}")
    spool.close()
    return left


def _rows(db: sqlite3.Connection, order: str = "") -> Rows:
    """What SQLite reads until it fails, as far as it is what was written."""
    found: Rows = {}
    try:
        for device, epoch, seq, payload, crc in db.execute(f"{_CONTENT} {order}"):
            if isinstance(payload, bytes) and check_sum(device, epoch, seq, payload) == crc:
                found[device, epoch, seq] = payload
    except READ_ERRORS:
        pass
    return found


def _readable(folder: Path) -> Rows:
    """By four ways through the file, on a copy of it."""
    found: Rows = {}
    for number, order in enumerate(
        ("", "ORDER BY rowid DESC", "ORDER BY device, epoch, seq", "ORDER BY device DESC, seq DESC")
    ):
        copy = folder / f"copy-{number}"
        copy.mkdir()
        for suffix in ("", "-wal"):
            if (folder / f"spool.db{suffix}").exists():
                shutil.copy(folder / f"spool.db{suffix}", copy / f"spool.db{suffix}")
        db = sqlite3.connect(copy / "spool.db")
        db.text_factory = tolerant_text
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            found |= _rows(db, order)
        except READ_ERRORS:
            pass
        finally:
            db.close()
    return found


def _flip(content: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(len(content), size=int(rng.integers(1, 9))):
        content[place] ^= 1 << int(rng.integers(8))


def _zero_page(content: bytearray, rng: np.random.Generator) -> None:
    start = 4096 * int(rng.integers(len(content) // 4096))
    content[start : start + 4096] = bytes(len(content[start : start + 4096]))


def _truncate(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(len(content))) :]


def _noise(content: bytearray, rng: np.random.Generator) -> None:
    start = int(rng.integers(len(content)))
    stop = min(len(content), start + int(rng.integers(1, 9000)))
    content[start:stop] = rng.bytes(stop - start)


def damage(path: Path, rng: np.random.Generator) -> str:
    """One random damage of the database, its log, or both."""
    acts: list[Callable[[bytearray, np.random.Generator], None]] = [_flip, _zero_page, _truncate, _noise]
    done = []
    for suffix in rng.choice(["", "-wal"], size=int(rng.integers(1, 3)), replace=False):
        file, act = path.with_name(path.name + suffix), acts[int(rng.integers(len(acts)))]
        content = bytearray(file.read_bytes())
        act(content, rng)
        file.write_bytes(content)
        done.append(f"{act.__name__} of spool.db{suffix}")
    return ", ".join(done)


def check(site: Site, folder: Path, seed: int) -> str:
    """What became of it: refused, rescued, or as if nothing had been."""
    path = site.copied(folder)
    what = f"seed {seed}: {damage(path, np.random.default_rng(seed))}"
    readable = _readable(folder)
    clock = ManualClock((NOON_S + 3600) * 1_000_000)
    try:
        spool = opened(path, clock, seed=seed)
    except SpoolError:
        # Only what no longer says that it was a spool may be left to a person.
        assert not readable or b"VigS" not in path.read_bytes()[:100] or path.read_bytes()[60:64] != b"\0\0\0\x02", what
        return "refused"
    try:
        saved = _rows(spool._db)
        assert saved.items() >= readable.items(), what
        assert site.rows.items() >= saved.items(), what
        for number in range(3):
            assert spool.accept([new(5000 + number)])[0].seq == number, what
        spool.all_due()
        sent: list[tuple[str, int, int]] = []
        while outgoing := take(spool, 500):
            for pack in outgoing:
                sent.append((pack.device_id, pack.epoch, pack.seq))
                times = wire.read(pack.payload, pack.device_id).time_us
                assert times == [] or times[0] >= (NOON_S + 5000) * 1_000_000 or site.rows[sent[-1]] == pack.payload, (
                    what
                )
            spool.prune({(device, epoch): seq for device, epoch, seq in sorted(sent)})
        assert len(set(sent)) == len(sent), what
        assert set(sent) >= set(saved), what
        rescued = spool.rescued is not None
        assert rescued == any(".damaged-" in file.name for file in folder.iterdir()), what
        return "rescued" if rescued else "unharmed"
    finally:
        spool.close()


def test_random_damages(site: Site, tmp_path: Path) -> None:
    outcomes = []
    for seed in range(16):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcomes.append(check(site, folder, seed))
        shutil.rmtree(folder)
    assert outcomes.count("rescued") >= 4
    assert outcomes.count("refused") <= 2


def _packs(path: Path, clock: ManualClock, lines: int = 6) -> int:
    """A closed spool with some packs; returns their epoch."""
    spool = opened(path, clock)
    spool.accept([new(number) for number in range(lines)])
    (epoch,) = spool._db.execute("SELECT DISTINCT epoch FROM packs").fetchone()
    spool.close()
    return int(epoch)


def _patch(path: Path, old: bytes, put: bytes) -> None:
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, put))


def test_a_value_that_changed_on_the_disk_is_never_sent(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite finds nothing wrong with it: a pulse of 63 that became 67."""
    path = tmp_path / "spool.db"
    epoch = _packs(path, clock)
    _patch(path, b'{"n":"hr","v":63}', b'{"n":"hr","v":67}')
    spool = opened(path, clock)
    assert spool.rescued is None
    assert sorted(pack.seq for pack in take(spool, 9)) == [0, 1, 2, 4, 5]
    assert spool.lost == {Reason.DAMAGED: 1}
    assert spool.packs == 5
    assert f"device w-1, epoch {epoch}, packs 3 to 3" in caplog.text
    assert spool.asked_again("w-1", Backfill(epoch, 0, 5)) == [Backfill(epoch, 3, 3)]
    spool.close()


def test_a_rescue_says_what_it_saved_and_keeps_the_old_file(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "spool.db"
    epoch = _packs(path, clock, 300)
    content = bytearray(path.read_bytes())
    page = content.index(b'"n":"seq","v":150}') // 4096
    content[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    path.write_bytes(content)
    spool = opened(path, clock)
    assert spool.rescued is not None
    quarantine = tmp_path / "spool.db.damaged-20260101T000000Z"
    assert (spool.rescued.quarantine, quarantine.read_bytes()) == (quarantine.name, bytes(content))
    assert spool.rescued.packs + spool.rescued.missing == 300
    assert 0 < spool.rescued.missing < 40
    assert f"{spool.rescued.packs} packs saved, {spool.rescued.missing} between them lost" in caplog.text
    (run,) = spool.dropped()
    assert run.last - run.first + 1 == spool.rescued.missing
    assert run.first <= 150 <= run.last
    assert spool.asked_again("w-1", Backfill(epoch, 0, 299)) == [Backfill(epoch, run.first, run.last)]
    spool.close()
    assert opened(path, clock).rescued is None


@pytest.mark.parametrize("moved", [(), ("-wal",), ("-wal", "")])
def test_a_rescue_that_was_cut_short_is_finished(tmp_path: Path, clock: ManualClock, moved: tuple[str, ...]) -> None:
    """``moved``: how far it had come with the old files when the power failed."""
    path = tmp_path / "spool.db"
    _packs(path, clock)
    path.rename(tmp_path / "spool.db.rescued")
    for suffix in {"", "-wal"} - set(moved):
        (tmp_path / f"spool.db{suffix}").write_bytes(b"rubbish" * 1000)
    spool = opened(path, clock)
    assert spool.packs == 6
    assert len([file for file in tmp_path.iterdir() if ".damaged-" in file.name]) == 2 - len(moved)
    spool.close()


def test_a_rescue_that_never_got_done_starts_anew(tmp_path: Path, site: Site, clock: ManualClock) -> None:
    path = site.copied(tmp_path)
    (tmp_path / "spool.db.rescuing").write_bytes(b"half of it")
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    spool = opened(path, clock)
    assert spool.rescued is not None
    assert not (tmp_path / "spool.db.rescuing").exists()
    spool.close()


def test_a_file_of_zeros_is_what_a_crash_leaves_and_another_programs_file_is_not_ours(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "zeros.db").write_bytes(bytes(40_960))
    spool = opened(tmp_path / "zeros.db", clock)
    assert spool.rescued is not None
    assert spool.accept([new(0)])[0].seq == 0
    spool.close()
    with sqlite3.connect(tmp_path / "notes.db") as db:
        db.execute("CREATE TABLE notes (text)")
    db.close()
    before = (tmp_path / "notes.db").read_bytes()
    with pytest.raises(SpoolError, match="another program's"):
        opened(tmp_path / "notes.db", clock)
    after = (tmp_path / "notes.db").read_bytes()
    assert after[24:] == before[24:] or b"packs" not in after


def test_a_file_that_is_damaged_while_it_is_used_is_opened_anew(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "spool.db"
    _packs(path, clock, 300)
    first = opened(path, clock)
    epoch_before = first.accept([new(1000)])
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    first._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    first._db.execute("PRAGMA shrink_memory")

    async def work() -> None:
        thread = SpoolThread(first, reopen=lambda: opened(path, clock, seed=2))
        with pytest.raises(SpoolError):
            await thread.do(lambda spool: spool.take_history(10) + take(spool, 500))
        assert (await thread.do(lambda spool: spool.accept([new(2000)])))[0].seq == 0
        assert await thread.do(lambda spool: spool.rescued is not None)
        thread.close()

    assert epoch_before[0].seq == 0
    asyncio.run(work())


def test_a_spool_of_version_1_goes_on(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "spool.db"
    with sqlite3.connect(path) as db:
        for statement in _VERSION_1:
            db.execute(statement)
        payload = wire.write("w-1", 77, 5, new(0).samples)
        db.execute("INSERT INTO packs VALUES ('w-1', 77, 5, ?, 0, ?, 1, 0)", (payload, NOON_S * 1_000_000))
        db.execute("INSERT INTO devices VALUES ('w-1', 77, 6)")
    db.close()
    spool = opened(path, clock)
    assert [(pack.epoch, pack.seq, pack.payload) for pack in take(spool, 9)] == [(77, 5, payload)]
    assert spool.accept([new(1)])[0].seq == 0
    assert spool.prune({("w-1", 77): 5}) == 1
    spool.close()


_VERSION_1 = (
    "CREATE TABLE devices (device TEXT PRIMARY KEY, epoch INTEGER NOT NULL, next_seq INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE packs (device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, payload BLOB NOT NULL,"
    " backfill INTEGER NOT NULL, created_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    " due_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (device, epoch, seq))",
    "CREATE INDEX fresh ON packs (created_at) WHERE attempts = 0 AND backfill = 0",
    "CREATE TABLE recent (device TEXT NOT NULL, slot INTEGER NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL,"
    " PRIMARY KEY (device, slot)) WITHOUT ROWID",
    "PRAGMA user_version = 1",
)
