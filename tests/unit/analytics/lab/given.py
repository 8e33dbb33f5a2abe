"""Alarms, events and wards that tests are about, in minutes after a fixed start."""

from __future__ import annotations

import numpy as np

from analytics.lab.alarms import Alarm, Lane
from analytics.lab.bootstrap import draws
from analytics.lab.evaluate import Ward
from analytics.lab.labels import Event, Labels
from vigil.domain.alerts import Priority
from vigil.domain.times import MINUTE, from_iso

START = from_iso("2026-01-01T00:00:00Z")


def at(minute: float) -> int:
    return START + round(minute * MINUTE)


def alarm(
    name: str,
    opened: float,
    calls: tuple[float, ...] | None = None,
    *,
    patient: str = "p-1",
    lane: Lane = Lane.PHYSIOLOGICAL,
    priority: Priority = Priority.MEDIUM,
    listed: float | None = None,
    shown: bool = True,
) -> Alarm:
    """Calls when it opens, unless said otherwise."""
    times = [at(each) for each in ((opened,) if calls is None else calls)]
    highs = times if priority is Priority.HIGH and lane is Lane.PHYSIOLOGICAL else []
    listed_at = None if listed is None else at(listed)
    return Alarm(name, patient, "news2", lane, priority, at(opened), times, highs, priority, listed_at, shown=shown)


def event(
    name: str, onset: float, critical: float, *, patient: str = "p-1", scenario: str = "sepsis", fault: str = ""
) -> Event:
    return Event(name, patient, scenario, at(onset), at(critical), fault=fault)


def ward(*events: Event, patients: int = 2, days: float = 1.0, left_out: tuple[str, ...] = ()) -> Ward:
    """Patients p-1, p-2, ..., each watched for so many days."""
    names = tuple(f"p-{number}" for number in range(1, patients + 1))
    groups = {name: {"sex": "F" if number % 2 else "M"} for number, name in enumerate(names)}
    labels = Labels("a test", tuple(events), groups, left_out=left_out)
    return Ward(labels, names, np.full(patients, days), np.full(patients, 24 * days), draws(patients, 200))
