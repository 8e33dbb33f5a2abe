"""Bringing memory near before it is needed."""

from __future__ import annotations

from typing import Any

from vigil.domain.readings import F64, U64


def touch_kernel(slot: U64, state: F64) -> int:
    """Reads both ends of each slot's row of ``state``. Nothing here waits for what was read, so that the memory serves many
    rows at once; a detector's kernel, whose steps are longer, would wait for one after the other. The count means nothing."""
    count = 0
    last = state.shape[1] - 1
    for i in range(slot.size):
        # Comparisons, because a sum of floats would wait for each addition.
        count += (state[slot[i], 0] != 0.0) & (state[slot[i], last] != 0.0)
    return count


def touch_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    return types.int64(types.Array(types.uint64, 1, "C"), types.Array(types.float64, 2, "C"))
