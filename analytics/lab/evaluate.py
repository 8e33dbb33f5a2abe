"""The figures of one policy on labelled readings, and of two beside each other. Pure: alarms, labels and days in, figures out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.lab import chance
from analytics.lab.alarms import Alarm, Lane, by_patient
from analytics.lab.bootstrap import Figure, difference, fewer, longer, median_lead, ratio
from analytics.lab.labels import Event, Labels
from analytics.lab.matching import Outcome, matched
from vigil.domain.alerts import Priority
from vigil.domain.readings import F64, I64
from vigil.domain.times import DAY, HOUR

#: Non-inferiority (page, rule 1): overall by the interval's lower end, a scenario by its figure.
OVERALL_POINTS, SCENARIO_POINTS = 0.02, 0.05


@dataclass(frozen=True, slots=True)
class Ward:
    """Whom a policy is judged on. ``days``, ``hours``: of each patient those with at least one valid value, in the order of
    ``patients``. ``weights``: of the bootstrap. ``nurses_per_10``: how many nurses are at work for ten patients."""

    labels: Labels
    patients: tuple[str, ...]
    days: F64
    hours: F64
    weights: I64
    nurses_per_10: float = 1.0

    @property
    def place(self) -> dict[str, int]:
        return {patient: number for number, patient in enumerate(self.patients)}

    def spread(self, numbers: Mapping[str, int]) -> F64:
        """A column over the patients."""
        return np.array([float(numbers.get(patient, 0)) for patient in self.patients])

    def event_free(self) -> F64:
        """1 for each patient without an event."""
        ill = {event.patient for event in self.labels.events}
        return np.array([float(patient not in ill) for patient in self.patients])


@dataclass(frozen=True, slots=True)
class Judged:
    """A policy on a ward. ``outcomes``: one an event, in an order that is the same for every policy. ``counts``: by patient, for
    each name of ``BURDEN``."""

    name: str
    version: str
    alarms: Sequence[Alarm]
    outcomes: Sequence[Outcome]
    counts: Mapping[str, F64]

    def lead_s(self) -> F64:
        return np.array([-np.inf if each.lead_s is None else each.lead_s for each in self.outcomes])


def judge(name: str, version: str, alarms: Sequence[Alarm], ward: Ward) -> Judged:
    mine = by_patient(alarms)
    counts = {
        what: ward.spread({patient: sum(map(which, found)) for patient, found in mine.items()})
        for what, which in BURDEN.items()
    }
    return Judged(name, version, alarms, matched(ward.labels.of_patient(), mine), counts)


def _shown(*lanes: Lane, priority: Priority | None = None) -> Callable[[Alarm], int]:
    return lambda each: each.shown and each.lane in lanes and priority in (None, each.priority)


def _calls(*lanes: Lane) -> Callable[[Alarm], int]:
    return lambda each: len(each.calls) if each.lane in lanes else 0


ALERTS, INTERRUPTIONS = "physiological_alerts", "interruptions"
#: New alerts about patients that call: the burden at which chance is judged.
CALLING = "calling_alerts"
#: Figures a patient-day by name; technical ones and unverified critical values apart.
BURDEN: dict[str, Callable[[Alarm], int]] = {
    ALERTS: _shown(Lane.PHYSIOLOGICAL),
    **{f"physiological_alerts_{each.value}": _shown(Lane.PHYSIOLOGICAL, priority=each) for each in Priority},
    INTERRUPTIONS: _calls(Lane.PHYSIOLOGICAL),
    CALLING: lambda each: each.of_patient and bool(each.calls),
    "unverified_alerts": _shown(Lane.UNVERIFIED),
    "unverified_interruptions": _calls(Lane.UNVERIFIED),
    "technical_alerts": _shown(Lane.TECHNICAL),
    "technical_interruptions": _calls(Lane.TECHNICAL),
    "all_interruptions": _calls(*Lane),
    "listed_alerts": lambda each: each.of_patient and each.listed_at is not None and not each.calls,
    "carried_alerts": lambda each: each.of_patient and not each.shown,
    "held_calls": lambda each: each.held,
}


def figures(judged: Judged, ward: Ward) -> dict[str, Any]:
    """A row of ``summary.json``: rates a patient-day, each with its interval under ``intervals``."""
    burden = {name: ratio(ward.weights, counts, ward.days) for name, counts in judged.counts.items()}
    found = sensitivity(judged, ward)
    lead = median_lead(ward.weights, judged.lead_s(), owners(judged, ward))
    events = len(judged.outcomes)
    return {
        "policy": judged.name,
        "version": judged.version,
        "patients": len(ward.patients),
        "patient_days": round(float(ward.days.sum()), 2),
        **{f"{name}_per_patient_day": each.row()["value"] for name, each in burden.items()},
        "alert_hours_share": ratio(ward.weights, alert_hours(judged, ward), ward.hours).row(),
        "interruptions_per_nurse_hour": _per_nurse_hour(burden["all_interruptions"].value, ward),
        "events": events,
        "missed": sum(not each.caught for each in judged.outcomes),
        "caught_by_unverified": sum(
            each.alarm is not None and each.alarm.lane is Lane.UNVERIFIED for each in judged.outcomes
        ),
        "missed_but_told_worse": sum(each.told_worse for each in judged.outcomes),
        "sensitivity": found.row()["value"],
        "lead_time_median_s": lead.row()["value"],
        "chance": _chance(judged, ward),
        "intervals": {
            **{f"{name}_per_patient_day": each.row() for name, each in burden.items()},
            "sensitivity": found.row(),
            "lead_time_median_s": lead.row(),
        },
        "event_free": _event_free(judged, ward),
        "by_scenario": {name: by_scenario(judged, ward, name) for name in ward.labels.scenarios},
        "without_left_out": sensitivity(judged, ward, lambda event: event.scenario not in ward.labels.left_out).row(),
        "by_group": by_group(judged, ward),
        "alerts_by_rule": _by_rule(judged.alarms),
        "top_tenth_share": top_tenth(judged.counts[ALERTS]),
        "cumulative_share": cumulative(judged.counts[ALERTS]),
        "misses": [_miss(each) for each in judged.outcomes if not each.caught],
    }


def owners(judged: Judged, ward: Ward) -> Any:
    place = ward.place
    return np.array([place[each.event.patient] for each in judged.outcomes], np.intp)


def _caught_and_all(judged: Judged, ward: Ward, which: Callable[[Event], bool]) -> tuple[F64, F64]:
    caught, everything = Counter[str](), Counter[str]()
    for each in judged.outcomes:
        if which(each.event):
            everything[each.event.patient] += 1
            caught[each.event.patient] += each.caught
    return ward.spread(caught), ward.spread(everything)


def sensitivity(judged: Judged, ward: Ward, which: Callable[[Event], bool] = lambda _event: True) -> Figure:
    return ratio(ward.weights, *_caught_and_all(judged, ward, which))


def by_scenario(judged: Judged, ward: Ward, name: str) -> dict[str, Any]:
    mine = [each for each in judged.outcomes if each.event.scenario == name]
    lead = np.array([-np.inf if each.lead_s is None else each.lead_s for each in mine])
    place = ward.place
    owner = np.array([place[each.event.patient] for each in mine], np.intp)
    window = _windows(mine)
    return {
        "events": len(mine),
        "missed": sum(not each.caught for each in mine),
        "left_out_of_tuning": name in ward.labels.left_out,
        "sensitivity": sensitivity(judged, ward, lambda event: event.scenario == name).row(),
        "lead_time_median_s": median_lead(ward.weights, lead, owner).row(),
        "window_median_s": float(np.median(window) * 86_400) if mine else None,
        "chance_sensitivity": _value(chance.sensitivity(_rate(judged, ward), window)),
    }


def by_group(judged: Judged, ward: Ward) -> dict[str, dict[str, Any]]:
    """Every figure that matters, for each value of each grouping."""
    result: dict[str, dict[str, Any]] = {}
    alerts, calls = judged.counts[ALERTS], judged.counts[INTERRUPTIONS]
    held = judged.counts["held_calls"]
    for grouping in sorted({name for groups in ward.labels.groups.values() for name in groups}):
        of = [ward.labels.groups.get(patient, {}).get(grouping, "unknown") for patient in ward.patients]
        for value in sorted(set(of)):
            inside = np.array([each == value for each in of], np.float64)
            members = {patient for patient, each in zip(ward.patients, of, strict=True) if each == value}
            lead = [each for each in judged.outcomes if each.event.patient in members]
            result.setdefault(grouping, {})[value] = {
                "patients": len(members),
                "physiological_alerts_per_patient_day": ratio(ward.weights, alerts * inside, ward.days * inside).row(),
                "interruptions_per_patient_day": ratio(ward.weights, calls * inside, ward.days * inside).row(),
                "held_calls": int((held * inside).sum()),
                "events": len(lead),
                "sensitivity": _of_members(judged, ward, members).row(),
            }
    return result


def _of_members(judged: Judged, ward: Ward, members: set[str]) -> Figure:
    return sensitivity(judged, ward, lambda event: event.patient in members)


def _event_free(judged: Judged, ward: Ward) -> dict[str, Any]:
    free = ward.event_free()
    rows = {
        f"{name}_per_patient_day": ratio(ward.weights, judged.counts[name] * free, ward.days * free).row()
        for name in ("physiological_alerts", "interruptions", "unverified_alerts", "technical_alerts")
    }
    return {"patients": int(free.sum()), **rows}


def _rate(judged: Judged, ward: Ward) -> float:
    """New alerts about patients that call, a patient-day."""
    days = float(ward.days.sum())
    return float(judged.counts[CALLING].sum()) / days if days else 0.0


def _windows(outcomes: Iterable[Outcome]) -> F64:
    return np.array([(each.event.critical_at - each.event.onset) / DAY for each in outcomes])


def _chance(judged: Judged, ward: Ward) -> dict[str, Any]:
    rate, window = _rate(judged, ward), _windows(judged.outcomes)
    return {
        "alerts_per_patient_day": _value(rate),
        "sensitivity": _value(chance.sensitivity(rate, window)),
        "lead_time_median_s": _value(chance.median_lead_s(rate, window)),
    }


def _value(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def alert_hours(judged: Judged, ward: Ward) -> F64:
    """By patient: in how many hours somebody was called about them."""
    called = {(each.patient, at // HOUR) for each in judged.alarms if each.of_patient for at in each.calls}
    return ward.spread(Counter(patient for patient, _ in called))


def _per_nurse_hour(per_patient_day: float | None, ward: Ward) -> float | None:
    return None if per_patient_day is None else round(per_patient_day / 24 * 10 / ward.nurses_per_10, 4)


def top_tenth(counts: F64) -> float | None:
    """Share of all alerts that the tenth of patients with the most has."""
    if not counts.sum():
        return None
    most = np.sort(counts)[::-1][: max(1, round(counts.size / 10))]
    return round(float(most.sum() / counts.sum()), 4)


def cumulative(counts: F64) -> list[float]:
    """Share of all alerts that the first 0, 5, ... 100 % of patients have, those with the most first; empty without alerts."""
    if not counts.sum():
        return []
    reached = np.append(0.0, np.cumsum(np.sort(counts)[::-1])) / counts.sum()
    shares = np.interp(np.linspace(0.0, counts.size, 21), np.arange(counts.size + 1), reached)
    return [round(float(share), 4) for share in shares]


def _by_rule(alarms: Iterable[Alarm]) -> dict[str, int]:
    found = Counter(f"{each.lane.value} {_rule(each.rule)}" for each in alarms if each.shown)
    return dict(found.most_common())


def _rule(rule: str) -> str:
    """Without the device's name."""
    return "no_data" if "no_data" in rule else rule


def _miss(outcome: Outcome) -> dict[str, Any]:
    event = outcome.event
    return {
        "event": event.event_id,
        "patient": event.patient,
        "scenario": event.scenario,
        "fault": event.fault,
        "hours": round((event.critical_at - event.onset) / 3.6e9, 2),
        "late_start": event.late_start,
        "instead": outcome.why,
    }


def compared(one: Judged, other: Judged, ward: Ward) -> dict[str, Any]:
    """The first policy against the second, of the same people: what it spares, and what it costs."""
    weights, days, owner = ward.weights, ward.days, owners(one, ward)
    pairs = {event.scenario for event in ward.labels.events}
    overall = _sensitivity_difference(one, other, ward, lambda _event: True)
    scenarios = {
        name: _sensitivity_difference(one, other, ward, lambda event, name=name: event.scenario == name)  # type: ignore[misc]
        for name in sorted(pairs)
    }
    lost, gained = _changed(one, other), _changed(other, one)
    return {
        "policy": one.name,
        "against": other.name,
        "fewer_alerts": _spared(one, other, ward, ALERTS).row(),
        "fewer_interruptions": _spared(one, other, ward, INTERRUPTIONS).row(),
        "alerts_difference_per_patient_day": difference(
            weights, (one.counts[ALERTS], days), (other.counts[ALERTS], days)
        ).row(),
        "sensitivity_difference": overall.row(),
        "lead_time_difference_s": longer(weights, one.lead_s(), other.lead_s(), owner).row(),
        "scenario_differences": {name: each.row() for name, each in scenarios.items()},
        "non_inferior": None if overall.low is None else overall.low >= -OVERALL_POINTS,
        "scenarios_worse": [
            name for name, each in scenarios.items() if each.value is not None and each.value < -SCENARIO_POINTS - 1e-9
        ],
        "lost": lost,
        "gained": gained,
    }


def _spared(one: Judged, other: Judged, ward: Ward, which: str) -> Figure:
    return fewer(ward.weights, (one.counts[which], ward.days), (other.counts[which], ward.days))


def _sensitivity_difference(one: Judged, other: Judged, ward: Ward, which: Callable[[Event], bool]) -> Figure:
    return difference(ward.weights, _caught_and_all(one, ward, which), _caught_and_all(other, ward, which))


def _changed(one: Judged, other: Judged) -> list[dict[str, Any]]:
    """Events that the second catches and the first does not: real alerts that would vanish."""
    return [
        {**_miss(missed), "other_rule": caught.alarm.rule, "other_lead_s": caught.lead_s}
        for missed, caught in zip(one.outcomes, other.outcomes, strict=True)
        if not missed.caught and caught.alarm is not None
    ]
