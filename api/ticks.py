"""What is new in the ward since the last tick, and how the stream tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.shape import Json


@dataclass(slots=True)
class Changes:
    """What is new since the last tick. ``number`` counts the ticks; ``reset``: patients or bindings changed, only a snapshot
    tells it all. ``before``: the order of the last tick."""

    number: int = 0
    before: list[str] = field(default_factory=list, compare=False)
    vitals: dict[str, dict[str, Json]] = field(default_factory=dict)
    scores: dict[str, Json] = field(default_factory=dict)
    coverage: dict[str, Json] = field(default_factory=dict)
    trends: dict[str, dict[str, str]] = field(default_factory=dict)
    sparks: dict[str, Json] = field(default_factory=dict)
    befores: dict[str, Json | None] = field(default_factory=dict)
    order: list[str] | None = None
    reset: bool = False

    def __bool__(self) -> bool:
        some = self.vitals or self.scores or self.coverage or self.trends or self.sparks or self.befores
        return bool(some or self.order is not None or self.reset)

    def tick(self, server_at: str) -> Json:
        """The data of a ``tick`` event."""
        patients: dict[str, Json] = {patient_id: {"vitals": vitals} for patient_id, vitals in self.vitals.items()}
        parts: tuple[tuple[str, Mapping[str, Any]], ...] = (
            ("score", self.scores),
            ("score_before", self.befores),
            ("coverage", self.coverage),
            ("trend", self.trends),
            ("sparks", self.sparks),
        )
        for key, found in parts:
            for patient_id, value in found.items():
                patients.setdefault(patient_id, {"vitals": {}})[key] = value
        tick: Json = {"server_at": server_at, "patients": patients}
        return tick if self.order is None else {**tick, "order": self.order}
