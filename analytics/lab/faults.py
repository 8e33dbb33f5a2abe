"""What device faults did to a ward: the same people with and without them ("How alert quality is measured", rule 3).

A fault *hides* an event that the same policy catches without it, when it is not caught and no technical alert of medium priority
or above says by the critical time that this person is not watched. A fault *raises* a high physiological alert when somebody is
called by one during it who is not called by the same rule within two minutes of it without the fault. Both are given together.
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


def _by_fault(without: Judged, with_faults: Judged, raised: Sequence[tuple[str, Alarm]], faulty: Tables) -> Any:
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
                {"patient": alarm.patient, "rule": alarm.rule, "at_us": alarm.highs[0]}
                for fault, alarm in raised
                if fault == name
            ],
        }
    return result


def _unwatched(outcome: Outcome, told: Any) -> bool:
    """Was it said by the critical time that this person is not watched?"""
    event = outcome.event
    return any(
        alarm.lane is Lane.TECHNICAL
        and alarm.peak.rank >= Priority.MEDIUM.rank
        and event.onset - _BEFORE <= alarm.opened_at <= event.critical_at
        for alarm in told.get(event.patient, ())
    )


def _raised(without: Judged, with_faults: Judged, spans: Sequence[FaultSpan]) -> list[tuple[str, Alarm]]:
    usual = by_patient(without.alarms)
    during: dict[str, list[FaultSpan]] = {}
    for span in spans:
        during.setdefault(span.patient, []).append(span)
    found = []
    for alarm in with_faults.alarms:
        if alarm.lane is not Lane.PHYSIOLOGICAL or not alarm.highs:
            continue
        at = alarm.highs[0]
        here = next((each for each in during.get(alarm.patient, ()) if each.start <= at < each.end), None)
        if here is not None and not _was_called(usual.get(alarm.patient, ()), alarm.rule, at):
            found.append((here.fault, alarm))
    return found


def _was_called(usual: Sequence[Alarm], rule: str, at: int) -> bool:
    """Was somebody called with high priority by this rule about then, or was such an alert open?"""
    return any(each.rule == rule and any(abs(high - at) <= _MOVED for high in each.highs) for each in usual)
