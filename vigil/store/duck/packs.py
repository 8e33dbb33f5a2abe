"""Which packs of each device are stored: the memory of de-duplication."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import duckdb
import numpy as np

from vigil.domain.readings import U32
from vigil.store import PackRow
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.readings import insert_columns

#: Packs read at once by ``stored``: 4 bytes each here, about 40 inside DuckDB while it sorts.
CHUNK = 4_000_000


def append(con: duckdb.DuckDBPyConnection, packs: Sequence[PackRow], head: int) -> None:
    if not packs:
        return
    columns = {
        "device_id": np.array([pack.device_id for pack in packs], object),
        "epoch": np.array([pack.epoch for pack in packs], np.uint32),
        "seq": np.array([pack.seq for pack in packs], np.uint32),
        "ordinal": np.full(len(packs), head, np.uint64),
        "outcome": np.array([pack.outcome for pack in packs], np.uint8),
        "digest": np.array([pack.digest for pack in packs], np.uint64),
    }
    insert_columns(con, "packs", columns, "device_id, epoch, seq, ordinal, outcome, digest")


def stored(file: DuckFile, chunk: int = CHUNK) -> Iterator[tuple[str, int, U32]]:
    """(device, epoch, sorted seqs), ordered. Devices are read a few at a time, numbers only as numpy arrays."""
    with file.read() as con:
        sizes = con.execute("SELECT device_id, count(*) FROM packs GROUP BY device_id ORDER BY device_id").fetchall()
    for first, last in _spans(sizes, chunk):
        with file.read() as con:
            groups, seqs = _span(con, first, last)
        edges = np.cumsum([0, *(count for _, _, count in groups)]).tolist()
        for (device_id, epoch, _), (start, end) in zip(groups, pairwise(edges), strict=True):
            yield device_id, epoch, np.unique(seqs[start:end])


def digest(con: duckdb.DuckDBPyConnection, device_id: str, epoch: int, seq: int) -> int | None:
    rows = con.execute(
        "SELECT digest FROM packs WHERE device_id = ? AND epoch = ? AND seq = ? LIMIT 1", [device_id, epoch, seq]
    ).fetchall()
    return int(rows[0][0]) if rows else None


def _spans(sizes: Sequence[tuple[str, int]], chunk: int) -> Iterator[tuple[str, str]]:
    """First and last device of each run of devices with about ``chunk`` packs together."""
    first, held = "", 0
    for place, (device_id, count) in enumerate(sizes):
        first = device_id if not held else first
        held += count
        if held >= chunk or place == len(sizes) - 1:
            yield first, device_id
            held = 0


def _span(con: duckdb.DuckDBPyConnection, first: str, last: str) -> tuple[list[tuple[str, int, int]], U32]:
    con.execute("BEGIN")  # both queries must see the same packs
    try:
        groups = con.execute(
            "SELECT device_id, epoch, count(*) FROM packs WHERE device_id BETWEEN ? AND ? "
            "GROUP BY device_id, epoch ORDER BY device_id, epoch",
            [first, last],
        ).fetchall()
        seqs = con.execute(
            "SELECT seq FROM packs WHERE device_id BETWEEN ? AND ? ORDER BY device_id, epoch, seq", [first, last]
        ).fetchnumpy()["seq"]
    finally:
        con.execute("ROLLBACK")
    return groups, seqs
