"""Domain objects to what a column holds and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.deliveries import Attempt, Delivery, State
from vigil.domain.people import Binding, Device, Patient

_ALERT_FIELDS = [field.name for field in fields(Alert)]
_DELIVERY_FIELDS = [field.name for field in fields(Delivery)]


def patient_row(patient: Patient) -> dict[str, Any]:
    return {**asdict(patient), "born": patient.born.isoformat()}


def patient_of(row: Mapping[str, Any]) -> Patient:
    return Patient(**{**row, "born": date.fromisoformat(row["born"])})


def device_of(row: Mapping[str, Any]) -> Device:
    return Device(row["device_id"], row["model"], row["interval_s"])


def binding_of(row: Mapping[str, Any]) -> Binding:
    return Binding(row["binding_id"], row["device_id"], row["patient_id"], row["start_at"], row["end_at"])


def alert_row(alert: Alert) -> dict[str, Any]:
    """The alert as columns, and as the document of ``alert_transitions.after``."""
    return asdict(alert)


def alert_of(row: Mapping[str, Any]) -> Alert:
    """A document of an earlier Vigil lacks the fields that came later: they have their defaults."""
    known: dict[str, Any] = {name: row[name] for name in _ALERT_FIELDS if name in row}
    evidence = known["evidence"]
    return Alert(
        **{
            **known,
            "kind": Kind(known["kind"]),
            "priority": Priority(known["priority"]),
            "peak_priority": Priority(known["peak_priority"]),
            "condition": Condition(known["condition"]),
            "handling": Handling(known["handling"]),
            "evidence": Evidence(**{**evidence, "values": tuple(evidence["values"])}),
        }
    )


def transition_of(row: Mapping[str, Any]) -> Transition:
    return Transition(
        step=Step(row["step"]),
        cause=row["cause"],
        at=row["at"],
        actor=row["actor"],
        after=alert_of(row["after"]),
        measured_at=row["measured_at"],
        note=row["note"],
        seq=row["seq"],
        detail=row["detail"],
    )


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    return Delivery(**{**{name: row[name] for name in _DELIVERY_FIELDS}, "state": State(row["state"])})


def attempt_of(row: Mapping[str, Any]) -> Attempt:
    return Attempt(row["delivery_id"], row["at"], State(row["state"]), row["why"], row["next_at"])
