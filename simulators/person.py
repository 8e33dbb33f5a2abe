"""Who the virtual people are: their own levels, rhythms and gains, drawn from the age-band table.

Heart-rate terms are measured on CGMacros, levels of the other vitals are published or general knowledge (reference page
"Physiology", sections 6 and 7); marks: M measured, P published, G general knowledge, A assumed by us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulators.noise import Floats
from simulators.setting import HOME, Setting

#: Upper age of the band, then mean and SD: breaths/min, SpO2 %, systolic, diastolic mmHg, oral temperature Cel (all G, but
#: that people over 60 are 0.23 Cel colder is P).
_BANDS: tuple[tuple[float, tuple[tuple[float, float], ...]], ...] = (
    (39.0, ((15, 2), (97.5, 1.0), (118, 11), (74, 8), (36.7, 0.3))),
    (59.0, ((15, 2), (97.0, 1.0), (124, 13), (79, 9), (36.6, 0.3))),
    (74.0, ((16, 2.5), (96.0, 1.3), (132, 15), (77, 9), (36.5, 0.3))),
    (999.0, ((17, 3), (95.3, 1.5), (136, 17), (72, 10), (36.4, 0.3))),
)


#: Names of baseline levels in scenarios, and the columns of ``People`` they are.
LEVELS = {name: name for name in ("hr", "rr", "spo2", "sbp", "dbp", "temp", "glucose")} | {"map": "mean_pressure"}


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a person before anything is drawn. ``sex``: "F" or "M"; ``frail``: effort is halved or so."""

    age: int
    sex: str
    copd: bool = False
    beta_blocker: bool = False
    frail: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """Columns ``(persons,)`` of the drawn parameters.

    Units: beats and breaths a minute, %, mmHg, Cel, kg, hours of the local day; gains in beats/min a MET;
    ``noise`` scales the slow noise of a vital in this person; ``spo2_per_met``: % lost a MET; glucose mg/dL.
    """

    described: tuple[Description, ...]
    hr: Floats
    hr_amplitude: Floats
    hr_peak_h: Floats
    hr_fast_gain: Floats
    hr_slow_gain: Floats
    hr_noise: Floats
    hr_ceiling: Floats
    rr: Floats
    spo2: Floats
    spo2_night_drop: Floats
    spo2_per_met: Floats
    sbp: Floats
    dbp: Floats
    mean_pressure: Floats
    temp: Floats
    weight: Floats
    met_offset: Floats
    effort: Floats
    sleep_on_h: Floats
    sleep_off_h: Floats
    glucose: Floats
    glucose_log_sd: Floats
    noise: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.described)


def _band(age: int) -> tuple[tuple[float, float], ...]:
    return next(row for limit, row in _BANDS if age <= limit)


def draw_people(described: Sequence[Description], rng: np.random.Generator, setting: Setting = HOME) -> People:
    """Draw one person for each description; the order of the draws is fixed, so a seed names the same people for ever."""
    count = len(described)
    normal = {name: rng.standard_normal(count) for name in _DRAWS}
    copd = np.array([one.copd for one in described])
    beta = np.array([one.beta_blocker for one in described])
    frail = np.array([one.frail for one in described])
    age = np.array([one.age for one in described], dtype=np.float64)
    level = _levels(described, normal, setting)
    gain = np.where(beta, 0.75, 1.0)  # A on P
    sugar = rng.spawn(1)[0].standard_normal((2, count))  # its own stream: came after the others
    return People(
        described=tuple(described),
        hr=_hr_level(normal["hr"], copd, beta, setting),
        hr_amplitude=np.maximum(setting.hr_amplitude[0] + setting.hr_amplitude[1] * normal["hr_amplitude"], 0.3),
        hr_peak_h=15.0 + 2.0 * normal["hr_peak"],
        hr_fast_gain=np.maximum(5.3 + 1.2 * normal["hr_fast"], 0.5) * gain,
        hr_slow_gain=np.maximum(4.4 + 1.8 * normal["hr_slow"], 0.2) * gain,
        hr_noise=setting.hr_noise[0] * np.exp(setting.hr_noise[1] * normal["hr_noise"]),
        # The cap is A: 220 - age, a common rule of thumb (G), and 0.8 of it with a beta-blocker.
        hr_ceiling=(220.0 - age) * np.where(beta, 0.8, 1.0),
        rr=np.clip(level[0], 9.0, 30.0),
        spo2=np.clip(level[1], np.where(copd, 86.0, 93.0), 99.5),
        spo2_night_drop=np.where(copd, 2.2, 0.8),  # P: night 89.9 against 92.1 in COPD
        spo2_per_met=np.where(copd, 1.6, 0.0),  # P
        sbp=np.clip(level[2], 95.0, 185.0),
        dbp=np.clip(level[3], 45.0, 105.0),
        mean_pressure=80.5 + 12.4 * normal["map"],  # M, Hypotension 2009 (intensive care)
        temp=level[4],
        weight=np.clip(_weight(described) + 14.0 * normal["weight"], 42.0, 160.0),  # A
        met_offset=0.3 * normal["met"],
        effort=np.where(frail, 0.6, 1.0),  # A: (MET - 1) x 0.5 to 0.7
        sleep_on_h=23.0 + normal["sleep_on"],  # A
        sleep_off_h=7.0 + normal["sleep_off"],  # A
        # M, CGMacros: level and spread over time; they are of people with and without diabetes. Nobody under 85 (A).
        glucose=np.maximum(140.0 + 28.0 * sugar[0], 85.0),
        glucose_log_sd=24.7 / 140.0 * np.exp(0.38 * sugar[1]),
        noise={vital: np.exp(log_sd * normal[f"noise_{vital}"]) for vital, log_sd in setting.noise_spread.items()},
    )


def shifted(people: People, shift: Mapping[str, float]) -> People:
    """The same people with other baselines; ``shift`` by the names of ``LEVELS``."""
    moved = {LEVELS[name]: getattr(people, LEVELS[name]) + by for name, by in shift.items()}
    return replace(people, **moved)


_DRAWS = (
    *("hr", "hr_amplitude", "hr_peak", "hr_fast", "hr_slow", "hr_noise", "rr", "spo2", "sbp", "dbp", "map", "temp"),
    *("weight", "met", "sleep_on", "sleep_off", "noise_rr", "noise_spo2", "noise_sbp", "noise_temp"),
)


def _hr_level(
    normal: Floats, copd: np.typing.NDArray[np.bool_], beta: np.typing.NDArray[np.bool_], setting: Setting
) -> Floats:
    mean, sd, least = setting.hr_level
    # COPD +8 (P); beta-blocker -5 (A on P).
    return np.maximum(mean + sd * normal, least) + np.where(copd, 8.0, 0.0) + np.where(beta, -5.0, 0.0)


def _levels(described: Sequence[Description], normal: dict[str, Floats], setting: Setting) -> list[Floats]:
    rows = []
    for one in described:
        row = list(setting.levels or _band(one.age))
        if one.copd and setting.levels is None:
            row[0], row[1] = (19.0, 3.5), (92.1, 2.9)  # G, P
        rows.append(row)
    table = np.array(rows, dtype=np.float64)  # (persons, vitals, mean and SD)
    names = ("rr", "spo2", "sbp", "dbp", "temp")
    # Diastolic follows systolic between people too (A: r 0.6), so that no one is drawn with a pulse pressure of 10.
    drawn = dict(normal)
    drawn["dbp"] = 0.6 * normal["sbp"] + 0.8 * normal["dbp"]
    return [table[:, index, 0] + table[:, index, 1] * drawn[name] for index, name in enumerate(names)]


def _weight(described: Sequence[Description]) -> Floats:
    return np.array([68.0 if one.sex == "F" else 82.0 for one in described])


def describe_adults(count: int, rng: np.random.Generator) -> list[Description]:
    """A plain mix of adults, 20 to 85 years, as many women as men, one in eight on a beta-blocker (A)."""
    ages = rng.integers(20, 86, count)
    women = rng.random(count) < 0.5
    beta = rng.random(count) < 0.125
    return [
        Description(age=int(age), sex="F" if woman else "M", beta_blocker=bool(blocked))
        for age, woman, blocked in zip(ages, women, beta, strict=True)
    ]
