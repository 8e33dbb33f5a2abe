"""Illness that is treated in the end, so that one person can fall ill more than once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulators.course import Course
from simulators.noise import Floats

#: A: help comes so long after the critical time, and undoes everything over so long, hours.
HELP_AFTER_H, RECOVERY_H = 1.0, 6.0

#: Names of a ``Push`` that are factors: undone, they are 1.
_FACTORS = ("activity", "glucose_own")


@dataclass(frozen=True, slots=True)
class Treated:
    """A ``Push``: ``course`` until ``helped_h`` hours after its onset, then back to nothing within ``RECOVERY_H``."""

    course: Course
    helped_h: float

    def deltas(self, local_s: Floats) -> Mapping[str, Floats]:
        hours = (local_s - self.course.onset_local_s) / 3600.0
        ill = np.interp(hours, (self.helped_h, self.helped_h + RECOVERY_H), (1.0, 0.0))
        moved = {}
        for name, values in self.course.at(hours).items():
            moved[name] = 1.0 + ill * (values - 1.0) if name in _FACTORS else ill * values
        return moved
