"""Step 1 of learning and scoring: values that no living person has become "not measured". Nothing is filled in here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hours import VITALS, Hours
from vigil.domain.vitals import BY_NAME

#: Closed intervals outside of which a value is an error of device, unit or typing; for vitals those of ``vigil.domain.vitals``.
#: Laboratory values: our engineering choice, wider than any value that is survived, in the Challenge's units; needs clinical
#: sign-off. ``FiO2`` is a fraction; what is above 1 is a percentage and is divided by 100.
PLAUSIBLE: dict[str, tuple[float, float]] = {
    **{column: BY_NAME[vital].plausible for column, vital in VITALS.items()},
    "EtCO2": (5, 120),
    "BaseExcess": (-50, 60),
    "HCO3": (2, 70),
    "FiO2": (0.2, 1.0),
    "pH": (6.5, 8.0),
    "PaCO2": (5, 200),
    "SaO2": (20, 100),
    "AST": (1, 20000),
    "BUN": (1, 300),
    "Alkalinephos": (1, 5000),
    "Calcium": (1, 25),
    "Chloride": (50, 180),
    "Creatinine": (0.05, 50),
    "Bilirubin_direct": (0, 60),
    "Glucose": (5, 2000),
    "Lactate": (0.1, 40),
    "Magnesium": (0.1, 15),
    "Phosphate": (0.1, 25),
    "Potassium": (1, 15),
    "Bilirubin_total": (0, 80),
    "TroponinI": (0, 1000),
    "Hct": (5, 75),
    "Hgb": (1.5, 25),
    "PTT": (5, 250),
    "WBC": (0.01, 500),
    "Fibrinogen": (10, 2000),
    "Platelets": (1, 3000),
    "Age": (0, 120),
}

#: No living person has so many degrees Celsius; every temperature that is survived in degrees Fahrenheit lies above.
_FAHRENHEIT_FROM = 80.0


def clean(hours: Hours) -> Hours:
    """Implausible values become NaN; temperatures in degrees Fahrenheit become Celsius. The given columns stay as they are.

    >>> one = np.zeros(1, np.int64)
    >>> clean(Hours(("p",), np.array([0, 1]), one.astype(np.int32), {"HR": np.float32([999])})).columns["HR"]
    array([nan], dtype=float32)
    """
    return Hours(
        hours.ids, hours.starts, hours.hour, {name: _cleaned(name, values) for name, values in hours.columns.items()}
    )


def _cleaned(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    if name == "Gender":
        return np.where((values == 0) | (values == 1), values, np.float32(np.nan))
    if name == "Temp":
        values = np.where(values > _FAHRENHEIT_FROM, (values - 32) * np.float32(5 / 9), values)
    if name == "FiO2":
        values = np.where(values > 1, values / 100, values)
    if name not in PLAUSIBLE:
        return values
    low, high = PLAUSIBLE[name]
    return np.where((values >= np.float32(low)) & (values <= np.float32(high)), values, np.float32(np.nan))
