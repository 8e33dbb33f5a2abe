"""What device faults did to a ward: the same people with and without them ("How alert quality is measured", rule 3).

A fault *hides* an event that the same policy catches without it, when it is not caught and nobody is called by, or acknowledges,
a technical alert of medium priority or above during the fault and by the critical time: nobody knows that this person is not
watched. A fault *raises* a high physiological alert when somebody is called by one during it, while without the fault nobody is
called by the same rule within two minutes of it and no such alert of high priority stands. An unverified critical value that was
confirmed is the limit's alert from then on, in both. Both are given together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics.lab.alarms import Alarm, Lane, by_patient
from analytics.lab.baseline import RAW, RAW_CLEAN
from analytics.lab.evaluate import Judged
from analytics.lab.lab import Tables
from analytics.lab.labels import FaultSpan
from analytics.lab.matching import Outcome
from vigil.domain.alerts import Priority
from vigil.domain.times import MINUTE

#: A fault may move a notice by so much without having raised it.
_MOVED = 2 * MINUTE
#: A fault begins up to this long before an event.
_BEFORE = 5 * MINUTE


def fault_rows(sound: Tables, faulty: Tables) -> list[dict[str, Any]]:
    """For each policy but the baselines, by fault."""
    rows = []
    for without, with_faults in zip(sound.judged, faulty.judged, strict=True):
        if with_faults.name in (RAW, RAW_CLEAN):
            continue
        raised = _raised(without, with_faults, faulty.ward.labels.spans)
        rows.append({"policy": with_faults.name, "by_fault": _by_fault(without, with_faults, raised, faulty)})
    return rows


def _by_fault(without: Judged, with_faults: Judged, raised: Sequence[tuple[FaultSpan, Alarm]], faulty: Tables) -> Any:
    told = by_patient(with_faults.alarms)
    result: dict[str, dict[str, Any]] = {}
    for name in sorted({span.fault for span in faulty.ward.labels.spans}):
        pairs = [
            (one, other)
            for one, other in zip(without.outcomes, with_faults.outcomes, strict=True)
            if other.event.fault == name
        ]
        hidden = [other for one, other in pairs if one.caught and not other.caught and not _unwatched(other, told)]
        result[name] = {
            "events": len(pairs),
            "caught_without": sum(one.caught for one, _ in pairs),
            "caught": sum(other.caught for _, other in pairs),
            "hidden": [
                {"event": each.event.event_id, "scenario": each.event.scenario, "instead": each.why} for each in hidden
            ],
            "high_physiological_raised": [
                {
                    "patient": alarm.patient,
                    "rule": alarm.rule,
                    "at_us": alarm.highs[0],
                    "minute": (alarm.highs[0] - span.start) // MINUTE,
                    "said": alarm.said,
                }
                for span, alarm in raised
                if span.fault == name
            ],
        }
    return result


def _unwatched(outcome: Outcome, told: Any) -> bool:
    """Does somebody know in time that this person is not watched? What stands in the list or is carried has told nobody until it
    is acknowledged; an alert that stood before and called again has."""
    event = outcome.event
    return any(
        alarm.lane is Lane.TECHNICAL
        and alarm.peak.rank >= Priority.MEDIUM.rank
        and any(event.onset - _BEFORE <= at <= event.critical_at for at in (*alarm.calls, *alarm.answered))
        for alarm in told.get(event.patient, ())
    )


def _raised(without: Judged, with_faults: Judged, spans: Sequence[FaultSpan]) -> list[tuple[FaultSpan, Alarm]]:
    usual = by_patient(without.alarms)
    during: dict[str, list[FaultSpan]] = {}
    for span in spans:
        during.setdefault(span.patient, []).append(span)
    found = []
    for alarm in with_faults.alarms:
        if not alarm.highs:
            continue
        at = alarm.highs[0]
        here = next((each for each in during.get(alarm.patient, ()) if each.start <= at < each.end), None)
        if here is not None and not _was_called(usual.get(alarm.patient, ()), alarm.speaks_for, at):
            found.append((here, alarm))
    return found


def _was_called(usual: Sequence[Alarm], rule: str, at: int) -> bool:
    """Was somebody called with high priority by this rule about then, or was such an alert open?"""
    return any(
        each.speaks_for == rule and (each.was_high(at) or any(abs(high - at) <= _MOVED for high in each.highs))
        for each in usual
    )
