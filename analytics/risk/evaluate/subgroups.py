"""Whom the model fails: every metric in every group, against the largest and the best group of its kind.

Rules and bounds are those of fairness.md, section 2. A group with fewer than 10 stays with the event says "not enough data" and
no more. A difference is flagged when its whole 95 % interval lies beyond the bound, so a small group is not flagged by chance,
and one without a flag is not thereby fair: read its interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.calibration import recalibration
from analytics.risk.evaluate.events import Bools, by_stay, find_events, patients_of
from analytics.risk.evaluate.intervals import DRAWS, Figure, Sampled, sample, summary
from analytics.risk.evaluate.measures import Alerting, metrics
from analytics.risk.evaluate.privacy import hidden, shown
from analytics.risk.hours import VITALS, Hours

#: Least years of each band and its name.
AGE_BANDS = ((0, "under 18"), (18, "18-39"), (40, "40-64"), (65, "65-79"), (80, "80 and over"))
#: The kind of two groups crossed; they are shown from this many stays with the event on.
CROSSED = "age and sex"
CROSSED_LEAST = 50

#: Bounds of a flag.
SENSITIVITY_GAP, ALERT_RATIO, COVERAGE_GAP = 0.05, 1.5, 0.1
OBSERVED_EXPECTED = (0.8, 1.25)


@dataclass(frozen=True, slots=True)
class Group:
    """``stays``, ``events`` (stays with the event): None = fewer than 10. ``enough`` False: no figure is given.

    ``gaps``: "sensitivity to largest" and "... to best" (this group's minus the other's), "alert ratio to ..." and "coverage to
    ...". ``flags``: one sentence each.
    """

    kind: str
    name: str
    stays: int | None
    hours: int | None
    events: int | None
    enough: bool
    figures: dict[str, Figure]
    gaps: dict[str, Figure]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Measured:
    name: str
    stays: Bools
    events: int
    values: dict[str, Sampled]
    slope: Figure


def subgroups(alerting: Alerting, hours: Hours, n: int = DRAWS, seed: int = 0) -> tuple[Group, ...]:
    """Groups by age band, sex, unit, missingness, and age band and sex together; kinds that the table does not tell are left
    out."""
    found: list[Group] = []
    for kind, members in _kinds(hours):
        least = CROSSED_LEAST if kind == CROSSED else 0
        found += _compared(kind, members, alerting, least, n, seed)
    return tuple(found)


def _kinds(hours: Hours) -> Iterator[tuple[str, dict[str, Bools]]]:
    """Kind of group to its groups' members (stays,); empty groups are left out."""
    kinds = {"age": _ages(hours), "sex": _sexes(hours), "unit": _units(hours), "missing inputs": _missing(hours)}
    kinds[CROSSED] = {
        f"{age}, {sex}": old & same for age, old in kinds["age"].items() for sex, same in kinds["sex"].items()
    }
    for kind, members in kinds.items():
        present = {name: stays for name, stays in members.items() if stays.any()}
        if len(present) > 1:
            yield kind, present


def _first(hours: Hours, column: str) -> NDArray[np.float64] | None:
    """(stays,) what each stay's first row says."""
    values = hours.columns.get(column)
    return None if values is None else np.asarray(values[hours.starts[:-1]], np.float64)


def _ages(hours: Hours) -> dict[str, Bools]:
    age = _first(hours, "Age")
    if age is None:
        return {}
    least = [each for each, _ in AGE_BANDS]
    band = np.where(np.isnan(age), -1, np.searchsorted(least, age, side="right") - 1)
    return {name: band == i for i, (_, name) in enumerate(AGE_BANDS)} | {"age not known": band == -1}


def _sexes(hours: Hours) -> dict[str, Bools]:
    sex = _first(hours, "Gender")
    return {} if sex is None else {"women": sex == 0, "men": sex == 1, "sex not known": ~np.isin(sex, (0, 1))}


def _units(hours: Hours) -> dict[str, Bools]:
    """Unit1 is the medical, Unit2 the surgical intensive care unit of the Challenge."""
    medical, surgical = _first(hours, "Unit1"), _first(hours, "Unit2")
    if medical is None or surgical is None:
        return {}
    return {"medical": medical == 1, "surgical": surgical == 1, "unit not known": (medical != 1) & (surgical != 1)}


def _missing(hours: Hours) -> dict[str, Bools]:
    """Thirds of the stays by the share of hours and vitals without a value, over the whole stay."""
    vitals = [column for column in VITALS if column in hours.columns]
    if not vitals:
        return {}
    empty = np.sum([np.isnan(hours.columns[column]) for column in vitals], axis=0)
    share = by_stay(empty, hours.starts) / np.diff(hours.starts)
    low, high = np.quantile(share, (1 / 3, 2 / 3))
    return {
        "fewest missing": share <= low,
        "middle third": (share > low) & (share <= high),
        "most missing": share > high,
    }


def _compared(
    kind: str, members: dict[str, Bools], alerting: Alerting, least: int, n: int, seed: int
) -> Iterator[Group]:
    with_event = find_events(alerting.y, alerting.starts, alerting.setting).stays
    measured: list[_Measured] = []
    for name, stays in members.items():
        events = int((with_event & stays).sum())
        if not hidden(events) and events >= least:
            measured.append(_measure(name, stays, events, alerting, n, seed))
    yield from (_group(kind, each, measured, alerting) for each in measured)
    enough = {each.name for each in measured}
    yield from (
        Group(kind, name, shown(int(stays.sum())), None, None, False, {}, {}, ())
        for name, stays in members.items()
        if name not in enough
    )


def _measure(name: str, stays: Bools, events: int, alerting: Alerting, n: int, seed: int) -> _Measured:
    part = alerting.of(stays)
    values = sample(metrics(part), alerting.starts, n, seed, of=stays)
    slope = Figure(None)
    if part.probability is not None:
        slope, _ = recalibration(part.y, part.probability, part.starts, n, seed)
    return _Measured(name, stays, events, values, slope)


def _group(kind: str, one: _Measured, all_of_kind: list[_Measured], alerting: Alerting) -> Group:
    figures = {name: summary(values) for name, values in one.values.items()}
    if one.slope.value is not None:
        figures["slope"] = one.slope
    gaps = {name: summary(values) for name, values in _gaps(one, all_of_kind).items()}
    hours = int(one.stays[patients_of(alerting.starts)].sum())
    flags = tuple(_flags(figures, gaps))
    return Group(kind, one.name, shown(int(one.stays.sum())), hours, one.events, True, figures, gaps, flags)


def _gaps(one: _Measured, others: list[_Measured]) -> dict[str, Sampled]:
    """Against the group with the most stays, and against the best where that is another one: the most sensitive, the one with the
    fewest alerts, the one that is scored most."""
    largest = max(others, key=lambda other: int(other.stays.sum()))
    gaps: dict[str, Sampled] = {}
    for word, metric, sign in (
        ("sensitivity", "sensitivity_stays", 1),
        ("alert ratio", "alert_hours_per_day", -1),
        ("coverage", "scored", 1),
    ):
        if metric not in one.values:
            continue
        best = max(others, key=lambda other: sign * float(np.nan_to_num(other.values[metric][0], nan=-sign * np.inf)))
        for against, other in {"best": best, "largest": largest}.items():
            if other is not one and not (against == "best" and best is largest):
                gaps[f"{word} to {against}"] = _apart(word, one.values[metric], other.values[metric])
    return gaps


def _apart(word: str, mine: Sampled, theirs: Sampled) -> Sampled:
    if word == "alert ratio":
        return np.divide(mine, theirs, out=np.full_like(mine, np.nan), where=theirs > 0)
    return mine - theirs


def _flags(figures: dict[str, Figure], gaps: dict[str, Figure]) -> Iterator[str]:
    for name, gap in gaps.items():
        against = f"the {name.split(' to ')[1]} group"
        if name.startswith("sensitivity") and gap.high is not None and gap.high < -SENSITIVITY_GAP:
            yield f"finds fewer: sensitivity {-100 * (gap.value or 0):.0f} points below {against}"
        if name.startswith("alert ratio") and gap.low is not None and gap.low > ALERT_RATIO:
            yield f"calls more often: {gap.value or 0:.1f} times the alert hours of {against}"
        if name.startswith("coverage") and gap.high is not None and gap.high < -COVERAGE_GAP:
            yield f"is scored less: {-100 * (gap.value or 0):.0f} points of its hours fewer than {against}"
    yield from _dishonest(figures.get("observed_expected", Figure(None)))


def _dishonest(observed: Figure) -> Iterator[str]:
    low, high = OBSERVED_EXPECTED
    if observed.high is not None and observed.high < low:
        yield f"risk too high: {observed.value or 0:.2f} events for each one predicted"
    if observed.low is not None and observed.low > high:
        yield f"risk too low: {observed.value or 0:.2f} events for each one predicted"
