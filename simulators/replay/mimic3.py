"""MIMIC-III demo (PhysioNet 1.4, ODbL 1.0): vitals that nurses charted in intensive care, about once an hour.

A recording is one stay in intensive care, ``mimic-<subject>-<n>`` (n from 1, in order of time), and begins at second 0. Not
one a person: of the same person the stays lie weeks to months apart, in which nobody watched; joined, they would replay as
months of missing data and count as no patient-day. Who splits by person leaves out the last part of the name.

- Times: the shifted dates are dropped, the spacing is kept, to the minute as charted. Three GCS rows that belong to no stay
  (one person, stamped midnight, 12 h before the stay) are left out.
- Values: CareVue numbers went through 32-bit floats; the shortest decimal of that float is what was charted (0.35, not
  0.349999994). Fahrenheit and the fraction of FiO2 are then converted exactly, rounded once to a double. Impossible values
  (an 11647 mmHg, a 0 % FiO2 under the percent item) stay as they are: refusing them is the platform's work.
- GCS: the charted total, or eye + verbal + motor of one moment; a sum with a part missing is no sum and is left out.
  Verbal is charted 1 for who has a tube, so that the GCS of a ventilated person is too low.
- Flags: ``error`` marks an erroneous measurement (mimic-code issue 154) and becomes QUESTIONABLE. ``warning`` becomes no bit:
  it is a remark that a nurse adds for any reason (mimic-code issues 472 and 1002) and does "not necessarily mean bad quality
  data" (mimic-iv issue 15). Here it stands on the ill (median HR 118, 101.1 F, cuff systolic 86.5): gated as questionable,
  the values that matter most would be hidden from every limit and score. The older CareVue has no flags at all.
- Age: at admission; over 89 the data hide it (birth shifted by 300 years) and it reads 91.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from simulators.recording import Channel, Recording
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality

TITLE = "MIMIC-III demo: 132 stays in intensive care, charted about hourly (PhysioNet, ODbL 1.0)"

#: Item (``d_items``) → channel; the first of a pair is CareVue's, the second MetaVision's. "total" is the label's own word
#: (machine and own breaths); Celsius and Fahrenheit are charted at the same minute, up to 1.2 degrees apart: two thermometers.
_CHANNELS: dict[int, Channel] = {
    **dict.fromkeys((211, 220045), ("hr", None)),
    **dict.fromkeys((618, 220210), ("rr", None)),
    **dict.fromkeys((615, 224690), ("rr", "total")),
    **dict.fromkeys((646, 220277), ("spo2", None)),
    **dict.fromkeys((51, 220050), ("sbp", "arterial")),
    **dict.fromkeys((8368, 220051), ("dbp", "arterial")),
    **dict.fromkeys((52, 220052), ("map", "arterial")),
    6701: ("sbp", "arterial-2"),
    **dict.fromkeys((455, 220179), ("sbp", "cuff")),
    **dict.fromkeys((8441, 220180), ("dbp", "cuff")),
    **dict.fromkeys((456, 220181), ("map", "cuff")),
    **dict.fromkeys((678, 223761), ("temp", None)),
    **dict.fromkeys((676, 223762), ("temp", "celsius")),
    198: ("gcs", None),
    **dict.fromkeys((190, 223835), ("fio2", None)),
}
_EYE_VERBAL_MOTOR = (220739, 223900, 223901)
_GCS: Channel = ("gcs", None)

_HIDDEN_OVER, _HIDDEN_AGE = 89, 91


def celsius(fahrenheit: float) -> float:
    """The double nearest to the exact conversion of the decimal that was charted.

    >>> celsius(100.4), celsius(98.6)
    (38.0, 37.0)
    """
    return float((Fraction(repr(fahrenheit)) - 32) * 5 / 9)


def percent(fraction: float) -> float:
    """
    >>> percent(0.55), 0.55 * 100
    (55.0, 55.00000000000001)
    """
    return float(Fraction(repr(fraction)) * 100)


_CONVERT: dict[int, Callable[[float], float]] = {678: celsius, 223761: celsius, 190: percent}

_CHARTED = """
WITH charted AS (
    SELECT subject_id AS subject, coalesce(hadm_id, -1) AS admission, icustay_id AS stay, itemid AS item,
           epoch(charttime::TIMESTAMP)::BIGINT AS moment, valuenum::FLOAT::VARCHAR::DOUBLE AS value,
           coalesce(error, 0) = 1 AS wrong
    FROM read_parquet($charted)
    WHERE subject_id IS NOT NULL AND icustay_id IS NOT NULL AND charttime IS NOT NULL AND valuenum IS NOT NULL
          AND itemid IN (SELECT unnest($items))
), stays AS (
    SELECT stay, min(moment) AS began, row_number() OVER (PARTITION BY subject ORDER BY min(moment), stay) AS number
    FROM charted GROUP BY subject, stay
)
SELECT subject, admission, number, item, moment - began AS second, value, wrong
FROM charted JOIN stays USING (stay) ORDER BY subject, number, second, item
"""
_PEOPLE = """
SELECT hadm_id, date_sub('year', dob::TIMESTAMP, admittime::TIMESTAMP), gender
FROM read_csv($patients) JOIN read_csv($admissions) USING (subject_id)
WHERE dob IS NOT NULL AND admittime IS NOT NULL AND gender IS NOT NULL
"""

_Person = tuple[int, str]
#: Values and quality bits at the seconds of a recording.
_Column = tuple[Floats, NDArray[np.uint16]]
_Rows = Mapping[str, NDArray[Any]]


def load(folder: Path) -> tuple[Recording, ...]:
    """All stays, by subject and time; ``ScenarioError`` when a file is missing, damaged or not of this dataset."""
    files = {
        "charted": folder / "vitals_long.parquet",
        "patients": folder / "patients.csv.gz",
        "admissions": folder / "admissions.csv.gz",
    }
    for path in files.values():
        if not path.is_file():
            raise ScenarioError(f"mimic3: cannot read {folder}: there is no {path.name}")
    try:
        rows, people = _read(files)
    except duckdb.Error as error:
        said = str(error).partition("\n")[0]
        raise ScenarioError(f"mimic3: {folder} does not hold the MIMIC-III demo: {said}") from error
    if not rows["item"].size:
        raise ScenarioError(f"mimic3: {folder} holds no charted vitals")
    return tuple(_recording(stay, people) for stay in _stays(rows))


def _read(files: Mapping[str, Path]) -> tuple[_Rows, dict[int, _Person]]:
    items = [*_CHANNELS, *_EYE_VERBAL_MOTOR]
    names = {name: str(path) for name, path in files.items()}
    with duckdb.connect() as connection:
        charted = {"charted": names.pop("charted"), "items": items}
        rows: _Rows = connection.execute(_CHARTED, charted).fetchnumpy()
        people = connection.execute(_PEOPLE, names).fetchall()
    return rows, {admission: (_HIDDEN_AGE if years > _HIDDEN_OVER else years, sex) for admission, years, sex in people}


def _stays(rows: _Rows) -> Iterator[_Rows]:
    """The rows of one stay after another; they come sorted by it."""
    changes = (np.diff(rows["subject"]) != 0) | (np.diff(rows["number"]) != 0)
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), rows["item"].size]
    for first, last in pairwise(bounds):
        yield {name: column[first:last] for name, column in rows.items()}


def _recording(stay: _Rows, people: Mapping[int, _Person]) -> Recording:
    device_id = f"mimic-{stay['subject'][0]}-{stay['number'][0]}"
    person = people.get(int(stay["admission"][0]))
    if person is None:
        raise ScenarioError(f"mimic3: no age and sex for {device_id}")
    seconds = np.unique(stay["second"])
    columns = _columns(stay, seconds)
    return Recording(
        device_id=device_id,
        age=person[0],
        sex=person[1],
        seconds=seconds,
        columns={channel: values for channel, (values, _) in columns.items()},
        no_reading={},
        quality={channel: bits for channel, (_, bits) in columns.items() if bits.any()},
    )


def _columns(stay: _Rows, seconds: NDArray[np.int64]) -> dict[Channel, _Column]:
    """By channel; no two items of one channel are charted for one stay at one moment (a test counts)."""
    charted = {int(item): _column(stay, int(item), seconds) for item in np.unique(stay["item"])}
    columns: dict[Channel, _Column] = {}
    for item, channel in _CHANNELS.items():
        if item in charted:
            _merge(columns, channel, charted[item])
    if all(part in charted for part in _EYE_VERBAL_MOTOR):
        parts = [charted[part] for part in _EYE_VERBAL_MOTOR]
        total = np.sum([values for values, _ in parts], axis=0)  # NaN where a part is missing
        bits = np.bitwise_or.reduce([flags for _, flags in parts])
        bits[np.isnan(total)] = 0
        _merge(columns, _GCS, (total, bits))
    return columns


def _column(stay: _Rows, item: int, seconds: NDArray[np.int64]) -> _Column:
    chosen = stay["item"] == item
    place = np.searchsorted(seconds, stay["second"][chosen])
    values = np.full(seconds.size, np.nan)
    bits = np.zeros(seconds.size, dtype=np.uint16)
    convert = _CONVERT.get(item)
    charted = stay["value"][chosen]
    values[place] = charted if convert is None else [convert(value) for value in charted.tolist()]
    bits[place[stay["wrong"][chosen]]] = int(Quality.QUESTIONABLE)
    return values, bits


def _merge(columns: dict[Channel, _Column], channel: Channel, added: _Column) -> None:
    """A stay that changed its charting system has two items for one channel."""
    held = columns.get(channel)
    if held is None:
        columns[channel] = added
    else:
        columns[channel] = (np.where(np.isnan(held[0]), added[0], held[0]), held[1] | added[1])
