"""The files of a back-test. Of one set of readings ``episodes.jsonl`` is the same to the byte, whatever came when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.backtest.fold import Folded
from analytics.backtest.rows import cursor
from analytics.scores.bands import COMPLETE, LOWER, SINGLE_3, UPPER
from vigil.domain.alerts import Transition
from vigil.domain.calls import CALL
from vigil.domain.errors import TableError
from vigil.domain.readings import I64
from vigil.domain.times import DAY, to_iso

EPISODES, NOTICES, SCORES, SUMMARY = "episodes.jsonl", "notices.jsonl", "scores.parquet", "summary.json"
PREDICTIONS = "predictions.parquet"

Columns = dict[str, NDArray[Any]]


def episode_lines(patient_id: str, folded: Folded) -> Iterable[str]:
    """One object a line; times RFC 3339, ``end`` null while the condition is true, ``priority`` null where this policy calls
    nobody."""
    for logged in folded.log:
        each = logged.episode
        yield _line(
            {
                "patient": patient_id,
                "rule": logged.rule,
                "kind": logged.kind.value,
                "priority": None if logged.priority is None else logged.priority.value,
                "onset": to_iso(each.onset),
                "decided": to_iso(each.decided),
                "end": None if each.end is None else to_iso(each.end),
                "peak": round(each.peak, 4),
                "peak_at": to_iso(each.peak_at),
            }
        )


def notice_lines(log: Iterable[Transition]) -> Iterable[str]:
    """Every alert transition with its server time, as it would have been live."""
    for line in log:
        alert = line.after
        yield _line(
            {
                "at": to_iso(line.at),
                "patient": alert.patient_id,
                "alert": alert.alert_id,
                "step": line.step.value,
                "rule": alert.rule,
                "kind": alert.kind.value,
                "priority": alert.priority.value,
                "condition": alert.condition.value,
                "handling": alert.handling.value,
                "retrospective": alert.retrospective,
                "onset": to_iso(alert.onset_at),
                "actor": line.actor,
                "text": alert.evidence.text,
                "call": line.detail.get(CALL),
            }
        )


def _line(row: dict[str, Any]) -> str:
    return msgspec.json.encode(row).decode() + "\n"


def score_columns(patient_id: str, folded: Folded) -> Columns:
    """NEWS2 at the ends of those minutes in which it differs from the minute before."""
    scores, at = folded.scores, folded.minutes.minute_end
    shown = scores[:, [LOWER, UPPER, COMPLETE, SINGLE_3]]
    new = np.ones(at.size, np.bool_)
    new[1:] = (shown[1:] != shown[:-1]).any(axis=1) | (np.diff(at) > 60_000_000)
    return {
        "patient": np.full(int(new.sum()), patient_id, dtype=object),
        "minute_end": at[new],
        "lower": shown[new, 0],
        "upper": shown[new, 1],
        "complete": shown[new, 2] != 0,
        "single_3": shown[new, 3] != 0,
    }


def write_scores(parts: Sequence[Columns], path: Path) -> None:
    """Raises ``TableError`` when the file cannot be written."""
    # An empty column of names has no type of its own.
    _write_rows(parts, "patient::VARCHAR AS patient, make_timestamp(minute_end) AS minute_end", path)


def write_predictions(parts: Sequence[Columns], path: Path) -> None:
    """Raises ``TableError`` when the file cannot be written."""
    _write_rows(parts, "make_timestamp(quarter_end) AS quarter_end", path)


def _write_rows(parts: Sequence[Columns], typed: str, path: Path) -> None:
    """``typed``: SQL of the columns that are not stored as they are."""
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    with _one_thread() as con:
        con.register("rows", rows)
        _copy(con, f"SELECT * REPLACE ({typed}) FROM rows", path)


def _one_thread() -> duckdb.DuckDBPyConnection:
    """So that the order of the rows is fixed."""
    con = cursor()
    con.execute("SET threads = 1")
    return con


def join_rows(parts: Sequence[Path], path: Path) -> None:
    """One file from those of the groups, in their order. Raises ``TableError`` when it cannot be written."""
    with _one_thread() as con:
        names = ", ".join(_quoted(part) for part in parts)
        _copy(con, f"SELECT * FROM read_parquet([{names}])", path)


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    try:
        con.execute(f"COPY ({query}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        raise TableError(f"cannot write {path.name}: {type(error).__name__}") from error


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def patient_days(at: I64) -> int:
    """Days (UTC) with at least one valid value."""
    day = at // DAY
    return int(np.unique(day[np.flatnonzero(np.diff(day, prepend=-1))]).size)
