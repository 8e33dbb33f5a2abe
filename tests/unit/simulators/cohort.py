"""Ninety simulated adults over ten days, and the statistics in which the reference page "Physiology" states its checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from simulators.person import describe_adults, draw_people
from simulators.physiology import Physiology, Push
from simulators.wrist import WristTracker

PERSONS, DAYS, MINUTES = 90, 10, 1440


@dataclass(frozen=True)
class Cohort:
    """Minutes by persons: heart rate as the tracker shows it, METs above rest."""

    shown_hr: Floats
    effort: Floats


@lru_cache(maxsize=2)
def adults(seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    body = Physiology(draw_people(describe_adults(PERSONS, rng), rng), np.random.SeedSequence(seed))
    days = [body.advance(MINUTES, 60.0) for _ in range(DAYS)]
    tracker = WristTracker(days[0].hr[0], rng)
    shown = np.concatenate([tracker.minutes(day.hr, day.effort) for day in days])
    return Cohort(shown, np.concatenate([day.effort for day in days]))


def body_of(persons: int, seed: int, pushes: Sequence[Push] = ()) -> Physiology:
    rng = np.random.default_rng(seed)
    people = draw_people(describe_adults(persons, rng), rng)
    return Physiology(people, np.random.SeedSequence(seed), pushes=pushes)


def autocorrelation(columns: Floats, lag: int) -> Floats:
    centred = columns - columns.mean(axis=0)
    return np.asarray((centred[lag:] * centred[:-lag]).mean(axis=0) / (centred**2).mean(axis=0))


def day_rhythm(columns: Floats) -> tuple[Floats, Floats]:
    """Amplitude and peak hour of the 24-h cosine."""
    angle = 2 * np.pi * np.arange(columns.shape[0])[:, None] / MINUTES
    cosine, sine = 2 * (columns * np.cos(angle)).mean(axis=0), 2 * (columns * np.sin(angle)).mean(axis=0)
    return np.hypot(cosine, sine), np.mod(np.arctan2(sine, cosine), 2 * np.pi) * 24 / (2 * np.pi)


def episodes(met: NDArray[np.bool_], least: int) -> Floats:
    """Runs of at least ``least`` steps, by person."""
    edge = np.zeros((1, met.shape[1]), dtype=np.int8)
    turns = np.diff(np.concatenate([edge, met.astype(np.int8), edge]), axis=0)
    counts = []
    for person in range(met.shape[1]):
        starts, ends = np.flatnonzero(turns[:, person] == 1), np.flatnonzero(turns[:, person] == -1)
        counts.append(int((ends - starts >= least).sum()))
    return np.array(counts, dtype=np.float64)


def lagged_correlation(hr: Floats, effort: Floats, lag: int) -> float:
    """Median over persons of the correlation of heart rate with the effort ``lag`` minutes before."""
    hr_part = hr[max(lag, 0) : hr.shape[0] + min(lag, 0)]
    effort_part = effort[max(-lag, 0) : effort.shape[0] - max(lag, 0)]
    each = [np.corrcoef(hr_part[:, person], effort_part[:, person])[0, 1] for person in range(hr.shape[1])]
    return float(np.median(each))
