"""Which sensors repeat themselves now, by the detector "flat": live from its conditions, of a whole history from its codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import HIGH
from analytics.engine.conditions import TRUE
from analytics.engine.engine import Engine, Judged
from analytics.state import State

FLAT = "flat"
_SIDE = 1  # an undirected detector's conditions are on the high side


def stuck(state: State) -> list[int]:
    """Slots whose newest value that counts is still the same as those before it."""
    engine, number = state.engine, state.engine.numbers[FLAT]
    return [
        slot
        for slot in np.flatnonzero(engine.head[: state.slots.size] >= 0).tolist()
        if (row := engine.condition(number, slot)) is not None
        and row["status"][_SIDE] == TRUE
        and row["normal_since"][_SIDE] == 0
    ]


def stuck_rows(engine: Engine, judged: Judged) -> NDArray[np.bool_]:
    """The same of each of these readings when it was the newest."""
    result: NDArray[np.bool_] = (judged.codes[engine.numbers[FLAT]] & HIGH) != 0
    return result
