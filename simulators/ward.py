"""A ward of virtual people for the demonstration: who they are, what happens to them, what is wrong with their devices."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from simulators.device import DeviceSettings
from simulators.faults import Fault, FaultKind
from simulators.noise import entropy
from simulators.patient import VirtualPatient, foresee
from simulators.person import Description
from simulators.scenario import load_scenario
from vigil.domain.errors import ScenarioError

#: Every name is invented and says so.
MARK = "(demo)"

MOST_PATIENTS = 1000

#: Seeds tried until a course comes to harm; silent vitals and mild courses do not (seldom more than five in a row).
_TRIES = 200


@dataclass(frozen=True, slots=True)
class WardPatient:
    """One bed. ``scale2``: SpO2 scale 2 (target 88-92 %) is to be prescribed for this person."""

    device_id: str
    given: str
    family: str
    who: Description
    scenario: str
    faults: tuple[Fault, ...]
    offset_h: float
    seed: int

    @property
    def age(self) -> int:
        return self.who.age

    @property
    def sex(self) -> str:
        return self.who.sex

    @property
    def scale2(self) -> bool:
        return self.who.copd

    def virtual(
        self, start_us: int, speed: float = 1.0, step_s: float = 1.0, settings: DeviceSettings | None = None
    ) -> VirtualPatient:
        """The person with the device on, from ``start_us``."""
        return VirtualPatient(
            self.seed,
            self.scenario,
            self.faults,
            start_us,
            step_s,
            speed,
            self.offset_h,
            device_id=self.device_id,
            who=self.who,
            settings=settings,
        )


#: The first look: with this one no stable person lives beyond a usual limit and the septic one has a fever. For show only;
#: about half of all seeds have a stable person whose oximeter or breathing belt reads beyond one. Judge nothing on this ward.
SHOW_SEED = 3


def demo_ward(count: int = 12, seed: int = SHOW_SEED) -> tuple[WardPatient, ...]:
    """The first ``count`` people (1 to 1000) of ``wards/demo.toml``; the same for a seed, and the first ones for any count."""
    if not 1 <= count <= MOST_PATIENTS:
        raise ScenarioError(f"a ward has 1 to {MOST_PATIENTS} patients, not {count}")
    text = resources.files("simulators").joinpath("wards", "demo.toml").read_text(encoding="utf-8")
    plan = tomllib.loads(text)
    return tuple(_bed(plan, number, seed) for number in range(count))


def _bed(plan: dict[str, Any], number: int, ward_seed: int) -> WardPatient:
    rng = entropy(ward_seed, number)
    written = plan["patient"]
    entry = written[number] if number < len(written) else _draw_entry(plan["more"], rng)
    scenario = str(entry.get("scenario", "stable"))
    who = Description(
        age=int(entry["age"]),
        sex=str(entry["sex"]),
        copd=load_scenario(scenario).copd,
        beta_blocker=bool(entry.get("beta_blocker", False)),
        frail=bool(entry.get("frail", False)),
    )
    seed, offset_h = _place(scenario, who, entry, rng)
    return WardPatient(
        device_id=f"w-{number + 1:04d}",
        given=str(entry["given"]),
        family=f"{entry['family']} {MARK}",
        who=who,
        scenario=scenario,
        faults=_faults(plan, entry),
        offset_h=offset_h,
        seed=seed,
    )


def _faults(plan: dict[str, Any], entry: dict[str, Any]) -> tuple[Fault, ...]:
    if "fault" not in entry:
        return ()
    return (Fault(FaultKind(entry["fault"]), **plan["fault"][entry["fault"]]),)


def _place(scenario: str, who: Description, entry: dict[str, Any], rng: np.random.Generator) -> tuple[int, float]:
    """A seed of the person, and the hours into the scenario: from the harm where the ward says so, else anywhere."""
    share = float(rng.random())
    for _ in range(_TRIES):
        seed = int(rng.integers(1, 2**31))
        fate = foresee(seed, scenario, who)
        if "hours_from_harm" not in entry:
            return seed, share * fate.course.length_h
        if fate.labels.harm_h is not None:
            return seed, fate.labels.harm_h + float(entry["hours_from_harm"])
    raise ScenarioError(f"ward demo: no course of {scenario} comes to harm")


def _draw_entry(more: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    woman = bool(rng.random() < 0.5)
    given = more["given_f" if woman else "given_m"]
    entry: dict[str, Any] = {
        "given": given[int(rng.integers(len(given)))],
        "family": more["family"][int(rng.integers(len(more["family"])))],
        "age": int(rng.integers(22, 88)),
        "sex": "F" if woman else "M",
        "beta_blocker": bool(rng.random() < 0.125),
    }
    for key in ("scenario", "fault"):
        drawn = _pick(more[key], float(rng.random()))
        if drawn is not None:
            entry[key] = drawn
    return entry


def _pick(shares: dict[str, float], draw: float) -> str | None:
    """The name in whose share ``draw`` (0 to 1) falls; None = in nobody's."""
    reached = 0.0
    for name, share in shares.items():
        reached += share
        if draw < reached:
            return name
    return None
