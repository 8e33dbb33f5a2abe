"""A virtual patient in a bed of the back-test: what the live code would have found and told, beside the simulator's truth.

Words after the reference page "Evaluation", version 1: onset and critical time are the truth; caught = a new notice in time,
physiological or an unverified critical value. Each patient has a twin: the same person with the same noise, to whom nothing
happens. A notice that the twin has too came by chance and catches nothing: at the starting policy an active day alone "catches"
nearly everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property, lru_cache

import numpy as np

from analytics.backtest.fold import Folded, Logged, fold
from analytics.backtest.replay import replay
from analytics.backtest.world import History, World
from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from analytics.slots import FOREVER
from simulators.faults import Fault, FaultKind
from simulators.patient import VirtualPatient, foresee
from simulators.table import ReadingTable, readings
from vigil.domain.alerts import Kind, Priority, Step, Transition
from vigil.domain.people import Patient
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import HOUR, MINUTE, SECOND, from_iso

#: People are awake.
AFTERNOON = from_iso("2026-01-01T14:00:00Z")
DEVICE = "w-0001"
UNVERIFIED = "unverified."
#: A course that starts so much later never starts, hours.
_NEVER_H = 10_000.0
#: Steps with which an occurrence begins.
_BEGIN = (Step.OPENED, Step.RECURRED)
#: A minute's score and a clear delay may move an episode by so much, microseconds.
_CHANCE = 2 * MINUTE
#: A run goes on for so long after the last moment that counts, hours.
_AFTER_H = 0.1


@dataclass(frozen=True, slots=True)
class Case:
    """``before_h``: hours on the device before the onset; ``hours``: all of them; ``faults`` count from the start. Expected
    intervals follow ``step_s``: from 60 s on, "15 s below the limit" takes two values. ``ill`` False: the twin."""

    scenario: str
    seed: int
    hours: float
    before_h: float = 0.0
    step_s: float = 1.0
    start: int = AFTERNOON
    faults: tuple[Fault, ...] = ()
    ill: bool = True

    @property
    def twin(self) -> Case:
        return replace(self, ill=False)


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody is told, or (``priority`` None) an episode of a detector that calls nobody. ``at``: when, microseconds UTC."""

    at: int
    rule: str
    priority: Priority | None


@dataclass(frozen=True)
class Watched:
    """``onset`` and ``critical_at``: microseconds UTC, None = never."""

    case: Case
    onset: int | None
    critical_at: int | None
    world: World
    folded: Folded

    @cached_property
    def notices(self) -> list[Transition]:
        """Every transition of every alert, made when first asked for: of a month it takes long."""
        return list(replay(self.world, self.folded, kernels()))

    def findings(self, start: int, end: int, least: Priority | None = None) -> list[Found]:
        """Episodes about the person that began and were decided in [start, end]; ``least``: that would call at this priority."""
        found = [
            Found(each.episode.decided, each.rule, each.priority)
            for each in self.folded.log
            if _speaks_of_person(each.kind, each.rule) and each.episode.onset >= start and each.episode.decided <= end
        ]
        return sorted((each for each in found if _at_least(each, least)), key=lambda each: each.at)

    def calls(self, start: int, end: int, least: Priority = Priority.MEDIUM) -> list[Found]:
        """Notices about the person in [start, end], of this priority or a higher one: low ones only stand in a list. That an
        alert began again or got worse is one; escalations and reminders are none."""
        told = self._told(start, end, (*_BEGIN, Step.WORSENED, Step.CONFIRMED))
        return [each for each, of_person in told if of_person and _at_least(each, least)]

    def technical(self, start: int, end: int, least: Priority = Priority.LOW) -> list[Found]:
        """Technical notices in [start, end], but for unverified critical values."""
        told = self._told(start, end, (*_BEGIN, Step.WORSENED))
        return [each for each, of_person in told if not of_person and _at_least(each, least)]

    def _told(self, start: int, end: int, steps: tuple[Step, ...]) -> Iterator[tuple[Found, bool]]:
        for line in self.notices:
            if line.step in steps and start <= line.at <= end:
                alert = line.after
                yield Found(line.at, alert.rule, alert.priority), _speaks_of_person(alert.kind, alert.rule)

    def not_ordinary(self, found: list[Found]) -> list[Found]:
        """Those of another run's ``found`` that this one had not at that moment, or not as badly."""
        return [each for each in found if not any(_covers(ordinary, each) for ordinary in self.folded.log)]


def _at_least(found: Found, least: Priority | None) -> bool:
    return least is None or (found.priority is not None and found.priority.rank >= least.rank)


def _speaks_of_person(kind: Kind, rule: str) -> bool:
    return kind is Kind.PHYSIOLOGICAL or rule.startswith(UNVERIFIED)


def _covers(ordinary: Logged, found: Found) -> bool:
    episode = ordinary.episode
    if ordinary.rule != found.rule or found.at < episode.onset - _CHANCE:
        return False
    if found.priority is not None and (ordinary.priority is None or ordinary.priority.rank < found.priority.rank):
        return False
    return episode.end is None or found.at <= episode.end + _CHANCE


@dataclass(frozen=True, slots=True)
class Plan:
    """How a scenario is watched. ``grace_min``: a notice so long after the critical time still counts as in time, minutes.
    ``told`` False: alerts are read from the episode log, because a month of notices takes too long."""

    before_h: float
    step_s: float
    grace_min: float = 0.0
    told: bool = True


#: Grace, ours. ``opioid``: the harm (breathing of 8 or less) is the limit itself, and what is shown scatters around the truth
#: (slow SD 1.5, and the belt), so that saturation is often first, minutes later. ``hypotension``: the cuff measures each 15 min.
PLANS = {
    "opioid": Plan(1.0, 1.0, grace_min=20.0),
    "af_fast": Plan(1.0, 1.0),
    "bleed": Plan(1.0, 1.0),
    "hypotension": Plan(1.0, 1.0, grace_min=15.0),
    "hypo": Plan(1.0, 1.0),
    "sepsis_home": Plan(24.0, 15.0),
    "terminal": Plan(24.0, 15.0),
    "sepsis_treated_icu": Plan(24.0, 60.0, told=False),
    "copd": Plan(48.0, 60.0, told=False),
    "hf": Plan(48.0, 120.0, told=False),
}


#: Every fault there is, with its amount where not the usual one: an empty battery in 5 min, a clock an hour off either way.
FAULTS: dict[str, tuple[FaultKind, float | None]] = {
    **{kind.value: (kind, None) for kind in FaultKind if kind is not FaultKind.CLOCK_JUMP},
    "dead_battery": (FaultKind.DEAD_BATTERY, 300.0),
    "clock_ahead": (FaultKind.CLOCK_JUMP, 3600.0),
    "clock_behind": (FaultKind.CLOCK_JUMP, -3600.0),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one ill patient. ``finding``: first episode that the twin has not; ``call``: first notice of medium priority or above
    that the twin has not, in time; ``new``, ``ill``, ``well``: episodes of the personal detectors that the twin has not, all of
    the patient's and all of the twin's, up to the critical time; ``by_chance``: notices of the twin in that time."""

    seed: int
    onset: int
    critical_at: int
    finding: Found | None
    call: Found | None
    detectors: tuple[str, ...]
    new: int
    ill: int
    well: int
    by_chance: int


def harmed(scenario: str, count: int) -> list[int]:
    """The first seeds that come to harm in this scenario."""
    return [seed for seed in range(1, 100) if foresee(seed, scenario).labels.critical_h is not None][:count]


def critical_h(scenario: str, seed: int) -> float:
    """Hours after the onset."""
    found = foresee(seed, scenario).labels.critical_h
    assert found is not None, f"{scenario}: seed {seed} comes to no harm"
    return found


def in_time(scenario: str, critical_at: int) -> int:
    return critical_at + round(PLANS[scenario].grace_min * MINUTE)


@cache
def outcome(scenario: str, seed: int) -> Outcome:
    plan = PLANS[scenario]
    hours = plan.before_h + critical_h(scenario, seed) + plan.grace_min / 60 + _AFTER_H
    case = Case(scenario, seed, hours, plan.before_h, plan.step_s)
    ill, well = watch(case), watch(case.twin)
    onset, critical_at = ill.onset, ill.critical_at
    assert onset is not None
    assert critical_at is not None
    end = in_time(scenario, critical_at)
    if plan.told:
        calls, chance = ill.calls(onset, end), well.calls(onset, end)
    else:
        calls, chance = (each.findings(onset, end, Priority.MEDIUM) for each in (ill, well))
    found = ill.findings(onset, critical_at)
    new = well.not_ordinary(found)
    return Outcome(
        seed=seed,
        onset=onset,
        critical_at=critical_at,
        finding=next(iter(new), None),
        call=next(iter(well.not_ordinary(calls)), None),
        detectors=tuple(dict.fromkeys(each.rule.partition(".")[0] for each in new)),
        new=_personal(new),
        ill=_personal(found),
        well=_personal(well.findings(onset, critical_at)),
        by_chance=len(chance),
    )


def _personal(found: list[Found]) -> int:
    """Without the rules that are the same for everybody."""
    return sum(not each.rule.startswith(("limit.", "news2", UNVERIFIED)) for each in found)


@dataclass(frozen=True, slots=True)
class Burden:
    """Of somebody who comes to no harm, counted a day: alerts opened by kind and priority, and every call of medium priority or
    above. ``high``: the physiological calls of high priority."""

    hours: float
    opened: Counter[str]
    calls: int
    high: int


def burden(scenario: str, seed: int, hours: float, step_s: float = 1.0, start: int = AFTERNOON) -> Burden:
    ward = watch(Case(scenario, seed, hours, 0.0, step_s, start))
    opened: Counter[str] = Counter()
    for line in ward.notices:
        if line.step is Step.OPENED:
            kind = "unverified" if line.after.rule.startswith(UNVERIFIED) else line.after.kind.value
            opened[f"{kind} {line.after.priority.value}"] += 1
    calls = ward.calls(0, FOREVER)
    high = [each for each in calls if each.priority is Priority.HIGH and not each.rule.startswith(UNVERIFIED)]
    return Burden(hours, opened, len(calls), len(high))


@dataclass(frozen=True, slots=True)
class Effect:
    """Of a fault on a well person: the first technical alert and the high physiological ones that come of it alone."""

    technical: Found | None
    high: tuple[Found, ...]


#: A fault on a well person begins and ends so many seconds after the start; the device is well again afterwards, because the end
#: of a table proves no silence.
_WELL_START_S, _WELL_END_S, _WELL_H = 1800.0, 5400.0, 2.0
#: On top of an illness it begins before the onset and lasts beyond the last moment that is in time, seconds.
_EARLIER_S, _LONGER_S = 300.0, 60.0


def fault_of(name: str, start_s: float, end_s: float) -> Fault:
    kind, amount = FAULTS[name]
    return Fault(kind, start_s, end_s - start_s, amount=amount)


@cache
def on_well(name: str, seed: int) -> Effect:
    sound = Case("stable", seed, _WELL_H)
    faulty = replace(sound, faults=(fault_of(name, _WELL_START_S, _WELL_END_S),))
    before, after = watch(sound), watch(faulty)
    start = sound.start + round(_WELL_START_S * SECOND)
    usual = {each.rule for each in before.technical(start, FOREVER)}
    technical = next((each for each in after.technical(start, FOREVER) if each.rule not in usual), None)
    calls = before.not_ordinary(after.calls(start, FOREVER, Priority.HIGH))
    return Effect(technical, tuple(each for each in calls if not each.rule.startswith(UNVERIFIED)))


@dataclass(frozen=True, slots=True)
class OnTop:
    """Of an illness under a fault. ``sound``: what catches it without; ``caught``: what catches it still; ``told``: the gravest
    technical alert of the fault up to the critical time, which says that this person is not watched."""

    onset: int
    sound: Found | None
    caught: Found | None
    told: Found | None

    @property
    def hidden(self) -> bool:
        return self.sound is not None and self.caught is None and self.told is None


@cache
def on_top(scenario: str, seed: int, name: str) -> OnTop:
    plan, sound = PLANS[scenario], outcome(scenario, seed)
    onset_s, last_s = plan.before_h * 3600, (in_time(scenario, sound.critical_at) - AFTERNOON) / SECOND
    fault = fault_of(name, onset_s - _EARLIER_S, last_s + _LONGER_S)
    case = Case(scenario, seed, last_s / 3600 + _AFTER_H, plan.before_h, plan.step_s, faults=(fault,))
    ill, well = watch(case), watch(case.twin)
    calls = well.not_ordinary(ill.calls(sound.onset, in_time(scenario, sound.critical_at)))
    start = sound.onset - round(_EARLIER_S * SECOND)
    usual = _technical(replace(case, faults=()), start, sound.critical_at)
    told = [each for each in ill.technical(start, sound.critical_at) if not _was_told(usual, each)]
    gravest = max(told, key=lambda each: (each.priority is not Priority.LOW, -each.at), default=None)
    return OnTop(sound.onset, sound.call, next(iter(calls), None), gravest)


@cache
def _technical(case: Case, start: int, end: int) -> tuple[Found, ...]:
    return tuple(watch(case).technical(start, end))


def _was_told(usual: tuple[Found, ...], found: Found) -> bool:
    """Was it told before, and as gravely, without the fault?"""
    return any(each.rule == found.rule and each.at <= found.at and _at_least(each, found.priority) for each in usual)


@cache
def kernels() -> Kernels:
    made = Kernels()
    made.compile(every_kernel())
    return made


@lru_cache(maxsize=4)
def watch(case: Case) -> Watched:
    offset_h = -case.before_h if case.ill else -_NEVER_H
    patient = VirtualPatient(
        case.seed, case.scenario, case.faults, case.start, case.step_s, offset_h=offset_h, device_id=DEVICE
    )
    shown = readings(patient, case.start + round(case.hours * HOUR))
    world = World(_history(patient, shown))
    truth = patient.truth()
    return Watched(case, truth.onset_us, truth.critical_at_us, world, fold(world, kernels()))


def _history(patient: VirtualPatient, shown: ReadingTable) -> History:
    key = shown.vital.astype(np.int64) * len(shown.sites) + shown.site
    used, stream = np.unique(key, return_inverse=True)
    streams = [
        Stream(number, DEVICE, one // len(shown.sites), shown.sites[one % len(shown.sites)])
        for number, one in enumerate(used.tolist())
    ]
    size = len(shown)
    batch = ReadingBatch(
        ordinal=np.arange(1, size + 1, dtype=np.uint64),
        stream=stream.astype(np.uint32),
        measured_at=shown.measured_at,
        device_time=shown.measured_at,
        received_at=shown.received_at,
        value=shown.value,
        quality=shown.quality,
        epoch=np.zeros(size, np.uint32),
        seq=shown.seq,
    )
    return History(_person(patient), streams, batch, BEDSIDE_POLICY)


def _person(patient: VirtualPatient) -> Patient:
    """Who has COPD is one for whom SpO2 scale 2 is prescribed, as the truth takes it."""
    who = patient.who
    return Patient(
        "p-0001", "", "", date(2026 - who.age, 1, 1), who.sex, "", spo2_scale2_by="clinician" if who.copd else ""
    )
