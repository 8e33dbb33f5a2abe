"""Predictions: what is asked for as columns, the contributions and inputs as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import duckdb
import numpy as np

from vigil.domain.risk import Contribution, ModelState, Prediction, RiskInput, Source
from vigil.store.duck.readings import insert_columns, number

_COLUMNS = """patient_id, model, version, predicted_at, decided_at, position, state, source, probability, low, high, alert,
abstained, document"""

# Two steps, so that the documents are read of the newest rows only and not of all history.
_LATEST = f"""
WITH newest AS (
    SELECT arg_max(prediction_id, row(predicted_at, prediction_id)) AS prediction_id
    FROM predictions GROUP BY patient_id, model
)
SELECT {_COLUMNS} FROM predictions JOIN newest USING (prediction_id) ORDER BY patient_id, model
"""


def columns(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Most of the work of storing them, made before anything is locked: a ward's predictions come at once."""
    return {
        "patient_id": np.array([one.patient_id for one in predictions], object),
        "model": np.array([one.model for one in predictions], object),
        "version": np.array([one.version for one in predictions], object),
        "predicted_at": np.array([one.at for one in predictions], np.int64),
        "decided_at": np.array([one.decided_at for one in predictions], np.int64),
        "position": np.array([one.position for one in predictions], np.uint64),
        "state": np.array([one.state.value for one in predictions], object),
        "source": np.array([one.source.value for one in predictions], object),
        "probability": np.array([one.probability for one in predictions], np.float64),
        "low": np.array([one.low for one in predictions], np.float64),
        "high": np.array([one.high for one in predictions], np.float64),
        "alert": np.array([one.alert for one in predictions], np.bool_),
        "abstained": np.array([one.abstained for one in predictions], object),
        "document": np.array([_document(one) for one in predictions], object),
    }


def append(con: duckdb.DuckDBPyConnection, columns: Mapping[str, Any], last_id: int) -> None:
    count = len(columns["patient_id"])
    numbered = {"prediction_id": np.arange(last_id + 1, last_id + 1 + count, dtype=np.int64), **columns}
    insert_columns(con, "predictions", numbered, f"prediction_id, {_COLUMNS}")


def last_id(con: duckdb.DuckDBPyConnection) -> int:
    return number(con, "SELECT coalesce(max(prediction_id), 0) FROM predictions")


def newest(
    con: duckdb.DuckDBPyConnection,
    patient_id: str,
    span: tuple[int, int],
    limit: int,
    model: str | None,
    state: ModelState | None,
) -> list[Prediction]:
    """``span``: [start, end) of ``at``, microseconds UTC."""
    rows = con.execute(
        f"SELECT {_COLUMNS} FROM predictions WHERE patient_id = ? AND predicted_at >= ? AND predicted_at < ? "
        "AND (? IS NULL OR model = ?) AND (? IS NULL OR state = ?) "
        "ORDER BY predicted_at DESC, prediction_id DESC LIMIT ?",
        [patient_id, *span, model, model, state, state, max(limit, 0)],
    ).fetchall()
    return [_prediction(row) for row in reversed(rows)]


def latest(con: duckdb.DuckDBPyConnection) -> list[Prediction]:
    return [_prediction(row) for row in con.execute(_LATEST).fetchall()]


def _document(prediction: Prediction) -> str:
    parts = [asdict(one) for one in prediction.contributions]
    return json.dumps({"contributions": parts, "inputs": [asdict(one) for one in prediction.inputs]}, default=_number)


def _number(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a prediction cannot hold a {type(value).__name__}")


def _prediction(row: tuple[Any, ...]) -> Prediction:
    patient_id, model, version, at, decided_at, position, state, source, probability, low, high, alert, why, text = row
    document = json.loads(text)
    return Prediction(
        patient_id=patient_id,
        model=model,
        version=version,
        at=at,
        decided_at=decided_at,
        position=position,
        state=ModelState(state),
        source=Source(source),
        probability=probability,
        low=low,
        high=high,
        alert=alert,
        abstained=why,
        contributions=tuple(Contribution(**one) for one in document["contributions"]),
        inputs=tuple(RiskInput(**one) for one in document["inputs"]),
    )
