"""A ward with device faults as ingest stores it: each pack is written, read, timed and marked by the code that does so live.

The frozen simulator knows of ingest only that a time ahead stands at its receipt. No more happens to what sound devices send; to
what comes of a wrong clock a lot does.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest.batch import columns_of
from ingest.clocks import Clocks
from ingest.decode import decode
from ingest.repeats import Repeats
from ingest.time import Timekeeper
from ingest.validate import validate
from simulators.export import START_US
from simulators.lab_ward import LabBed, WardPlan, lab_ward
from simulators.packs import Pack
from vigil.domain.errors import InvalidInput
from vigil.domain.times import DAY, HOUR
from vigil.domain.vitals import VITALS
from vigil.runtime.mqtt import Message
from vigil.wire import packs as wire
from vigil.wire import topics
from vigil.wire.resend import HISTORY, LIVE

#: People in memory at once, for each process, and packs that are stored at once.
_AT_ONCE, _BATCH = 5, 500
#: Beside ``ingest``, what it times values with.
_TIMED_WITH = ("clock_line.py", "device_clock.py", "quality.py")
# DuckDB reads NaN in a numpy column as NULL.
_COPY = """
    COPY (SELECT * REPLACE (coalesce(value, 'nan'::DOUBLE) AS value) FROM {source})
    TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""


def ingest_version() -> str:
    """Names the code that times and marks values: other code stores another ward."""
    domain = resources.files("vigil.domain")
    files = [*resources.files("ingest").iterdir(), *(domain.joinpath(name) for name in _TIMED_WITH)]
    named = sorted((file.name, file.read_bytes()) for file in files if file.name.endswith(".py"))
    return hashlib.sha256(b"".join(name.encode() + content for name, content in named)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a ward, the people from ``first`` on. A worker draws the ward anew: that takes half a second."""

    plan: WardPlan
    first: int
    path: Path

    @property
    def beds(self) -> tuple[LabBed, ...]:
        return lab_ward(self.plan)[self.first : self.first + _AT_ONCE]


def write_received(plan: WardPlan, path: Path, *, workers: int, progress: Callable[[int], None]) -> None:
    """Everything stored of these people from ``START_US`` on, with the faults of their devices. ``progress(done)`` counts
    patients. ``InvalidInput`` when it cannot be written."""
    parts = [_Part(plan, first, path.with_suffix(f".part{first:05d}")) for first in range(0, plan.count, _AT_ONCE)]
    done = 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(_write_part, part): part for part in parts}
        for future in as_completed(running):
            future.result()
            done += len(running[future].beds)
            progress(done)
    _copy(f"read_parquet({[str(part.path) for part in parts]})", path)
    for part in parts:
        part.path.unlink()


def _write_part(part: _Part) -> None:
    until = START_US + part.plan.days * DAY - 1
    tables = [table for bed in part.beds for table in stored(bed, until, faulty=True)]
    _copy("readings", part.path, {name: np.concatenate([table[name] for table in tables]) for name in tables[0]})


def _copy(source: str, path: Path, readings: dict[str, NDArray[Any]] | None = None) -> None:
    with duckdb.connect() as con:
        con.execute("SET threads = 1")
        if readings is not None:
            con.register("readings", readings)
        try:
            con.execute(_COPY.format(source=source, path=str(path).replace("'", "''")))
        except duckdb.Error as error:
            raise InvalidInput(f"cannot write {path.name}: {type(error).__name__}") from error


def stored(bed: LabBed, until_us: int, *, faulty: bool) -> Iterator[dict[str, NDArray[Any]]]:
    """What is stored of this person up to ``until_us``, as columns of the back-test's table, one batch after the other."""
    names = np.array([kind.name for kind in VITALS], dtype=object)
    keeper, repeats = Timekeeper(Clocks()), Repeats()
    messages = _messages(bed, until_us, faulty=faulty)
    while batch := list(islice(messages, _BATCH)):
        packs = [decode(message) for message in batch]
        columns = columns_of(packs)
        keeper.settle(packs, columns)
        validate(packs, columns)
        repeats.mark(packs, columns)
        keep = columns.keep
        seq = np.array([pack.values.seq for pack in packs], np.int64)
        yield {
            "patient": np.full(int(keep.sum()), bed.patient_id, dtype=object),
            "vital": names[columns.vital[keep]],
            "measured_at": columns.measured_at[keep],
            "value": columns.value[keep],
            "received_at": columns.received_at[keep],
            "quality": columns.quality[keep],
            "device": np.full(int(keep.sum()), f"w-{bed.patient_id}", dtype=object),
            "site": np.array(columns.site, dtype=object)[keep],
            "seq": seq[columns.pack[keep]],
        }


def _messages(bed: LabBed, until_us: int, *, faulty: bool) -> Iterator[Message]:
    """What waited for a connection comes with the pack that found one. Copies count once."""
    patient = bed.virtual(START_US, faulty=faulty)
    waited: list[Pack] = []
    number = 0
    for moment in (*range(START_US, until_us, HOUR), until_us):
        for pack in patient.advance(moment):
            waited.append(pack)
            if pack.backfill:
                continue
            for one in waited:
                topic = topics.telemetry("lab", one.device_id, HISTORY if one.backfill else LIVE)
                yield Message(topic, wire.write(one.device_id, 1, number, one.records), 0, 1, 1, pack.due_us)
                number += 1
            waited = []
