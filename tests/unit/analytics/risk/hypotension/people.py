"""Invented records: a steady pressure, and one that sinks towards an episode."""

from __future__ import annotations

import numpy as np

from analytics.risk.hypotension.records import MINUTES, Minutes, Records


def records(each: int = 3, seed: int = 1) -> Records:
    """``each`` of every group. Those with an event are lower, have sunk before, and lie at 55 mmHg in the forecast hour."""
    random = np.random.default_rng(seed)
    ids, rows = [], []
    for group in ("C1", "C2", "H1", "H2"):
        for number in range(1, each + 1):
            ids.append(f"{group}_{number}")
            rows.append(_course(group.startswith("H"), random))
    return Records(tuple(ids), np.stack(rows).astype(np.float32))


def _course(event: bool, random: np.random.Generator) -> Minutes:
    level = random.uniform(66, 76) if event else random.uniform(72, 95)
    sway = 5 * np.sin(np.arange(MINUTES) / random.uniform(40, 90) + random.uniform(0, 6))
    pressure = level + sway + random.normal(0, 1.5, MINUTES)
    if event:
        pressure[610:] = 55
    return pressure.astype(np.float32)
