"""Where a person is: at home, or in an intensive-care bed (treated, lying, charted). Only numbers, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """Levels, rhythm and noise. ``noise``: SD and time constant in seconds by process; heart-rate SDs are shares of the person's
    ``hr_noise``. ``levels``: mean and SD of breathing, SpO2, systolic, diastolic, temperature, or None for the age bands.
    ``noise_spread``: log SD over persons of the noise of a vital."""

    name: str
    hr_level: tuple[float, float, float]
    hr_amplitude: Pair
    hr_noise: Pair
    hr_day_sd: float
    hr_quick_sd: float | None
    temp_amplitude: float
    sbp_amplitude: float
    active: bool
    levels: tuple[Pair, ...] | None
    noise: dict[str, Pair]
    noise_spread: dict[str, float]


_MINUTE, _HOUR = 60.0, 3600.0

#: Continuous arterial mean pressure, M on Hypotension 2009.
_PRESSURE = {"map_mid": (7.1 * 0.2**0.5, 4 * _MINUTE), "map_slow": (7.1 * 0.8**0.5, 150 * _MINUTE)}

#: At home. Heart rate M (CGMacros), breathing and SpO2 M at 1 Hz (BIDMC) and A for the slow part, pressure and temperature A.
#: Known misfit, on purpose not tuned away: the upper tail of heart rate is a little wide, minutes with equal heart rate
#: are too few, the memory over 24 h is weak (nobody has habits), and all noise is Gaussian.
HOME = Setting(
    name="home",
    hr_level=(70.5, 6.5, 57.0),
    hr_amplitude=(5.5, 2.4),
    hr_noise=(6.3, 0.15),
    hr_day_sd=2.6,
    hr_quick_sd=None,
    temp_amplitude=0.25,
    sbp_amplitude=5.0,
    active=True,
    levels=None,
    noise={
        "hr_mid": (0.32**0.5, 4 * _MINUTE),
        "hr_slow": (0.63**0.5, 60 * _MINUTE),
        "rr_quick": (1.2, 25.0),
        "rr_mid": (0.0, 10 * _MINUTE),
        "rr_slow": (1.5, 14 * _HOUR),
        "spo2_quick": (0.45, 25.0),
        "spo2_mid": (0.0, 10 * _MINUTE),
        "spo2_slow": (0.8, 9 * _HOUR),
        # Own part of the diastolic pressure: 3.7 makes the correlation with systolic 0.71 (M), A for its time constant.
        "sbp_mid": (0.0, 10 * _MINUTE),
        "sbp_slow": (6.0, 4 * _HOUR),
        "dbp_own": (3.7, 4 * _HOUR),
        "temp_slow": (0.2, 6 * _HOUR),
        **_PRESSURE,
    },
    noise_spread={"rr": 0.0, "spo2": 0.0, "sbp": 0.0, "temp": 0.0},
)

#: Intensive care, M on the hourly charts of sepsis A (non-septic stays): day rhythm nearly lost, no effort. The white share of
#: the hourly noise is given 10 min (A: the charts cannot tell). Between-person spread of the noise from its 5-95 % range.
INTENSIVE_CARE = Setting(
    name="icu",
    hr_level=(84.1, 14.0, 45.0),
    hr_amplitude=(2.4, 1.5),
    hr_noise=(7.6, 0.44),
    hr_day_sd=0.0,
    hr_quick_sd=1.55,
    temp_amplitude=0.15,
    sbp_amplitude=3.9,
    active=False,
    levels=((18.5, 3.5), (97.2, 2.0), (120.0, 16.3), (60.0, 9.6), (36.93, 0.52)),
    noise={
        "hr_mid": (0.10**0.5, 10 * _MINUTE),
        "hr_slow": (0.90**0.5, 6 * _HOUR),
        "rr_quick": (1.2, 25.0),
        "rr_mid": (3.4 * 0.4**0.5, 10 * _MINUTE),
        "rr_slow": (3.4 * 0.6**0.5, 14 * _HOUR),
        "spo2_quick": (0.45, 25.0),
        "spo2_mid": (1.7 * 0.3**0.5, 10 * _MINUTE),
        "spo2_slow": (1.7 * 0.7**0.5, 9 * _HOUR),
        "sbp_mid": (12.3 * 0.3**0.5, 10 * _MINUTE),
        "sbp_slow": (12.3 * 0.7**0.5, 4 * _HOUR),
        "dbp_own": (4.8, 4 * _HOUR),
        "temp_slow": (0.47, 6 * _HOUR),
        **_PRESSURE,
    },
    noise_spread={"rr": 0.36, "spo2": 0.49, "sbp": 0.34, "temp": 0.46},
)

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in (HOME, INTENSIVE_CARE)}
