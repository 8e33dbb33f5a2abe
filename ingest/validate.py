"""Values against the vital table: time, range, pairs. Whole columns at once; Python only for what is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.batch import Columns, Pack
from vigil.domain.errors import RefusalReason
from vigil.domain.quality import AHEAD_ALLOWED, AHEAD_REFUSED, OLDEST, Quality
from vigil.domain.vitals import BY_NAME, VITALS, implausible, out_of_range

_SYS, _DIA = BY_NAME["bp_sys"].index, BY_NAME["bp_dia"].index


def validate(packs: list[Pack], columns: Columns) -> None:
    """Clears ``keep`` for bad values and notes why; marks implausible ones; moves times that are ahead."""
    if not len(columns):
        return
    _times(packs, columns)
    _refuse(packs, columns, out_of_range(columns.vital, columns.value) & columns.keep, RefusalReason.OUT_OF_RANGE)
    _pairs(packs, columns)
    columns.quality[implausible(columns.vital, columns.value)] |= np.uint16(Quality.IMPLAUSIBLE)


def _times(packs: list[Pack], columns: Columns) -> None:
    ahead = columns.device_time - columns.received_at
    _refuse(packs, columns, columns.device_time < OLDEST, RefusalReason.TIME_TOO_OLD)
    _refuse(packs, columns, ahead > AHEAD_REFUSED, RefusalReason.TIME_IN_FUTURE)
    moved = (ahead > AHEAD_ALLOWED) & columns.keep
    columns.measured_at[moved] = columns.received_at[moved]
    columns.quality[moved] |= np.uint16(Quality.CLOCK_AHEAD)


def _pairs(packs: list[Pack], columns: Columns) -> None:
    """Where one of systolic and diastolic was refused, so is the other of that moment: both may be in kPa."""
    lost: set[tuple[int, int]] = set()
    for index in np.flatnonzero(~columns.keep & ((columns.vital == _SYS) | (columns.vital == _DIA))):
        lost.add((int(columns.pack[index]), int(columns.device_time[index])))
    for place, pack in enumerate(packs):
        if any(item["name"] in ("sbp", "dbp") for item in pack.values.refused):
            lost.update((place, time) for time in pack.values.time_us)
    if not lost:
        return
    of_pair = columns.keep & ((columns.vital == _SYS) | (columns.vital == _DIA))
    for index in np.flatnonzero(of_pair):
        if (int(columns.pack[index]), int(columns.device_time[index])) in lost:
            _refuse_one(packs, columns, int(index), RefusalReason.PAIR_REFUSED)


def _refuse(packs: list[Pack], columns: Columns, where: NDArray[np.bool_], reason: RefusalReason) -> None:
    for index in np.flatnonzero(where):
        _refuse_one(packs, columns, int(index), reason)


def _refuse_one(packs: list[Pack], columns: Columns, index: int, reason: RefusalReason) -> None:
    if not columns.keep[index]:
        return
    columns.keep[index] = False
    kind = VITALS[columns.vital[index]]
    packs[columns.pack[index]].values.refuse(kind.wire, reason, f"{columns.value[index]:g} {kind.display_unit}".strip())
