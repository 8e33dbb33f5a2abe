"""What a detector is: one file with a function that judges one reading, and a frozen description of it.

The function is given the readings of a slot in ascending measured time. It scores a reading first and learns from it afterwards.
It has no clock and does no I/O. It must be written in the part of Python that runs the same way on plain numbers and compiled by
numba: + - * / comparisons, ``math.sqrt``, ``math.floor``; no ``exp``, ``log`` or ``pow`` (their last bit depends on the
library), no ``min``/``max`` on values that may be NaN, no division by 0, no ``raise``: what is compiled could not be switched off
by name. Then compiled and uncompiled results are bit-equal, and so is any split into batches. A helper that it calls must be
marked ``analytics.engine.compiled.helper`` and stand in the same file.

    judge(value, at, since, weight, gate, state, param) -> (score, code, state)

``value`` in the vital's unit, ``at`` measured time in microseconds UTC (as a float, which is exact), ``since`` seconds since the
slot's measurement before this one (NaN = it is the first, or gated), ``weight`` 0 to 1 (how far the signal can be trusted, 0 =
gated), ``gate`` (``analytics.quality``): 0, a measurement of the patient; a detector ``of_gated`` is also given ``BAD`` ones.
``state``: its memory of the slot and ``param``: its parameters, each in the order of the description; the state that it returns
is remembered. ``score``: high = odd, NaN = not judged; ``code``: the bits below, 0 = nothing odd. It is given no reading of a
vital that it does not watch.

``analytics.engine.stack`` writes the loops around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vigil.domain.alerts import Kind

#: The memory or the parameters of a detector, in the order of its description.
Row = tuple[float, ...]
#: Score, code, and the memory from now on.
Said = tuple[float, int, Row]
Judge = Callable[[float, float, float, float, int, Row, Row], Said]

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

#: Bits of ``code``. A value beyond the raising threshold, a severe one, and one that does not yet count as normal again
#: (hysteresis); beyond implies not normal, severe implies beyond.
LOW, HIGH = 1, 2
SEVERE_LOW, SEVERE_HIGH = 4, 8
NOT_NORMAL_LOW, NOT_NORMAL_HIGH = 16, 32
SEVERE = SEVERE_LOW | SEVERE_HIGH
#: Only a code with one of these begins a condition.
BEYOND = LOW | HIGH

#: Weight of a value with a weak signal (low perfusion) at most: alone it does not prove that a severe limit is crossed (ours).
WEAK_SIGNAL = 0.4

#: Fresh value of the time that a detector has learnt from, seconds: not even a first measurement.
NOTHING_YET = -1.0

#: First column of every parameter row: 1.0 where the detector watches the vital.
ON = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """``source``: where the starting value comes from; "ours" = engineering choice that needs clinical sign-off."""

    name: str
    unit: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Detector:
    """Description of one detector.

    ``name``: its rules are ``<name>.<vital>.<low|high>``, without the side when ``sided`` is False (then code HIGH is used).
    ``state``: name and fresh value of each column of its memory. ``vitals``: the vitals it watches, each with the starting
    value of every parameter. ``delay_s``: how long it must hold before it counts, measured time, by vital (0 when not named).
    ``blind_to``: what it cannot see, in a sentence, for the reference page. ``of_gated``: it is given gated values too, and one
    whose code is severe confirms its condition but begins none; every other detector ignores gated values.
    """

    name: str
    title: str
    kind: Kind
    sided: bool
    what: str
    blind_to: str
    source: str
    state: tuple[tuple[str, float], ...]
    parameters: tuple[Parameter, ...]
    vitals: Mapping[str, Mapping[str, float]]
    delay_s: Mapping[str, float]
    judge: Judge = field(repr=False)
    of_gated: bool = False

    def rule(self, vital: str, side: int) -> str:
        """``side`` 0 = low, 1 = high."""
        return f"{self.name}.{vital}.{('low', 'high')[side]}" if self.sided else f"{self.name}.{vital}"

    def row(self, vital: str, values: Mapping[str, float] | None = None) -> list[float]:
        """A parameter row: off when the detector does not watch the vital; ``values`` replace the starting ones."""
        chosen = {**self.vitals.get(vital, {}), **(values or {})}
        if vital not in self.vitals and values is None:
            return [0.0] + [0.0] * len(self.parameters)
        return [1.0] + [chosen[parameter.name] for parameter in self.parameters]


def problems(detector: Detector) -> list[str]:
    """What is wrong with a description, in words; empty when nothing is."""
    names = [parameter.name for parameter in detector.parameters]
    found = []
    for vital, values in detector.vitals.items():
        if set(values) != set(names):
            found.append(f"{detector.name}: {vital} needs exactly the parameters {', '.join(names)}")
    if set(detector.delay_s) - set(detector.vitals):
        found.append(f"{detector.name}: a delay for a vital that it does not watch")
    return found
