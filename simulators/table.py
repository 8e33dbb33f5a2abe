"""Many patient-hours at once, without a broker: what the platform would have stored of a virtual patient, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from simulators.packs import Pack
from simulators.patient import VirtualPatient
from vigil.domain.quality import AHEAD_ALLOWED, AHEAD_REFUSED, OLDEST, Quality
from vigil.domain.times import HOUR
from vigil.domain.vitals import BY_WIRE, implausible


@dataclass(frozen=True, slots=True)
class ReadingTable:
    """Columns of one length, in order of receipt. ``vital``: place in ``vigil.domain.vitals.VITALS``; ``measured_at`` and
    ``received_at``: microseconds UTC; ``value`` in the unit of the vital (NaN = tried, no value); ``quality``: bits; ``site``:
    place in ``sites``; ``seq``: number of the pack. Backfill is received when the connection is back; copies count once."""

    vital: NDArray[np.int16]
    measured_at: NDArray[np.int64]
    received_at: NDArray[np.int64]
    value: Floats
    quality: NDArray[np.uint16]
    site: NDArray[np.int16]
    seq: NDArray[np.uint32]
    sites: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.vital.size)


_ROW = np.dtype(
    [
        ("vital", np.int16),
        ("said_us", np.int64),
        ("received_us", np.int64),
        ("value", np.float64),
        ("quality", np.uint16),
        ("site", np.int16),
        ("seq", np.uint32),
    ]
)
#: Rows that are tuples at a time.
_CHUNK = 50_000


def readings(patient: VirtualPatient, until_us: int) -> ReadingTable:
    """Everything received of ``patient``, from where it stands up to ``until_us``; what waits for a connection is not in it."""
    sites = [""]
    chunks = [np.empty(0, _ROW)]
    rows: list[tuple[int, int, int, float, int, int, int]] = []
    for number, (received_us, pack) in enumerate(_received(patient, until_us)):
        for record in pack.records:
            where = record.site or ""
            if where not in sites:
                sites.append(where)
            value = np.nan if record.value is None else float(record.value)
            place = BY_WIRE[record.name].index
            rows.append((place, record.t_us, received_us, value, record.quality, sites.index(where), number))
        if len(rows) >= _CHUNK:
            chunks.append(np.array(rows, _ROW))
            rows = []
    chunks.append(np.array(rows, _ROW))
    return _as_stored(np.concatenate(chunks), tuple(sites))


def _received(patient: VirtualPatient, until_us: int) -> Iterator[tuple[int, Pack]]:
    """Each pack with the time of its receipt: what waited for a connection comes with the pack that found one."""
    waited: list[Pack] = []
    for moment in (*range(patient.start_us, until_us, HOUR), until_us):
        for pack in patient.advance(moment):
            waited.append(pack)
            if not pack.backfill:
                yield from ((pack.due_us, one) for one in waited)
                waited = []


def _as_stored(rows: NDArray[np.void], sites: tuple[str, ...]) -> ReadingTable:
    """As stage 2 does it: a time that is ahead becomes the time of receipt, with a mark; one that says nothing is refused."""
    ahead = rows["said_us"] - rows["received_us"]
    rows = rows[(rows["said_us"] >= OLDEST) & (ahead <= AHEAD_REFUSED)]
    moved = rows["said_us"] - rows["received_us"] > AHEAD_ALLOWED
    quality = rows["quality"].copy()
    quality[moved] |= np.uint16(Quality.CLOCK_AHEAD)
    quality[implausible(rows["vital"], rows["value"])] |= np.uint16(Quality.IMPLAUSIBLE)
    quality[np.isnan(rows["value"])] |= np.uint16(Quality.NO_VALUE)
    return ReadingTable(
        vital=rows["vital"].copy(),
        measured_at=np.where(moved, rows["received_us"], rows["said_us"]),
        received_at=rows["received_us"].copy(),
        value=rows["value"].copy(),
        quality=quality,
        site=rows["site"].copy(),
        seq=rows["seq"].copy(),
        sites=sites,
    )
