"""What people write about a patient, or about one of his alerts: kept for ever, in the order in which it was written.

A note is never changed and never deleted. Whoever wrote it may strike it: then it is shown struck, with its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.errors import InvalidInput
from vigil.domain.people import is_test
from vigil.domain.times import MINUTE

#: Characters of one note (ours): what does not fit on a screen is a document, not a note.
LONGEST_NOTE = 2000
#: The same words again within this time are a second tap on the same button, microseconds (ours).
SAME_TAP = MINUTE


class NoteKind(StrEnum):
    """``note`` has words. The others say what was done about an alert, or about the patient, and may have words too."""

    NOTE = "note"
    CALLED = "called"
    NO_ANSWER = "no_answer"
    SENT_HELP = "sent_help"


@dataclass(frozen=True, slots=True)
class Note:
    """``text`` may hold a name. ``alert_id``: empty = about the patient. Times are server time, microseconds UTC.

    ``note_id`` is given by the store. ``struck_by``: empty = it stands.
    """

    patient_id: str
    kind: NoteKind
    text: str
    author: str
    at: int
    alert_id: str = ""
    note_id: int = 0
    struck_by: str = ""
    struck_at: int | None = None

    def checked(self) -> Note:
        """Without spaces around its words. Raises ``InvalidInput``: no words where words are needed, too many, the self-test.

        >>> Note("p-1", NoteKind.NOTE, " slept well ", "Li Na", 0).checked().text
        'slept well'
        """
        text = self.text.strip()
        if self.kind is NoteKind.NOTE and not text:
            raise InvalidInput("text: a note needs words")
        if len(text) > LONGEST_NOTE:
            raise InvalidInput(f"text: at most {LONGEST_NOTE} characters")
        if is_test(self.patient_id):
            raise InvalidInput("the self-test takes no notes")
        return Note(self.patient_id, self.kind, text, self.author, self.at, self.alert_id)

    def repeats(self, other: Note) -> bool:
        """Is this the same as ``other``, said by the same person a moment later?"""
        same = (self.kind, self.text, self.author, self.alert_id) == (
            other.kind,
            other.text,
            other.author,
            other.alert_id,
        )
        return same and not other.struck_by and 0 <= self.at - other.at < SAME_TAP

    def require_own(self, person: str) -> None:
        """Raises ``InvalidInput``: nobody strikes what somebody else wrote."""
        if self.author != person:
            raise InvalidInput("only who wrote a note strikes it")
