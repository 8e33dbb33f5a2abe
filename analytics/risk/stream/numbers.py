"""A number that stays with a person, over restarts too, and does not name anybody."""

from __future__ import annotations

import hashlib
from functools import lru_cache


@lru_cache(maxsize=65_536)
def number_of(patient_id: str) -> int:
    """63 bits."""
    return int.from_bytes(hashlib.blake2b(patient_id.encode(), digest_size=8).digest(), "big") >> 1
