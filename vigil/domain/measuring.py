"""A person asks a device for its values now.

Nothing of it is kept: after some minutes the question is old, and whoever still wants to know asks again. Who asked, and when,
is in the audit log. Times are the server's, microseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.times import MINUTE, SECOND

#: A device that is not told within so long is not told any more; one that was asked so lately is not asked anew (ours).
TOLD_WITHIN_US = 2 * MINUTE
STANDS_US = 30 * SECOND
#: So long it is shown (ours).
SHOWN_US = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Asked:
    """``by``: whose name stands on it. ``told_at``: when the command went out, None while the device is away. ``accepted``: what
    the device says, None while it has said nothing; ``text``: why not."""

    by: str
    at: int
    told_at: int | None = None
    accepted: bool | None = None
    text: str = ""

    @property
    def request(self) -> int:
        """By which the device's answer names it: Unix seconds, so that one of an earlier core is no other's.

        >>> Asked("Li Na", 1_767_225_600_250_000).request
        1767225600
        """
        return self.at // SECOND
