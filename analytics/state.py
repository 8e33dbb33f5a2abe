"""All that analytics remembers between readings, and its place in the input: what a snapshot holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.engine.engine import Engine
from analytics.intake import Intake
from analytics.late import Late
from analytics.scores.persistence import Persistence
from analytics.slots import Slots
from analytics.telling import Telling
from analytics.windows import Windows
from vigil.domain.readings import Stream
from vigil.store import ReadingHistory


class State:
    """``position``: the ordinal of the last reading taken in. Without ``checkpoints`` no reading may come late."""

    def __init__(
        self,
        directory: Directory,
        readings: ReadingHistory,
        kernels: Kernels | None = None,
        *,
        checkpoints: bool = True,
    ) -> None:
        streams: Callable[[], list[Stream]] = readings.streams
        self.slots = Slots(directory, streams)
        self.engine = Engine(kernels)
        self.intake = Intake(self.engine, checkpoints)
        self.telling = Telling(self.slots, self.engine.numbers["unverified"])
        self.late = Late(self.slots, self.intake, readings)
        self.windows = Windows(self.slots)
        self.persistence = Persistence()
        self.position = 0

    def extend(self) -> None:
        """Make room for the slots there are."""
        self.intake.extend_to(self.slots.size)

    def saved(self) -> Saved:
        arrays: Saved = {}
        for name, part in self._parts().items():
            arrays |= part.saved(name)
        return arrays

    def load(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Raises ``KeyError`` or ``ValueError`` when an array is missing or does not fit these detectors."""
        for name, part in self._parts().items():
            part.load(saved, name)

    def _parts(self) -> dict[str, Any]:
        return {
            "slots": self.slots,
            "engine": self.engine,
            "order": self.intake.order,
            "checkpoints": self.intake.checkpoints,
            "telling": self.telling,
            "late": self.late,
            "windows": self.windows,
            "persistence": self.persistence,
        }
