"""A whole comparison: each policy through the back-test, both baselines, all judged on the same people and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from analytics.backtest.replay import RESPONSE_S
from analytics.backtest.run import Plan, Source, run
from analytics.backtest.write import NOTICES
from analytics.lab import PAGE_VERSION
from analytics.lab.alarms import read_alarms
from analytics.lab.baseline import RAW, RAW_CLEAN, PatientBaseline, as_alarms, baselines
from analytics.lab.bootstrap import draws
from analytics.lab.evaluate import Judged, Ward, compared, figures, judge
from analytics.lab.labels import Labels
from vigil.domain.errors import ConfigError
from vigil.domain.policy import Policy

#: ``progress(what, done, all)`` counts patients.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """A policy under the name that the report gives it; its results lie in a folder of that name."""

    name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class LabPlan:
    """``own``: policies of patients with their own. ``raw``: report the baselines among the policies; they are made anyway."""

    source: Source
    labels: Labels
    out: Path
    tried: Sequence[Tried]
    own: Mapping[str, Policy] = field(default_factory=dict)
    response_s: float = RESPONSE_S
    workers: int = 1
    nurses_per_10: float = 1.0


@dataclass(frozen=True, slots=True)
class Tables:
    """What was found: the ward, the policies in the order asked for and then the baselines, and the figures for the report."""

    ward: Ward
    judged: Sequence[Judged]
    summary: dict[str, Any]


def try_policies(plan: LabPlan, progress: Progress) -> Tables:
    """Raises ``TableError``, ``StoreError``, or ``ConfigError`` when there can be no such folder."""
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write into {plan.out}: {error.strerror}") from error
    base = baselines(plan.source, plan.out, lambda done, all_: progress(RAW, done, all_))
    ward = _ward(plan, base)
    judged = [_tried(plan, each, ward, progress) for each in plan.tried]
    judged += [judge(name, "1", as_alarms(name, base), ward) for name in (RAW, RAW_CLEAN)]
    return Tables(ward, judged, _summary(plan, ward, base, judged))


def _ward(plan: LabPlan, base: Sequence[PatientBaseline]) -> Ward:
    days = np.array([float(each.days) for each in base])
    hours = np.array([float(each.hours) for each in base])
    patients = tuple(each.patient for each in base)
    # Of whom there is no reading, nothing can be caught or missed.
    events = tuple(event for event in plan.labels.events if event.patient in set(patients))
    return Ward(replace(plan.labels, events=events), patients, days, hours, draws(len(patients)), plan.nurses_per_10)


def _tried(plan: LabPlan, tried: Tried, ward: Ward, progress: Progress) -> Judged:
    folder = plan.out / tried.name
    back = Plan(plan.source, folder, tried.policy, tried.name, dict(plan.own), plan.response_s, plan.workers)
    run(back, lambda done, all_: progress(tried.name, done, all_))
    return judge(tried.name, tried.policy.version, read_alarms(folder / NOTICES), ward)


def _summary(plan: LabPlan, ward: Ward, base: Sequence[PatientBaseline], judged: Sequence[Judged]) -> dict[str, Any]:
    days = float(ward.days.sum())
    return {
        "page_version": PAGE_VERSION,
        "origin": plan.labels.origin,
        "patients": len(ward.patients),
        "patient_days": days,
        "nurse_response_s": plan.response_s,
        "nurses_per_10_patients": plan.nurses_per_10,
        "left_out_of_tuning": list(plan.labels.left_out),
        "raw_by_parameter_per_patient_day": {
            RAW: _rate(sum(each.parameters for each in base), days),
            RAW_CLEAN: _rate(sum(each.parameters_clean for each in base), days),
        },
        "policies": [figures(each, ward) for each in judged],
        "comparisons": [compared(one, other, ward) for one, other in combinations(judged, 2)],
    }


def _rate(number: int, days: float) -> float | None:
    return round(number / days, 4) if days else None
