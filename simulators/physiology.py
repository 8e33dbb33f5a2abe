"""The true vital signs of virtual people: the equations of the reference page "Physiology", section 7.

Generated in blocks at any step (1 s for a device, 60 s or an hour for statistics); a value at a long step is the mean over it.
Known misfit, not tuned away: see ``simulators.setting``. A detector tuned on this generator must be judged on another one or
on real data: the noise is Gaussian by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulators import activity
from simulators.noise import Floats, Lowpass, OrnsteinUhlenbeck, mean_variance
from simulators.person import People
from simulators.setting import HOME, Setting

_MINUTE = 60.0

#: Fast part of heart rate: 12 s (M, BIDMC 1 Hz). Its mean over a minute is the "white" 5 % of the minute-by-minute equation.
_HR_QUICK_TAU_S = 12.0
_HR_WHITE_SHARE = 0.05

#: Talking and eating (20 % of the waking time) move breathing by up to 4 breaths/min; bouts of about 3 min are A.
_TALK_TAU_S, _TALK_ABOVE, _TALK_SWING_TAU_S, _TALK_SWING = 180.0, 0.8416, 60.0, 4.0

#: A: like slow hearts (below 40), slow breathing without a cause is compressed below this; that of opioids and the like is not.
_RR_SOFT_FLOOR = 10.0

#: Time constants of the person, seconds (M for heart rate, A for breathing, P for oxygen in effort).
_FILTERS_S = {
    "hr_day": 180 * _MINUTE,
    "hr_fast": 1.3 * _MINUTE,
    "hr_slow": 40 * _MINUTE,
    "alert": 20 * _MINUTE,
    "breath": 1 * _MINUTE,
    "oxygen": 0.7 * _MINUTE,
    "glucose": 20 * _MINUTE,
}

#: Glucose: a process of 45 min behind a filter of 20 min has the measured memory, 10 min .95, 1 h .45, 2 h .12 (M, CGMacros).
_GLUCOSE_TAU_S = 45 * _MINUTE
_GLUCOSE_KEPT = 45.0 / (45.0 + 20.0)
#: A: like slow hearts, low glucose without a cause is compressed below this; that of a hypoglycaemia is not.
_GLUCOSE_SOFT_FLOOR = 80.0


class Push(Protocol):
    """Something that moves the true values: a disease, a decoy."""

    def deltas(self, local_s: Floats) -> Mapping[str, Floats]:
        """By vital (hr, rr, spo2, sbp, dbp, map, temp, weight, glucose) what to add; also ``hr_asleep`` and ``spo2_asleep`` (what
        to add in sleep), ``pulse_deficit`` (what an optical sensor shows less), ``beat_cv`` and ``beat_lag1`` (irregular
        intervals between beats), ``fever`` (Cel that drives heart and breathing by the fever slopes), ``activity`` and
        ``glucose_own`` (factors on the effort and on the person's own glucose) and ``effort`` (at least that many METs above
        rest). Arrays ``(n,)`` or ``(n, persons)``."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """True values ``(n, persons)`` at ``local_s`` ``(n,)``. ``effort``: METs above rest; units as in ``People``.

    ``pulse``: beats/min that reach finger or wrist. ``beat_cv``, ``beat_lag1``: of irregular intervals, 0 in sinus rhythm.
    """

    local_s: Floats
    awake: NDArray[np.bool_]
    effort: Floats
    hr: Floats
    rr: Floats
    spo2: Floats
    sbp: Floats
    dbp: Floats
    map: Floats
    temp: Floats
    weight: Floats
    glucose: Floats
    pulse: Floats
    beat_cv: Floats
    beat_lag1: Floats


class _Deltas:
    """What all pushes do together, as ``(n, persons)``-broadcastable columns."""

    def __init__(self, pushes: Sequence[Push], local_s: Floats) -> None:
        self._sums: dict[str, Floats] = {}
        self.activity: Floats = np.ones((local_s.size, 1))
        self.glucose_own: Floats = np.ones((local_s.size, 1))
        self.effort: Floats = np.zeros((local_s.size, 1))
        for push in pushes:
            for name, values in push.deltas(local_s).items():
                column = values[:, None] if values.ndim == 1 else values
                if name == "activity":
                    self.activity = self.activity * column
                elif name == "glucose_own":
                    self.glucose_own = self.glucose_own * column
                elif name == "effort":
                    self.effort = np.maximum(self.effort, column)
                else:
                    self._sums[name] = self._sums[name] + column if name in self._sums else column

    def __getitem__(self, name: str) -> Floats | float:
        return self._sums.get(name, 0.0)

    def __contains__(self, name: str) -> bool:
        return name in self._sums


class Physiology:
    """Several people, advanced together. ``start_local_s``: local seconds of the first value, day 0 starting at 0."""

    def __init__(
        self,
        people: People,
        seed: np.random.SeedSequence,
        start_local_s: float = 0.0,
        setting: Setting = HOME,
        pushes: Sequence[Push] = (),
    ) -> None:
        self.people = people
        self._setting = setting
        self._pushes = tuple(pushes)
        self._next_s = start_local_s
        processes, days, sugar = seed.spawn(3)
        tau = {name: tau_s for name, (_, tau_s) in setting.noise.items()}
        tau |= {"hr_quick": _HR_QUICK_TAU_S, "talk": _TALK_TAU_S, "talk_swing": _TALK_SWING_TAU_S}
        tau |= activity.EFFORT_TAU_S
        self._noise = OrnsteinUhlenbeck(tau, len(people), np.random.default_rng(processes))
        self._days = activity.DayDraws(int(days.generate_state(1, np.uint64)[0]), len(people))
        # Its own stream: it came after the others, whose numbers are those of before.
        self._sugar = np.random.default_rng(sugar)
        self._glucose = OrnsteinUhlenbeck({"glucose": _GLUCOSE_TAU_S}, len(people), self._sugar)
        self._filters = Lowpass(_FILTERS_S, self._settled(start_local_s))

    def _settled(self, local_s: float) -> dict[str, Floats]:
        """Filters start where they would stand after hours of the same state."""
        awake = activity.awake_at(np.array([local_s]), self.people, self._days)[0]
        usual = activity.mean_effort_awake() * self.people.effort if self._setting.active else 0.0
        effort = np.where(awake, usual, 0.0)
        today = self._days(int(local_s // activity.DAY_S))[0] * self._setting.hr_day_sd
        return {
            "hr_day": today,
            "hr_fast": effort,
            "hr_slow": effort,
            "breath": effort,
            "oxygen": effort,
            "alert": np.where(awake, 1.0, 0.0),
            "glucose": _GLUCOSE_KEPT**0.5 * self._sugar.standard_normal(len(self.people)),
        }

    def advance(self, n: int, step_s: float) -> Block:
        """The next ``n`` values, ``step_s`` seconds apart."""
        local_s: Floats = self._next_s + step_s * np.arange(n, dtype=np.float64)
        self._next_s += step_s * n
        push = _Deltas(self._pushes, local_s)
        noise = self._scaled_noise(n, step_s)
        day = np.floor(local_s / activity.DAY_S).astype(np.int64)
        awake = activity.awake_at(local_s, self.people, self._days)
        if not self._setting.active:
            awake = np.ones_like(awake)
        effort = self._effort(noise, awake, push)
        day_level = self._setting.hr_day_sd * self._days.row(0, day)
        inputs = {
            "hr_day": day_level,
            "hr_fast": effort,
            "hr_slow": effort,
            "breath": effort,
            "oxygen": effort,
            "alert": awake.astype(np.float64),
            "glucose": self._glucose.advance(n, step_s)["glucose"],
        }
        slow = self._filters.advance(inputs, step_s)
        hour = ((local_s - day * activity.DAY_S) / 3600.0)[:, None]
        sbp, dbp = self._pressure(hour, awake, slow, noise, push)
        hr = self._heart_rate(hour, awake, slow, noise, push)
        nothing = np.zeros(hr.shape)
        return Block(
            local_s=local_s,
            awake=awake,
            effort=effort,
            hr=hr,
            rr=self._breathing(awake, slow, noise, push),
            spo2=self._saturation(awake, slow, noise, push),
            sbp=sbp,
            dbp=dbp,
            map=self.people.mean_pressure + noise["map_mid"] + noise["map_slow"] + push["map"],
            temp=self._temperature(hour, noise, push),
            weight=self.people.weight + 0.5 * self._days.row(3, day) + push["weight"],
            glucose=self._sugar_level(slow, push),
            pulse=np.maximum(hr + push["pulse_deficit"], 0.0),
            beat_cv=nothing + push["beat_cv"],
            beat_lag1=nothing + push["beat_lag1"],
        )

    def _scaled_noise(self, n: int, step_s: float) -> dict[str, Floats]:
        noise = self._noise.advance(n, step_s)
        for name, (sd, tau_s) in self._setting.noise.items():
            vital, _, speed = name.partition("_")
            spread = self.people.noise.get(vital, 1.0) if speed in ("mid", "slow") else 1.0
            averaged = mean_variance(step_s, tau_s) ** 0.5 if speed == "quick" else 1.0
            noise[name] = noise[name] * (sd * averaged * spread)
        averaged = mean_variance(step_s, _HR_QUICK_TAU_S)
        if self._setting.hr_quick_sd is None:
            share = _HR_WHITE_SHARE * averaged / mean_variance(_MINUTE, _HR_QUICK_TAU_S)
            noise["hr_quick"] = noise["hr_quick"] * share**0.5 * self.people.hr_noise
        else:
            noise["hr_quick"] = noise["hr_quick"] * self._setting.hr_quick_sd * averaged**0.5
        return noise

    def _effort(self, noise: dict[str, Floats], awake: NDArray[np.bool_], push: _Deltas) -> Floats:
        if not self._setting.active:
            return np.zeros(awake.shape)
        drive = sum((weight * noise[name] for name, weight in activity.EFFORT_WEIGHTS.items()), np.zeros(awake.shape))
        usual = activity.effort(drive, awake, self.people) * push.activity
        return np.where(awake, np.maximum(usual, push.effort * self.people.effort), usual)

    def _heart_rate(
        self,
        hour: Floats,
        awake: NDArray[np.bool_],
        slow: dict[str, Floats],
        noise: dict[str, Floats],
        push: _Deltas,
    ) -> Floats:
        who = self.people
        rhythm = who.hr_amplitude * np.cos(2 * np.pi * (hour - who.hr_peak_h) / 24.0)
        driven = who.hr_fast_gain * slow["hr_fast"] + who.hr_slow_gain * slow["hr_slow"]
        own = who.hr_noise * (noise["hr_mid"] + noise["hr_slow"]) + noise["hr_quick"]
        error = (0.6 + 0.4 * slow["alert"]) * own
        fever = 7.2 * np.maximum(push["fever"], 0.0)  # beats/min a Cel, P (Jensen 2019)
        rate = who.hr + rhythm + slow["hr_day"] + driven + fever + error + push["hr"] + push["hr_asleep"] * ~awake
        rate = np.where(rate < 40.0, 40.0 - 0.3 * (40.0 - rate), rate)
        return np.asarray(np.minimum(rate, who.hr_ceiling), dtype=np.float64)

    def _breathing(
        self, awake: NDArray[np.bool_], slow: dict[str, Floats], noise: dict[str, Floats], push: _Deltas
    ) -> Floats:
        own = noise["rr_quick"] + noise["rr_mid"] + noise["rr_slow"]
        talking = awake & (noise["talk"] > _TALK_ABOVE) & self._setting.active
        talk = np.where(talking, _TALK_SWING * np.tanh(noise["talk_swing"]), 0.0)
        fever = 1.4 * np.maximum(push["fever"], 0.0)  # breaths/min a Cel, P
        rest = self.people.rr - 1.0 * ~awake + own
        rest = np.where(rest < _RR_SOFT_FLOOR, _RR_SOFT_FLOOR - 0.3 * (_RR_SOFT_FLOOR - rest), rest)
        return np.asarray(np.maximum(rest + 2.5 * slow["breath"] + fever + talk + push["rr"], 0.0), dtype=np.float64)

    def _saturation(
        self, awake: NDArray[np.bool_], slow: dict[str, Floats], noise: dict[str, Floats], push: _Deltas
    ) -> Floats:
        who = self.people
        own = noise["spo2_quick"] + noise["spo2_mid"] + noise["spo2_slow"]
        pushed = push["spo2"] + push["spo2_asleep"] * ~awake
        level = who.spo2 - who.spo2_night_drop * ~awake - who.spo2_per_met * slow["oxygen"] + own + pushed
        return np.asarray(np.clip(level, 40.0, 100.0), dtype=np.float64)

    def _pressure(
        self,
        hour: Floats,
        awake: NDArray[np.bool_],
        slow: dict[str, Floats],
        noise: dict[str, Floats],
        push: _Deltas,
    ) -> tuple[Floats, Floats]:
        who = self.people
        rhythm = self._setting.sbp_amplitude * np.cos(2 * np.pi * (hour - 15.0) / 24.0)
        own = rhythm - 0.12 * who.sbp * ~awake + 5.0 * slow["breath"] + noise["sbp_mid"] + noise["sbp_slow"]
        systolic = np.maximum(who.sbp + own + push["sbp"], 40.0)
        # Diastolic follows half of the systolic deviation, that of a disease included unless the disease says its own.
        followed = own if "dbp" in push else own + push["sbp"]
        diastolic = who.dbp + 0.5 * followed + noise["dbp_own"] + push["dbp"]
        return systolic, np.clip(diastolic, 20.0, systolic - 8.0)

    def _temperature(self, hour: Floats, noise: dict[str, Floats], push: _Deltas) -> Floats:
        rhythm = self._setting.temp_amplitude * np.cos(2 * np.pi * (hour - 17.5) / 24.0)
        return np.asarray(self.people.temp + rhythm + noise["temp_slow"] + push["temp"], dtype=np.float64)

    def _sugar_level(self, slow: dict[str, Floats], push: _Deltas) -> Floats:
        spread = self.people.glucose_log_sd
        own = self.people.glucose * np.exp(spread * slow["glucose"] / _GLUCOSE_KEPT**0.5 - spread**2 / 2.0)
        own = np.where(own < _GLUCOSE_SOFT_FLOOR, _GLUCOSE_SOFT_FLOOR - 0.3 * (_GLUCOSE_SOFT_FLOOR - own), own)
        return np.asarray(np.maximum(own * push.glucose_own + push["glucose"], 20.0), dtype=np.float64)
