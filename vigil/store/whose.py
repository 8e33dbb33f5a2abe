"""The records of questions whose a value is, as a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vigil.domain.whose import Answer, WhoseQuestion


class WhoseRecords(Protocol):
    """Safe to use from several threads."""

    def ask_whose(self, questions: Sequence[WhoseQuestion]) -> None:
        """All of them or none. One that was asked before (the same device, device time and value) is left as it is."""
        ...

    def open_questions(self, limit: int = 1000) -> list[WhoseQuestion]:
        """Without an answer, oldest first."""
        ...

    def question(self, question_id: int) -> WhoseQuestion:
        """Raises ``NotFound``."""
        ...

    def answer_whose(self, question_id: int, answer: Answer) -> WhoseQuestion:
        """Raises ``NotFound``, also for the patient of the answer; ``VersionConflict``: it was answered before."""
        ...
