"""The audit log as a protocol: it only grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vigil.domain.audit import Entry, Line, Question


class AuditRecords(Protocol):
    """Safe to use from several threads."""

    def append_audit(self, entries: Sequence[Entry]) -> None:
        """All of them or none, in their order, durable when it returns. Of what somebody typed as an identifier only ours are
        kept, others become ``UNKNOWN``; an entry about an alert gets the alert's patient; what ``kept`` refuses is left out."""
        ...

    def audit(self, question: Question) -> list[Line]:
        """Newest first."""
        ...

    def audit_head(self) -> tuple[int, bytes]:
        """Number and hash of the last entry; (0, ``ROOT``) when there is none."""
        ...
