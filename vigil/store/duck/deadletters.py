"""Refused messages, kept byte for byte."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb
import numpy as np

from vigil.store import DeadLetter
from vigil.store.duck.readings import insert_columns, number

_SELECT = "dead_id, received_at, topic, device_id, reason, detail, payload, refused_values"


def append(con: duckdb.DuckDBPyConnection, letters: Sequence[DeadLetter], last_id: int) -> None:
    if not letters:
        return
    columns = {
        "dead_id": np.arange(last_id + 1, last_id + 1 + len(letters), dtype=np.int64),
        "received_at": np.array([letter.received_at for letter in letters], np.int64),
        "topic": _texts([letter.topic for letter in letters]),
        "device_id": _texts([letter.device_id for letter in letters]),
        "reason": _texts([letter.reason for letter in letters]),
        "detail": _texts([letter.detail for letter in letters]),
        "payload": np.array([bytes(letter.payload) for letter in letters], object),
        "refused_values": _texts([json.dumps(letter.values) for letter in letters]),
    }
    insert_columns(con, "dead_letters", columns, _SELECT)


def last_id(con: duckdb.DuckDBPyConnection) -> int:
    return number(con, "SELECT coalesce(max(dead_id), 0) FROM dead_letters")


def newest(
    con: duckdb.DuckDBPyConnection, limit: int, before_id: int | None, device_id: str | None, reason: str | None
) -> list[DeadLetter]:
    conditions = {"dead_id < ?": before_id, "device_id = ?": device_id, "reason = ?": reason}
    given = {text: value for text, value in conditions.items() if value is not None}
    query = f"SELECT {_SELECT} FROM dead_letters WHERE {' AND '.join(given) or 'true'} ORDER BY dead_id DESC LIMIT ?"
    rows = con.execute(query, [*given.values(), max(limit, 0)]).fetchall()
    return [
        DeadLetter(received_at, topic, device, why, detail, bytes(payload), tuple(json.loads(values)), dead_id)
        for dead_id, received_at, topic, device, why, detail, payload, values in rows
    ]


def _texts(texts: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    # A refused message may quote half a surrogate pair, which UTF-8 cannot hold and DuckDB would refuse the whole batch for.
    return np.array([str(text).encode("utf-8", "backslashreplace").decode() for text in texts], object)
