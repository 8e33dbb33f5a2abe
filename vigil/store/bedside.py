"""What people keep with a patient, as protocols: notes, contacts, planned pauses. Each is safe to use from several threads.

Of a patient who is unknown or erased every call raises ``NotFound``.
"""

from __future__ import annotations

from typing import Protocol

from vigil.domain.contacts import ContactsVersion
from vigil.domain.notes import Note
from vigil.domain.pauses import Pause


class NoteRecords(Protocol):
    def add(self, note: Note) -> Note:
        """With its number. The same words of the same person within a minute are the note that is there already. Raises
        ``NotFound``, also for an alert that is not the patient's; ``InvalidInput``."""
        ...

    def of_patient(
        self, patient_id: str, *, alert_id: str | None = None, since: int = 0, limit: int = 1000
    ) -> list[Note]:
        """Newest first, struck ones too: written at or after ``since``, of this alert (None = of any and of none)."""
        ...

    def strike(self, patient_id: str, note_id: int, by: str, at: int) -> Note:
        """Again = no change. Raises ``NotFound``; ``InvalidInput``: somebody else wrote it."""
        ...


class ContactRecords(Protocol):
    def put(self, version: ContactsVersion, after: int) -> ContactsVersion:
        """Adds a version and returns it with its number; earlier ones are kept. Raises ``VersionConflict`` when the newest
        version is not ``after`` (0 = there is none)."""
        ...

    def of_patient(self, patient_id: str) -> list[ContactsVersion]:
        """Newest first; the first one holds."""
        ...


class PauseRecords(Protocol):
    def add(self, pause: Pause) -> Pause:
        """With its number. Raises ``InvalidInput`` when the patient is discharged; ``VersionConflict``: another one runs then."""
        ...

    def of_patient(self, patient_id: str, limit: int = 1000) -> list[Pause]:
        """Newest first, with their reasons."""
        ...

    def end(self, patient_id: str, pause_id: int, by: str, at: int) -> Pause:
        """Ends one that runs; one that is over stays as it is. Raises ``NotFound``."""
        ...
