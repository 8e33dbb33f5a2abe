"""Samples of series, and what a selector makes of them at the times of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.prometheus.catalogue import Labels
from api.prometheus.refusal import impossible
from vigil.domain.readings import F64, I64

Flags = NDArray[np.bool_]

#: Of the stores, in one query (ours): some 200 MB while they are sorted.
MOST_SAMPLES = 3_000_000
#: Series × points of all selectors of one query (ours). Half a million took 2 s and 9 MB of JSON here.
MOST_CELLS = 1_000_000
#: Samples in all windows of one query, each counted as often as windows hold it (ours): 0.1 to 0.4 s here.
MOST_LOOKED_AT = 500_000_000
#: The value stands until the next one, however long.
FOR_EVER = 1 << 62


class Budget:
    """What a query may still cost. ``left``: samples that it may load. Each call takes its part, or raises ``PromError``."""

    def __init__(self, samples: int = MOST_SAMPLES, cells: int = MOST_CELLS, looked_at: int = MOST_LOOKED_AT) -> None:
        self.left = samples
        self._cells = cells
        self._looked_at = looked_at

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise impossible(f"the query loads more than {MOST_SAMPLES} samples: ask for less time or fewer series")

    def hold(self, series: int, points: int) -> None:
        self._cells -= series * points
        if self._cells < 0:
            raise impossible(
                f"the query computes more than {MOST_CELLS} values, {series} series at {points} points among them: "
                "ask with a longer step or for fewer series"
            )

    def look_at(self, count: int) -> None:
        self._looked_at -= count
        if self._looked_at < 0:
            raise impossible("the windows overlap too much: ask with a longer step or shorter windows")


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked for: at times from ``first`` to ``last``, the samples of the ``back`` microseconds before each; None = the
    newest sample that is fresh enough."""

    first: int
    last: int
    back: int | None = None

    @property
    def newest_only(self) -> bool:
        return self.back is None and self.first == self.last

    def since(self, fresh_us: int) -> int:
        """Nothing measured at or before it is needed."""
        return self.first - (fresh_us if self.back is None else self.back)


@dataclass(frozen=True, slots=True)
class Series:
    """Samples in order of time, i64 microseconds, no time twice. ``ends`` marks those that say: from here on there is no value.
    A sample counts for less than ``fresh_us`` microseconds."""

    labels: Labels
    at: I64
    value: F64
    fresh_us: int
    ends: Flags | None = None

    def plain(self) -> tuple[I64, F64]:
        """Without the marks of an end."""
        return (self.at, self.value) if self.ends is None else (self.at[~self.ends], self.value[~self.ends])


@dataclass(frozen=True, slots=True)
class Row:
    """One series of a vector at every time of the query: ``value`` counts where ``there``. ``at``: times of the samples."""

    labels: Labels
    value: F64
    there: Flags
    at: I64 | None = None


def rows(found: Sequence[Series], times: I64, offset: int, budget: Budget) -> list[Row]:
    """The newest sample of each series at each of ``times``. As in Prometheus 3, one that is exactly at the limit is too old."""
    budget.hold(len(found), times.size)
    asked = times - offset
    made = []
    for one in found:
        if not one.at.size:
            continue
        place = np.searchsorted(one.at, asked, side="right") - 1
        held = np.maximum(place, 0)
        at = one.at[held]
        there = (place >= 0) & (asked - at < one.fresh_us)
        if one.ends is not None:
            there &= ~one.ends[held]
        if there.any():
            made.append(Row(one.labels, one.value[held], there, at))
    return made
