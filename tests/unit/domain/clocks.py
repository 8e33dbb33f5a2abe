"""Simulated devices with wrong clocks behind slow networks, and what the estimator makes of them.

``python -m tests.unit.domain.clocks`` prints the table of issue 6 (Show 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigil.domain.device_clock import ClockTracker, DeviceClock
from vigil.domain.times import SECOND, from_iso

Times = NDArray[np.float64]
START = from_iso("2026-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Packs:
    """In the order in which they were made, seconds since ``START``: true time, the device's clock, receipt."""

    true: Times
    device: Times
    received: Times

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        """(number, true, device, received) in the order of receipt, microseconds."""
        for number in np.argsort(self.received, kind="stable").tolist():
            times = (column[number] for column in (self.true, self.device, self.received))
            true, device, received = (START + round(float(time) * SECOND) for time in times)
            yield number, true, device, received


def sent(
    seed: int,
    hours: float,
    every_s: float = 1.0,
    delay_s: float = 0.2,
    offset_s: float = 0.0,
    ppm: float = 0.0,
    jump: tuple[float, float] | None = None,
) -> Packs:
    """A pack each ``every_s``, with exponential delays of mean ``delay_s``. ``jump``: at so many seconds, by so many."""
    rng = np.random.default_rng(seed)
    true = np.asarray(np.arange(round(hours * 3600 / every_s)) * every_s + float(rng.random()), np.float64)
    device = true * (1 + ppm * 1e-6) + offset_s
    if jump is not None:
        device = device + np.where(true >= jump[0], jump[1], 0.0)
    return Packs(true, device, true + rng.exponential(delay_s, true.size))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it. ``known_after_s``: of true time until an offset was first known; ``errors``, ``uncertainties``: of each
    pack from then on, seconds; ``corrected``: how many packs were; ``clock``: at the end."""

    known_after_s: float | None
    errors: Times
    uncertainties: Times
    corrected: int
    clock: DeviceClock

    @property
    def covered(self) -> float:
        """Share of the packs at which the true error was within the uncertainty."""
        return float(np.mean(self.errors <= self.uncertainties))


def watch(packs: Packs) -> Seen:
    tracker = ClockTracker()
    errors, uncertainties, corrected, known = [], [], 0, None
    rate = (packs.device[-1] - packs.device[0]) / (packs.true[-1] - packs.true[0]) - 1
    clock = None
    for number, true, device, received in packs:
        corrected += tracker.observe(1, number, device, received) is not None
        clock = tracker.clock(received)
        if clock is not None and clock.offset_s is not None and clock.uncertainty_s is not None:
            known = (true - START) / SECOND if known is None else known
            now = (device - true + rate * (received - true)) / SECOND
            errors.append(abs(clock.offset_s - now))
            uncertainties.append(clock.uncertainty_s)
    assert clock is not None
    return Seen(known, np.array(errors), np.array(uncertainties), corrected, clock)


_EPOCH_S = -START / SECOND
CASES: dict[str, tuple[float, float, tuple[float, float] | None]] = {
    "90 s ahead": (90.0, 0.0, None),
    "1 h behind, drift 50 ppm": (-3600.0, 50.0, None),
    "started in 1970": (_EPOCH_S + 12.0, -20.0, None),
    "right": (0.0, 10.0, None),
    "jumps by +10 min after 1 h": (0.0, 10.0, (3600.0, 600.0)),
    "jumps by -10 min after 1 h": (0.0, 10.0, (3600.0, -600.0)),
}


def table() -> Iterator[str]:
    """Three hours at 1 Hz behind a network with exponential delays of 0.5 s in the mean."""
    yield "| clock | state | true offset s | estimated s | error s | uncertainty s | drift ppm | known after s | corrected |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, (offset, ppm, jump) in CASES.items():
        packs = sent(6, 3.0, 1.0, 0.5, offset, ppm, jump)
        seen = watch(packs)
        clock = seen.clock
        assert clock.offset_s is not None
        true = float(packs.device[-1] - packs.true[-1])
        cells = (
            name, clock.state.value, f"{true:.2f}", f"{clock.offset_s:.2f}", f"{abs(clock.offset_s - true):.3f}",
            f"{clock.uncertainty_s:.2f}", f"{clock.drift_ppm:.1f} ± {clock.drift_uncertainty_ppm:.1f}",
            f"{seen.known_after_s:.0f}", f"{seen.corrected} of {packs.true.size}",
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(table()))
