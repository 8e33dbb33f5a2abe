"""Reading what a virtual patient sent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.faults import Fault
from simulators.noise import Floats
from simulators.packs import Pack, Record
from simulators.patient import VirtualPatient
from simulators.person import Description

#: 2026-01-01 14:00 UTC: people are awake.
AFTERNOON_US = 1_767_276_000_000_000
SECOND = 1_000_000


def records(packs: Sequence[Pack], name: str) -> list[Record]:
    return [record for pack in packs for record in pack.records if record.name == name]


def values(packs: Sequence[Pack], name: str) -> Floats:
    """Values in order of sending, NaN = tried, no value."""
    return np.array([np.nan if record.value is None else float(record.value) for record in records(packs, name)])


def watch(
    seed: int,
    scenario: str,
    seconds: int,
    faults: Sequence[Fault] = (),
    step_s: float = 1.0,
    offset_h: float = 0.0,
    who: Description | None = None,
) -> list[Pack]:
    """Everything that was sent in the first seconds."""
    patient = VirtualPatient(seed, scenario, faults, AFTERNOON_US, step_s, offset_h=offset_h, who=who)
    return patient.advance(AFTERNOON_US + (seconds - 1) * SECOND)
