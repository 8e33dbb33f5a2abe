"""What a back-test adds up: alerts and interruptions a patient-day, in the words of "How alert quality is measured"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from analytics.backtest.fold import Folded
from vigil.domain.alerts import Kind, Step, Transition
from vigil.domain.calls import How, call_of, interrupts

#: Answers with which an alert stands before a person on its own; one that never got such an answer was carried by another.
_SHOWN = (How.NOW, How.LIST, How.HELD)


@dataclass(slots=True)
class Counts:
    """``alerts``: by "<kind> <priority>" when first shown; unverified critical values are listed apart. ``carried``: opened, but
    shown only as a part of another alert. ``interruptions``: whenever somebody was called."""

    patients: int = 0
    readings: int = 0
    patient_days: int = 0
    interruptions: int = 0
    carried: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    alerts_by_rule: Counter[str] = field(default_factory=Counter)
    episodes_by_rule: Counter[str] = field(default_factory=Counter)

    def add_patient(self, folded: Folded, days: int, log: Iterable[Transition]) -> None:
        self.patients += 1
        self.readings += len(folded.batch)
        self.patient_days += days
        self.episodes_by_rule.update(logged.rule for logged in folded.log)
        shown: set[str] = set()
        opened = 0
        for line in log:
            alert, call = line.after, call_of(line)
            opened += line.step is Step.OPENED
            self.interruptions += interrupts(line)
            if call is not None and call.how in _SHOWN and alert.alert_id not in shown:
                shown.add(alert.alert_id)
                kind = "unverified" if alert.rule.startswith("unverified.") else alert.kind.value
                self.alerts[f"{kind} {alert.priority.value}"] += 1
                self.alerts_by_rule[alert.rule.partition(".")[0] if "no_data" in alert.rule else alert.rule] += 1
        self.carried += opened - len(shown)

    def add(self, other: Counts) -> None:
        for name in ("patients", "readings", "patient_days", "interruptions", "carried"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("alerts", "alerts_by_rule", "episodes_by_rule"):
            getattr(self, name).update(getattr(other, name))

    def row(self) -> dict[str, Any]:
        """For ``summary.json``; rates are a patient-day, None without one."""
        of_kind: Counter[str] = Counter()
        for name, number in self.alerts.items():
            of_kind[name.partition(" ")[0]] += number
        return {
            "patients": self.patients,
            "readings": self.readings,
            "patient_days": self.patient_days,
            "physiological_alerts_per_patient_day": self._rate(of_kind[Kind.PHYSIOLOGICAL.value]),
            "unverified_alerts_per_patient_day": self._rate(of_kind["unverified"]),
            "technical_alerts_per_patient_day": self._rate(of_kind[Kind.TECHNICAL.value]),
            "carried_alerts_per_patient_day": self._rate(self.carried),
            "interruptions_per_patient_day": self._rate(self.interruptions),
            "alerts": dict(sorted(self.alerts.items())),
            "alerts_by_rule": dict(sorted(self.alerts_by_rule.items())),
            "episodes_by_rule": dict(sorted(self.episodes_by_rule.items())),
        }

    def _rate(self, number: int) -> float | None:
        return round(number / self.patient_days, 4) if self.patient_days else None


def from_row(row: dict[str, Any]) -> Counts:
    """The counts of a finished group, from what ``to_row`` kept."""
    counts = Counts()
    for name in counts.__slots__:
        kept = row[name]
        setattr(counts, name, Counter(kept) if isinstance(kept, dict) else kept)
    return counts


def to_row(counts: Counts) -> dict[str, Any]:
    return {name: getattr(counts, name) for name in counts.__slots__}
