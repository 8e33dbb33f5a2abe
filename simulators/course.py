"""One person's own way through a scenario: how strongly, how fast, and in which vitals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from simulators.disease import VITALS, Branch, Scenario
from simulators.noise import Floats
from simulators.person import Description

#: After the last knot of an absolute curve the person's own level comes back over this time, hours (A).
_OWN_AGAIN_H = 2.0


@dataclass(frozen=True, slots=True)
class Course:
    """A scenario that starts at ``onset_local_s``. ``strength``: factor on the knots by vital, 0 = silent.

    ``pace`` stretches time: 2 = twice as slow. ``branch``: the name of the branch taken, or "".
    """

    scenario: Scenario
    onset_local_s: float
    strength: Mapping[str, float]
    pace: float
    branch: str = ""

    @property
    def length_h(self) -> float:
        return self.scenario.t_h[-1] * self.pace if self.scenario.t_h else 0.0

    @property
    def knots(self) -> Mapping[str, tuple[float, ...]]:
        return self.scenario.knots_of(self.branch)

    def at(self, hours: Floats) -> dict[str, Floats]:
        """Differences from the baseline that many hours after the onset; before it, none. Names as ``Push`` has them."""
        moved: dict[str, Floats] = {}
        at_h = hours / self.pace
        for vital, knots in self.knots.items():
            values = np.interp(at_h, self.scenario.t_h, knots)
            strength = self.strength[vital]
            if vital == "activity":
                moved[vital] = np.clip(1.0 + strength * (values - 1.0), 0.1, 1.0)
            elif vital == "glucose":
                moved["glucose_own"] = self._own_share(at_h)
                moved[vital] = (1.0 - moved["glucose_own"]) * (knots[0] + strength * (values - knots[0]))
            else:
                moved[vital] = strength * values
        if self.scenario.fever_coupling and "temp" in moved:
            moved["fever"] = np.maximum(moved["temp"], 0.0)
        if self.scenario.beat_cv:
            moved["beat_cv"] = np.where(hours >= 0.0, self.scenario.beat_cv, 0.0)
            moved["beat_lag1"] = np.where(hours >= 0.0, self.scenario.beat_lag1, 0.0)
        return moved

    def _own_share(self, at_h: Floats) -> Floats:
        """What an absolute curve leaves of the person's own level: all of it before, none from the second knot to the last."""
        t_h = self.scenario.t_h
        return np.interp(at_h, (0.0, t_h[1], t_h[-1], t_h[-1] + _OWN_AGAIN_H), (1.0, 0.0, 0.0, 1.0))

    def deltas(self, local_s: Floats) -> Mapping[str, Floats]:
        """A ``Push`` on the true values."""
        return self.at((local_s - self.onset_local_s) / 3600.0)


def draw_course(
    scenario: Scenario, rng: np.random.Generator, onset_local_s: float = 0.0, who: Description | None = None
) -> Course:
    """How this person gets worse (all A, but ``person_sd``, which is M). ``who`` decides on branches for a kind of person.

    The order of the draws is fixed, a vital of the list without a curve is drawn too: so a seed names the same courses for ever.
    """
    magnitude = float(np.exp(scenario.magnitude_log_sd * rng.standard_normal()))
    pace = float(np.exp(scenario.pace_log_sd * rng.standard_normal()))
    strength = {}
    for vital in VITALS:
        chance, own = float(rng.random()), float(rng.standard_normal())
        if vital not in scenario.knots:
            continue
        strength[vital] = 0.0 if chance < scenario.silent.get(vital, 0.0) else magnitude
        if vital in scenario.person_sd:
            strength[vital] += own * scenario.person_sd[vital] / abs(scenario.knots[vital][-1])
    branch = _draw_branch(scenario.branches, float(rng.random()), who)
    return Course(scenario, onset_local_s, MappingProxyType(strength), pace, branch)


def _draw_branch(branches: Mapping[str, Branch], chance: float, who: Description | None) -> str:
    for name, branch in branches.items():
        if branch.beta_blocker and who is not None and who.beta_blocker:
            return name
        if chance < branch.share:
            return name
    return ""


def reference_course(scenario: Scenario) -> Course:
    """The course as printed: nothing drawn, every vital takes part, no branch."""
    return Course(scenario, 0.0, MappingProxyType(dict.fromkeys(scenario.knots, 1.0)), 1.0)
