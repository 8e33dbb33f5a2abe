"""Scenarios: how a disease moves the true values, and one person's own way through it.

A scenario is a TOML file in ``simulators/scenarios``; adding one is adding a file. Times are hours from the start of the process,
values are differences from the person's own baseline, joined by straight lines.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from simulators.decoy import Decoy
from simulators.noise import Floats
from simulators.setting import SETTINGS, Setting
from vigil.domain.errors import ScenarioError

VITALS = ("hr", "rr", "spo2", "sbp", "dbp", "map", "temp", "weight", "activity")
HARMS = ("single_3", "label")

_KEYS = {
    *("title", "setting", "copd", "t_h", "fever_coupling", "harm", "harm_h", "magnitude_log_sd", "pace_log_sd"),
    *("delta", "silent", "person_sd", "decoy"),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """``knots``: values at ``t_h`` by vital (``activity`` is a factor). ``silent``: chance that a vital does not take part.

    ``harm``: "single_3" = the first true single NEWS2 parameter of 3 points, "label" = at ``harm_h``. ``harm_h`` is what the
    reference page states for its reference person; a person's own is recomputed (``simulators.label``).
    ``fever_coupling``: temperature also drives heart and breathing. No ``t_h`` = nothing happens.
    """

    name: str
    title: str
    setting: Setting
    t_h: tuple[float, ...] = ()
    knots: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    silent: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    person_sd: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    copd: bool = False
    fever_coupling: bool = True
    harm: str = "single_3"
    harm_h: float | None = None
    magnitude_log_sd: float = 0.35  # A
    pace_log_sd: float = 0.30  # A
    decoys: tuple[Decoy, ...] = ()

    @property
    def worsens(self) -> bool:
        return bool(self.t_h)


@dataclass(frozen=True, slots=True)
class Course:
    """One person's way through a scenario, starting at ``onset_local_s``. ``strength``: factor on the knots by vital, 0 = silent.

    ``pace`` stretches time: 2 = twice as slow.
    """

    scenario: Scenario
    onset_local_s: float
    strength: Mapping[str, float]
    pace: float

    @property
    def length_h(self) -> float:
        return self.scenario.t_h[-1] * self.pace if self.scenario.t_h else 0.0

    def at(self, hours: Floats) -> dict[str, Floats]:
        """Differences from the baseline that many hours after the onset; before it, none."""
        moved = {}
        for vital, knots in self.scenario.knots.items():
            values = np.interp(hours / self.pace, self.scenario.t_h, knots)
            strength = self.strength[vital]
            if vital == "activity":
                moved[vital] = np.clip(1.0 + strength * (values - 1.0), 0.1, 1.0)
            else:
                moved[vital] = strength * values
        if self.scenario.fever_coupling and "temp" in moved:
            moved["fever"] = np.maximum(moved["temp"], 0.0)
        return moved

    def deltas(self, local_s: Floats) -> Mapping[str, Floats]:
        """A ``Push`` on the true values."""
        return self.at((local_s - self.onset_local_s) / 3600.0)


def draw_course(scenario: Scenario, rng: np.random.Generator, onset_local_s: float = 0.0) -> Course:
    """How strongly, how fast and in which vitals this person gets worse (all A, but ``person_sd``, which is M)."""
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
    return Course(scenario, onset_local_s, MappingProxyType(strength), pace)


def reference_course(scenario: Scenario) -> Course:
    """The course as printed: nothing drawn, every vital takes part."""
    return Course(scenario, 0.0, MappingProxyType(dict.fromkeys(scenario.knots, 1.0)), 1.0)


def scenario_names() -> tuple[str, ...]:
    """Every scenario there is a file for."""
    files = resources.files("simulators").joinpath("scenarios").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


@lru_cache(maxsize=64)
def load_scenario(name: str) -> Scenario:
    """Read ``scenarios/<name>.toml``; raises ``ScenarioError`` when it is missing or wrong.

    At home, a scenario without decoys of its own has those of ``stable``.
    """
    if name not in scenario_names():
        raise ScenarioError(f"no scenario {name!r}; there are: {', '.join(scenario_names())}")
    text = resources.files("simulators").joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8")
    scenario = parse_scenario(name, text)
    if scenario.setting.active and not scenario.decoys and name != "stable":
        return replace(scenario, decoys=load_scenario("stable").decoys)
    return scenario


def parse_scenario(name: str, text: str) -> Scenario:
    """Read a scenario from TOML text; every mistake is a ``ScenarioError`` that names the scenario and the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"scenario {name}: {error}") from error
    _refuse_unknown(name, raw)
    setting = str(raw.get("setting", "home"))
    if setting not in SETTINGS:
        raise ScenarioError(f"scenario {name}: setting {setting!r} is none of {', '.join(SETTINGS)}")
    t_h, knots = _curves(name, raw)
    try:
        decoys = tuple(Decoy(name=key, **value) for key, value in raw.get("decoy", {}).items())
    except TypeError as error:
        raise ScenarioError(f"scenario {name}: decoy: {error}") from error
    options: dict[str, Any] = {key: float(raw[key]) for key in ("magnitude_log_sd", "pace_log_sd") if key in raw}
    return Scenario(
        name=name,
        title=str(raw.get("title", name)),
        setting=SETTINGS[setting],
        t_h=t_h,
        knots=MappingProxyType(knots),
        silent=_shares(name, raw, "silent", knots),
        person_sd=_shares(name, raw, "person_sd", knots),
        copd=bool(raw.get("copd", False)),
        fever_coupling=bool(raw.get("fever_coupling", True)),
        harm=str(raw.get("harm", "single_3")),
        harm_h=float(raw["harm_h"]) if "harm_h" in raw else None,
        decoys=decoys,
        **options,
    )


def _refuse_unknown(name: str, raw: dict[str, Any]) -> None:
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise ScenarioError(f"scenario {name}: unknown key {unknown[0]!r}")
    if raw.get("harm", "single_3") not in HARMS:
        raise ScenarioError(f"scenario {name}: harm {raw['harm']!r} is none of {', '.join(HARMS)}")
    if raw.get("harm") == "label" and "harm_h" not in raw:
        raise ScenarioError(f"scenario {name}: harm = 'label' needs harm_h")


def _curves(name: str, raw: dict[str, Any]) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    t_h = tuple(float(hour) for hour in raw.get("t_h", ()))
    if t_h and (t_h[0] != 0.0 or any(later <= earlier for earlier, later in itertools.pairwise(t_h))):
        raise ScenarioError(f"scenario {name}: t_h must start at 0 and rise")
    knots = {}
    for vital, values in raw.get("delta", {}).items():
        if vital not in VITALS:
            raise ScenarioError(f"scenario {name}: unknown vital {vital!r}; there are: {', '.join(VITALS)}")
        if len(values) != len(t_h):
            raise ScenarioError(f"scenario {name}: {vital} has {len(values)} values for {len(t_h)} times")
        knots[vital] = tuple(float(value) for value in values)
    if bool(t_h) != bool(knots):
        raise ScenarioError(f"scenario {name}: t_h and [delta] need each other")
    return t_h, knots


def _shares(name: str, raw: dict[str, Any], table: str, knots: dict[str, tuple[float, ...]]) -> Mapping[str, float]:
    values = {vital: float(value) for vital, value in raw.get(table, {}).items()}
    stray = sorted(set(values) - set(knots))
    if stray:
        raise ScenarioError(f"scenario {name}: {table}.{stray[0]} has no curve")
    if table == "person_sd" and any(knots[vital][-1] == 0.0 for vital in values):
        raise ScenarioError(f"scenario {name}: person_sd needs a curve that does not end at 0")
    return MappingProxyType(values)
