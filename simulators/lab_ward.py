"""A ward with labels for judging alerts: who falls ill when and how badly, who never does, what else is the matter with devices.

Frozen before tuning: a change here, or in any other module of this package, makes another ward (reference page "Evaluation",
rule 2). All shares, times and amounts are A. The same people are made with and without faults on their devices.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

import numpy as np

from simulators.course import Course, draw_course
from simulators.device import DeviceSettings
from simulators.disease import Scenario
from simulators.faults import Fault, FaultKind
from simulators.label import label
from simulators.noise import entropy
from simulators.patient import VirtualPatient, foresee
from simulators.person import Description, People
from simulators.scenario import load_scenario
from simulators.treated import HELP_AFTER_H, RECOVERY_H, Treated
from vigil.domain.errors import ScenarioError
from vigil.domain.times import SECOND

#: Beds of each scenario in a ward of 200, and how often its person falls ill in 14 days: 30 events or more of each. Short
#: illnesses come back in the same person, long ones fill the fortnight. Of the last line nobody comes to harm.
SHARES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("af_fast", "opioid", "hypo", "bleed", "hypotension"), (8, 4)),
    **dict.fromkeys(("sepsis_home", "sepsis_treated_icu"), (15, 2)),
    **dict.fromkeys(("terminal", "copd", "hf"), (30, 1)),
    "stable": (16, 0),
    "active_day": (8, 0),
    "apnoea": (8, 0),
    "fever": (8, 2),
}
_OF, _FORTNIGHT = 200, 14.0

MOST_PATIENTS = 2000
#: Values of the continuous vitals come once a minute, temperature each 5 min, the cuff each 15 min.
STEP_S = 60.0
SETTINGS = DeviceSettings(temperature_every_s=300.0)

#: Who was ill already when the watch began is judged from here on, hours: devices have been heard of by then.
SETTLED_H = 1.0
#: Nobody falls ill in the first day; nothing happens in the last hours, so that the record outlasts what is judged.
_BEFORE_H, _AFTER_H = 24.0, 2.0
#: People tried for a bed, and courses for one of them: not everybody can come to every harm.
_TRIES, _TRIES_OF_ONE = 200, 10
#: A fault begins so long before the onset and lasts so long beyond the critical time, seconds.
_EARLIER_S, _LONGER_S = 300.0, 60.0
#: People who stay well have a fault a day, so many hours into it, so many seconds long.
_WELL_FAULT_H, _WELL_FAULT_S = 10.0, 5400.0
#: An empty battery within 5 min; a clock an hour off, either way.
FAULTS: dict[str, tuple[FaultKind, float | None]] = {
    **{kind.value: (kind, None) for kind in FaultKind if kind is not FaultKind.CLOCK_JUMP},
    "dead_battery": (FaultKind.DEAD_BATTERY, 300.0),
    "clock_ahead": (FaultKind.CLOCK_JUMP, 3600.0),
    "clock_behind": (FaultKind.CLOCK_JUMP, -3600.0),
}


@dataclass(frozen=True, slots=True)
class Illness:
    """``onset_h``: hours of the ward's time, perhaps before its start: the person came when already ill. ``worst_h``: hours from
    the onset to the critical time or, of one that is not ``harmful``, to its end."""

    course: Course
    onset_h: float
    worst_h: float
    harmful: bool

    @property
    def worst_at_h(self) -> float:
        return self.onset_h + self.worst_h


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A fault of a device, hours of the ward's time; ``name``: of ``FAULTS``."""

    name: str
    start_h: float
    end_h: float


@dataclass(frozen=True, slots=True)
class LabBed:
    """One person of the ward. ``spo2_bias``: what the oximeter adds, as on dark skin (0 to 4 points). ``spans``: the faults that
    this person's device has where the ward is made with faults."""

    patient_id: str
    scenario: str
    who: Description
    seed: int
    spo2_bias: float
    illnesses: tuple[Illness, ...]
    spans: tuple[FaultSpan, ...]

    def virtual(self, start_us: int, *, faulty: bool) -> VirtualPatient:
        local_s = start_us / SECOND
        also = [
            Treated(replace(each.course, onset_local_s=local_s + 3600.0 * each.onset_h), each.worst_h + HELP_AFTER_H)
            for each in self.illnesses
        ]
        return VirtualPatient(
            self.seed,
            _unharmed(self.scenario),
            [_fault(span) for span in self.spans] if faulty else (),
            start_us,
            STEP_S,
            device_id=f"w-{self.patient_id}",
            who=self.who,
            settings=replace(SETTINGS, spo2_bias=self.spo2_bias),
            also=also,
        )


def _unharmed(name: str) -> Scenario:
    """The life of these people without their illness, which comes on top, perhaps more than once."""
    nothing: MappingProxyType[str, tuple[float, ...]] = MappingProxyType({})
    return replace(
        load_scenario(name),
        t_h=(),
        knots=nothing,
        branches=MappingProxyType({}),
        harm="none",
        harm_limit=None,
        beat_cv=0.0,
    )


def _fault(span: FaultSpan) -> Fault:
    kind, amount = FAULTS[span.name]
    return Fault(kind, 3600.0 * span.start_h, 3600.0 * (span.end_h - span.start_h), amount=amount)


def version() -> str:
    """Names the code and the tables that wards are made of: other ones make other wards."""
    folder = resources.files("simulators")
    files = [*folder.iterdir(), *folder.joinpath("scenarios").iterdir()]
    named = sorted((file.name, file.read_bytes()) for file in files if file.name.endswith((".py", ".toml")))
    return hashlib.sha256(b"".join(name.encode() + content for name, content in named)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class WardPlan:
    """``count`` people (1 to 2000), watched for ``days`` (2 to 60)."""

    count: int
    days: int
    seed: int


@lru_cache(maxsize=2)
def lab_ward(plan: WardPlan) -> tuple[LabBed, ...]:
    """Everybody of this ward; ``ScenarioError`` for one that is too small or too large."""
    count, days, seed = plan.count, plan.days, plan.seed
    if not 1 <= count <= MOST_PATIENTS or not 2 <= days <= 60:
        raise ScenarioError(f"a ward with labels has 1 to {MOST_PATIENTS} patients and 2 to 60 days")
    kinds = {name: itertools.cycle(FAULTS) for name in SHARES}  # so that every fault meets every scenario
    return tuple(_bed(number, name, days, seed, kinds[name]) for number, name in enumerate(_allotted(count)))


def _allotted(count: int) -> list[str]:
    """A scenario a bed: at any size, each as near as can be to its share."""
    given = dict.fromkeys(SHARES, 0)
    beds = []
    for number in range(1, count + 1):
        behind = {name: SHARES[name][0] * number / _OF - given[name] for name in SHARES}
        chosen = max(behind, key=lambda name: behind[name])
        given[chosen] += 1
        beds.append(chosen)
    return beds


def _bed(number: int, scenario: str, days: int, ward_seed: int, kinds: Iterator[str]) -> LabBed:
    rng = entropy(ward_seed, number)
    who = _described(rng, copd=load_scenario(scenario).copd)
    bias = float(rng.integers(0, 5))
    seed, illnesses = _fate(scenario, who, days, rng)
    spans = [
        FaultSpan(next(kinds), max(each.onset_h, SETTLED_H) - _EARLIER_S / 3600, each.worst_at_h + _LONGER_S / 3600)
        for each in illnesses
        if each.harmful
    ]
    if not spans:
        starts = [24.0 * day + _WELL_FAULT_H for day in range(days)]
        spans = [FaultSpan(next(kinds), start, start + _WELL_FAULT_S / 3600) for start in starts]
    return LabBed(f"lab-{number + 1:04d}", scenario, who, seed, bias, illnesses, tuple(spans))


def _described(rng: np.random.Generator, *, copd: bool) -> Description:
    age = int(rng.integers(40 if copd else 20, 88))
    woman, blocked, frail = (rng.random(3) < (0.5, 0.125, 0.3)).tolist()
    return Description(age, "F" if woman else "M", copd, bool(blocked), bool(frail and age >= 75))


def _fate(scenario: str, who: Description, days: int, rng: np.random.Generator) -> tuple[int, tuple[Illness, ...]]:
    """The seed of a person whom this scenario can harm, and how it does; of a harmless one whom it does not."""
    usual = SHARES[scenario][1]
    times = max(1, round(usual * days / _FORTNIGHT)) if usual else 0
    for _ in range(_TRIES):
        seed = int(rng.integers(1, 2**31))
        people = foresee(seed, _unharmed(scenario), who).people
        courses = [_course(scenario, people, rng) for _ in range(times)]
        if None not in courses:
            return seed, _placed([each for each in courses if each is not None], days, rng)
    raise ScenarioError(f"scenario {scenario}: nobody comes to what it is for")


def _course(scenario: str, people: People, rng: np.random.Generator) -> tuple[Course, float, bool] | None:
    """A course of this person that comes to harm, of a harmless scenario one that does not: the course, the hours to its critical
    time or to its end, and whether it harms. None when this person has none in some tries."""
    plan = load_scenario(scenario)
    for _ in range(_TRIES_OF_ONE):
        course = draw_course(plan, rng, who=people.described[0])
        critical_h = label(course, people).critical_h
        if (critical_h is None) == (plan.harm == "none"):
            return course, course.length_h if critical_h is None else critical_h, critical_h is not None
    return None


def _placed(courses: list[tuple[Course, float, bool]], days: int, rng: np.random.Generator) -> tuple[Illness, ...]:
    """One in each part of the time after the first day, at random in it; one that is longer began earlier."""
    room_h = (24.0 * days - _BEFORE_H - _AFTER_H) / max(len(courses), 1)
    found = []
    for place, (course, worst_h, harmful) in enumerate(courses):
        first_h, last_h = _BEFORE_H + place * room_h, _BEFORE_H + (place + 1) * room_h - HELP_AFTER_H - RECOVERY_H
        worst_at_h = last_h - float(rng.random()) * max(last_h - first_h - worst_h, 0.0)
        found.append(Illness(course, worst_at_h - worst_h, worst_h, harmful))
    return tuple(found)
