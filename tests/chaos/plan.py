"""Which faults come when: a pure function of the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

GATEWAYS = ("g-1", "g-2", "g-3", "g-4", "g-5")
BROKER, CORE = "broker", "core"
#: The core's name at the broker.
INGEST = "ingest"


class Act(StrEnum):
    KILL = "kill -9"
    CUT = "cut"
    DELAY = "delay"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Fault:
    """From ``start`` to ``end``, parts of all lines (0 to 1): what is killed stays dead, what is slow stays slow.

    ``told``: a half-open connection of the core is cut at ``end``; else those at its ends have to find out, which by the core's
    keep-alive takes up to two minutes.
    """

    act: Act
    victims: tuple[str, ...]
    start: float
    end: float
    seconds: float = 0.0
    told: bool = True

    def __str__(self) -> str:
        extra = f" {self.seconds:.1f} s" if self.act is Act.DELAY else ""
        return f"{self.act}{extra} {' + '.join(self.victims)} {self.start:.0%}-{self.end:.0%}"


#: The kinds of runs by name. "kills" and "network" join several faults in one stream of readings.
KINDS: dict[str, tuple[str, ...]] = {
    "broker": ("broker",) * 2,
    "core": ("core",) * 2,
    "gateway": ("gateway",) * 2,
    "broker + core": ("broker + core",),
    "broker + gateway": ("broker + gateway",),
    "core + gateway": ("core + gateway",),
    "cut": ("cut gateway", "cut core") * 2,
    "delay": ("delay gateway", "delay core"),
    "half-open": ("half-open gateway", "half-open core"),
    "kills": ("core", "gateway", "broker", "two"),
    "network": ("cut gateway", "cut core", "delay gateway", "delay core", "half-open core", "half-open gateway"),
}
#: The runs of the short version; they share one site.
SHORT = ("kills", "network")
_PAIRS = ("broker + core", "broker + gateway", "core + gateway")


def plan(kind: str, seed: int) -> list[Fault]:
    """The faults of a run of this kind, in order and not overlapping.

    >>> plan("kills", 7) == plan("kills", 7), plan("kills", 7) == plan("kills", 8)
    (True, False)
    """
    rng = np.random.default_rng(seed)
    names = [str(name) for name in rng.permutation(list(KINDS[kind]))]
    room = 0.9 / len(names)
    faults = []
    for place, name in enumerate(names):
        first = 0.05 + place * room + float(rng.uniform(0, room / 2))
        last = (
            first + float(rng.uniform(0.1, 0.4)) * room
        )  # more, and the lines that wait for a dead gateway could not end it
        faults.append(replace(_fault(name, first, last, rng), told=kind in SHORT))
    return faults


def _fault(name: str, start: float, end: float, rng: np.random.Generator) -> Fault:
    if name == "two":
        name = _PAIRS[int(rng.integers(len(_PAIRS)))]
    gateway = GATEWAYS[int(rng.integers(len(GATEWAYS)))]
    act, _, victim = name.rpartition(" ")
    if act in (Act.CUT, Act.DELAY, Act.HALF_OPEN):
        seconds = float(rng.uniform(0.2, 1.5)) if act == Act.DELAY else 0.0
        return Fault(Act(act), (gateway if victim == "gateway" else INGEST,), start, end, seconds)
    return Fault(Act.KILL, tuple(gateway if one == "gateway" else one for one in name.split(" + ")), start, end)
