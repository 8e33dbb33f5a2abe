"""The measures of drift, each with its bound and its chance: population stability index, Kolmogorov-Smirnov, rates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analytics.risk.reference import CUTS, DECILES, SCORE, Reference
from vigil.domain.readings import F64, I64

#: Stands where a feature is named, for what became of the people.
OUTCOME = "outcome"
#: fairness.md section 4: below 0.1 stable, up to 0.25 look, above act.
PSI_LOOK, PSI_ACT = 0.1, 0.25
KS_BOUND = 0.1
#: Points of missing rate (fairness.md section 2: coverage gap).
MISSING_BOUND = 0.1
#: Mean score and alert rate: 20 %. Events seen to events foretold: fairness.md section 2.
RATE_BOUNDS, OUTCOME_BOUNDS = (0.8, 1.2), (0.8, 1.25)
#: A share of 0 would make PSI infinite.
EPSILON = 1e-4
#: Chance of a false alarm that is accepted over all tests of a model together, each time it is asked (ours).
ALPHA = 0.01
#: Fewer groups of persons than that do not say how uncertain a mean is.
_LEAST_GROUPS = 8


@dataclass(frozen=True, slots=True)
class DriftTest:
    """``beyond``: further than its bound. ``chance``: p, how often as much comes about without drift. ``times_bound``: how many
    times its bound it is off, to say the worst first."""

    feature: str
    measure: str
    value: float
    bound: float
    beyond: bool
    chance: float
    times_bound: float
    act: bool
    text: str


def psi(live: F64, usual: F64) -> float:
    """Population stability index of two lists of shares.

    >>> round(psi(np.array([0.5, 0.5]), np.array([0.4, 0.6])), 4)
    0.0405
    """
    live, usual = np.maximum(live, EPSILON), np.maximum(usual, EPSILON)
    return float(np.sum((live - usual) * np.log(live / usual)))


def feature_tests(reference: Reference, row: int, feature: str, counts: I64, patients: int) -> list[DriftTest]:
    """``counts`` (CUTS + 2,): values up to each cut, above the last, missing. ``patients``: how many persons they are from."""
    rows, known = int(counts.sum()), int(counts[:-1].sum())
    tests = [_missing(feature, 1 - known / rows, float(reference.missing[row]), _sample(patients, reference.patients))]
    measured = float(1 - reference.missing[row]) * reference.patients
    if known and measured >= 1:
        # Who measures at all may be a few persons only: the share of hours measured bounds how many (all hours or none).
        persons = _sample(min(patients * known / rows, known), measured)
        tests += _distribution(reference, row, feature, counts[:-1] / known, persons)
    return tests


def _sample(live: float, usual: float) -> float:
    """Sample size of a comparison of two groups, as that of one group against a known distribution."""
    return live * usual / (live + usual)


def _distribution(reference: Reference, row: int, feature: str, shares: F64, persons: float) -> list[DriftTest]:
    from scipy.special import chdtrc, kolmogorov  # only where there is a model that has seen enough

    below, live = reference.below[row], np.cumsum(shares)[:CUTS]
    gap = float(np.max(np.abs(live - below)))
    # Tenths that end at one value (a whole number, a yes or no) are one bin.
    edges = DECILES[np.unique(reference.cuts[row, DECILES], return_index=True)[1]]
    bins_live = np.diff(np.concatenate([[0.0], live[edges], [1.0]]))
    bins_usual = np.diff(np.concatenate([[0.0], below[edges], [1.0]]))
    index = psi(bins_live, bins_usual)
    # Pearson's statistic rather than PSI itself, which grows without bound where a few persons leave a bin empty.
    pearson = persons * float(np.sum((bins_live - bins_usual) ** 2 / np.maximum(bins_usual, EPSILON)))
    was, now = reference.cuts[row, CUTS // 2 - 1], _median(reference, row, live)
    middle = f"middle value {now}, {was:.4g} when it learnt"
    act = index > PSI_ACT
    what = "act: has a unit, a device or the group of patients changed?" if act else "worth a look"
    bound = PSI_ACT if act else PSI_LOOK
    return [
        DriftTest(
            feature,
            "psi",
            index,
            bound,
            index > PSI_LOOK,
            float(chdtrc(max(len(bins_usual) - 1, 1), pearson)),
            index / PSI_ACT,
            act,
            f"{feature} is distributed otherwise than when it learnt (PSI {index:.2f}, bound {bound}; {middle}): {what}",
        ),
        DriftTest(
            feature,
            "ks",
            gap,
            KS_BOUND,
            gap >= KS_BOUND,
            float(kolmogorov(np.sqrt(persons) * gap)),
            gap / KS_BOUND,
            act,
            f"{feature} is shifted against what it learnt from (D {gap:.2f}, bound {KS_BOUND}; {middle}): {what}",
        ),
    ]


def _median(reference: Reference, row: int, live: F64) -> str:
    """As exact as the cuts are."""
    place = int(np.searchsorted(live, 0.5))
    return f"{reference.cuts[row, place]:.4g}" if place < CUTS else f"above {reference.cuts[row, -1]:.4g}"


def _missing(feature: str, now: float, was: float, persons: float) -> DriftTest:
    word = "more" if now > was else "less"
    return DriftTest(
        feature,
        "missing",
        now,
        MISSING_BOUND,
        abs(now - was) > MISSING_BOUND,
        share_chance(now, was, persons),
        abs(now - was) / MISSING_BOUND,
        True,
        f"{feature} is missing {word} often than when it learnt ({now:.0%} of hours, {was:.0%} then; bound 10 points): "
        "is a device off, or another kind in use?",
    )


def score_tests(reference: Reference, score: float, alerts: float, patients: int) -> list[DriftTest]:
    """``score``: mean probability; ``alerts``: share of rows with an alert."""
    from scipy.special import ndtr

    persons = _sample(patients, reference.patients)
    # Between persons a score varies no more than between all hours: an upper bound of the uncertainty.
    z = abs(score - reference.mean_score) / max(reference.score_sd, EPSILON) * np.sqrt(persons)
    return [
        _ratio(SCORE, "mean score", score, reference.mean_score, RATE_BOUNDS, float(2 * ndtr(-z))),
        _ratio(
            SCORE,
            "alert rate",
            alerts,
            reference.alert_rate,
            RATE_BOUNDS,
            share_chance(alerts, reference.alert_rate, persons),
        ),
    ]


def outcome_tests(observed: F64, expected: F64) -> list[DriftTest]:
    """``observed``, ``expected`` (groups of persons,): hours with the event, and the sum of the probabilities of the same
    hours. How much the groups differ says how uncertain the whole is; nothing is said with too few groups."""
    from scipy.special import stdtr

    used = expected > 0
    groups = int(used.sum())
    if groups < _LEAST_GROUPS:
        return []
    ratio = float(observed.sum() / expected.sum())
    # Spread of the groups about the ratio that they have in common, as of an estimate by jackknife.
    spread = float(np.sqrt(groups / (groups - 1) * np.sum(((observed - ratio * expected)[used]) ** 2)))
    t = abs(float(observed.sum() - expected.sum())) / max(spread, EPSILON)
    chance = float(2 * stdtr(groups - 1, -t))
    return [_ratio(OUTCOME, "observed/expected", float(observed.sum()), float(expected.sum()), OUTCOME_BOUNDS, chance)]


def share_chance(now: float, was: float, persons: float) -> float:
    """How often a share is as far from its usual value by chance, if it is the same in all hours of a person (the most that
    hours of one person can resemble one another): binomial, both sides."""
    from scipy.special import betainc

    usual = (was * persons + 0.5) / (persons + 1)
    hits = now * persons
    at_least = float(betainc(hits, persons - hits + 1, usual)) if hits > 0 else 1.0
    at_most = 1 - float(betainc(hits + 1, persons - hits, usual)) if hits < persons else 1.0
    return min(2 * min(at_least, at_most), 1.0)


def _ratio(
    feature: str, measure: str, now: float, usual: float, bounds: tuple[float, float], chance: float
) -> DriftTest:
    low, high = bounds
    ratio = now / max(usual, EPSILON)
    bound = high if ratio > 1 else low
    return DriftTest(
        feature,
        measure,
        ratio,
        bound,
        not low <= ratio <= high,
        chance,
        abs(ratio - 1) / abs(bound - 1),
        True,
        f"{measure} is {ratio:.2f} times what its evaluation gave (bounds {low} to {high}): "
        "its probabilities and its number of alerts may be wrong here",
    )


def held(tests: Iterable[DriftTest]) -> list[DriftTest]:
    """Those beyond their bound that chance does not explain, by Holm's procedure over all of them."""
    ordered = sorted(tests, key=lambda test: test.chance)
    sure = []
    for place, test in enumerate(ordered):
        if test.chance > ALPHA / (len(ordered) - place):
            break
        sure.append(test)
    return [test for test in sure if test.beyond]
