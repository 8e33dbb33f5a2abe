"""Technical alerts of the platform about its models: one that is refused, and one that does not see the people it learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics.alerting import Alerting
from analytics.risk.drift import Drift
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding
from vigil.domain.phrases import Told, phrase, tell
from vigil.domain.self_test import PLATFORM

REFUSED, DRIFT = "model_refused.", "model_drift."
#: Features named in one alert.
_MOST = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    rule: str
    told: Told


def refusals(refused: Mapping[str, str]) -> list[Trouble]:
    """By model (or the file of states), why it is not in use."""
    return [
        Trouble(
            f"{REFUSED}{name}",
            tell(phrase("model.refused.title", model=name), phrase("model.refused", why=why)),
        )
        for name, why in sorted(refused.items())
    ]


def drifts(found: Mapping[str, Sequence[Drift]]) -> list[Trouble]:
    """By model what has drifted, the worst first; only what is beyond the bound to act on."""
    troubles = []
    for model, all_of_it in sorted(found.items()):
        beyond = [each for each in all_of_it if each.act]
        if beyond:
            names = ", ".join(dict.fromkeys(each.feature for each in beyond[:_MOST]))
            more = [phrase("model.drift.more", more=len(beyond) - _MOST)] if len(beyond) > _MOST else []
            text = [phrase("model.drift", what=each.text) for each in beyond[:_MOST]]
            told = tell(phrase("model.drift.title", model=model, features=names), *text, *more)
            troubles.append(Trouble(f"{DRIFT}{model}", told))
    return troubles


class Troubles:
    """What is wrong now has an alert, what is over has none. Low priority: no patient is in danger because a model is silent or
    doubtful, since limits and NEWS2 go on as ever."""

    def __init__(self, alerting: Alerting) -> None:
        self._alerting = alerting

    def tell(self, prefix: str, now_wrong: Sequence[Trouble], now: int) -> None:
        """Everything that is wrong of the kind ``prefix``."""
        wrong = {each.rule: each for each in now_wrong}
        stamp = self._alerting.stamp(f"deadline:{now}")
        for alert in self._alerting.book.open_alerts(PLATFORM):
            if alert.active and alert.rule.startswith(prefix) and alert.rule not in wrong:
                self._alerting.submit(PLATFORM, alert.rule, Ended(stamp, now))
        for rule, each in wrong.items():
            if self._alerting.book.active(PLATFORM, rule) is None:
                evidence = Evidence(each.told.text, said=each.told.said)
                finding = Finding(PLATFORM, rule, Kind.TECHNICAL, Priority.LOW, each.told.title, evidence, now)
                self._alerting.submit(PLATFORM, rule, Began(stamp, finding))
