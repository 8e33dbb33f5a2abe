"""Questions in Flux. Texts are escaped literals and numbers are numbers, so that no name can become part of the question; bound
parameters would not do: InfluxDB hands only comparisons with literals down to its storage (``storage_predicate.go``, 2.7.12).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from vigil.store.influx.lines import MEASUREMENT, Tags

#: What is asked of all history: no reading is older or newer.
FIRST_US, LAST_US = 0, 7_258_118_400_000_000  # 2200-01-01
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\x24"})


def text(value: str) -> str:
    r"""A Flux string literal. A ``$`` would begin an expression in it.

    >>> print(text('say "${1}" \\'))
    "say \"\x24{1}\" \\"
    """
    return f'"{value.translate(_ESCAPES)}"'


def moment(us: int) -> str:
    """A Flux time literal of microseconds UTC.

    >>> moment(1_767_225_600_000_001)
    '2026-01-01T00:00:00.000001Z'
    """
    return (_EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(bucket: str, series: Sequence[Tags], start: int, end: int, limit: int) -> str:
    """The newest ``limit`` readings with start <= measured < end, newest first, one row each with all its fields."""
    return f"""{_series(bucket, series, start, end)}
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> group()
  |> map(fn: (r) => ({{r with measured_at: int(v: r._time) / 1000}}))
  |> sort(columns: ["measured_at", "ordinal"], desc: true)
  |> limit(n: {limit})
  |> drop(columns: ["_start", "_stop", "_time", "_measurement"])
"""


def buckets(bucket: str, series: Sequence[Tags], start: int, end: int, width: int) -> str:
    """For each series and window of ``width`` microseconds from ``start``: five figures of ``value`` and the count of all, each
    computed where the data are (``aggregateWindow``); ``last`` keeps its own time."""
    window = f"every: {width}us, offset: {start % width}us"
    figures = [
        f"""{_series(bucket, series, start, end, "quality" if name == "all" else "value")}
  |> aggregateWindow({window}, fn: {function}, createEmpty: false, timeSrc: "_start")
  |> map(fn: (r) => ({{r with at: int(v: r._time) / 1000}}))
  |> keep(columns: ["device", "vital", "site", "at", "_value"])
  |> yield(name: "{name}")
"""
        for name, function in (("min", "min"), ("max", "max"), ("sum", "sum"), ("count", "count"), ("all", "count"))
    ]
    newest = f"""{_series(bucket, series, start, end, "value")}
  |> window({window})
  |> last()
  |> map(fn: (r) => ({{r with at: int(v: r._time)}}))
  |> keep(columns: ["device", "vital", "site", "at", "_value"])
  |> yield(name: "last")
"""
    return "\n".join([*figures, newest])


def latest(bucket: str) -> str:
    """For each series the newest of three fields, with its time in nanoseconds."""
    return "\n".join(
        f"""{_series(bucket, (), FIRST_US, LAST_US, name)}
  |> last()
  |> map(fn: (r) => ({{r with at: int(v: r._time)}}))
  |> keep(columns: ["device", "vital", "site", "at", "_value"])
  |> yield(name: "{name}")
"""
        for name in ("value", "quality", "received_at")
    )


def _series(bucket: str, series: Sequence[Tags], start: int, end: int, field: str = "") -> str:
    wanted = f"r._measurement == {text(MEASUREMENT)}" + (f" and r._field == {text(field)}" if field else "")
    chosen = " or ".join(
        f"(r.device == {text(one.device)} and r.vital == {text(one.vital)} and r.site == {text(one.site)})"
        for one in series
    )
    return f"""from(bucket: {text(bucket)})
  |> range(start: {moment(start)}, stop: {moment(end)})
  |> filter(fn: (r) => {wanted}{f" and ({chosen})" if chosen else ""})"""
