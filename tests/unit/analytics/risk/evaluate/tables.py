"""Small made-up tables: stays with and without an event, whose risk is known because it was drawn from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hours import Hours


def starts_of(*lengths: int) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def labels_of(*stays: str) -> NDArray[np.int64]:
    """``"0011"``: one digit an hour."""
    return np.array([int(digit) for stay in stays for digit in stay])


def ward(stays: int = 400, seed: int = 1) -> tuple[Hours, NDArray[np.float64], NDArray[np.float64]]:
    """Hours with label (n,) and the true risk (n,) it was drawn from. Every stay has 12 h; whoever has the event has it from hour
    6 on, and a risk of 0.05 to 0.6 that his pulse shows."""
    random = np.random.default_rng(seed)
    starts = starts_of(*[12] * stays)
    risk = random.uniform(0.05, 0.6, stays)
    ill = random.random(stays) < risk
    label = (np.repeat(ill, 12) & (np.tile(np.arange(12), stays) >= 6)).astype(np.float32)
    late = np.tile(np.arange(12), stays) >= 6
    pulse = 60 + 100 * np.repeat(risk, 12) * late + random.normal(0, 1, 12 * stays)
    pulse[random.random(len(pulse)) < 0.3] = np.nan
    columns = {
        "HR": pulse,
        "Resp": np.full(len(pulse), 16.0),
        "Age": np.repeat(random.integers(18, 95, stays), 12),
        "Gender": np.repeat(random.integers(0, 2, stays), 12),
    }
    hours = Hours(
        tuple(f"stay-{number}" for number in range(stays)),
        starts,
        np.tile(np.arange(1, 13), stays).astype(np.int32),
        {name: np.asarray(values, np.float32) for name, values in columns.items()},
    )
    return hours, label.astype(np.float64), np.where(late, np.repeat(risk, 12), 0.001)
