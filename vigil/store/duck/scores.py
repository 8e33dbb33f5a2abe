"""Scores: what is asked for as columns, the parts and reasons as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import duckdb
import numpy as np

from vigil.domain.scores import Band, Score, ScorePart, ScoreStatus
from vigil.store.duck.readings import bucket_width, insert_columns, number

# Stands for None on the way through numpy columns, which have no NULL for integers; the statement turns it back.
_NONE = int(np.iinfo(np.int32).min)

_INSERT = f"""score_id, patient_id, name, scored_at, status, nullif(total, {_NONE}), nullif(lower_bound, {_NONE}),
nullif(upper_bound, {_NONE}), nullif(band, ''), single_3, document"""
_SELECT = "patient_id, name, scored_at, status, total, lower_bound, upper_bound, band, single_3, document"


def append(con: duckdb.DuckDBPyConnection, scores: Sequence[Score], last_id: int) -> None:
    columns = {
        "score_id": np.arange(last_id + 1, last_id + 1 + len(scores), dtype=np.int64),
        "patient_id": np.array([score.patient_id for score in scores], object),
        "name": np.array([score.name for score in scores], object),
        "scored_at": np.array([score.at for score in scores], np.int64),
        "status": np.array([score.status.value for score in scores], object),
        "total": _integers([score.total for score in scores]),
        "lower_bound": _integers([score.lower for score in scores]),
        "upper_bound": _integers([score.upper for score in scores]),
        "band": np.array([score.band.value if score.band else "" for score in scores], object),
        "single_3": np.array([score.single_3 for score in scores], np.bool_),
        "document": np.array([_document(score) for score in scores], object),
    }
    insert_columns(con, "scores", columns, _INSERT)


def last_id(con: duckdb.DuckDBPyConnection) -> int:
    return number(con, "SELECT coalesce(max(score_id), 0) FROM scores")


def newest(con: duckdb.DuckDBPyConnection, patient_id: str, start: int, end: int, limit: int) -> list[Score]:
    rows = con.execute(
        f"SELECT {_SELECT} FROM scores WHERE patient_id = ? AND scored_at >= ? AND scored_at < ? "
        "ORDER BY scored_at DESC, score_id DESC LIMIT ?",
        [patient_id, start, end, max(limit, 0)],
    ).fetchall()
    return [_score(row) for row in reversed(rows)]


def worst(con: duckdb.DuckDBPyConnection, patient_id: str, start: int, end: int, points: int) -> list[Score]:
    rows = con.execute(
        f"SELECT {_SELECT} FROM scores WHERE patient_id = ? AND scored_at >= ? AND scored_at < ? "
        "QUALIFY row_number() OVER (PARTITION BY (scored_at - ?) // ? "
        "ORDER BY coalesce(total, lower_bound) DESC NULLS LAST, scored_at DESC, score_id DESC) = 1 ORDER BY scored_at",
        [patient_id, start, end, start, bucket_width(start, end, points)],
    ).fetchall()
    return [_score(row) for row in rows]


def _integers(values: Sequence[int | None]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array([_NONE if value is None else value for value in values], np.int32)


def _document(score: Score) -> str:
    parts = [asdict(part) for part in score.parts]
    document = {"parts": parts, "missing": score.missing, "why": score.why}
    return json.dumps(document if score.said is None else {**document, "said": score.said}, default=_number)


def _number(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a score part cannot hold a {type(value).__name__}")


def _score(row: tuple[Any, ...]) -> Score:
    patient_id, name, at, status, total, lower, upper, band, single_3, text = row
    document = json.loads(text)
    return Score(
        name=name,
        patient_id=patient_id,
        at=at,
        status=ScoreStatus(status),
        total=total,
        lower=lower,
        upper=upper,
        band=Band(band) if band else None,
        single_3=single_3,
        parts=tuple(ScorePart(**part) for part in document["parts"]),
        missing=tuple(document["missing"]),
        why=document["why"],
        said=document.get("said"),
    )
