"""Values against the vital table: range, pairs. Whole columns at once; Python only for what is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.batch import Columns, Pack
from vigil.domain.errors import RefusalReason
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_NAME, VITALS, implausible, out_of_range

_SYS, _DIA = BY_NAME["bp_sys"].index, BY_NAME["bp_dia"].index
#: Why a value may be refused that stands in the columns, with its moment and its site.
_PLACED = frozenset({RefusalReason.TIME_TOO_OLD, RefusalReason.TIME_IN_FUTURE, RefusalReason.OUT_OF_RANGE})


def validate(packs: list[Pack], columns: Columns) -> None:
    """Clears ``keep`` for bad values and notes why; marks implausible ones."""
    if not len(columns):
        return
    refuse(packs, columns, out_of_range(columns.vital, columns.value) & columns.keep, RefusalReason.OUT_OF_RANGE)
    _pairs(packs, columns)
    columns.quality[implausible(columns.vital, columns.value)] |= np.uint16(Quality.IMPLAUSIBLE)


def _pairs(packs: list[Pack], columns: Columns) -> None:
    """Where one of systolic and diastolic was refused, so is the other of that moment and site: both may be in kPa. A half that
    was refused before its site was known takes all pairs of its pack with it."""
    half = (columns.vital == _SYS) | (columns.vital == _DIA)
    out = {_pair(columns, index) for index in np.flatnonzero(half & ~columns.keep).tolist()}
    unread = {
        place
        for place, pack in enumerate(packs)
        if any(item["name"] in ("sbp", "dbp") and item["reason"] not in _PLACED for item in pack.values.refused)
    }
    if not out and not unread:
        return
    for index in np.flatnonzero(half & columns.keep).tolist():
        if _pair(columns, index) in out or int(columns.pack[index]) in unread:
            _refuse_one(packs, columns, index, RefusalReason.PAIR_REFUSED)


def _pair(columns: Columns, index: int) -> tuple[int, int, str]:
    return int(columns.pack[index]), int(columns.device_time[index]), columns.site[index]


def refuse(packs: list[Pack], columns: Columns, where: NDArray[np.bool_], reason: RefusalReason) -> None:
    for index in np.flatnonzero(where):
        _refuse_one(packs, columns, int(index), reason)


def _refuse_one(packs: list[Pack], columns: Columns, index: int, reason: RefusalReason) -> None:
    if not columns.keep[index]:
        return
    columns.keep[index] = False
    kind = VITALS[columns.vital[index]]
    packs[columns.pack[index]].values.refuse(kind.wire, reason, f"{columns.value[index]:g} {kind.display_unit}".strip())
