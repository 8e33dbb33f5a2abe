"""When a value was measured: device time, corrected by what is known of the clock. Fixed here, when the value is first stored.

Live packs (``tel/vitals``) show the clock; history (``tel/backfill``) is only corrected. Raw device time and time of receipt stay
as they are. While a clock that was never set is not known, the newest value of a live pack stands at its receipt, the others as
long before it as the device says. A clock that was seen to step back is corrected at once by what is proved, marked as one that
is not known. What the estimate does not settle stands by ``stand``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.batch import Columns, Pack
from ingest.clocks import Clocks
from ingest.validate import refuse
from vigil.domain.clock_line import Line
from vigil.domain.errors import RefusalReason
from vigil.domain.quality import AHEAD_ALLOWED, AHEAD_REFUSED, OLDEST, Quality

_LIVE = "/vitals"
_CORRECTED, _AHEAD = np.uint16(Quality.CLOCK_CORRECTED), np.uint16(Quality.CLOCK_AHEAD)


class Timekeeper:
    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks

    def settle(self, packs: list[Pack], columns: Columns) -> None:
        """Sets ``measured_at``, marks what is not the device's word, refuses times that say nothing."""
        if not len(columns):
            return
        start = 0
        for pack in packs:
            size = len(pack.values.vital) if pack.accepted else 0
            if size:  # in the order of ``columns_of``
                self._settle(pack, columns, slice(start, start + size))
                start += size
        stand(packs, columns)

    def _settle(self, pack: Pack, columns: Columns, rows: slice) -> None:
        values, received = pack.values, pack.message.received_at
        newest = max(values.time_us)
        live = pack.message.topic.endswith(_LIVE)
        look_up = self._clocks.observe if live else self._clocks.line_of
        line = look_up(pack.device_id, values.epoch, values.seq, newest, received)
        # A pack from the future disproves the line: most often somebody has just set the clock right.
        if line is not None and line.true_time(newest) <= received + AHEAD_ALLOWED:
            _correct(columns, rows, line)
        elif live and newest < OLDEST:
            columns.measured_at[rows] += received - newest
            columns.quality[rows] |= _AHEAD


def _correct(columns: Columns, rows: slice, line: Line) -> None:
    device = columns.device_time[rows]
    columns.measured_at[rows] = (
        device + line.shift + np.rint(line.slope * (device + line.shift - line.at)).astype(np.int64)
    )
    columns.quality[rows] |= _CORRECTED if line.base <= line.bound else _AHEAD


def stand(packs: list[Pack], columns: Columns) -> None:
    """The rules without an estimate: before 2015 or more than 24 h ahead is refused, more than 5 s ahead stands at receipt."""
    ahead = columns.measured_at - columns.received_at
    refuse(packs, columns, columns.measured_at < OLDEST, RefusalReason.TIME_TOO_OLD)
    refuse(packs, columns, ahead > AHEAD_REFUSED, RefusalReason.TIME_IN_FUTURE)
    moved: NDArray[np.bool_] = (ahead > AHEAD_ALLOWED) & columns.keep
    columns.measured_at[moved] = columns.received_at[moved]
    columns.quality[moved] |= _AHEAD
