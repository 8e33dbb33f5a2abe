"""Which events were caught, and how early.

Caught: a new notice inside [onset, critical_at] of an alert about the patient (an unverified critical value is one) that did not
stand before the onset; one alert catches one event only. Lead time: critical_at less that notice. What only stands in a list
interrupts nobody and catches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analytics.lab.alarms import Alarm
from analytics.lab.labels import Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """``alarm``: what caught the event, with its ``notice_at``; None = missed, and ``why`` says what there was instead.
    ``told_worse``: missed, but an alert that stood before the onset became worse in time and called for it."""

    event: Event
    alarm: Alarm | None
    notice_at: int | None = None
    why: str = ""
    told_worse: bool = False

    @property
    def caught(self) -> bool:
        return self.alarm is not None

    @property
    def lead_s(self) -> float | None:
        """None = missed, which ranks behind the shortest lead."""
        return None if self.notice_at is None else (self.event.critical_at - self.notice_at) / 1e6


def matched(events: Mapping[str, Sequence[Event]], alarms: Mapping[str, Sequence[Alarm]]) -> list[Outcome]:
    """By patient, ``events`` in order of onset. One outcome an event, in order of patient and onset."""
    found = []
    for patient in sorted(events):
        used: set[str] = set()
        for event in events[patient]:
            outcome = _caught(event, [each for each in alarms.get(patient, ()) if each.alert_id not in used])
            found.append(outcome)
            if outcome.alarm is not None:
                used.add(outcome.alarm.alert_id)
    return found


def _caught(event: Event, alarms: Sequence[Alarm]) -> Outcome:
    first: tuple[int, Alarm] | None = None
    for alarm in alarms:
        if alarm.of_patient and alarm.opened_at >= event.onset:
            inside = _inside(alarm.calls, event)
            if inside is not None and (first is None or inside < first[0]):
                first = (inside, alarm)
    if first is None:
        stood = [each for each in alarms if each.of_patient and each.opened_at < event.onset]
        worse = any(_inside(each.worse, event) is not None for each in stood)
        return Outcome(event, None, why=_why(event, alarms), told_worse=worse)
    return Outcome(event, first[1], first[0])


def _inside(times: Iterable[int], event: Event) -> int | None:
    return next((at for at in times if event.onset <= at <= event.critical_at), None)


def _why(event: Event, alarms: Sequence[Alarm]) -> str:
    """What there was of this patient instead of a new notice, the most telling first."""
    mine = [each for each in alarms if each.of_patient]
    stood = [each for each in mine if each.opened_at < event.onset and _inside(each.calls, event) is not None]
    if stood:
        return f"only calls of {stood[0].rule}, which stood before the onset"
    opened = [each for each in mine if event.onset <= each.opened_at <= event.critical_at]
    listed = [each for each in opened if each.listed_at is not None and each.listed_at <= event.critical_at]
    if listed:
        return f"{listed[0].rule} stood in the list and called nobody"
    if opened:
        return f"{opened[0].rule} was carried by another alert"
    late = next((each for each in mine if each.calls and each.calls[0] > event.critical_at), None)
    if any(_inside(each.calls, event) is not None for each in alarms):
        return "technical alerts only"
    if late is not None:
        return f"{late.rule} called {(late.calls[0] - event.critical_at) / 60e6:.0f} min after the critical time"
    return "no new notice"
