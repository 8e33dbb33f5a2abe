"""The records of who opened whose record in an emergency, as a protocol; and which ward everybody is of."""

from __future__ import annotations

from typing import Protocol

from vigil.domain.break_glass import Grant, Review


class BreakGlassRecords(Protocol):
    """Safe to use from several threads."""

    def patient_wards(self) -> dict[str, str]:
        """Every patient's, discharged ones and those of the self-test too. Reads no name."""
        ...

    def put_grant(self, grant: Grant) -> None:
        """Raises ``NotFound`` for an unknown patient."""
        ...

    def grants(
        self, *, person: str | None = None, since: int = 0, runs_at: int | None = None, unreviewed: bool = False,
        limit: int = 1000,
    ) -> list[Grant]:  # fmt: skip
        """Newest first: by this person, opened at or after ``since``, running at a time, not yet reviewed."""
        ...

    def grant(self, grant_id: str) -> Grant:
        """Raises ``NotFound``."""
        ...

    def review_grant(self, grant_id: str, review: Review) -> Grant:
        """Raises ``NotFound``; ``VersionConflict``: reviewed before; ``InvalidInput``: by whoever opened it."""
        ...
