"""Everything that is known about how good one model is, in one record that a model folder keeps as JSON."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.alert_hours import AlertHours, alert_hours
from analytics.risk.evaluate.calibration import Calibration, calibration
from analytics.risk.evaluate.decision_curve import DecisionCurve, decision_curve
from analytics.risk.evaluate.discrimination import Curve, Ranked
from analytics.risk.evaluate.events import CHALLENGE, Bools, Floats, Setting, find_events
from analytics.risk.evaluate.intervals import DRAWS, Figure, Sampled, sample, summary
from analytics.risk.evaluate.measures import Alerting, metrics
from analytics.risk.evaluate.news2 import URGENT, news2_of
from analytics.risk.evaluate.privacy import shown
from analytics.risk.evaluate.subgroups import Group, subgroups
from analytics.risk.hours import Hours
from vigil.domain.errors import InvalidInput, ModelError
from vigil.domain.readings import I64

#: Version of the definitions (evaluation.md) that a report follows.
DEFINITIONS = 1
#: Edges of the histogram of predictions; logarithmic, for most risks are small.
HISTOGRAM = (0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Compared:
    """The model and the baseline on the same hours; ``gain``: model minus baseline in the same draws."""

    model: dict[str, Figure]
    baseline: dict[str, Figure]
    gain: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A test on patients unlike those learned from, as "learned on medical stays, judged on surgical ones"."""

    name: str
    stays: int | None
    events: int | None
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the model has to beat; (n,) each. ``score``: few different values, higher = worse; ``alerts``: at its usual limit."""

    name: str
    score: NDArray[np.generic]
    alerts: Bools


@dataclass(frozen=True, slots=True)
class Report:
    """``prevalence``: share of labelled hours. ``stays``, ``events`` (stays with the event): None = fewer than 10. ``seed``,
    ``draws``: of the intervals. ``histogram``: share of hours with a prediction between the ``HISTOGRAM`` edges. ``elsewhere``:
    filled by training."""

    definitions: int
    setting: Setting
    seed: int
    draws: int
    stays: int | None
    hours: int
    events: int | None
    prevalence: float
    baseline_name: str
    compared: Compared
    calibration: Calibration
    decision: DecisionCurve
    model_roc: Curve
    baseline_roc: Curve
    model_pr: Curve
    baseline_pr: Curve
    histogram: tuple[float, ...]
    by_hours: AlertHours
    by_stays: AlertHours
    groups: tuple[Group, ...]
    elsewhere: tuple[Elsewhere, ...] = ()

    def to_json(self) -> str:
        """The same text for the same report."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1).decode() + "\n"

    @staticmethod
    def from_json(text: str) -> Report:
        """``ModelError`` when it is no report."""
        try:
            return msgspec.json.decode(text, type=Report)
        except msgspec.MsgspecError as error:
            raise ModelError(f"the evaluation report cannot be read: {error}") from error


def judge(
    y: NDArray[np.generic],
    p: Floats,
    alerts: NDArray[np.generic],
    hours: Hours,
    seed: int,
    *,
    scored: NDArray[np.generic] | None = None,
    baseline: Baseline | None = None,
    setting: Setting = CHALLENGE,
    draws: int = DRAWS,
) -> Report:
    """Judge predictions made for patients that were not learned from.

    All (n,) in the rows of ``hours``: ``y`` label 0 or 1, ``p`` probability, ``alerts`` what the model's threshold says,
    ``scored`` True where the model decided and not NEWS2. ``baseline``: without it NEWS2 of 5 or more. ``InvalidInput`` when a
    probability is none, a label is neither 0 nor 1, or lengths differ.
    """
    _check(y, p, alerts, hours)
    against = baseline or news2_baseline(news2_of(hours))
    event, probability = np.asarray(y, np.float64), np.asarray(p, np.float64)
    flags = None if scored is None else np.asarray(scored) > 0
    model = Alerting(event, probability, np.asarray(alerts) > 0, hours.starts, setting, probability, flags)
    other = Alerting(event, np.asarray(against.score, np.float64), against.alerts, hours.starts, setting)
    curves, others = (Ranked(one.y, one.score, one.starts).curves() for one in (model, other))
    by_hours, by_stays = alert_hours(model, other, draws, seed)
    return Report(
        definitions=DEFINITIONS,
        setting=setting,
        seed=seed,
        draws=draws,
        stays=shown(len(hours.ids)),
        hours=len(hours),
        events=shown(int(find_events(event, hours.starts, setting).stays.sum())),
        prevalence=round(float(event.mean()), 6),
        baseline_name=against.name,
        compared=_compared(model, other, draws, seed),
        calibration=calibration(event, probability, hours.starts, draws, seed),
        decision=decision_curve(event, probability, against.alerts, against.score),
        model_roc=curves[0],
        baseline_roc=others[0],
        model_pr=curves[1],
        baseline_pr=others[1],
        histogram=_histogram(probability),
        by_hours=by_hours,
        by_stays=by_stays,
        groups=subgroups(model, hours, draws, seed),
    )


def brief(
    y: NDArray[np.generic],
    p: Floats,
    alerts: NDArray[np.generic],
    starts: I64,
    seed: int,
    *,
    name: str,
    setting: Setting = CHALLENGE,
    draws: int = DRAWS,
) -> Elsewhere:
    """The figures of one more test, for ``Report.elsewhere``."""
    event, probability = np.asarray(y, np.float64), np.asarray(p, np.float64)
    one = Alerting(event, probability, np.asarray(alerts) > 0, starts, setting, probability)
    found = {key: summary(values) for key, values in sample(metrics(one), starts, draws, seed).items()}
    whole = calibration(event, probability, starts, draws, seed)
    events = int(find_events(event, starts, setting).stays.sum())
    return Elsewhere(name, shown(len(starts) - 1), shown(events), found | {"slope": whole.slope})


def _check(y: NDArray[np.generic], p: Floats, alerts: NDArray[np.generic], hours: Hours) -> None:
    if not len(y) == len(p) == len(alerts) == len(hours):
        raise InvalidInput(f"{len(hours)} hours, {len(y)} labels, {len(p)} predictions, {len(alerts)} alerts")
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise InvalidInput("a prediction is no probability from 0 to 1")
    if not bool(np.isin(y, (0, 1)).all()):
        raise InvalidInput("a label is neither 0 nor 1")


def news2_baseline(points: NDArray[np.integer]) -> Baseline:
    """``points`` (n,) of NEWS2, alerting where it asks for an urgent answer."""
    return Baseline(f"NEWS2 ≥ {URGENT}", points, points >= URGENT)


def _compared(model: Alerting, baseline: Alerting, n: int, seed: int) -> Compared:
    mine, theirs = (sample(metrics(one), one.starts, n, seed) for one in (model, baseline))
    return Compared(
        _figures(mine), _figures(theirs), _figures({name: mine[name] - theirs[name] for name in mine if name in theirs})
    )


def _figures(values: dict[str, Sampled]) -> dict[str, Figure]:
    return {name: summary(each) for name, each in values.items()}


def _histogram(p: Floats) -> tuple[float, ...]:
    counts, _ = np.histogram(p, HISTOGRAM)
    return tuple(np.round(counts / len(p), 6).tolist())
