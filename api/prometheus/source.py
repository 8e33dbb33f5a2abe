"""From a selector to series, over everything that this API shows."""

from __future__ import annotations

from dataclasses import dataclass

from api.care import View
from api.deps import ApiDeps
from api.prometheus.catalogue import EVERY_QUALITY, QUALITY, Known, Labels, VitalSeries, labels, with_quality
from api.prometheus.judged import SCORES, alert_labels, alert_series, alerts_between, score_series
from api.prometheus.names import ALERT
from api.prometheus.parse import Selector
from api.prometheus.samples import Budget, Series, Span
from api.prometheus.vitals import vital_series
from vigil.store.past import Past


@dataclass(frozen=True, slots=True)
class Source:
    """What one request may see: of ``known``, which holds every patient, those of ``view``."""

    deps: ApiDeps
    past: Past
    known: Known
    view: View
    budget: Budget

    def series(self, selector: Selector, span: Span) -> list[Series]:
        """Those with a sample that ``span`` may need. Raises ``PromError`` beyond a limit."""
        every = selector.equals(QUALITY) == EVERY_QUALITY
        chosen = self._vitals(selector)
        found = vital_series(self.past, chosen, span, self.budget, every)
        found += score_series(self.deps, self._scores(selector), span, self.budget)
        if self._may_take(selector, ALERT):
            alerts = alert_series(self.deps, self.view, self.known.wards, selector.equals("patient"), span, self.budget)
            found += [one for one in alerts if selector.takes(dict(one.labels))]
        return found

    def listed(self, selector: Selector, since: int, until: int) -> list[Labels]:
        """The labels of the series with something in [since, until]; a device that was worn then counts, if it has ever sent."""
        every = selector.equals(QUALITY) == EVERY_QUALITY
        vitals = self._vitals(selector)
        found = [with_quality(one.labels, every) for one in vitals if one.touches(since, until)]
        found += [shown for metrics in self._scores(selector).values() for _, shown in metrics]
        if self._may_take(selector, ALERT):
            alerts = alerts_between(self.deps, self.view, since, until, selector.equals("patient"))
            shown = {alert_labels(one, self.known.wards) for one in alerts}
            found += [one for one in sorted(shown) if selector.takes(dict(one))]
        return found

    def _vitals(self, selector: Selector) -> list[VitalSeries]:
        found = self.known.vitals(selector)
        return (
            found if self.view.everybody else [one for one in found if self.view.patient(dict(one.labels)["patient"])]
        )

    def _scores(self, selector: Selector) -> dict[str, list[tuple[str, Labels]]]:
        found: dict[str, list[tuple[str, Labels]]] = {}
        for metric in SCORES:
            if self._may_take(selector, metric):
                for patient_id, ward in self.known.wards.items():
                    if not self.view.patient(patient_id):
                        continue
                    shown = labels(__name__=metric, patient=patient_id, ward=ward)
                    if selector.takes(dict(shown)):
                        found.setdefault(patient_id, []).append((metric, shown))
        return found

    @staticmethod
    def _may_take(selector: Selector, metric: str) -> bool:
        return all(one(metric) for one in selector.of("__name__"))
