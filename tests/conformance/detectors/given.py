"""Columns for kernels, made by hand or drawn, and a run of one detector over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.detectors import detectors
from analytics.detectors.contract import F32, U8, Detector
from analytics.engine.compiled import Kernel, Kernels
from analytics.engine.stack import rows_of, rows_signature
from vigil.domain.readings import F64, I64, U32
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME

#: 2026-01-01, microseconds UTC.
START = 1_767_225_600_000_000
SLOTS = 3

#: Level and spread of a healthy person at rest (reference page "Physiology", sections 1 and 6), for signals made by hand; a vital
#: that is not named takes the middle of its plausible range.
HEALTHY: dict[str, tuple[float, float]] = {
    "heart_rate": (72.0, 6.0),
    "resp_rate": (16.0, 1.5),
    "spo2": (97.0, 0.7),
    "bp_sys": (124.0, 7.0),
    "bp_dia": (76.0, 5.0),
    "bp_mean": (90.0, 6.0),
    "body_temp": (36.6, 0.2),
    "skin_temp": (33.5, 0.3),
    "glucose_mgdl": (105.0, 8.0),
}

ALL = detectors()
NAMES = [detector.name for detector in ALL]


def healthy(vital: str) -> tuple[float, float]:
    low, high = BY_NAME[vital].plausible
    return HEALTHY.get(vital, ((low + high) / 2, (high - low) / 40))


@dataclass(frozen=True, slots=True)
class Columns:
    """The input columns of a kernel, all of one length."""

    slot: I64
    at: I64
    value: F64
    weight: F64
    gate: U8

    def take(self, index: NDArray[Any] | slice) -> Columns:
        return Columns(*(getattr(self, field.name)[index].copy() for field in fields(self)))

    def gated(self, mask: NDArray[np.bool_], as_gate: int = 1) -> Columns:
        gate = np.where(mask, np.uint8(as_gate), self.gate).astype(np.uint8)
        return replace(self, gate=gate, weight=np.where(gate == 0, self.weight, 0.0))


def columns(at: I64, value: F64, slot: int = 0) -> Columns:
    """Readings of one slot, all good."""
    n = at.size
    return Columns(np.full(n, slot), at.astype(np.int64), value.astype(np.float64), np.ones(n), np.zeros(n, np.uint8))


@dataclass(slots=True)
class Bed:
    """One detector with the memory of some slots that all measure one vital. ``kernel``: compiled or not; ``last`` f64 (slots,):
    when a value counted, microseconds, NaN = never."""

    detector: Detector
    vital: str
    kernel: Callable[..., None]
    state: F64
    last: F64
    values: dict[str, float] | None = None

    def since(self, given: Columns) -> F64:
        """As the gate tells it."""
        since = np.full(given.at.size, np.nan)
        for slot in range(self.last.size):
            rows = np.flatnonzero((given.slot == slot) & (given.gate == 0))
            if rows.size:
                before = np.concatenate([self.last[slot : slot + 1], given.at[rows[:-1]]])
                since[rows] = (given.at[rows] - before) * 1e-6
                self.last[slot] = given.at[rows[-1]]
        return since

    def judge(self, given: Columns) -> tuple[F32, U8]:
        param = np.array([[0.0] * (1 + len(self.detector.parameters)), self.detector.row(self.vital, self.values)])
        profile: U32 = np.ones(len(self.state), np.uint32)
        score, code = np.full(given.at.size, 7.0, np.float32), np.full(given.at.size, 255, np.uint8)
        self.kernel(
            given.slot.view(np.uint64), given.at, self.since(given), given.value, given.weight, given.gate, self.state, param,
            profile, score, code,
        )  # fmt: skip
        return score, code


def fresh(detector: Detector, slots: int = SLOTS) -> F64:
    row = [value for _, value in detector.state] or [0.0]
    return np.tile(np.array(row, np.float64), (slots, 1))


@cache
def _kernels() -> Kernels:
    kernels = Kernels()
    kernels.compile([Kernel(rows_of(detector), rows_signature, (detector.judge,)) for detector in ALL])
    return kernels


def bed(detector: Detector, vital: str, compiled: bool = True, values: dict[str, float] | None = None) -> Bed:
    kernel = _kernels()(rows_of(detector)) if compiled else rows_of(detector)
    return Bed(detector, vital, kernel, fresh(detector), np.full(SLOTS, np.nan), values)


def interval(vital: str) -> int:
    """Time between the readings of a history: what the vital's devices send, but no more often than once a minute."""
    return round(max(60.0, BY_NAME[vital].expected_interval_s or 900.0)) * SECOND


def history(vital: str, days: float = 4.0, start: int = START) -> Columns:
    """A healthy person: a slow and a fast part of the scatter, rounded as the vital is."""
    kind = BY_NAME[vital]
    level, spread = healthy(vital)
    at = start + np.arange(round(days * DAY / interval(vital))) * interval(vital)
    rng = np.random.default_rng(7)
    slow = np.sin(2 * np.pi * ((at - start) % DAY) / DAY)
    value = level + spread * (0.7 * slow + 0.6 * rng.standard_normal(at.size))
    shown: F64 = np.round(np.clip(value, *kind.plausible), kind.digits).astype(np.float64)
    return columns(at, shown)


@cache
def _learnt(name: str, vital: str) -> tuple[F64, F64]:
    given = history(vital)
    one = bed(next(each for each in ALL if each.name == name), vital)
    for slot in range(SLOTS):
        one.judge(replace(given, slot=np.full(given.at.size, slot)))
    return one.state, one.last


def learnt(detector: Detector, vital: str, compiled: bool = True) -> Bed:
    """After four healthy days in every slot, up to ``START`` + 4 days."""
    one = bed(detector, vital, compiled)
    one.state, one.last = (each.copy() for each in _learnt(detector.name, vital))
    return one


def watched(detector: Detector) -> list[str]:
    return sorted(detector.vitals)


_STEPS: Sequence[int] = (0, 1, SECOND, SECOND, SECOND, MINUTE, 15 * MINUTE, 6 * HOUR, DAY, 9 * DAY)


@st.composite
def drawn(draw: st.DrawFn, vital: str) -> Columns:
    """Readings of several slots after ``START`` + 4 days, ascending in time, with equal times, gaps of days, every value that
    ingest lets through, repeats and gates."""
    low, high = BY_NAME[vital].reject
    level, spread = healthy(vital)
    values = st.one_of(
        st.floats(low, high), st.floats(level - spread, level + spread), st.sampled_from([low, high, level])
    )
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, SLOTS - 1),
                st.sampled_from(_STEPS),
                values,
                st.sampled_from([1.0, 1.0, 0.7, 0.4]),
                st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3]),
                st.integers(1, 4),
            ),
            min_size=1,
            max_size=25,
        )
    )
    slot, step, value, weight, gate = (
        np.array([row[place] for row in rows for _ in range(row[5])]) for place in range(5)
    )
    return Columns(
        slot.astype(np.int64),
        START + 4 * DAY + np.cumsum(step).astype(np.int64),
        value.astype(np.float64),
        np.where(gate == 0, weight, 0.0),
        gate.astype(np.uint8),
    )
