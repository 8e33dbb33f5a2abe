"""The truth beside recorded readings: who fell ill when, whose device had which fault, who belongs to which group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vigil.domain.errors import TableError


@dataclass(frozen=True, slots=True)
class Event:
    """One deterioration, [onset, critical_at] in microseconds UTC. ``late_start``: it began before anybody watched, and ``onset``
    is soon after the watch began. ``fault``: what is the matter with the device at the time, where faults are on."""

    event_id: str
    patient: str
    scenario: str
    onset: int
    critical_at: int
    late_start: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A device fault, [start, end) in microseconds UTC."""

    patient: str
    fault: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Labels:
    """``groups``: of each patient, by what figures are given ("sex" → "F"). ``left_out``: scenarios that tuning must not look at.
    ``spans``: faults that were on. ``origin``: one line that says where all this comes from."""

    origin: str
    events: tuple[Event, ...] = ()
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spans: tuple[FaultSpan, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def scenarios(self) -> list[str]:
        return sorted({event.scenario for event in self.events})

    def of_patient(self) -> dict[str, list[Event]]:
        """In order of onset."""
        found: dict[str, list[Event]] = {}
        for event in sorted(self.events, key=lambda each: (each.onset, each.event_id)):
            found.setdefault(event.patient, []).append(event)
        return found


def write_labels(labels: Labels, path: Path) -> None:
    path.write_text(json.dumps(asdict(labels), ensure_ascii=False, indent=1) + "\n", "utf-8")


def read_labels(path: Path) -> Labels:
    """Raises ``TableError`` for a file that is not one of ``write_labels``."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return Labels(
            origin=found["origin"],
            events=tuple(Event(**each) for each in found["events"]),
            groups=found["groups"],
            spans=tuple(FaultSpan(**each) for each in found["spans"]),
            left_out=tuple(found["left_out"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TableError(f"{path.name} holds no labels: {type(error).__name__}") from error
