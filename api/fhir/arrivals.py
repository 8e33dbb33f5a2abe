"""Observations of everybody in the order in which they arrived: what a system pulls that keeps its own copy up to date."""

from __future__ import annotations

import numpy as np

from api.fhir.chart import Chart
from api.fhir.codes import FAMILY_OF, Family
from api.fhir.entries import Key, Page
from api.fhir.exposed import Reading, rows
from api.fhir.findings import Finding
from api.fhir.lookup import finding_of
from api.fhir.observation import observation
from api.fhir.query import Query, outer_bounds
from api.fhir.wanted import MOST_ROWS, Wanted
from vigil.domain.times import MINUTE
from vigil.domain.vitals import VITALS

#: Times of receipt may go back by so much from one ordinal to the next (ours): several threads, a clock that is set.
SLACK_US = 5 * MINUTE
#: Rows that are read at once (ours).
_LOOK = 2000


def page(chart: Chart, query: Query, want: Wanted, after: Key | None, head: int) -> Page:
    """``after``: (ordinal,) of the last row that was looked at."""
    start, end = outer_bounds(query.dates("_lastUpdated"))
    at = int(after[0]) if after is not None else before(chart, start - SLACK_US, head)
    numbers = _streams(chart, want.families)
    found: list[Finding] = []
    for _ in range(MOST_ROWS // _LOOK):
        batch = chart.readings.after(at, min(_LOOK, head - at))
        if not len(batch) or int(batch.received_at.min()) > end + SLACK_US:
            return Page([observation(one) for one in found], None)
        for reading in rows(batch.take(np.isin(batch.stream, numbers)), chart.streams):
            finding = _told(chart, reading, head)
            if finding is not None and want.holds(finding):
                found.append(finding)
                if len(found) == query.count:
                    return Page([observation(one) for one in found], (reading.ordinal,))
        at = int(batch.ordinal[-1])
    return Page([observation(one) for one in found], (at,))


def _told(chart: Chart, reading: Reading, head: int) -> Finding | None:
    """The Observation that this reading completes: of a blood pressure the last part tells, when all that is known is in it."""
    finding = finding_of(chart, reading)
    if finding is None:
        return None
    known = max(one.ordinal for one in finding.readings if one.ordinal <= head)
    return finding if reading.ordinal == known else None


def _streams(chart: Chart, families: tuple[Family, ...]) -> list[int]:
    names = {name for name, family in FAMILY_OF.items() if family in families}
    return [one.stream for one in chart.streams.values() if VITALS[one.vital].name in names]


def before(chart: Chart, received_at: int, head: int) -> int:
    """An ordinal below all readings received at or after that time, apart from ``SLACK_US``."""
    low, high = 0, head
    while low < high:
        middle = (low + high) // 2
        batch = chart.readings.after(middle, 1)
        if len(batch) and int(batch.received_at[0]) < received_at:
            low = middle + 1
        else:
            high = middle
    return low
