"""Sepsis 2019, set A (PhysioNet/CinC Challenge 2019, Reyna 2020): hourly vitals of stays in intensive care in one hospital.

Licence CC BY 4.0 by memory: confirm before publishing. A recording is one stay, second 0 its first hour. The unit of ``Temp`` is
Cel, ``O2Sat`` is the oximeter's; of the laboratory values and FiO2 nothing is taken. ``SepsisLabel`` is 1 from 6 h before the
onset that clinicians' actions date ("sepsis onset within 6 h in intensive care"), and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from simulators.recording import Channel, Recording
from vigil.domain.errors import ScenarioError

TITLE = "Sepsis 2019, set A: 20,336 stays in intensive care, hourly (PhysioNet)"

FILE = "training_setA.parquet"
_CHANNELS: dict[str, Channel] = {
    "HR": ("hr", None),
    "Resp": ("rr", None),
    "O2Sat": ("spo2", None),
    "SBP": ("sbp", None),
    "DBP": ("dbp", None),
    "MAP": ("map", None),
    "Temp": ("temp", None),
}
#: The label begins so many hours before the onset.
LABEL_EARLIER_H = 6


@dataclass(frozen=True, slots=True)
class Onset:
    """Hours since second 0 of the stay. ``at_start``: the label is 1 from the first hour."""

    device_id: str
    label_h: int
    onset_h: int
    at_start: bool


def load(folder: Path) -> tuple[Recording, ...]:
    """All stays, by number; ``ScenarioError`` when the file is missing or not of this dataset."""
    columns = _read(folder, f"patient_id, Age, Gender, ICULOS, {', '.join(_CHANNELS)}")
    return tuple(_recording(columns, start, end) for start, end in _stays(columns["patient_id"]))


def onsets(folder: Path) -> tuple[Onset, ...]:
    """Of those stays that have one, by number; ``ScenarioError`` as ``load``."""
    columns = _read(folder, "patient_id, ICULOS, SepsisLabel")
    found = []
    for start, end in _stays(columns["patient_id"]):
        ill = np.flatnonzero(columns["SepsisLabel"][start:end] == 1)
        if ill.size:
            hours = columns["ICULOS"][start:end]
            label_h = int(hours[ill[0]] - hours[0])
            found.append(Onset(_name(columns, start), label_h, label_h + LABEL_EARLIER_H, label_h == 0))
    return tuple(found)


def _read(folder: Path, names: str) -> dict[str, NDArray[Any]]:
    path = str(folder / FILE).replace("'", "''")
    with duckdb.connect() as connection:
        try:
            return connection.execute(f"SELECT {names} FROM '{path}' ORDER BY patient_id, ICULOS").fetchnumpy()
        except duckdb.Error as error:
            said = str(error).partition("\n")[0]
            raise ScenarioError(f"sepsis2019: cannot read {FILE}: {type(error).__name__}: {said}") from error


def _stays(patients: NDArray[Any]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(patients[1:] != patients[:-1]) + 1
    starts = [0, *edges.tolist()]
    return zip(starts, [*edges.tolist(), patients.size], strict=True)


def _name(columns: dict[str, NDArray[Any]], row: int) -> str:
    return f"sepsis-{columns['patient_id'][row].removeprefix('p')}"


def _recording(columns: dict[str, NDArray[Any]], start: int, end: int) -> Recording:
    hours = columns["ICULOS"][start:end].astype(np.int64)
    values = {
        channel: np.ma.filled(columns[name][start:end].astype(np.float64), np.nan)
        for name, channel in _CHANNELS.items()
    }
    return Recording(
        device_id=_name(columns, start),
        age=int(columns["Age"][start]),
        sex="M" if columns["Gender"][start] == 1 else "F",
        seconds=(hours - hours[0]) * 3600,
        columns=values,
        no_reading={},
    )
