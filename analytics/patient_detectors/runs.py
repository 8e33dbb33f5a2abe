"""When a finding of single minutes becomes a condition: odd in most of the last minutes, over after a few that are not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vigil.domain.errors import InvalidInput
from vigil.domain.readings import F64, I64
from vigil.domain.times import MINUTE

#: Raised when so many of so many minutes are odd; ended by so many minutes that are not odd, without an odd one between (ours).
ODD, OF, USUAL = 5, 6, 3

_ALL = (1 << OF) - 1


@dataclass(frozen=True, slots=True)
class Span:
    """``began``: start of the first odd minute; ``told``: end of the minute that was one too many; ``ended``: end of the
    last odd minute, None while it goes on; microseconds UTC. ``largest``: greatest size from ``told`` on."""

    began: int
    told: int
    ended: int | None
    largest: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What must be kept between calls. ``minute``: the last one seen; ``recent``: bit n = the minute n before it was odd."""

    minute: int = 0
    recent: int = 0
    usual: int = 0
    last_odd: int = 0
    open: Span | None = None


FRESH = Memory()


def runs(minute: I64, size: F64, margin: float, memory: Memory = FRESH) -> tuple[list[Span], Memory]:
    """The spans that ended in these minutes, and what to remember; ``Memory.open`` is the one that goes on.

    ``minute`` i64 (m,): ends of minutes, ascending; minutes may be missing. ``size`` f64 (m,): how odd each is, NaN = not known:
    such a minute speaks neither for nor against. A minute is odd above ``margin``. Any split into calls gives the same spans.
    Silence ends nothing. Raises ``InvalidInput`` when the minutes do not ascend.
    """
    if minute.size and (minute[0] <= memory.minute or (np.diff(minute) <= 0).any()):
        raise InvalidInput("the minutes of a detector do not ascend")
    ended: list[Span] = []
    for at, each in zip(minute.tolist(), size.tolist(), strict=True):
        memory = _step(memory, at, each, margin)
        if memory.open is not None and memory.open.ended is not None:
            ended.append(memory.open)
            memory = replace(memory, open=None, recent=0)
    return ended, memory


def _step(memory: Memory, at: int, size: float, margin: float) -> Memory:
    """One minute; ``size`` NaN = nothing is known of it."""
    passed = min((at - memory.minute) // MINUTE, OF)
    odd, usual_now = size > margin, size <= margin
    recent = (memory.recent << passed) & _ALL | int(odd)
    usual = 0 if odd else memory.usual + int(usual_now)
    last_odd = at if odd else memory.last_odd
    span = memory.open
    if span is not None:
        if odd:
            span = replace(span, largest=max(span.largest, size))
        elif usual >= USUAL:
            span = replace(span, ended=last_odd)
    elif odd and recent.bit_count() >= ODD:
        first = at - (recent.bit_length() - 1) * MINUTE
        span = Span(began=first - MINUTE, told=at, ended=None, largest=size)
    return Memory(at, recent, usual, last_odd, span)
