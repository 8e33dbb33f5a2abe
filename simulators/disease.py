"""What a scenario is: how a disease moves the true values of anybody. ``simulators.course`` is one person's way through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from simulators.apnoea import Apnoea
from simulators.decoy import Decoy
from simulators.sensors import Sensor
from simulators.setting import Setting

#: New names go to the end: their place is the place of their draws (``simulators.course``). ``pulse_deficit``: what an optical
#: sensor shows less than the true heart rate (negative, beats/min).
VITALS = ("hr", "rr", "spo2", "sbp", "dbp", "map", "temp", "weight", "activity", "glucose", "pulse_deficit")

Knots = Mapping[str, tuple[float, ...]]


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Branch:
    """Curves that replace those of the scenario in some people: in ``share`` of all, and in those on a beta-blocker."""

    knots: Knots
    share: float = 0.0
    beta_blocker: bool = False


@dataclass(frozen=True, slots=True)
class HarmLimit:
    """Harm = the true value of ``vital`` is, rounded, at or beyond the limit for ``minutes`` on end."""

    vital: str
    at_least: float | None = None
    at_most: float | None = None
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """``knots``: values at ``t_h`` by vital (``activity`` is a factor). ``silent``: chance that a vital does not take part.

    ``harm``: "single_3" = the first true single NEWS2 parameter of 3 points, "label" = at ``harm_h``, "limit" = ``harm_limit``,
    "none" = harmless. ``harm_h`` is what the reference page states for its reference person; a person's own is recomputed
    (``simulators.label``). ``fever_coupling``: temperature also drives heart and breathing. ``shift``: how far the baseline of
    these people lies from that of the setting. ``beat_cv``, ``beat_lag1``: coefficient of variation and lag-1 correlation of the
    intervals between beats, 0 = regular. ``sensors``: worn besides the usual ones. No ``t_h`` = nothing gets worse.
    """

    name: str
    title: str
    setting: Setting
    t_h: tuple[float, ...] = ()
    knots: Knots = field(default_factory=lambda: MappingProxyType({}))
    silent: Mapping[str, float] = field(default_factory=_nothing)
    person_sd: Mapping[str, float] = field(default_factory=_nothing)
    shift: Mapping[str, float] = field(default_factory=_nothing)
    branches: Mapping[str, Branch] = field(default_factory=lambda: MappingProxyType({}))
    copd: bool = False
    fever_coupling: bool = True
    harm: str = "single_3"
    harm_h: float | None = None
    harm_limit: HarmLimit | None = None
    magnitude_log_sd: float = 0.35  # A
    pace_log_sd: float = 0.30  # A
    beat_cv: float = 0.0
    beat_lag1: float = 0.0
    sensors: tuple[Sensor, ...] = ()
    apnoea: Apnoea | None = None
    decoys: tuple[Decoy, ...] = ()

    @property
    def worsens(self) -> bool:
        return bool(self.t_h)

    def knots_of(self, branch: str) -> Knots:
        return {**self.knots, **self.branches[branch].knots} if branch else self.knots
