"""An engine alone with some slots, and drawn columns for it: jumps, gaps of days, equal times, bad signal, values missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from analytics.columns import Saved
from analytics.engine.compiled import Kernels
from analytics.engine.engine import Engine, Judged
from tests.unit.analytics.ward import START, compiled
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.quality import Quality
from vigil.domain.readings import F64, I64, U16
from vigil.domain.times import DAY, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME

SLOTS: tuple[tuple[str, bool], ...] = (("spo2", False), ("heart_rate", False), ("bp_sys", True), ("spo2", True))
_VALUES: dict[str, tuple[float, ...]] = {
    "spo2": (97.0, 96.0, 89.0, 84.0, 78.0, 60.0),
    "heart_rate": (72.0, 75.0, 38.0, 25.0, 135.0, 190.0),
    "bp_sys": (124.0, 88.0, 70.0, 225.0, 255.0),
}
_BITS = (0, 0, 0, 0, 0, int(Quality.MOTION), int(Quality.LOW_PERFUSION), int(Quality.TEST), int(Quality.CLOCK_AHEAD))


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings of several slots, ascending in time."""

    slot: I64
    at: I64
    value: F64
    quality: U16

    def take(self, rows: Any) -> Columns:
        return Columns(self.slot[rows], self.at[rows], self.value[rows], self.quality[rows])

    def __len__(self) -> int:
        return int(self.slot.size)


def engine(kernels: Kernels | None = None, plain: bool = False) -> Engine:
    made = Engine(Kernels() if plain else kernels or compiled())
    made.extend_to(len(SLOTS))
    for slot, (vital, spot) in enumerate(SLOTS):
        clear, gap = (0, DAY) if spot else (MINUTE, 5 * MINUTE)
        policy = BEDSIDE_POLICY
        made.configure(slot, made.profiles.of(policy, policy.version, BY_NAME[vital].index, not spot, clear, gap))
    return made


def judged(of: Engine, given: Columns) -> Judged:
    return of.update(given.slot, given.at, given.value, given.quality)


def memory(of: Engine) -> list[Any]:
    """Everything that an engine remembers, a row of the pool's place apart; a side that is idle keeps old numbers."""
    found: list[Any] = []
    for slot in range(of.size):
        row, running = of.copy_slot(slot)
        found.append(row.tobytes())
        for number, condition in running.items():
            found.append((number, int(condition["last_at"])))
            for side in (0, 1):
                if condition["status"][side]:
                    names = ("onset", "normal_since", "eased_since", "peak", "peak_at", "status", "level")
                    found.append((side, *(float(condition[name][side]) for name in names)))
    return found


def together(parts: list[tuple[Judged, int]]) -> tuple[bytes, list[Any]]:
    """Columns and events of judged parts that begin at these rows."""
    whole = [part for part, _ in parts]
    columns = b"".join(
        np.concatenate(each, axis=-1).tobytes()
        for each in (
            [part.gate for part in whole], [part.weight for part in whole],
            [part.scores for part in whole], [part.codes for part in whole],
        )
    )  # fmt: skip
    events = []
    for part, start in parts:
        for number, found in part.events:
            for event in found:
                names = ("onset", "end", "peak_at", "peak", "what", "side", "level")
                events.append((number, int(event["row"]) + start, *(float(event[name]) for name in names)))
    return columns, sorted(events)


def random_columns(seed: int, rows: int) -> Columns:
    rng = np.random.default_rng(seed)
    slot = rng.integers(0, len(SLOTS), rows)
    steps = rng.choice(
        [0, SECOND, 5 * SECOND, MINUTE, 20 * MINUTE, 3 * DAY], rows, p=[0.1, 0.6, 0.2, 0.08, 0.018, 0.002]
    )
    value = np.array([rng.choice(_VALUES[SLOTS[each][0]]) + rng.integers(-1, 2) for each in slot])
    value[rng.random(rows) < 0.01] = np.nan
    return Columns(
        slot.astype(np.int64),
        START + np.cumsum(steps).astype(np.int64),
        value.astype(np.float64),
        rng.choice(_BITS, rows).astype(np.uint16),
    )


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    """Runs of one slot and value, mixed."""
    rows: list[tuple[int, int, float, int]] = []
    at = START
    for _ in range(draw(st.integers(1, 15))):
        slot = draw(st.integers(0, len(SLOTS) - 1))
        value = draw(st.sampled_from([*_VALUES[SLOTS[slot][0]], float("nan")]))
        bits, step = draw(st.sampled_from(_BITS)), draw(st.sampled_from([0, 1, 1, 5, 60, 1200]))
        at += draw(st.sampled_from([0, SECOND, 7 * MINUTE, 2 * DAY]))
        for _ in range(draw(st.integers(1, 20))):
            rows.append((slot, at, value, bits))
            at += step * SECOND
    slot_, at_, value_, bits_ = zip(*rows, strict=True)
    return Columns(
        np.array(slot_, np.int64), np.array(at_, np.int64), np.array(value_, np.float64), np.array(bits_, np.uint16)
    )


def copied(saved: Saved) -> Saved:
    return {name: array.copy() for name, array in saved.items()}
