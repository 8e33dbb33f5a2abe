"""Samples of what analytics made: NEWS2 with its bounds, and how many alerts are active."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from api.care import View
from api.deps import ApiDeps
from api.prometheus.catalogue import Labels, labels
from api.prometheus.names import ALERT, SCORE, SCORE_LOWER, SCORE_UPPER
from api.prometheus.refusal import impossible
from api.prometheus.samples import FOR_EVER, Budget, Series, Span
from vigil.domain.alerts import Alert
from vigil.domain.people import is_test
from vigil.domain.scores import Score
from vigil.domain.times import MINUTE, SECOND

SCORES = (SCORE, SCORE_LOWER, SCORE_UPPER)
#: Analytics stores an unchanged score every minute; one that is older was left by a judging that stands still (ours).
SCORE_FRESH_US = 3 * MINUTE
#: A query about so recent a time is about now: who has no score in memory has none (ours).
LIVE_US = 5 * SECOND
#: Patients or alerts whose history one query may read (ours).
MOST_HISTORIES = 500
#: Reading one score takes as long as so many samples: its parts are read with it (ours).
SCORE_COST = 20
#: An alert that stays active counts as one sample so often, where a range of time is asked for.
SAMPLE_US = 15 * SECOND

#: Moments at which a number changed, and the number from then on; 0 = none.
Steps = list[tuple[int, int]]


def score_series(
    deps: ApiDeps, wanted: dict[str, list[tuple[str, Labels]]], span: Span, budget: Budget
) -> list[Series]:
    """``wanted``: by patient, the metrics with their labels. A score that is not complete has bounds and no value."""
    found, others = [], []
    live = span.newest_only and span.last >= deps.clock.now_us() - LIVE_US
    for patient_id, metrics in wanted.items():
        now = deps.bus.board.score(patient_id) if live else None
        if now is not None and now.at <= span.last:
            found += _scored([now], metrics)
        elif now is not None or not live:
            others.append(patient_id)
    if len(others) > MOST_HISTORIES:
        raise impossible(f"the scores of {len(others)} patients over time: at most {MOST_HISTORIES}; ask for fewer")
    for patient_id in others:
        since = span.since(SCORE_FRESH_US) + 1
        scores = deps.readings.scores(patient_id, since, span.last + 1, budget.left // SCORE_COST + 1)
        budget.take(SCORE_COST * len(scores))
        found += _scored([one for one in scores if one.name == "news2"], wanted[patient_id])
    return found


def _scored(scores: Sequence[Score], metrics: Iterable[tuple[str, Labels]]) -> list[Series]:
    last_of = {score.at: score for score in scores}
    at = np.array(list(last_of), np.int64)
    made = []
    for metric, shown in metrics:
        values = [_score_value(metric, score) for score in last_of.values()]
        ends = np.array([value is None for value in values], np.bool_)
        value = np.array([np.nan if value is None else value for value in values], np.float64)
        if not ends.all():
            made.append(Series(shown, at, value, SCORE_FRESH_US, ends))
    return made


def _score_value(metric: str, score: Score) -> int | None:
    return {SCORE: score.total, SCORE_LOWER: score.lower, SCORE_UPPER: score.upper}[metric]


def alert_labels(alert: Alert, wards: dict[str, str]) -> Labels:
    """One series a patient, rule, kind and priority; an alert that worsens goes over into another series."""
    return labels(
        __name__=ALERT,
        patient=alert.patient_id,
        ward=wards.get(alert.patient_id, ""),
        rule=alert.rule,
        kind=alert.kind.value,
        priority=alert.priority.value,
    )


def alerts_between(deps: ApiDeps, view: View, since: int, until: int, patient_id: str | None) -> list[Alert]:
    """Those of ``view`` that were open at some time in it, the self-test's left out."""
    found = deps.records.alerts(patient_id=patient_id, resolved_since=since)
    return [one for one in found if one.opened_at <= until and not is_test(one.patient_id) and view.alert(one)]


def alert_series(
    deps: ApiDeps, view: View, wards: dict[str, str], patient_id: str | None, span: Span, budget: Budget
) -> list[Series]:
    """How many alerts were active, by labels, from the log of each one that changed in the time asked for."""
    since = span.first - (span.back or 0)
    changes: dict[Labels, Steps] = {}
    logs = 0
    for alert in alerts_between(deps, view, since, span.last, patient_id):
        if alert.updated_at <= since:
            lines = [(alert.updated_at, alert)]
        else:
            logs += 1
            log = deps.records.transitions(alert_id=alert.alert_id)
            lines = [(line.at, line.after) for line in log if line.at <= span.last]
        if logs > MOST_HISTORIES:
            raise impossible(
                f"more than {MOST_HISTORIES} alerts changed in this time: ask for less time or one patient"
            )
        budget.take(len(lines))
        _count(changes, lines, wards)
    return [_alert_samples(shown, steps, span, budget) for shown, steps in changes.items()]


def _count(changes: dict[Labels, Steps], lines: Sequence[tuple[int, Alert]], wards: dict[str, str]) -> None:
    """Adds +1 where the alert becomes active under labels, -1 where it ends to be."""
    active: Labels | None = None
    for at, after in lines:
        now = alert_labels(after, wards) if after.active else None
        if now == active:
            continue
        if active is not None:
            changes[active].append((at, -1))
        if now is not None:
            changes.setdefault(now, []).append((at, 1))
        active = now


def _alert_samples(shown: Labels, steps: Steps, span: Span, budget: Budget) -> Series:
    at, first = np.unique(np.array(sorted(at for at, _ in steps), np.int64), return_index=True)
    total = np.cumsum([change for _, change in sorted(steps, key=lambda step: step[0])])
    count = total[np.r_[first[1:], total.size] - 1].astype(np.float64)
    if span.back is not None:
        since = max(span.first - span.back, int(at[0]))
        budget.take((span.last - since) // SAMPLE_US)
        grid = np.arange(-(-since // SAMPLE_US) * SAMPLE_US, span.last + 1, SAMPLE_US, dtype=np.int64)
        every = np.union1d(at, grid)
        at, count = every, count[np.searchsorted(at, every, side="right") - 1]
    return Series(shown, at, count, FOR_EVER, count == 0)
