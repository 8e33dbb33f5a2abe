"""Random processes that can be drawn in blocks: any split into blocks gives the same numbers, bit for bit.

Arrays are time-major, ``(n steps, processes, persons)``, so that a block continues where the last one stopped. All steps of
one call have the same length; the discretisation is exact for any length, and the length may change between calls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def entropy(*parts: int) -> np.random.Generator:
    """A generator that depends on its numbers only, so that a draw "of day 3" is the same in whichever block it is made."""
    return np.random.default_rng(np.random.SeedSequence([part & 0xFFFFFFFFFFFFFFFF for part in parts]))


def mean_variance(step_s: float, tau_s: float) -> float:
    """Variance of the mean over one step of a unit-variance Ornstein-Uhlenbeck process with time constant ``tau_s``.

    >>> round(mean_variance(60.0, 12.0), 3), round(mean_variance(1.0, 3600.0), 3)
    (0.321, 1.0)
    """
    ratio = step_s / tau_s
    if ratio < 1e-6:
        return 1.0
    return 2.0 / ratio * (1.0 - (1.0 - math.exp(-ratio)) / ratio)


class OrnsteinUhlenbeck:
    """Named unit-variance Ornstein-Uhlenbeck processes (AR(1) at any step) of several persons, advanced together.

    ``tau_s``: time constant in seconds by name. Starts in its stationary distribution.
    """

    def __init__(self, tau_s: Mapping[str, float], persons: int, rng: np.random.Generator) -> None:
        self._names = tuple(tau_s)
        self._tau = np.array([tau_s[name] for name in self._names], dtype=np.float64)
        self._rng = rng
        self._state: Floats = rng.standard_normal((len(self._names), persons))

    def advance(self, n: int, step_s: float) -> dict[str, Floats]:
        """The next ``n`` values of each process, arrays ``(n, persons)``."""
        keep = np.exp(-step_s / self._tau)[:, None]
        drawn = self._rng.standard_normal((n, *self._state.shape))
        drawn *= np.sqrt(1.0 - keep**2)
        state = self._state
        for step in range(n):
            row = drawn[step]
            row += keep * state
            state = row
        self._state = state.copy()
        return {name: drawn[:, index] for index, name in enumerate(self._names)}


class Lowpass:
    """First-order low-pass filters, one for each name, several persons: the exact answer to an input held over each step.

    ``start``: first value of each filter, ``(persons,)``. What comes out is the mean over the step, so that minutes made at
    once and minutes made of seconds agree; with ``at_end`` it is the value at the end of the step.
    """

    def __init__(self, tau_s: Mapping[str, float], start: Mapping[str, Floats], at_end: bool = False) -> None:
        self._at_end = at_end
        self._names = tuple(tau_s)
        self._tau = np.array([tau_s[name] for name in self._names], dtype=np.float64)
        self._state: Floats = np.stack([np.asarray(start[name], dtype=np.float64) for name in self._names])

    def advance(self, inputs: Mapping[str, Floats], step_s: float) -> dict[str, Floats]:
        """Filter the next block; each input is ``(n, persons)``."""
        keep = np.exp(-step_s / self._tau)[:, None]
        within = keep if self._at_end else (self._tau / step_s)[:, None] * (1.0 - keep)
        held = np.stack([inputs[name] for name in self._names], axis=1)
        before = np.empty_like(held)
        state = self._state
        for step in range(held.shape[0]):
            before[step] = state
            state = held[step] + keep * (state - held[step])
        self._state = state
        out = held + within * (before - held)
        return {name: out[:, index] for index, name in enumerate(self._names)}


class MovingMean:
    """Mean of the last ``window`` steps, as a monitor shows it; before the window is full, of what there is."""

    def __init__(self, window: int, lag: int = 0) -> None:
        self._window = max(1, window)
        self._lag = max(0, lag)
        self._past: Floats = np.empty(0)

    def advance(self, values: Floats) -> Floats:
        """``values`` is one-dimensional; the answer lags by ``lag`` steps and starts from the first value ever seen."""
        if self._past.size == 0:
            self._past = np.full(self._window + self._lag - 1, values[0])
        line = np.concatenate([self._past, values])
        if line.size > values.size:
            self._past = line[values.size :]
        windows = np.lib.stride_tricks.sliding_window_view(line, self._window)
        return np.asarray(windows[: values.size].mean(axis=1), dtype=np.float64)


@lru_cache(maxsize=1)
def _normal_table() -> tuple[Floats, Floats]:
    grid = np.linspace(-6.0, 6.0, 12_001)
    return grid, np.array([0.5 * (1.0 + math.erf(z / math.sqrt(2.0))) for z in grid])


def normal_share(z: Floats) -> Floats:
    """Share of a standard normal below ``z`` (table, error under 1e-7).

    >>> float(normal_share(np.array([0.0]))[0])
    0.5
    """
    grid, shares = _normal_table()
    return np.interp(z, grid, shares)
