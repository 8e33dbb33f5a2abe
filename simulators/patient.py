"""A virtual patient wearing a device: truth in, packs out, the same for a seed however the time is cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulators.decoy import DecoyLife
from simulators.device import DeviceSettings, Wearable
from simulators.faults import Fault, Faults
from simulators.label import Labels, label
from simulators.noise import Floats
from simulators.packs import Pack, Record
from simulators.person import Description, People, describe_adults, draw_people
from simulators.physiology import Block, Physiology
from simulators.scenario import Course, Scenario, draw_course, load_scenario
from simulators.signal import Signal
from simulators.spot import SpotReadings
from vigil.domain.errors import ScenarioError
from vigil.domain.vitals import BY_WIRE

#: Steps made at once, whoever asks how often. The first block is shorter, so that a ward does not make all its blocks at once.
_BLOCK = 60
#: Blocks of truth kept for those who ask for the true value of a moment ago.
_KEPT_BLOCKS = 20

_TRUE = ("hr", "rr", "spo2", "sbp", "dbp", "map", "temp", "weight")


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
    people = draw_people([described], rng, plan.setting)
    course = draw_course(plan, np.random.default_rng(course_seed))
    return Prognosis(people, course, label(course, people))


class VirtualPatient:
    """One person and the device on that person.

    ``step_s``: real seconds between values of the continuous vitals, 1 or more. ``speed``: virtual seconds of life and disease
    in a real one; time stamps and everything about the device stay real. ``offset_h``: hours into the scenario at ``start_us``
    (negative: it starts later). ``utc_offset_h``: local time, for sleep and the day's rhythm.
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
    ) -> None:
        if step_s < 1.0 or speed <= 0.0:
            raise ScenarioError("a device measures at most once a second, and time must go forward")
        self.device_id = device_id
        self.start_us = start_us
        self._step_s, self._speed, self._offset_h = step_s, speed, offset_h
        self._settings = settings or DeviceSettings()
        self._prognosis = foresee(seed, scenario, who)
        local_s = start_us / 1e6 + 3600.0 * utc_offset_h
        _, _, body, decoys, device, faulty, spots = np.random.SeedSequence(seed).spawn(7)
        course = replace(self._prognosis.course, onset_local_s=local_s - 3600.0 * offset_h)
        self._life = DecoyLife(course.scenario.decoys, int(decoys.generate_state(1)[0]))
        self._body = Physiology(self._prognosis.people, body, local_s, course.scenario.setting, (course, self._life))
        self._device = Wearable(np.random.default_rng(device), step_s, self._settings)
        self._faults = Faults(faults, np.random.default_rng(faulty))
        self._spots = SpotReadings(np.random.default_rng(spots), self._settings)
        self._kept: deque[tuple[int, Block]] = deque(maxlen=_KEPT_BLOCKS)
        self._ready: deque[tuple[int, tuple[Record, ...], bool]] = deque()
        self._open: list[tuple[int, tuple[Record, ...]]] = []
        self._open_offline = False
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
            if self._ready[0][0] > until_us:
                return packs
            t_us, records, offline = self._ready.popleft()
            packs += self._collect(t_us, records, offline)

    def _collect(self, t_us: int, records: tuple[Record, ...], offline: bool) -> list[Pack]:
        """Join steps into packs; without connection they wait."""
        sent: list[Pack] = []
        if self._open and offline != self._open_offline:
            sent += self._close()
        self._open_offline = offline
        self._open.append((t_us, records))
        if len(self._open) >= self._settings.joined_steps:
            sent += self._close()
        return sent

    def _close(self) -> list[Pack]:
        seconds = tuple(t_us for t_us, _ in self._open)
        records = tuple(record for _, group in self._open for record in group)
        self._open = []
        pack = Pack(self.device_id, seconds, records, backfill=self._open_offline)
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
        offline = self._faults.offline(elapsed_s).tolist()
        shown = {name: _as_shown(name, signal) for name, signal in signals.items()}
        for index in range(steps):
            t_us = self._step_us(first + index)
            records = [Record(name, t_us, values[index], quality[index]) for name, (values, quality) in shown.items()]
            spots = self._spots.at(block, index, float(elapsed_s[index]), self._step_s, bool(worn[index]))
            records += [Record(name, t_us, value) for name, value in spots]
            self._ready.append((t_us, tuple(records), offline[index]))
        self._kept.append((first, block))
        self._made, self._next_block = first + steps, _BLOCK


def _as_shown(name: str, signal: Signal) -> tuple[list[float | None], list[int]]:
    digits = BY_WIRE[name].digits
    rounded = np.round(signal.values, digits).tolist()
    values = [None if value != value else value for value in rounded]
    return values, signal.quality.tolist()
