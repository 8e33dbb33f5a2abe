"""Sepsis as ``vigil train`` learns it, from tables of the PhysioNet/CinC Challenge 2019: with what a home has, or a hospital."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.candidates import CANDIDATES
from analytics.risk.challenge import LABEL, read_hours
from analytics.risk.clean import clean
from analytics.risk.evaluate.news2 import news2_of
from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.contract import FeatureSet
from analytics.risk.hours import VITALS, Hours
from analytics.risk.predictor import Needs
from analytics.risk.targets import choose_threshold, learned
from analytics.risk.train.calibrate import platt
from analytics.risk.train.sepsis_card import card_of
from analytics.risk.train.task import Candidate, Collected, Data, Split, Table, Task
from vigil.domain.errors import TableError

_SOURCES = ("challenge", "clean", "features", "targets", "candidates", "train.sepsis")
#: Columns for the report that no model sees: kinds of ward.
_UNITS = ("Unit1", "Unit2")
#: Rows that a candidate learns from at most, so that a run takes minutes; what is not named takes all.
_MOST_ROWS = {"svm": 20_000}
#: Every so many hours the vitals are kept when sampling is thinned: a round of a ward at night, or a wearer with a cuff.
_EVERY_H = 4
#: What a home may not have.
_DROPPED = {"no temperature": ("Temp",), "no blood pressure": ("SBP", "MAP", "DBP")}
#: Seed of the hours of healthy stays that are learned from: the table is made once, whatever the seed of the run.
_CHOSEN_BY = 1
#: At home the scores of half a day and a day before steady that of now; a hospital's model knows the length of the stay.
EARLIER_H = {"home": (12, 24)}
#: Where a linear model may learn from what was not measured: that somebody has no lactate tells much in the hospital that decides
#: to measure it, and at home which vitals a device sends says nothing of the wearer (decision 0012).
_MARKED = frozenset({"hospital"})
_SUFFIXES = (".parquet", ".csv", ".psv")


def sepsis(feature_set: str) -> Task:
    """``feature_set``: a name in ``FEATURE_SETS``."""
    chosen, needs = FEATURE_SETS[feature_set], Needs()
    return Task(
        name=f"sepsis-{feature_set}",
        label="sepsis onset within 6 h, learned in intensive care",
        feature_set=feature_set,
        names=chosen.names,
        sources=tuple(f"analytics.risk.{name}" for name in _SOURCES),
        collect=partial(collect, columns=chosen.columns),
        features=partial(table, chosen=chosen),
        hours=hours_of,
        candidates={
            name: Candidate(partial(make, rises=chosen.rises, marked=feature_set in _MARKED), _MOST_ROWS.get(name))
            for name, make in CANDIDATES.items()
        },
        calibrate=platt,
        threshold=choose_threshold,
        answers=partial(needs.met, names=chosen.names),
        points=news2_of,
        needs=needs,
        card=card_of,
        splits=splits,
        altered=altered,
        earlier_h=EARLIER_H.get(feature_set, ()),
    )


def collect(path: Path, columns: tuple[str, ...]) -> Collected:
    """Of a table, or of a folder that holds one. Raises ``TableError``."""
    source = _table_in(path)
    read = read_hours(source, tuple(dict.fromkeys((*columns, *_UNITS))), label=True)
    hours = clean(read)
    age, men = (hours.columns[name][hours.starts[:-1]] for name in ("Age", "Gender"))
    facts = {
        "patients": len(hours.ids),
        "hours": len(hours),
        "patients_with_event": int((np.maximum.reduceat(hours.columns[LABEL], hours.starts[:-1]) > 0).sum()),
        "median_age": float(np.nanmedian(age)),
        "share_men": round(float(np.nanmean(men)), 4),
        "refused_values": _refused(read.columns, hours.columns),
    }
    return Collected({**hours.columns, "starts": hours.starts, "hour": hours.hour}, facts)


def _table_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES)
    if len(found) != 1:
        raise TableError(f"{path.name} holds {len(found)} tables ({', '.join(_SUFFIXES)}): name the one to learn from")
    return found[0]


def _refused(before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """By column: values that no living person has."""
    gone = {name: int(np.isnan(after[name]).sum() - np.isnan(before[name]).sum()) for name in before}
    return {name: count for name, count in gone.items() if count}


def hours_of(data: Data) -> Hours:
    columns = {name: np.asarray(values) for name, values in data.items() if name not in ("starts", "hour")}
    starts = np.asarray(data["starts"])
    return Hours(tuple(str(number) for number in range(len(starts) - 1)), starts, np.asarray(data["hour"]), columns)


def table(data: Data, chosen: FeatureSet) -> Table:
    """Every hour is judged by the label; ``targets`` says which are learned from, and as what."""
    hours = hours_of(data)
    y = hours.columns[LABEL].astype(np.int8)
    target, weight = learned(y, hours.starts, _CHOSEN_BY)
    return Table(
        x=chosen.compute(hours, None),
        patient=hours.patient,
        y=y,
        target=target,
        weight=weight,
        judged=np.ones(len(hours), np.bool_),
    )


def splits(data: Data) -> list[Split]:
    """As near as one hospital comes to another: learned on one kind of unit, judged on the other and where it is not told."""
    first, second = (np.asarray(data[name])[np.asarray(data["starts"])[:-1]] == 1 for name in _UNITS)
    learned = np.flatnonzero(first & ~second)
    others = {
        "stays in Unit2, learned on Unit1": second & ~first,
        "stays of unknown unit, learned on Unit1": ~first & ~second,
    }
    return [
        Split(name, learned, np.flatnonzero(stays)) for name, stays in others.items() if stays.any() and len(learned)
    ]


def altered(data: Data, seed: int) -> Iterator[tuple[str, Data]]:
    """Sparser and poorer than what was learned from."""
    starts, hour = np.asarray(data["starts"]), np.asarray(data["hour"])
    round_at = np.random.default_rng([seed, 2]).integers(0, _EVERY_H, len(starts) - 1)
    kept = (hour + np.repeat(round_at, np.diff(starts))) % _EVERY_H == 0
    yield f"vital signs every {_EVERY_H} h only", _without(data, tuple(VITALS), ~kept)
    for name, columns in _DROPPED.items():
        yield name, _without(data, columns, np.ones(len(hour), np.bool_))


def _without(data: Data, columns: tuple[str, ...], rows: NDArray[np.bool_]) -> Data:
    return {**data, **{name: np.where(rows, np.float32(np.nan), data[name]) for name in columns}}
