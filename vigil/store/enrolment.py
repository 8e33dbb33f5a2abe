"""The records of broker accounts as a protocol: claim codes, and the log of what happened to each account."""

from __future__ import annotations

from typing import Protocol

from vigil.domain.enrolment import Claim, Enrolment, Outcome, TakenOver


class EnrolmentRecords(Protocol):
    """Safe to use from several threads."""

    def put_claim(self, claim: Claim) -> None:
        """Keeps the claim, voids an earlier one of the same account that was not used, and logs it."""
        ...

    def redeem(self, code_hash: str | None, named: str | None, at: int) -> tuple[Outcome, Claim | None]:
        """Decides by ``judged`` and logs it in the same transaction, so that a code works once whoever comes at the same time.
        The claim is given only with ``ENROLLED``. ``code_hash`` None = what was sent can be no code."""
        ...

    def log_enrolment(self, line: Enrolment) -> None:
        """A renewed or revoked account (``RENEWING``) also loses the code that was made for it and not used."""
        ...

    def enrolments(self, account: str, limit: int = 1000) -> list[Enrolment]:
        """Newest first."""
        ...

    def taken_over(self) -> dict[str, TakenOver]:
        """By account: those that two clients shared since the password was last renewed."""
        ...
