"""The back-test of recorded people: a Parquet file of theirs is made, then judged as ``vigil backtest`` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from analytics.backtest.run import GROUP, Plan, Source, run
from cli.bench.contest import timed
from cli.bench.streams import KINDS, Feed
from vigil.domain.errors import TableError
from vigil.domain.readings import I64
from vigil.domain.times import MINUTE
from vigil.runtime.clock import Clock

_START = 1_767_225_600_000_000
_MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Backtest:
    """``seconds``: everything, from an empty folder to the finished files, with the start of each of ``workers`` processes."""

    patients: int
    days: int
    workers: int
    readings: int
    seconds: float
    alerts_a_patient_day: float

    @property
    def rate(self) -> float:
        """Readings a second."""
        return self.readings / self.seconds


def backtest(patients: int, days: int, workers: int, folder: Path, clock: Clock) -> Backtest:
    """``folder`` is empty and somebody else removes it. Raises ``TableError``."""
    path = _written(patients, days, folder)
    workers = min(workers, -(-patients // GROUP))  # a group is one process's work
    plan = Plan(Source(path), folder / "out", workers=workers)
    seconds, summary = timed(clock, lambda: run(plan))
    (row,) = summary["policies"]
    return Backtest(patients, days, workers, row["readings"], seconds, row["physiological_alerts_per_patient_day"])


def _written(patients: int, days: int, folder: Path) -> Path:
    """One row a reading, patient by patient, sorted by time: ``patient, vital, measured_at, value, quality``."""
    path = folder / "readings.parquet"
    try:
        with duckdb.connect() as con:
            for first in range(0, patients, GROUP):
                people = range(first, min(first + GROUP, patients))
                _write_group(con, people, days, folder / f"group-{first:06d}.parquet")
            con.execute(f"COPY (FROM '{folder}/group-*.parquet') TO '{path}' (FORMAT parquet)")
    except duckdb.Error as error:
        raise TableError(f"cannot write {path.name}: {type(error).__name__}") from error
    return path


def _at_the_minute(at: I64) -> I64:
    """A person's device measures all vitals together, once a minute."""
    minute: I64 = at // MINUTE * MINUTE
    return minute


def _write_group(con: duckdb.DuckDBPyConnection, people: range, days: int, path: Path) -> None:
    streams = len(people) * len(KINDS)
    readings = Feed(streams, _START, seed=4 + people.start).take(streams * days * _MINUTES_A_DAY)
    patient = readings.slot // len(KINDS)
    order = np.argsort(patient, kind="stable")
    con.register(
        "readings",
        {
            "patient": people.start + patient[order],
            "vital": readings.slot[order] % len(KINDS),
            "measured_at": _at_the_minute(readings.at)[order],
            "value": readings.value[order],
            "quality": readings.quality[order],
        },
    )
    names = [kind.name for kind in KINDS]
    con.execute(
        "COPY (SELECT format('bench-{:06d}', patient) AS patient, "
        f"{names}[vital + 1] AS vital, make_timestamp(measured_at) AS measured_at, value, quality FROM readings) "
        f"TO '{path}' (FORMAT parquet)"
    )
