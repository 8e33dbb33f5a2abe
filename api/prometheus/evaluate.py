"""Computes a parsed query at all its times at once: a number is an array over the times, a vector a list of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import promql_parser as ast

from api.prometheus.aggregate import RANKED, SIMPLE, aggregated, by, ranked, without
from api.prometheus.catalogue import Labels
from api.prometheus.parse import bare, selector, span
from api.prometheus.refusal import unsupported
from api.prometheus.samples import Row, Series, Span, rows
from api.prometheus.source import Source
from api.prometheus.vectors import (
    NAME,
    SETS,
    calculated,
    combined,
    merged,
    one_to_one,
    unnamed,
    with_scalar,
)
from api.prometheus.windows import CHANGES, OVER_TIME, change, over_time, quantile_over_time, windows_of
from vigil.domain.readings import F64, I64
from vigil.domain.times import SECOND

#: What a quantile costs a sample, which is sorted, and a window, in samples that are only added (measured: 7 ns, 10 µs, 0.4 ns).
SORTING, STARTING = 20, 25_000

#: A number at each time, a vector, or words.
Value = F64 | list[Row] | str

#: Of one number each.
_PLAIN: dict[str, Callable[[F64], F64]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "sgn": np.sign,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``times``: i64 microseconds, ascending."""

    source: Source
    times: I64

    def value(self, node: Any) -> Value:
        """Raises ``PromError`` for what is not supported, and beyond a limit."""
        if isinstance(node, ast.NumberLiteral):
            return np.full(self.times.size, node.val)
        if isinstance(node, ast.StringLiteral):
            return node.val
        if isinstance(node, ast.ParenExpr):
            return self.value(node.expr)
        if isinstance(node, ast.VectorSelector):
            chosen = selector(node)
            found = self.source.series(chosen, self._span(chosen.offset, None))
            return rows(found, self.times, chosen.offset, self.source.budget)
        if isinstance(node, ast.UnaryExpr):
            return self._negative(self.value(node.expr))
        if isinstance(node, ast.BinaryExpr):
            return self._binary(node)
        if isinstance(node, ast.AggregateExpr):
            return self._aggregate(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise unsupported("a subquery" if isinstance(node, ast.SubqueryExpr) else "a range of time here")

    def samples(self, node: ast.MatrixSelector) -> tuple[list[Series], int, int]:
        """The series of a range selector, its offset and its length in microseconds."""
        chosen, length = selector(node.vector_selector), span(node.range)
        found = self.source.series(chosen, self._span(chosen.offset, length))
        return found, chosen.offset, length

    def _span(self, offset: int, back: int | None) -> Span:
        return Span(int(self.times[0]) - offset, int(self.times[-1]) - offset, back)

    def _number(self, node: Any) -> F64:
        found = self.value(node)
        assert isinstance(found, np.ndarray)  # the parser has checked the types
        return found

    def _vector(self, node: Any) -> list[Row]:
        found = self.value(node)
        assert isinstance(found, list)
        return found

    def _negative(self, found: Value) -> Value:
        assert not isinstance(found, str)
        if isinstance(found, list):
            return merged(Row(unnamed(row.labels), -row.value, row.there) for row in found)
        return -found

    def _binary(self, node: ast.BinaryExpr) -> Value:
        op, left, right = str(node.op), self.value(node.lhs), self.value(node.rhs)
        assert not isinstance(left, str)
        assert not isinstance(right, str)
        as_bool = node.modifier is not None and node.modifier.return_bool
        if isinstance(left, list) and isinstance(right, list):
            return (combined if op in SETS else one_to_one)(op, left, right, node.modifier)
        if isinstance(left, list):
            assert not isinstance(right, list)
            return merged(with_scalar(op, row, right, True, as_bool) for row in left)
        if isinstance(right, list):
            return merged(with_scalar(op, row, left, False, as_bool) for row in right)
        return calculated(op, left, right)

    def _aggregate(self, node: ast.AggregateExpr) -> list[Row]:
        op = str(node.op)
        if op not in SIMPLE and op not in RANKED and op != "quantile":
            raise unsupported(f"the aggregation {op}")
        found = [row for row in self._vector(node.expr) if row.there.any()]
        kept = by(())
        if node.modifier is not None:
            names = list(node.modifier.labels)
            kept = by(names) if node.modifier.type == ast.AggModifierType.By else without(names)
        share = None if node.param is None else self._number(node.param)
        if op in RANKED:
            assert share is not None
            return ranked(op, found, kept, share)
        return aggregated(op, found, kept, share)

    def _call(self, node: ast.Call) -> Value:
        name = node.func.name
        if name in OVER_TIME or name in CHANGES or name == "quantile_over_time":
            return self._over_time(name, node.args)
        if name in _PLAIN:
            return self._mapped(node.args[0], _PLAIN[name])
        if name not in _CALLS:
            raise unsupported(f"the function {name}")
        return _CALLS[name](self, node.args)

    def _over_time(self, name: str, args: list[Any]) -> list[Row]:
        selected = bare(args[-1])
        if not isinstance(selected, ast.MatrixSelector):
            raise unsupported(f"a subquery, as in {name}")
        found, offset, length = self.samples(selected)
        self.source.budget.hold(len(found), self.times.size)
        share = self._number(args[0]) if name == "quantile_over_time" else None
        made = []
        for series in found:
            windows = windows_of(series, self.times, offset, length)
            held = int(windows.count.sum())
            self.source.budget.look_at(held if share is None else SORTING * held + STARTING * self.times.size)
            if share is not None:
                value, there = quantile_over_time(share, windows)
            else:
                value, there = change(name, windows) if name in CHANGES else over_time(name, windows)
            if there.any():
                labels = series.labels if name == "last_over_time" else unnamed(series.labels)
                made.append(Row(labels, value, there))
        return merged(made)

    def _mapped(self, node: Any, function: Callable[[F64], F64]) -> list[Row]:
        with np.errstate(all="ignore"):
            return merged(Row(unnamed(row.labels), function(row.value), row.there) for row in self._vector(node))

    def _clamp(self, args: list[Any]) -> list[Row]:
        low, high = self._number(args[1]), self._number(args[2])
        possible = low <= high
        found = self._mapped(args[0], lambda value: np.minimum(np.maximum(value, low), high))
        return [replace(row, there=row.there & possible) for row in found]

    def _clamp_min(self, args: list[Any]) -> list[Row]:
        low = self._number(args[1])
        return self._mapped(args[0], lambda value: np.maximum(value, low))

    def _clamp_max(self, args: list[Any]) -> list[Row]:
        high = self._number(args[1])
        return self._mapped(args[0], lambda value: np.minimum(value, high))

    def _round(self, args: list[Any]) -> list[Row]:
        # As in Prometheus: halves go up, and a step below 1 is divided by as its inverse, to be exact.
        inverse = 1.0 / (self._number(args[1]) if len(args) > 1 else np.ones(self.times.size))
        return self._mapped(args[0], lambda value: np.floor(value * inverse + 0.5) / inverse)

    def _time(self, _args: list[Any]) -> F64:
        return self.times / SECOND

    def _timestamp(self, args: list[Any]) -> list[Row]:
        """When the sample was measured, of a selector; else the time of the query."""
        found = self._vector(args[0])
        return merged(
            Row(unnamed(row.labels), (self.times if row.at is None else row.at) / SECOND, row.there) for row in found
        )

    def _as_vector(self, args: list[Any]) -> list[Row]:
        return [Row((), self._number(args[0]), np.ones(self.times.size, np.bool_))]

    def _scalar(self, args: list[Any]) -> F64:
        """NaN unless exactly one series has a value."""
        found = self._vector(args[0])
        result = np.full(self.times.size, np.nan)
        count = np.zeros(self.times.size, np.int64)
        for row in found:
            count += row.there
            result = np.where(row.there, row.value, result)
        return np.where(count == 1, result, np.nan)

    def _absent(self, args: list[Any]) -> list[Row]:
        none = np.ones(self.times.size, np.bool_)
        for row in self._vector(args[0]):
            none &= ~row.there
        return [Row(_labels_asked_for(args[0]), np.ones(self.times.size), none)]

    def _sort(self, args: list[Any]) -> list[Row]:
        return _sorted(self._vector(args[0]), 1.0)

    def _sort_desc(self, args: list[Any]) -> list[Row]:
        return _sorted(self._vector(args[0]), -1.0)


def _sorted(found: list[Row], sign: float) -> list[Row]:
    """By the last value, which is the only one where order counts: in an instant query."""
    return sorted(found, key=lambda row: (bool(np.isnan(row.value[-1])), sign * float(row.value[-1])))


def _labels_asked_for(node: Any) -> Labels:
    """Those whose value the selector names, for ``absent``."""
    if not isinstance(node, ast.VectorSelector):
        return ()
    named: dict[str, str] = {}
    twice = set()
    for one in selector(node).matchers:
        if one.wanted and not one.regex and one.name not in named:
            named[one.name] = one.value
        else:
            twice.add(one.name)
    return tuple(sorted((name, value) for name, value in named.items() if value and name not in {*twice, NAME}))


_CALLS: dict[str, Callable[[Evaluation, list[Any]], Value]] = {
    "time": Evaluation._time,
    "timestamp": Evaluation._timestamp,
    "vector": Evaluation._as_vector,
    "scalar": Evaluation._scalar,
    "absent": Evaluation._absent,
    "clamp": Evaluation._clamp,
    "clamp_min": Evaluation._clamp_min,
    "clamp_max": Evaluation._clamp_max,
    "round": Evaluation._round,
    "sort": Evaluation._sort,
    "sort_desc": Evaluation._sort_desc,
}
