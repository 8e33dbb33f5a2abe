"""Two sensors that measure one vital of one person and do not agree: one of them is wrong. A technical finding."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vigil.domain.errors import InvalidInput
from vigil.domain.readings import F64, I64
from vigil.domain.times import MINUTE

#: Raised when so many of so many minutes differ; ended by so many agreeing minutes without a differing one between (ours).
DIFFERING, OF, AGREEING = 5, 6, 3

#: Difference of two minute medians that is no longer scatter, in the vital's unit (reference page "Physiology", sections 3 and 6;
#: the choice is ours). Heart rate: 10 /min or more apart in 3.5 % of the seconds of BIDMC, but in bursts of seconds: of its 216
#: minutes two differ by more than 10. SpO2: finger and wrist within 6. Breathing: 5 from counted breaths in 5.3 %. Temperature:
#: limits of agreement of two sites -1.16 to +0.77.
MARGINS: dict[str, float] = {"heart_rate": 10.0, "spo2": 6.0, "resp_rate": 6.0, "body_temp": 1.2}

_ALL = (1 << OF) - 1


@dataclass(frozen=True, slots=True)
class Span:
    """``began``: start of the first differing minute; ``told``: end of the minute that was one too many; ``ended``: end of the
    last minute that differed, None while it goes on; microseconds UTC. ``largest``: greatest difference from ``told`` on."""

    began: int
    told: int
    ended: int | None
    largest: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What must be kept between calls. ``minute``: the last one seen; ``recent``: bit n = the minute n before it differed."""

    minute: int = 0
    recent: int = 0
    agreeing: int = 0
    last_differed: int = 0
    open: Span | None = None


FRESH = Memory()


def disagreement(minute: I64, a: F64, b: F64, margin: float, memory: Memory = FRESH) -> tuple[list[Span], Memory]:
    """The spans that ended in these minutes, and what to remember; ``Memory.open`` is the one that goes on.

    ``minute`` i64 (m,): ends of minutes, ascending; minutes may be missing. ``a``, ``b`` f64 (m,): medians of the two sources
    in the vital's unit, NaN = none: such a minute speaks neither for nor against. ``margin`` in that unit. Any split into calls
    gives the same spans. Silence ends nothing. Raises ``InvalidInput`` when the minutes do not ascend.

    >>> m = np.arange(1, 11) * MINUTE
    >>> a, b = np.full(10, 80.0), np.array([80.0] * 2 + [95.0] * 5 + [80.0] * 3)
    >>> [(span.began // MINUTE, span.ended // MINUTE) for span in disagreement(m, a, b, 10.0)[0]]
    [(2, 7)]
    """
    if minute.size and (minute[0] <= memory.minute or (np.diff(minute) <= 0).any()):
        raise InvalidInput("disagreement: the minutes do not ascend")
    difference = np.abs(a - b)
    ended: list[Span] = []
    for at, size in zip(minute.tolist(), difference.tolist(), strict=True):
        memory = _step(memory, at, size, margin)
        if memory.open is not None and memory.open.ended is not None:
            ended.append(memory.open)
            memory = replace(memory, open=None, recent=0)
    return ended, memory


def _step(memory: Memory, at: int, difference: float, margin: float) -> Memory:
    """One minute; ``difference`` NaN = nothing to compare."""
    passed = min((at - memory.minute) // MINUTE, OF)
    differs, agrees = difference > margin, difference <= margin
    recent = (memory.recent << passed) & _ALL | int(differs)
    agreeing = 0 if differs else memory.agreeing + int(agrees)
    last_differed = at if differs else memory.last_differed
    span = memory.open
    if span is not None:
        if differs:
            span = replace(span, largest=max(span.largest, difference))
        elif agreeing >= AGREEING:
            span = replace(span, ended=last_differed)
    elif differs and recent.bit_count() >= DIFFERING:
        first = at - (recent.bit_length() - 1) * MINUTE
        span = Span(began=first - MINUTE, told=at, ended=None, largest=difference)
    return Memory(at, recent, agreeing, last_differed, span)
