"""Aggregations over the series of a vector, by or without labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from api.prometheus.catalogue import Labels
from api.prometheus.refusal import impossible
from api.prometheus.samples import Flags, Row
from api.prometheus.vectors import NAME
from api.prometheus.windows import quantile
from vigil.domain.readings import F64

#: Which labels a group keeps.
Kept = Callable[[Labels], Labels]


def by(names: Sequence[str]) -> Kept:
    return lambda labels: tuple(pair for pair in labels if pair[0] in names)


def without(names: Sequence[str]) -> Kept:
    return lambda labels: tuple(pair for pair in labels if pair[0] != NAME and pair[0] not in names)


def _filled(value: F64, there: Flags, filler: float) -> F64:
    return np.where(there, value, filler)


def _sum(value: F64, there: Flags) -> F64:
    total: F64 = _filled(value, there, 0.0).sum(axis=0)
    return total


def _count(_value: F64, there: Flags) -> F64:
    count: F64 = there.sum(axis=0).astype(np.float64)
    return count


def _mean(value: F64, there: Flags) -> F64:
    return _sum(value, there) / _count(value, there)


def _least(value: F64, there: Flags) -> F64:
    found: F64 = np.fmin.reduce(_filled(value, there, np.nan), axis=0)
    return found


def _most(value: F64, there: Flags) -> F64:
    found: F64 = np.fmax.reduce(_filled(value, there, np.nan), axis=0)
    return found


def _variance(value: F64, there: Flags) -> F64:
    apart = value - _mean(value, there)
    return _mean(apart * apart, there)


def _deviation(value: F64, there: Flags) -> F64:
    return np.sqrt(_variance(value, there))


def _group(value: F64, _there: Flags) -> F64:
    return np.ones(value.shape[1])


#: Name in PromQL → one number a time, from the values (series × times) that are there.
SIMPLE: dict[str, Callable[[F64, Flags], F64]] = {
    "sum": _sum,
    "avg": _mean,
    "min": _least,
    "max": _most,
    "count": _count,
    "stddev": _deviation,
    "stdvar": _variance,
    "group": _group,
}
RANKED = ("topk", "bottomk")


def aggregated(op: str, rows: Sequence[Row], kept: Kept, share: F64 | None) -> list[Row]:
    """``share``: of ``quantile``, at each time."""
    found = []
    for labels, members in _groups(rows, kept).items():
        value, there = np.stack([row.value for row in members]), np.stack([row.there for row in members])
        with np.errstate(all="ignore"):
            result = _quantiles(value, there, share) if share is not None else SIMPLE[op](value, there)
        found.append(Row(labels, result, np.logical_or.reduce(there, axis=0)))
    return found


def ranked(op: str, rows: Sequence[Row], kept: Kept, count: F64) -> list[Row]:
    """The ``count`` greatest or least of each group at each time, with their own labels, NaN last; at a single time in order."""
    found: list[Row] = []
    if not (np.isfinite(count).all() and (np.abs(count) < 2**53).all()):
        raise impossible(f"the number of series of {op} is not a finite number")
    for members in _groups(rows, kept).values():
        value, there = np.stack([row.value for row in members]), np.stack([row.there for row in members])
        key = np.where(there, -value if op == "topk" else value, np.nan)
        # A value that is not there stands behind one that is NaN.
        order = np.lexsort((key, ~there), axis=0)
        rank = np.argsort(order, axis=0)
        taken = there & (rank < np.trunc(count))
        places = [int(place) for place in order[:, -1] if taken[place].any()]
        found += [replace(members[place], there=taken[place]) for place in places]
    return found


def _groups(rows: Sequence[Row], kept: Kept) -> dict[Labels, list[Row]]:
    groups: dict[Labels, list[Row]] = {}
    for row in rows:
        groups.setdefault(kept(row.labels), []).append(row)
    return groups


def _quantiles(value: F64, there: Flags, share: F64) -> F64:
    return np.array([quantile(float(share[k]), value[there[:, k], k]) for k in range(value.shape[1])], np.float64)
