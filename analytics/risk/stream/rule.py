"""The rules ``risk.NAME``: what a model in use calls for, as far as the patient's policy names it; off where it does not.

A model in shadow goes the same way and calls nobody: what it would have opened is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.alerting import Alerting
from analytics.data_loss import DataLoss
from analytics.directory import Directory
from analytics.lapses import LIMIT_CHANGED
from analytics.risk.explain import strongest
from analytics.risk.stream.course import FRESH, GAP, Course, follow, followed
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding, Withdraw
from vigil.domain.phrases import Phrase, phrase, tell, title_of
from vigil.domain.risk import RISK_PREFIX, ModelState, Prediction
from vigil.domain.risk_words import foretold, how_often
from vigil.domain.times import DAY
from vigil.runtime.metrics import Metrics
from vigil.store import PredictionStore

#: Why an alert was withdrawn: nobody lets the model call any more.
NOT_ACTIVE = "model not active"
#: A course that is still open goes back to decisions of at most so long ago, after a restart.
_REMEMBERED = DAY


class RiskRule:
    def __init__(
        self, directory: Directory, alerting: Alerting, data_loss: DataLoss, store: PredictionStore, metrics: Metrics
    ) -> None:
        self._directory = directory
        self._alerting = alerting
        self._data_loss = data_loss
        self._store = store
        self._courses: dict[tuple[str, str], Course] = {}
        self._shadow = metrics.counter(
            "analytics_risk_shadow_alerts_total", "Alerts that models in shadow would have opened", ("model",)
        )

    def remember(self, latest: Sequence[Prediction], thresholds: Mapping[str, float]) -> None:
        """After a start: the courses as they were, from the store. ``latest``: the newest of each patient and model."""
        for each in latest:
            key = each.patient_id, each.model
            alert = self._alerting.book.active(each.patient_id, RISK_PREFIX + each.model)
            if each.model in thresholds and (each.alert or alert is not None or each.state is ModelState.SHADOW):
                span = each.at - _REMEMBERED, each.at + 1
                before = self._store.predictions(each.patient_id, *span, 10_000, model=each.model)
                start = FRESH if alert is None else Course(open=True)
                self._keep(key, followed(before, thresholds[each.model], start))

    def take(self, predictions: Sequence[Prediction], threshold: float) -> None:
        """The newest decisions of one model."""
        for each in predictions:
            key = each.patient_id, each.model
            before = self._courses.get(key, FRESH)
            after = follow(before, each, threshold)
            self._keep(key, after)
            if each.state is ModelState.SHADOW:
                if after.open and not before.open:
                    self._shadow.labels(each.model).inc()
            elif each.state is ModelState.ACTIVE:
                self._tell(each, after)

    def settle(self, at: int, now: int, active: frozenset[str]) -> None:
        """Once a quarter: open alerts whose model, policy or data are gone. ``active``: names of the models that may call."""
        for alert in self._alerting.book.open_alerts():
            if not alert.active or not alert.rule.startswith(RISK_PREFIX):
                continue
            model = alert.rule.removeprefix(RISK_PREFIX)
            if model not in active:
                self._withdraw(alert, f"deadline:{at}", NOT_ACTIVE)
            elif self._priority(alert.patient_id, model) is None:
                self._withdraw(alert, self._directory.cause(LIMIT_CHANGED), LIMIT_CHANGED)
            elif at - self._courses.get((alert.patient_id, model), FRESH).answered_at >= GAP:
                self._data_loss.lost(alert, now, phrase("signal_lost.model", alert=title_of(alert)))

    def forget(self, here: frozenset[str]) -> None:
        """Who is not under watch any more."""
        self._courses = {key: course for key, course in self._courses.items() if key[0] in here}

    def _keep(self, key: tuple[str, str], course: Course) -> None:
        """Of nobody else need anything be remembered: a quiet course is like a fresh one."""
        if course.open or course.above:
            self._courses[key] = course
        else:
            self._courses.pop(key, None)

    def _tell(self, prediction: Prediction, course: Course) -> None:
        patient_id, rule = prediction.patient_id, RISK_PREFIX + prediction.model
        alert = self._alerting.book.active(patient_id, rule)
        stamp = self._alerting.stamp(f"deadline:{prediction.at}", prediction.at)
        if alert is None:
            priority = self._priority(patient_id, prediction.model)
            if course.open and prediction.alert and priority is not None:
                finding = self._finding(prediction, priority)
                self._alerting.submit(patient_id, rule, Began(stamp, finding))
        elif not course.open:
            self._alerting.submit(patient_id, rule, Ended(stamp, course.quiet_at))
        elif course.answered_at == prediction.at:
            self._data_loss.back(alert, f"deadline:{prediction.at}")

    def _priority(self, patient_id: str, model: str) -> Priority | None:
        """Only a policy that names the model lets it call; ``findings.risk`` alone says nothing."""
        return self._directory.policy(patient_id).findings.get(RISK_PREFIX + model)

    def _withdraw(self, alert: Alert, cause: str, reason: str) -> None:
        self._alerting.submit(alert.patient_id, alert.rule, Withdraw(self._alerting.stamp(cause), reason))

    def _finding(self, prediction: Prediction, priority: Priority) -> Finding:
        title = phrase("risk.title", event=foretold(prediction.model).event)
        told = tell(title, *alert_text(prediction))
        version = self._directory.policy_version(prediction.patient_id)
        return Finding(
            patient_id=prediction.patient_id,
            rule=RISK_PREFIX + prediction.model,
            kind=Kind.PHYSIOLOGICAL,
            priority=priority,
            title=told.title,
            evidence=Evidence(told.text, policy_version=version, said=told.said),
            onset_at=prediction.at,
        )


def alert_text(prediction: Prediction) -> list[Phrase]:
    """Reasons first, then how often it comes true, for a nurse; which model of which version said so. What lowers the risk is no
    reason for an alert."""
    raising = [one for one in prediction.contributions if one.log_odds > 0]
    reasons = [one.said or one.text for one in strongest(raising)]
    said = [phrase("risk.reasons", reasons=reasons)] if reasons else []
    model = phrase("risk.model", model=prediction.model, version=prediction.version)
    return [*said, how_often(prediction), phrase("risk.notice"), model]
