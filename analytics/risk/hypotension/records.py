"""The records of the PhysioNet/CinC Challenge 2009: eleven hours of mean arterial pressure, one value a minute.

Moody and Lehman, "Predicting acute hypotensive episodes", Computers in Cardiology 2009: an episode is any half hour in which at
least 90 % of the minutes lie at or below 60 mmHg. Hours 1 to 10 come before the forecast, hour 11 is the one to be foretold.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.io.matlab import MatReadError, loadmat

from vigil.domain.errors import TableError
from vigil.domain.vitals import BY_NAME

#: Minutes before the forecast, and with the hour that is foretold.
BEFORE, MINUTES = 600, 660
#: Episode: mmHg, minutes in a row, and how many of them at least.
LIMIT, EPISODE_MIN, EPISODE_LOW = 60.0, 30, 27

#: H1 was given drugs that raise the pressure, H2 was not; C1 had no episode in the whole stay, C2 had one at another time.
GROUPS = ("H1", "H2", "C1", "C2")
_FILE = re.compile(r"BP_([HC][12])_(\d+)\.mat")

#: What scipy raises on a file that is no MATLAB file, or is cut off.
_UNREADABLE = (OSError, ValueError, TypeError, LookupError, NotImplementedError, MatReadError, zlib.error)

Minutes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Records:
    """``ids``: "H1_3" and alike. ``minutes``: (n, 660) mmHg, NaN where there is no value that a body can have."""

    ids: tuple[str, ...]
    minutes: Minutes

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def group(self) -> NDArray[np.str_]:
        return np.array([each[:2] for each in self.ids], dtype="<U2")

    @property
    def event(self) -> NDArray[np.bool_]:
        """True where an episode began in the forecast hour, as the Challenge's authors say."""
        return np.char.startswith(self.group, "H")


def read_records(folder: Path) -> Records:
    """Every ``BP_<group>_<number>.mat`` of the folder, by group and number. ``TableError``: none, or one not to be read."""
    found = []
    for path in folder.glob("BP_*.mat"):
        if named := _FILE.fullmatch(path.name):
            found.append((named[1], int(named[2]), path))
    if not found:
        raise TableError(f"{folder.name}: no record BP_<H1|H2|C1|C2>_<number>.mat")
    found.sort()
    ids = tuple(f"{group}_{number}" for group, number, _ in found)
    return Records(ids, clean(np.stack([_pressure(path) for _, _, path in found])))


def _pressure(path: Path) -> Minutes:
    try:
        table = loadmat(path, variable_names=["DAT"]).get("DAT")
    except _UNREADABLE as error:
        raise TableError(f"{path.name} cannot be read: {error}") from error
    if table is None or table.ndim != 2 or len(table) != MINUTES or not np.issubdtype(table.dtype, np.number):
        raise TableError(f"{path.name}: DAT must be a table of {MINUTES} minutes")
    first: Minutes = table[:, 0].astype(np.float32)
    return first


def clean(minutes: Minutes) -> Minutes:
    """What the vital's plausible range does not hold becomes NaN (flushed or disconnected lines read 0, negative or 300)."""
    low, high = BY_NAME["bp_mean"].plausible
    return np.where((minutes >= low) & (minutes <= high), minutes, np.nan).astype(np.float32)


def lowest_level(following: Minutes) -> NDArray[np.float64]:
    """(n,) mmHg of (n, 30 or more) minutes: the lowest pressure that 90 % of some half hour did not exceed, so that there was an
    episode below ``limit`` where it is at or below it. A missing minute counts as high.

    >>> float(lowest_level(np.array([[80.0] * 20 + [55.0] * 27 + [90.0] * 3], np.float32))[0])
    55.0
    """
    halves = sliding_window_view(np.where(np.isnan(following), np.inf, following), EPISODE_MIN, axis=1)
    levels: NDArray[np.float64] = np.partition(halves, EPISODE_LOW - 1, axis=2)[:, :, EPISODE_LOW - 1].min(axis=1)
    return levels.astype(np.float64)
