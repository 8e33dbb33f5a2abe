"""Scenarios as files: a scenario is a TOML file in ``simulators/scenarios``; adding one is adding a file.

Times are hours from the start of the process, values are differences from the person's own baseline (but ``glucose``, which is
absolute), joined by straight lines. What comes of it: ``simulators.disease`` (the nouns), ``simulators.course`` (one person).
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from simulators.apnoea import Apnoea
from simulators.decoy import Decoy
from simulators.disease import VITALS, Branch, HarmLimit, Knots, Scenario
from simulators.person import LEVELS
from simulators.sensors import Sensor
from simulators.setting import SETTINGS
from vigil.domain.errors import ScenarioError

HARMS = ("single_3", "label", "limit", "none")

_KEYS = {
    *("title", "setting", "copd", "t_h", "fever_coupling", "harm", "harm_h", "harm_limit", "magnitude_log_sd"),
    *(
        "pace_log_sd",
        "delta",
        "silent",
        "person_sd",
        "decoy",
        "shift",
        "branch",
        "beat_cv",
        "beat_lag1",
        "sensors",
        "apnoea",
    ),
}
_NUMBERS = ("magnitude_log_sd", "pace_log_sd", "beat_cv", "beat_lag1")


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
    t_h = _times(name, raw)
    knots = _curves(name, t_h, raw.get("delta", {}))
    if bool(t_h) != bool(knots):
        raise ScenarioError(f"scenario {name}: t_h and [delta] need each other")
    options: dict[str, Any] = {key: float(raw[key]) for key in _NUMBERS if key in raw}
    return Scenario(
        name=name,
        title=str(raw.get("title", name)),
        setting=SETTINGS[setting],
        t_h=t_h,
        knots=MappingProxyType(knots),
        silent=_shares(name, raw, "silent", knots),
        person_sd=_shares(name, raw, "person_sd", knots),
        shift=_shift(name, raw),
        branches=MappingProxyType({key: _branch(name, t_h, knots, one) for key, one in raw.get("branch", {}).items()}),
        copd=bool(raw.get("copd", False)),
        fever_coupling=bool(raw.get("fever_coupling", True)),
        harm=str(raw.get("harm", "single_3")),
        harm_h=float(raw["harm_h"]) if "harm_h" in raw else None,
        harm_limit=_harm_limit(name, raw),
        sensors=_sensors(name, raw),
        apnoea=_apnoea(name, raw),
        decoys=_decoys(name, raw),
        **options,
    )


def _refuse_unknown(name: str, raw: dict[str, Any]) -> None:
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise ScenarioError(f"scenario {name}: unknown key {unknown[0]!r}")
    harm = raw.get("harm", "single_3")
    if harm not in HARMS:
        raise ScenarioError(f"scenario {name}: harm {harm!r} is none of {', '.join(HARMS)}")
    if harm == "label" and "harm_h" not in raw:
        raise ScenarioError(f"scenario {name}: harm = 'label' needs harm_h")
    if (harm == "limit") != ("harm_limit" in raw):
        raise ScenarioError(f"scenario {name}: harm = 'limit' and [harm_limit] need each other")


def _times(name: str, raw: dict[str, Any]) -> tuple[float, ...]:
    t_h = tuple(float(hour) for hour in raw.get("t_h", ()))
    if t_h and (len(t_h) < 2 or t_h[0] != 0.0 or any(later <= earlier for earlier, later in itertools.pairwise(t_h))):
        raise ScenarioError(f"scenario {name}: t_h must start at 0 and rise")
    return t_h


def _curves(name: str, t_h: tuple[float, ...], curves: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    knots = {}
    for vital, values in curves.items():
        if vital not in VITALS:
            raise ScenarioError(f"scenario {name}: unknown vital {vital!r}; there are: {', '.join(VITALS)}")
        if len(values) != len(t_h):
            raise ScenarioError(f"scenario {name}: {vital} has {len(values)} values for {len(t_h)} times")
        knots[vital] = tuple(float(value) for value in values)
    return knots


def _shares(name: str, raw: dict[str, Any], table: str, knots: Knots) -> Mapping[str, float]:
    values = {vital: float(value) for vital, value in raw.get(table, {}).items()}
    stray = sorted(set(values) - set(knots))
    if stray:
        raise ScenarioError(f"scenario {name}: {table}.{stray[0]} has no curve")
    if table == "person_sd" and any(knots[vital][-1] == 0.0 for vital in values):
        raise ScenarioError(f"scenario {name}: person_sd needs a curve that does not end at 0")
    return MappingProxyType(values)


def _shift(name: str, raw: dict[str, Any]) -> Mapping[str, float]:
    values = {vital: float(value) for vital, value in raw.get("shift", {}).items()}
    stray = sorted(set(values) - set(LEVELS))
    if stray:
        raise ScenarioError(f"scenario {name}: shift.{stray[0]}: there are: {', '.join(LEVELS)}")
    return MappingProxyType(values)


def _branch(name: str, t_h: tuple[float, ...], knots: Knots, raw: dict[str, Any]) -> Branch:
    given = {key: value for key, value in raw.items() if key not in ("share", "beta_blocker")}
    curves = _curves(name, t_h, given)
    stray = sorted(set(curves) - set(knots))
    if stray:
        raise ScenarioError(f"scenario {name}: a branch for {stray[0]}, which has no curve")
    return Branch(MappingProxyType(curves), float(raw.get("share", 0.0)), bool(raw.get("beta_blocker", False)))


def _harm_limit(name: str, raw: dict[str, Any]) -> HarmLimit | None:
    if "harm_limit" not in raw:
        return None
    try:
        limit = HarmLimit(**raw["harm_limit"])
    except TypeError as error:
        raise ScenarioError(f"scenario {name}: harm_limit: {error}") from error
    if limit.vital not in LEVELS or (limit.at_least is None) == (limit.at_most is None):
        raise ScenarioError(f"scenario {name}: harm_limit needs one of {', '.join(LEVELS)} and at_least or at_most")
    return limit


def _sensors(name: str, raw: dict[str, Any]) -> tuple[Sensor, ...]:
    try:
        return tuple(Sensor(one) for one in raw.get("sensors", ()))
    except ValueError as error:
        raise ScenarioError(f"scenario {name}: sensors: {error}") from error


def _apnoea(name: str, raw: dict[str, Any]) -> Apnoea | None:
    if "apnoea" not in raw:
        return None
    try:
        return Apnoea(**raw["apnoea"])
    except TypeError as error:
        raise ScenarioError(f"scenario {name}: apnoea: {error}") from error


def _decoys(name: str, raw: dict[str, Any]) -> tuple[Decoy, ...]:
    try:
        return tuple(Decoy(name=key, **value) for key, value in raw.get("decoy", {}).items())
    except TypeError as error:
        raise ScenarioError(f"scenario {name}: decoy: {error}") from error
