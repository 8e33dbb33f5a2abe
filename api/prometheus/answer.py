"""The JSON of Prometheus: times as seconds, numbers as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from api.prometheus.evaluate import Value
from api.prometheus.samples import Row, Series
from api.shape import Json
from vigil.domain.readings import F64, I64
from vigil.domain.times import to_iso
from vigil.store.past import Lack, Missing

#: ``resultType`` of each kind of answer.
MATRIX, VECTOR, SCALAR, STRING = "matrix", "vector", "scalar", "string"
_LACKS = {
    Lack.UNREACHABLE: "is kept in InfluxDB, which gives no answer now",
    Lack.TOO_MANY: "is more of InfluxDB's readings than one query may bring: ask for less time or fewer series",
}


def text(value: float) -> str:
    """
    >>> text(72.0), text(0.1), text(1e21), text(1e-7), text(float("inf")), text(float("nan"))
    ('72', '0.1', '1000000000000000000000', '0.0000001', '+Inf', 'NaN')
    """
    short = repr(value)
    if short.endswith(".0"):
        return short[:-2]
    if "e" in short:
        return np.format_float_positional(value, trim="-")
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(short, short)


def seconds(us: int) -> int | float:
    """To the millisecond, as everywhere in Prometheus."""
    whole, rest = divmod(us // 1000, 1000)
    return whole if not rest else whole + rest / 1000


def instant(found: Value, at: I64) -> Json:
    moment = seconds(int(at[0]))
    if isinstance(found, str):
        return {"resultType": STRING, "result": [moment, found]}
    if not isinstance(found, list):
        return {"resultType": SCALAR, "result": [moment, text(float(found[0]))]}
    result = [
        {"metric": dict(row.labels), "value": [moment, text(float(row.value[0]))]} for row in found if row.there[0]
    ]
    return {"resultType": VECTOR, "result": result}


def over_range(found: Sequence[Row] | F64, times: I64) -> Json:
    """In order of the labels. A number becomes one series without labels."""
    rows = found if isinstance(found, list) else [Row((), np.asarray(found), np.ones(times.size, np.bool_))]
    moments = [seconds(one) for one in times.tolist()]
    result = []
    for row in sorted(rows, key=lambda one: one.labels):
        places = np.flatnonzero(row.there).tolist()
        if places:
            values = row.value.tolist()
            result.append({"metric": dict(row.labels), "values": [[moments[k], text(values[k])] for k in places]})
    return {"resultType": MATRIX, "result": result}


def samples(found: Iterable[Series], end: int, length: int) -> Json:
    """What a range selector alone holds: the samples themselves."""
    result = []
    for one in sorted(found, key=lambda series: series.labels):
        at, value = one.plain()
        low, high = np.searchsorted(at, [end - length, end], side="right")
        points = [
            [seconds(moment), text(number)]
            for moment, number in zip(at[low:high].tolist(), value[low:high].tolist(), strict=True)
        ]
        if points:
            result.append({"metric": dict(one.labels), "values": points})
    return {"resultType": MATRIX, "result": result}


def cut(data: Any, limit: int | None) -> tuple[Any, list[str]]:
    """At most ``limit`` series or names, and a warning when there were more."""
    listed = data["result"] if isinstance(data, dict) else data
    counted = not isinstance(data, dict) or data["resultType"] in (MATRIX, VECTOR)
    if limit is None or not counted or len(listed) <= limit:
        return data, []
    kept = listed[:limit]
    return ({**data, "result": kept} if isinstance(data, dict) else kept), ["results truncated due to limit"]


def older(missing: Missing | None) -> list[str]:
    """A warning about readings that the answer could not have."""
    return [] if missing is None else [f"what was measured before {to_iso(missing.before)} {_LACKS[missing.why]}"]
