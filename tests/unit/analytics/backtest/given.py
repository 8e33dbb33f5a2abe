"""Random histories of patients, the table files that hold them, and the plans that judge those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from analytics.backtest.run import Plan, Source
from analytics.backtest.table import Table, read_table
from analytics.backtest.world import History, World, unknown_adult
from vigil.domain.policy import BEDSIDE_POLICY, Policy
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME

#: 2026-01-01, microseconds UTC.
START = 1_767_225_600_000_000
COLUMNS = ("patient", "vital", "measured_at", "value", "received_at", "quality", "device")

_BAD = (int(Quality.MOTION), int(Quality.CONTACT_LOST), int(Quality.LOW_PERFUSION), int(Quality.TEST))
#: Values below, inside and above the limits of the starting policy, severe ones too.
_LEVELS: dict[str, tuple[float, ...]] = {
    "spo2": (97.0, 96.0, 91.0, 89.0, 84.0, 78.0),
    "heart_rate": (72.0, 75.0, 45.0, 38.0, 28.0, 135.0, 190.0),
    "resp_rate": (15.0, 16.0, 7.0, 4.0, 27.0, 41.0),
    "bp_sys": (124.0, 120.0, 88.0, 70.0, 225.0),
    "body_temp": (36.6, 36.8, 34.9, 39.4, 41.2),
}
_SPOT = ("bp_sys", "body_temp")


@dataclass(frozen=True, slots=True)
class Row:
    patient: str
    vital: str
    measured_at: int
    value: float
    received_at: int
    quality: int = 0
    device: str = "w-1"

    def received(self, at: int) -> Row:
        return replace(self, received_at=at)


def history(patient: str, seed: int, pieces: int = 25) -> list[Row]:
    """Stretches of each of several vitals from one or two devices: level, noise, spikes, bad signal, values missing, several
    values of one time, gaps up to three days."""
    rng = np.random.default_rng(seed)
    rows: dict[tuple[str, str, int, float], Row] = {}
    for vital, levels in _LEVELS.items():
        for device in ("w-1", "w-2") if vital in ("spo2", "bp_sys") else ("w-1",):
            at = START + int(rng.integers(0, 3600)) * SECOND
            for _ in range(pieces):
                at += int(rng.choice([0, 0, 90 * SECOND, HOUR, 7 * HOUR, 3 * DAY], p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05]))
                step = int(rng.choice([15, 20]) * MINUTE if vital in _SPOT else rng.choice([1, 1, 5, 60]) * SECOND)
                level = float(rng.choice(levels)) if rng.random() < 0.5 else levels[0]
                quality = int(rng.choice(_BAD)) if rng.random() < 0.2 else 0
                for _ in range(int(rng.integers(1, 8 if vital in _SPOT else 90))):
                    value = level + float(rng.integers(-1, 2))
                    for each in (value, value - 7) if rng.random() < 0.03 else (value,):
                        row = _row(patient, vital, device, at, each, quality, missing=rng.random() < 0.01)
                        rows.setdefault((vital, device, at, row.value if row.value == row.value else -1.0), row)
                    at += step
    return list(rows.values())


def _row(patient: str, vital: str, device: str, at: int, value: float, quality: int, *, missing: bool) -> Row:
    value = round(float(np.clip(value, *BY_NAME[vital].plausible)), 1)
    if missing:
        return Row(patient, vital, at, float("nan"), at, int(Quality.NO_VALUE), device)
    return Row(patient, vital, at, value, at, quality, device)


def delayed(rows: Sequence[Row], seed: int, hours: float = 20.0) -> list[Row]:
    """Half of them up to so late."""
    rng = np.random.default_rng(seed)
    late = np.where(rng.random(len(rows)) < 0.5, rng.integers(0, round(hours * HOUR), len(rows)), 0)
    return [row.received(row.measured_at + int(by)) for row, by in zip(rows, late, strict=True)]


# --- files ----------------------------------------------------------------------------------------------------------------


def csv(path: Path, rows: Sequence[Row]) -> Path:
    lines = [",".join(COLUMNS)]
    for row in rows:
        value = "" if row.value != row.value else repr(row.value)
        quality = str(row.quality)
        lines.append(f"{row.patient},{row.vital},{row.measured_at},{value},{row.received_at},{quality},{row.device}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def parquet(path: Path, rows: Sequence[Row]) -> Path:
    columns = {
        "patient": np.array([row.patient for row in rows], object),
        "vital": np.array([row.vital for row in rows], object),
        "measured_at": np.array([row.measured_at for row in rows], np.int64),
        "value": np.array([row.value for row in rows], np.float64),
        "received_at": np.array([row.received_at for row in rows], np.int64),
        "quality": np.array([row.quality for row in rows], np.int64),
        "device": np.array([row.device for row in rows], object),
    }
    with duckdb.connect() as con:
        con.register("rows", columns)
        con.execute(f"COPY (SELECT * FROM rows) TO '{path}' (FORMAT parquet)")
    return path


def plan(path: Path, out: Path, workers: int = 1, policy: Policy = BEDSIDE_POLICY) -> Plan:
    return Plan(Source(path), out, policy=policy, workers=workers)


def table(path: Path, rows: Sequence[Row]) -> Table:
    return read_table(csv(path, rows), strict=True)


# --- without a file -------------------------------------------------------------------------------------------------------


def world(rows: Sequence[Row], policy: Policy = BEDSIDE_POLICY) -> World:
    """Of one patient."""
    names = sorted({(row.device, row.vital) for row in rows})
    streams = [Stream(number, device, BY_NAME[vital].index, "") for number, (device, vital) in enumerate(names)]
    rows = sorted(rows, key=lambda row: (row.received_at, row.measured_at, row.device, row.vital, row.value))
    measured = np.array([row.measured_at for row in rows], np.int64)
    never = np.full(len(rows), NO_SEQUENCE, np.uint32)
    batch = ReadingBatch(
        ordinal=np.arange(1, len(rows) + 1, dtype=np.uint64),
        stream=np.array([names.index((row.device, row.vital)) for row in rows], np.uint32),
        measured_at=measured,
        device_time=measured,
        received_at=np.array([row.received_at for row in rows], np.int64),
        value=np.array([row.value for row in rows], np.float64),
        quality=np.array([row.quality for row in rows], np.uint16),
        epoch=never,
        seq=never,
    )
    return World(History(unknown_adult("p-1"), streams, batch, policy))
