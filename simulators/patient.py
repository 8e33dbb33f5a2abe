"""A virtual patient wearing a device: truth in, packs out, the same for a seed however the time is cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.apnoea import ApnoeaNights
from simulators.course import Course, draw_course
from simulators.decoy import DecoyLife
from simulators.device import DeviceSettings, Wearable
from simulators.disease import Scenario
from simulators.faults import Fault, Faults
from simulators.label import Labels, label
from simulators.noise import Floats
from simulators.packs import Pack, Record
from simulators.person import Description, People, describe_adults, draw_people, shifted
from simulators.physiology import Block, Physiology, Push
from simulators.scenario import load_scenario
from simulators.sensors import ExtraSensors
from simulators.signal import Signal
from simulators.spot import SpotReadings
from vigil.domain.errors import ScenarioError
from vigil.domain.vitals import BY_WIRE

#: Steps made at once, whoever asks how often. The first block is shorter, so that a ward does not make all its blocks at once.
_BLOCK = 60
#: Blocks of truth kept for those who ask for the true value of a moment ago.
_KEPT_BLOCKS = 20

_TRUE = ("hr", "rr", "spo2", "sbp", "dbp", "map", "temp", "weight", "glucose", "pulse")


@dataclass(frozen=True, slots=True)
class Truth:
    """What the simulator knows and no detector sees; times in microseconds UTC. None = nothing happens, or never that badly.

    ``critical_at_us``: harm, or NEWS2 >= 7 if earlier (``simulators.label``).
    """

    scenario: str
    onset_us: int | None
    critical_at_us: int | None
    harm_at_us: int | None


@dataclass(frozen=True, slots=True)
class Prognosis:
    """What a seed makes of a scenario: the person, the person's course and when it turns bad (hours after onset)."""

    people: People
    course: Course
    labels: Labels


def foresee(seed: int, scenario: str | Scenario, who: Description | None = None) -> Prognosis:
    """Draw the person and the course of ``VirtualPatient(seed, scenario, who=who)`` without simulating anything."""
    plan = load_scenario(scenario) if isinstance(scenario, str) else scenario
    person_seed, course_seed = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(person_seed)
    described = who or describe_adults(1, rng)[0]
    if plan.copd and not described.copd:
        described = replace(described, copd=True)
    people = shifted(draw_people([described], rng, plan.setting), plan.shift)
    course = draw_course(plan, np.random.default_rng(course_seed), who=described)
    return Prognosis(people, course, label(course, people))


class _Step(NamedTuple):
    """What the device has at one time; ``records`` None = it is dead."""

    t_us: int
    records: tuple[Record, ...] | None
    offline: bool
    copies: int


class VirtualPatient:
    """One person and the device on that person.

    ``step_s``: real seconds between values of the continuous vitals, 1 or more. ``speed``: virtual seconds of life and disease
    in a real one; time stamps and everything about the device stay real. ``offset_h``: hours into the scenario at ``start_us``
    (negative: it starts later). ``utc_offset_h``: local time, for sleep and the day's rhythm. ``also``: what moves the person
    beside the scenario; ``truth`` knows nothing of it.
    """

    def __init__(
        self,
        seed: int,
        scenario: str | Scenario,
        faults: Sequence[Fault] = (),
        start_us: int = 0,
        step_s: float = 1.0,
        speed: float = 1.0,
        offset_h: float = 0.0,
        *,
        device_id: str = "w-0001",
        who: Description | None = None,
        settings: DeviceSettings | None = None,
        utc_offset_h: float = 0.0,
        also: Sequence[Push] = (),
    ) -> None:
        if step_s < 1.0 or speed <= 0.0:
            raise ScenarioError("a device measures at most once a second, and time must go forward")
        self.device_id = device_id
        self.start_us = start_us
        self._step_s, self._speed, self._offset_h = step_s, speed, offset_h
        self._settings = settings or DeviceSettings()
        self._prognosis = foresee(seed, scenario, who)
        local_s = start_us / 1e6 + 3600.0 * utc_offset_h
        # New streams to the end: their place is their seed.
        _, _, body, decoys, device, faulty, spots, extra, nights = np.random.SeedSequence(seed).spawn(9)
        course = replace(self._prognosis.course, onset_local_s=local_s - 3600.0 * offset_h)
        self._life = DecoyLife(course.scenario.decoys, int(decoys.generate_state(1)[0]))
        pushes: list[Push] = [course, self._life, *also]
        if course.scenario.apnoea is not None:
            pushes.append(ApnoeaNights(course.scenario.apnoea, int(nights.generate_state(1)[0])))
        self._body = Physiology(self._prognosis.people, body, local_s, course.scenario.setting, pushes)
        self._device = Wearable(np.random.default_rng(device), step_s, self._settings)
        self._faults = Faults(faults, np.random.default_rng(faulty))
        self._spots = SpotReadings(np.random.default_rng(spots), self._settings)
        worn = (*self._settings.sensors, *course.scenario.sensors)
        self._extra = ExtraSensors(worn, np.random.default_rng(extra), self._life.glucose_pressed)
        self._kept: deque[tuple[int, Block]] = deque(maxlen=_KEPT_BLOCKS)
        self._ready: deque[_Step] = deque()
        self._open: list[tuple[int, tuple[Record, ...]]] = []
        self._open_offline, self._open_copies = False, 1
        self._held: list[Pack] = []
        self._made = 0
        self._next_block = 1 + seed % _BLOCK

    @property
    def who(self) -> Description:
        return self._prognosis.people.described[0]

    def truth(self) -> Truth:
        """Onset and critical time on the real clock."""
        course, labels = self._prognosis.course, self._prognosis.labels
        return Truth(
            scenario=course.scenario.name,
            onset_us=self._real_us(0.0) if course.scenario.worsens else None,
            critical_at_us=self._real_us(labels.critical_h),
            harm_at_us=self._real_us(labels.harm_h),
        )

    def _real_us(self, scenario_h: float | None) -> int | None:
        if scenario_h is None:
            return None
        return self.start_us + round((scenario_h - self._offset_h) * 3600e6 / self._speed)

    def true_values(self, t_us: int) -> dict[str, float]:
        """True vital signs at a time not after the last ``advance`` and not much older; ``ScenarioError`` otherwise."""
        step = int((t_us - self.start_us) // (self._step_s * 1e6))
        for first, block in self._kept:
            if first <= step < first + block.local_s.size:
                return {name: float(getattr(block, name)[step - first, 0]) for name in _TRUE}
        raise ScenarioError("the true values of that time are not kept")

    def advance(self, until_us: int) -> list[Pack]:
        """All packs that are complete at ``until_us`` and were not given before, in order of sending."""
        packs: list[Pack] = []
        while True:
            if not self._ready:
                if self._step_us(self._made) > until_us:
                    return packs
                self._make_block()
            if self._ready[0].t_us > until_us:
                return packs
            packs += self._collect(self._ready.popleft())

    def _collect(self, step: _Step) -> list[Pack]:
        """Join steps into packs; without connection they wait. A device that dies sends what it has begun."""
        sent: list[Pack] = []
        if self._open and (step.records is None or step.offline != self._open_offline):
            sent += self._close()
        if step.records is None:
            return sent
        self._open_offline = step.offline
        self._open_copies = max(self._open_copies, step.copies)
        self._open.append((step.t_us, step.records))
        if len(self._open) >= self._settings.joined_steps:
            sent += self._close()
        return sent

    def _close(self) -> list[Pack]:
        seconds = tuple(t_us for t_us, _ in self._open)
        records = tuple(record for _, group in self._open for record in group)
        pack = Pack(self.device_id, seconds, records, self._open_offline, self._open_copies)
        self._open, self._open_copies = [], 1
        if self._open_offline:
            self._held.append(pack)
            return []
        waited, self._held = self._held, []
        return [*waited, pack]

    def _step_us(self, step: int) -> int:
        return self.start_us + round(step * self._step_s * 1e6)

    def _make_block(self) -> None:
        first, steps = self._made, self._next_block
        elapsed_s: Floats = (first + np.arange(steps, dtype=np.float64)) * self._step_s
        block = self._body.advance(steps, self._step_s * self._speed)
        signals = self._device.measure(block, elapsed_s, self._life.heart_rate_shown(block.local_s))
        worn = np.isfinite(signals["pi"].values)
        self._faults.apply(signals, elapsed_s)
        self._ready += self._steps(first, elapsed_s, block, signals, worn)
        self._kept.append((first, block))
        self._made, self._next_block = first + steps, _BLOCK

    def _steps(
        self, first: int, elapsed_s: Floats, truth: Block, signals: dict[str, Signal], worn: NDArray[np.bool_]
    ) -> list[_Step]:
        shown = {name: _as_shown(name, signal) for name, signal in signals.items()}
        times = [self._step_us(first + index) for index in range(elapsed_s.size)]
        said = self._faults.device_time(np.array(times, dtype=np.int64), elapsed_s).tolist()
        charge = self._faults.charge(elapsed_s).tolist()
        offline, copies = self._faults.offline(elapsed_s).tolist(), self._faults.copies(elapsed_s).tolist()
        steps = []
        for index, t_us in enumerate(said):
            records = [Record(name, t_us, values[index], quality[index]) for name, (values, quality) in shown.items()]
            due = (truth, index, float(elapsed_s[index]), self._step_s, bool(worn[index]))
            for name, value in (*self._spots.at(*due), *self._extra.at(*due)):
                left = float(round(value * charge[index])) if name == "batt" else value
                records.append(Record(name, t_us, left))
            alive = tuple(records) if charge[index] > 0.0 else None
            steps.append(_Step(times[index], alive, offline[index], copies[index]))
        return steps


def _as_shown(name: str, signal: Signal) -> tuple[list[float | None], list[int]]:
    digits = BY_WIRE[name].digits
    rounded = np.round(signal.values, digits).tolist()
    values = [None if value != value else value for value in rounded]
    return values, signal.quality.tolist()
