"""What a backup holds, copied beside the databases of an installation that runs or does not: one moment in all of them.

An installation that starts from it does what it does after a crash: analytics goes on from its snapshot, which is copied first
and so is never ahead of the readings; each transition in the records came from a reading that is in the copy.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

from vigil.domain.errors import StoreError
from vigil.runtime.clock import Clock
from vigil.runtime.keys import FILE as KEYS
from vigil.store.duck.copy import TableSum

#: The folder in the data directory where the copy lies until it is packed.
FOLDER = "backup"
READINGS, RECORDS = "readings.duckdb", "records.sqlite3"
#: Written whole by analytics from time to time; older than the readings is right, newer would skip some.
SNAPSHOTS = ("analytics.npz", "risk.npz")
#: After the records: an account too many is harmless, a device without one cannot send.
ACCOUNTS = (KEYS, "broker/passwd", "broker/acl")
MODELS = "models"
#: Left free on the disk, which the readings need more (ours).
SPARE_BYTES = 500 * 1024 * 1024

#: Copies the readings into a new file as of one moment, at which it enters and leaves; what its tables held then.
CopyReadings = Callable[[Path, AbstractContextManager[None]], Mapping[str, TableSum]]


@dataclass(frozen=True, slots=True)
class Copied:
    """``cut_at``: microseconds UTC; ``pause_s``: for so long no reading could be committed. ``readings``: what was in them."""

    folder: Path
    cut_at: int
    pause_s: float
    readings: Mapping[str, TableSum]


class _Cut(AbstractContextManager[None]):
    """The connection goes on seeing the records as they are when this is entered. ``at``: when, microseconds UTC; ``pause_s``:
    until it was left."""

    def __init__(self, records: sqlite3.Connection, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._started, self.at, self.pause_s = 0.0, 0, 0.0

    def __enter__(self) -> None:
        self._started = self._clock.monotonic()
        self.at = self._clock.now_us()
        self._records.execute("BEGIN")
        self._records.execute("SELECT count(*) FROM sqlite_master").fetchall()

    def __exit__(self, *_: object) -> None:
        self.pause_s = self._clock.monotonic() - self._started


def copy_installation(data_dir: Path, copy_readings: CopyReadings, clock: Clock) -> Copied:
    """Into ``FOLDER``, which is emptied first. Raises ``StoreError`` when the disk has no room or a part cannot be copied; then
    nothing is left of it."""
    folder = data_dir / FOLDER
    done = False
    try:
        shutil.rmtree(folder, ignore_errors=True)
        _check_room(data_dir)
        folder.mkdir(mode=0o700)
        _take(data_dir, folder, SNAPSHOTS)
        copied = _copy_stores(data_dir, folder, copy_readings, clock)
        _take(data_dir, folder, (*ACCOUNTS, *_files(data_dir, MODELS)))
        done = True
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the copy for a backup failed: {type(error).__name__}: {error}") from error
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)
    return copied


def _copy_stores(data_dir: Path, folder: Path, copy_readings: CopyReadings, clock: Clock) -> Copied:
    records = f"{(data_dir / RECORDS).absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(records, uri=True, isolation_level=None)) as con:
        cut = _Cut(con, clock)
        readings = copy_readings(folder / READINGS, cut)
        with closing(sqlite3.connect(folder / RECORDS)) as target:
            con.backup(target)  # inside the transaction that the cut began
    return Copied(folder, cut.at, cut.pause_s, readings)


def _check_room(data_dir: Path) -> None:
    needed = sum(path.stat().st_size for path in data_dir.glob("re*") if path.is_file()) + SPARE_BYTES
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise StoreError(
            f"no room for a copy: {needed // 2**20} MiB are needed in {data_dir}, {free // 2**20} are free"
        )


def _take(data_dir: Path, folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (data_dir / name).exists():
            (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(data_dir / name, folder / name)


def _files(root: Path, under: str) -> Iterator[str]:
    found = (path.relative_to(root) for path in sorted((root / under).rglob("*")) if path.is_file())
    return (name.as_posix() for name in found if not any(step.startswith(".") for step in name.parts))


def parts_of(folder: Path) -> list[str]:
    """Every file of a copy, by name below ``folder``."""
    return sorted(_files(folder, "."))


def record_sums(path: Path) -> dict[str, TableSum]:
    """Of a records file that nobody has open. Raises ``StoreError``."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as con:
            con.text_factory = bytes
            asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            names = [bytes(name).decode() for (name,) in con.execute(asked)]
            return {name: _sum(con.execute(f'SELECT * FROM "{name}"')) for name in names}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path.name} cannot be read: {type(error).__name__}") from error


def _sum(rows: sqlite3.Cursor) -> TableSum:
    count, total = 0, 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest(), "big")
    return TableSum(count, f"{total % (1 << 256):064x}")
