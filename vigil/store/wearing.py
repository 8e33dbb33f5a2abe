"""The records of who confirmed that a device is worn by its patient, as a protocol."""

from __future__ import annotations

from typing import Protocol

from vigil.domain.people import Binding
from vigil.domain.wearing import Word


class WearingRecords(Protocol):
    """Safe to use from several threads."""

    def worn(self) -> list[tuple[Binding, Word | None]]:
        """The running binding of each device with the newest word about it, ordered by device."""
        ...

    def say_worn(self, binding_id: int, word: Word) -> bool:
        """Keeps the word, the first time that it was said. False: this binding does not run (any more)."""
        ...
