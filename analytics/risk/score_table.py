"""A table in the columns of the Challenge 2019, scored by a model: each hour from that hour and earlier ones only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from analytics.risk.challenge import HOUR, ID, read_hours, relation
from analytics.risk.clean import clean
from analytics.risk.evaluate.news2 import carried
from analytics.risk.features import FEATURE_SETS
from analytics.risk.folder import Model
from analytics.risk.hours import COLUMN_OF, Hours
from analytics.risk.predictor import NEWS2, Needs
from vigil.domain.errors import InvalidInput, ModelError, TableError

#: Why the model abstained and NEWS2 decided, in the order in which they are asked.
NEVER = "too few vital signs measured so far"
TOO_OLD = "too few vital signs of the last hours"
_ENDINGS = (".csv", ".parquet")
#: More than the hours of one patient can be apart.
_HOURS_APART = 1 << 26


@dataclass(frozen=True, slots=True)
class Scored:
    """``abstained``: hours in which NEWS2 decided, by reason."""

    patients: int
    hours: int
    alerts: int
    abstained: dict[str, int]


def score(model: Model, source: Path, out: Path) -> Scored:
    """Write ``patient_id, ICULOS, probability, alert`` (0 or 1) for every row of ``source``, in its order.

    Where the model abstains the probability is how often people with this NEWS2 fell ill, and the alert is NEWS2 of 5 or more.
    Raises ``TableError`` for a table that cannot be read, ``ModelError`` for a model that is not of such tables, ``InvalidInput``
    for another ending than .csv and .parquet.
    """
    if out.suffix.lower() not in _ENDINGS:
        raise InvalidInput(f"{out.name} must end in {' or '.join(_ENDINGS)}")
    features = FEATURE_SETS.get(model.predictor.feature_set)
    if features is None:
        raise ModelError(f"model {model.name} does not score tables of hours: it needs {model.predictor.feature_set}")
    hours = clean(read_hours(source, features.columns))
    predicted = model.predictor.predict(hours)
    ids, rows = _order(source, hours)
    columns = {
        ID: ids,
        HOUR: hours.hour[rows],
        "probability": predicted.probability[rows],
        "alert": predicted.alert[rows].astype(np.uint8),
    }
    _write(out, columns)
    abstained = predicted.source == NEWS2
    return Scored(
        len(hours.ids), len(hours), int(predicted.alert.sum()), _reasons(hours, abstained, model.predictor.needs)
    )


def _order(path: Path, hours: Hours) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The patient of each row of the file as it stands there, and the row of ``hours`` that it became."""
    with duckdb.connect(":memory:") as con:
        con.execute("SET enable_progress_bar = false")
        try:
            source = relation(con, path)
            names = [name for name in (ID, HOUR) if name in source.columns]
            found = source.select(*(duckdb.ColumnExpression(name) for name in names)).fetchnumpy()
        except duckdb.Error as error:  # not kept as the cause: its words may quote a row, and a row names a patient
            raise TableError(f"{path.name} cannot be read as a table: {type(error).__name__}") from None
    hour = np.asarray(found[HOUR]).astype(np.float64).astype(np.int64)
    ids = np.asarray(found[ID]) if ID in found else np.full(len(hour), path.stem, dtype=object)
    known = np.array(hours.ids)
    order = np.argsort(known)
    named = np.array([str(each).strip() for each in ids])
    patient = order[np.searchsorted(known[order], named)]
    rows = np.searchsorted(hours.patient * _HOURS_APART + hours.hour, patient * _HOURS_APART + hour)
    return ids, rows


def _reasons(hours: Hours, abstained: NDArray[np.bool_], needs: Needs) -> dict[str, int]:
    columns = [carried(hours.columns[COLUMN_OF[vital]], hours.starts) for vital in needs.vitals]
    never = abstained & ((~np.isnan(columns)).sum(axis=0) < needs.count)
    counts = {NEVER: int(never.sum()), TOO_OLD: int((abstained & ~never).sum())}
    return {reason: count for reason, count in counts.items() if count}


def _write(out: Path, columns: dict[str, NDArray[Any]]) -> None:
    """A file with this name is a whole one."""
    partial = out.with_name(f".{out.name}.part")
    with duckdb.connect(":memory:") as con:
        con.execute("SET enable_progress_bar = false")
        con.register("scored", columns)
        try:
            table = con.table("scored")
            if out.suffix.lower() == ".csv":
                table.write_csv(str(partial), header=True)
            else:
                table.write_parquet(str(partial))
            partial.replace(out)
        except (duckdb.Error, OSError) as error:
            raise InvalidInput(f"{out.name} cannot be written: {type(error).__name__}") from None
