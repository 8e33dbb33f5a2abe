"""Where in each stay the event is, and which of its hours are in time to act.

Labels of the Challenge 2019 are 1 from 6 h before the onset of sepsis to the end of the stay, so the onset is the first labelled
hour + 6, which may lie behind the last row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigil.domain.errors import InvalidInput
from vigil.domain.readings import I64

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

#: Onset of a stay without an event.
NEVER = -1


@dataclass(frozen=True, slots=True)
class Setting:
    """Counts of rows: labels start ``lead`` before the onset; an alert from ``early`` before to ``late`` after the onset is in
    time. ``row_h``: hours a row; ``row``: what one is called. The defaults are the Challenge's. ``utility``: its utility means
    something here."""

    lead: int = 6
    early: int = 12
    late: int = 3
    row_h: float = 1.0
    row: str = "hour"
    utility: bool = True


CHALLENGE = Setting()


@dataclass(frozen=True, slots=True)
class Events:
    """``onset`` (stays,): row within the stay, ``NEVER`` where there was no event. ``since`` (n,): rows since the onset, negative
    before it, very negative in stays without an event. ``window`` (n,): an alert here is in time for its event."""

    onset: I64
    since: I64
    window: Bools

    @property
    def stays(self) -> Bools:
        """(stays,) had an event."""
        found: Bools = self.onset != NEVER
        return found


def patients_of(starts: I64) -> I64:
    """(n,) number of each row's stay."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def find_events(labels: NDArray[np.generic], starts: I64, setting: Setting = CHALLENGE) -> Events:
    """The event of each stay: ``labels`` (n,) 0 or 1, ``starts`` (stays + 1,).

    >>> find_events(np.array([0, 0, 1, 1, 0]), np.array([0, 4, 5])).onset.tolist()
    [8, -1]
    """
    if len(starts) < 2 or starts[0] != 0 or starts[-1] != len(labels) or bool((np.diff(starts) < 1).any()):
        raise InvalidInput("every stay needs at least one hour, and the stays' hours must add up to the rows")
    positive = np.asarray(labels) > 0
    row = np.arange(len(positive))
    first = np.minimum.reduceat(np.where(positive, row, len(positive)), starts[:-1])
    onset = np.where(first < starts[1:], first - starts[:-1] + setting.lead, NEVER)
    each = np.repeat(onset, np.diff(starts))
    since = np.where(each == NEVER, np.iinfo(np.int32).min, row - np.repeat(starts[:-1], np.diff(starts)) - each)
    return Events(onset, since, (since >= -setting.early) & (since <= setting.late))


def by_stay(values: NDArray[np.generic], starts: I64) -> Floats:
    """(stays,) sum of the values (n,) of each stay.

    >>> by_stay(np.array([1, 2, 3]), np.array([0, 2, 3])).tolist()
    [3.0, 3.0]
    """
    return np.add.reduceat(np.asarray(values, np.float64), starts[:-1])


def rises(alerts: NDArray[np.generic], starts: I64) -> Bools:
    """(n,) True where an alert begins: an alert hour whose hour before, in the same stay, was none.

    >>> rises(np.array([1, 1, 0, 1, 1]), np.array([0, 4, 5])).tolist()
    [True, False, False, True, True]
    """
    on = np.asarray(alerts) > 0
    before = np.concatenate(([False], on[:-1]))
    before[starts[:-1]] = False
    return on & ~before
