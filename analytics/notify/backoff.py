"""When a notice is tried again, and when it is given up. The numbers are ours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from vigil.domain.alerts import Priority
from vigil.domain.times import SECOND


@dataclass(frozen=True, slots=True)
class Plan:
    """Waits double from ``first_s`` to ``longest_s``, in seconds; ``tries`` in all."""

    first_s: float
    longest_s: float
    tries: int

    def wait_s(self, tries: int) -> float:
        """Least wait after ``tries`` tries that did not succeed."""
        return min(self.first_s * 2.0 ** (tries - 1), self.longest_s)


#: High and medium are tried for at least 10 min, low for an hour: then the escalation has long called somebody else.
PLANS = {
    Priority.HIGH: Plan(first_s=1, longest_s=30, tries=25),
    Priority.MEDIUM: Plan(first_s=2, longest_s=60, tries=15),
    Priority.LOW: Plan(first_s=10, longest_s=600, tries=12),
}
#: Waits are up to this much longer, so that what failed together is not tried again together.
JITTER = 0.25


def next_try(delivery_id: str, priority: Priority, tries: int, now: int) -> int | None:
    """When to try again after ``tries`` tries, microseconds UTC; None = give up.

    >>> next_try("d-1", Priority.HIGH, 25, 0) is None
    True
    """
    plan = PLANS[priority]
    if tries >= plan.tries:
        return None
    # Not random: the same delivery waits the same time in a replay.
    draw = hashlib.blake2b(f"{delivery_id}\0{tries}".encode(), digest_size=4).digest()
    part = int.from_bytes(draw) / 2**32
    return now + round(plan.wait_s(tries) * (1 + JITTER * part) * SECOND)
