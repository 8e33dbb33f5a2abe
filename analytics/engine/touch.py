"""Bringing memory near before it is needed."""

from __future__ import annotations

from typing import Any

from vigil.domain.readings import F64, I64


def touch_kernel(slot: I64, state: F64) -> float:
    """Reads both ends of each slot's row of ``state``. Nothing here waits for what was read, so that the memory serves many
    rows at once; a detector's kernel, whose steps are longer, would wait for one after the other. The sum means nothing."""
    total = 0.0
    last = state.shape[1] - 1
    for i in range(slot.size):
        total += state[slot[i], 0] + state[slot[i], last]
    return total


def touch_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    return types.float64(types.Array(types.int64, 1, "C"), types.Array(types.float64, 2, "C"))
