"""BIDMC (PhysioNet 1.0.0, Pimentel 2017, ODC-BY 1.0): intensive care, 8 minutes a person at 1 Hz.

``numerics_1hz.csv``: HR from the ECG, PULSE and SpO2 from the finger, RESP from impedance; RESP 0 means "no reading".
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from simulators.recording import Channel, Recording
from vigil.domain.errors import ScenarioError

TITLE = "BIDMC: 8 minutes of intensive care at 1 Hz (PhysioNet, ODC-BY 1.0)"

_CHANNELS: dict[str, Channel] = {
    "HR": ("hr", None),
    "PULSE": ("hr", "finger"),
    "RESP": ("rr", None),
    "SpO2": ("spo2", None),
}
_BREATHING = _CHANNELS["RESP"]


def load(folder: Path) -> tuple[Recording, ...]:
    """All persons in ``numerics_1hz.csv``, by number; ``ScenarioError`` when a file is missing or not of this dataset."""
    try:
        rows = _rows(folder / "numerics_1hz.csv")
        people = _people((folder / "fixed_info.txt").read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"bidmc: cannot read {folder}: {error.strerror}") from error
    except (ValueError, KeyError) as error:
        raise ScenarioError(f"bidmc: {folder} does not hold the BIDMC numerics: {error}") from error
    missing = sorted(set(rows) - set(people))
    if missing:
        raise ScenarioError(f"bidmc: no age and sex for record {missing[0]:02d}")
    return tuple(_recording(number, rows[number], people[number]) for number in sorted(rows))


def _rows(path: Path) -> dict[int, list[list[float]]]:
    """By record: second, then the four columns; an empty field is NaN."""
    rows: dict[int, list[list[float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line = [float(row[name] or "nan") for name in ("Time [s]", *_CHANNELS)]
            rows.setdefault(int(row["record"]), []).append(line)
    if not rows:
        raise ValueError("no rows")
    return rows


def _people(text: str) -> dict[int, tuple[int, str]]:
    """Age and sex by record from the blocks of ``fixed_info.txt``."""
    people = {}
    for block in text.split("====="):
        number = re.search(r"bidmc_(\d+)", block)
        age = re.search(r"Age: (\d+)", block)
        sex = re.search(r"Gender: ([FM])", block)
        if number and age and sex:
            people[int(number[1])] = (int(age[1]), sex[1])
    return people


def _recording(number: int, rows: list[list[float]], person: tuple[int, str]) -> Recording:
    table = np.array(rows, dtype=np.float64)
    second = table[:, 0].astype(np.int64)
    columns = {channel: table[:, place + 1].copy() for place, channel in enumerate(_CHANNELS.values())}
    silent = columns[_BREATHING] == 0.0
    columns[_BREATHING][silent] = np.nan
    return Recording(
        device_id=f"bidmc-{number:02d}",
        age=person[0],
        sex=person[1],
        seconds=second - second[0],  # record 23 begins at -1
        columns=columns,
        no_reading={_BREATHING: silent},
    )
