"""Erasure of persons as a protocol."""

from __future__ import annotations

from typing import Protocol

from vigil.domain.erasure import Erasure


class ErasureRecords(Protocol):
    """Safe to use from several threads."""

    def erase(self, patient_id: str, by: str, at: int) -> Erasure:
        """Destroys the key of the person's name and date of birth, these, and what people wrote about the person in alerts,
        feedback, notes, contacts and pauses, and makes sure that none of it is left in the files. From then on there is no such
        patient; everything else stays under the id. Again = no change, and the first erasure is returned.

        Raises ``NotFound``; ``InvalidInput`` while the patient is under watch; ``StoreError`` when it is done but what was
        overwritten may still be in the files: ask again.
        """
        ...

    def erased(self) -> list[Erasure]:
        """In the order in which it was done."""
        ...
