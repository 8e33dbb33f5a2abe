"""All candidates against the last hour's mean pressure, on sixty records: what is gained, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.discrimination import Ranked, auroc
from analytics.risk.evaluate.intervals import Figure, difference, sample, summary
from analytics.risk.hypotension.calibrate import calibrate
from analytics.risk.hypotension.candidates import CANDIDATES, Candidate
from analytics.risk.hypotension.extended import features
from analytics.risk.hypotension.learning import HOUR_MIN, earlier_hours, forecast_minute
from analytics.risk.hypotension.leave_out import Scores, leave_one_out, nested, quality
from analytics.risk.hypotension.records import BEFORE, Records

#: Draws of an interval, and exchanges of a test.
DRAWS = 2000
#: Records with and without an event that belong together: with and without drugs that raise the pressure, see ``records.GROUPS``.
PAIRS = {"H1 and C1": ("H1", "C1"), "H2 and C2": ("H2", "C2")}


@dataclass(frozen=True, slots=True)
class Line:
    """``earlier``: AUROC by which candidates are chosen, over the earlier hours of records that were left out; None for what is
    not learned. The rest is of the forecast minute: AUROC, its gain over the last hour's mean pressure (paired), Brier
    score, AUROC by ``PAIRS``."""

    name: str
    earlier: float | None
    auroc: Figure
    gain: Figure
    brier: float
    pairs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``lines``: the last hour's mean pressure, each candidate left out by record. ``nested``: the candidate, too, is taken
    without the record. ``taken``: how often which one was. ``exchange_p``: see ``exchanged``, of the nested line."""

    lines: tuple[Line, ...]
    nested: Line
    taken: Mapping[str, int]
    exchange_p: float


def compare(records: Records, candidates: Mapping[str, Candidate] = CANDIDATES, seed: int = 1) -> Comparison:
    learning, judged = earlier_hours(records, features), forecast_minute(records, features)
    rival = last_hour(records)
    lines = [_line("mean pressure of the last hour", None, rival, rival, records, seed)]
    for name, candidate in candidates.items():
        earlier = quality(candidate, learning, (), seed)
        scores = leave_one_out(candidate, learning, judged, seed)
        lines.append(_line(name, earlier, scores, rival, records, seed))
    found = nested(candidates, learning, judged, seed)
    return Comparison(
        tuple(lines),
        _line("nested", None, found.score, rival, records, seed),
        {name: found.taken.count(name) for name in candidates if name in found.taken},
        exchanged(records.event, found.score, rival, seed),
    )


def last_hour(records: Records) -> Scores:
    """(records,) what has to be beaten: the lower the mean of the hour before the forecast (mmHg), the higher. NaN where
    nothing is known of it."""
    hour = records.minutes[:, BEFORE - HOUR_MIN : BEFORE].astype(np.float64)
    known = ~np.isnan(hour)
    with np.errstate(invalid="ignore"):
        mean: Scores = np.where(known, hour, 0).sum(axis=1) / known.sum(axis=1)
    return -mean


def left_out_brier(score: Scores, y: NDArray[np.bool_]) -> float:
    """Of the probabilities by a calibration on the other records."""
    error = []
    for row in range(len(y)):
        points, values = calibrate(np.delete(score, row), np.delete(y, row).astype(np.int8))
        error.append((float(np.interp(score[row], points, values)) - float(y[row])) ** 2)
    return float(np.mean(error))


def exchanged(y: NDArray[np.bool_], score: Scores, rival: Scores, seed: int) -> float:
    """Chance of a difference in AUROC at least as great, either way, if it did not matter which of the two ranks a record by: the
    two ranks of each record are exchanged at random."""
    one, other = (np.argsort(np.argsort(each)) for each in (score, rival))
    seen = abs(auroc(y, one) - auroc(y, other))
    random = np.random.default_rng(seed)
    reached = 0
    for _ in range(DRAWS):
        swap = random.random(len(y)) < 0.5
        found = auroc(y, np.where(swap, other, one)) - auroc(y, np.where(swap, one, other))
        reached += abs(found) >= seen - 1e-12
    return (reached + 1) / (DRAWS + 1)


def _line(name: str, earlier: float | None, score: Scores, rival: Scores, records: Records, seed: int) -> Line:
    y, starts = records.event, np.arange(len(records) + 1)
    own, other = (Ranked(y, each, starts).auroc for each in (score, rival))
    drawn = sample({"own": own, "gain": difference(own, other)}, starts, DRAWS, seed)
    pairs = {}
    for pair, groups in PAIRS.items():
        rows = np.isin(records.group, groups)
        pairs[pair] = auroc(y[rows], score[rows])
    return Line(name, earlier, summary(drawn["own"]), summary(drawn["gain"]), left_out_brier(score, y), pairs)
