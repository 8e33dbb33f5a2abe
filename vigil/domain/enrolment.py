"""How a device or gateway gets its broker account: a code that a person reads out, typed in once, within minutes.

A code is 12 of 32 letters and digits: 60 random bits, none of 0, O, 1 and I. Whoever holds only the hash must try 2**60 codes
in the minutes that one lives; whoever tries at the door is slowed down there (``api/throttle.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.times import MINUTE

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_BITS = 60
_LETTERS, _GROUP = 12, 4
#: From one screen to the other and through a keypad (ours).
CODE_LIFE_US = 10 * MINUTE


class Outcome(StrEnum):
    """What happened to an account. ``unknown`` to ``other_account`` are refused codes, ``other_account`` a good code that was
    sent with the name of another device. ``issued``: a person was shown a new password. ``taken_over``: two clients push each
    other off again and again."""

    CODE_MADE = "code_made"
    ENROLLED = "enrolled"
    UNKNOWN = "unknown"
    USED = "used"
    EXPIRED = "expired"
    VOIDED = "voided"
    OTHER_ACCOUNT = "other_account"
    ISSUED = "issued"
    REVOKED = "revoked"
    TAKEN_OVER = "taken_over"


#: The account is no longer what it was: a code that is still out must not change it again.
RENEWING = (Outcome.ENROLLED, Outcome.ISSUED, Outcome.REVOKED)


@dataclass(frozen=True, slots=True)
class Claim:
    """A code that was made for ``account``, which is a device's or gateway's id. ``devices``: for which a gateway may speak.
    ``code_hash`` is all that is kept of the code. Times: server, microseconds UTC."""

    account: str
    code_hash: str
    made_by: str
    made_at: int
    expires_at: int
    devices: tuple[str, ...] = ()
    used_at: int | None = None
    voided_at: int | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One line of the accounts' log. ``account`` is empty where a refused code names none; ``actor``: the person who did it,
    empty for a device. ``at``: server time, microseconds UTC."""

    account: str
    outcome: Outcome
    actor: str
    at: int


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Since the account's password was last renewed: how often it was reported, and last when (microseconds UTC)."""

    times: int
    last_at: int


def code_of(bits: int) -> str:
    """The code for a random number below 2**60.

    >>> code_of(0), code_of(2**60 - 1)
    ('2222-2222-2222', 'ZZZZ-ZZZZ-ZZZZ')
    """
    letters = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(_LETTERS)))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def code_hash(typed: str) -> str | None:
    """SHA-256 of a code as somebody typed it, in capitals or not, with or without its hyphens; None if it can be none.

    >>> code_hash("abcd efgh-2345") == code_hash("ABCD-EFGH-2345")
    True
    >>> code_hash("ABCD-EFGH-234"), code_hash("ABCD-EFGH-2340")
    (None, None)
    """
    letters = "".join(typed.upper().replace("-", " ").split())
    if len(letters) != _LETTERS or not set(letters) <= set(ALPHABET):
        return None
    return hashlib.sha256(f"vigil claim {letters}".encode()).hexdigest()


def judged(claim: Claim | None, named: str | None, now: int) -> Outcome:
    """May this code be used now? ``named``: for whom its sender says that it is; None = the code alone decides."""
    if claim is None:
        return Outcome.UNKNOWN
    if claim.used_at is not None:
        return Outcome.USED
    if claim.voided_at is not None:
        return Outcome.VOIDED
    if now >= claim.expires_at:
        return Outcome.EXPIRED
    if named is not None and named != claim.account:
        return Outcome.OTHER_ACCOUNT
    return Outcome.ENROLLED


def taken_over(log: Sequence[Enrolment]) -> TakenOver | None:
    """From one account's log, oldest first. None = not since its password was renewed."""
    times, last_at = 0, 0
    for line in log:
        if line.outcome in RENEWING:
            times = 0
        elif line.outcome is Outcome.TAKEN_OVER:
            times, last_at = times + 1, line.at
    return TakenOver(times, last_at) if times else None
