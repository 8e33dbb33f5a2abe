"""What operators do to vectors: arithmetic and comparison, matching by labels, sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import promql_parser as ast

from api.prometheus.catalogue import Labels
from api.prometheus.refusal import impossible, unsupported
from api.prometheus.samples import Flags, Row
from vigil.domain.readings import F64

NAME = "__name__"


ARITHMETIC: dict[str, Callable[[F64, F64], F64]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: dict[str, Callable[[F64, F64], Flags]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
SETS = ("and", "or", "unless")


def unnamed(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != NAME)


def merged(rows: Iterable[Row]) -> list[Row]:
    """Rows that came to have the same labels become one. Raises ``PromError`` where two of them have a value at one time."""
    found: dict[Labels, Row] = {}
    for row in rows:
        known = found.get(row.labels)
        if known is not None:
            row = _joined(known, row, "vector cannot contain metrics with the same labelset")
        found[row.labels] = row
    return list(found.values())


def _joined(one: Row, other: Row, trouble: str) -> Row:
    if (one.there & other.there).any():
        raise impossible(trouble)
    return Row(one.labels, np.where(one.there, one.value, other.value), one.there | other.there)


@dataclass(frozen=True, slots=True)
class Matching:
    """``on`` (``only``) or ``ignoring`` these labels; the name never counts."""

    only: bool = False
    labels: frozenset[str] = frozenset()

    def kept(self, labels: Labels) -> Labels:
        return tuple(
            pair for pair in labels if (pair[0] in self.labels) is self.only and (self.only or pair[0] != NAME)
        )


def matching_of(modifier: ast.BinModifier | None) -> Matching:
    if modifier is None or modifier.matching is None:
        return Matching()
    return Matching(modifier.matching.type == ast.LabelModifierType.Include, frozenset(modifier.matching.labels))


def calculated(op: str, left: F64, right: F64) -> F64:
    """Of two numbers; a comparison gives 1 or 0."""
    with np.errstate(all="ignore"):
        if op in ARITHMETIC:
            return ARITHMETIC[op](left, right)
        return COMPARISON[op](left, right).astype(np.float64)


def with_scalar(op: str, row: Row, scalar: F64, row_first: bool, as_bool: bool) -> Row:
    """A vector's row and a number: arithmetic, or a comparison that filters unless ``as_bool``."""
    left, right = (row.value, scalar) if row_first else (scalar, row.value)
    value = calculated(op, left, right)
    if op in COMPARISON and not as_bool:
        return replace(row, there=row.there & (value != 0))
    return Row(unnamed(row.labels), value, row.there)


def one_to_one(op: str, lefts: Sequence[Row], rights: Sequence[Row], modifier: ast.BinModifier | None) -> list[Row]:
    """Each row of one side with the row of the other that has the same labels."""
    if modifier is not None and modifier.card != ast.VectorMatchCardinality.OneToOne:
        raise unsupported("group_left and group_right")
    fills = None if modifier is None else modifier.fill_values
    if fills is not None and (fills.lhs is not None or fills.rhs is not None):
        raise unsupported("fill")
    matching, as_bool = matching_of(modifier), modifier is not None and modifier.return_bool
    right = _by_labels(rights, matching, "right")
    _by_labels(lefts, matching, "left")
    found = []
    for row in lefts:
        other = right.get(matching.kept(row.labels))
        if other is None:
            continue
        there = row.there & other.there
        value = calculated(op, row.value, other.value)
        labels = row.labels if op in COMPARISON and not as_bool else unnamed(row.labels)
        if matching.only or matching.labels:
            name = tuple(pair for pair in labels if pair[0] == NAME and not matching.only)
            labels = name + matching.kept(row.labels)
        if op in COMPARISON and not as_bool:
            found.append(Row(labels, row.value, there & (value != 0)))
        else:
            found.append(Row(labels, value, there))
    return merged(found)


def _by_labels(rows: Sequence[Row], matching: Matching, side: str) -> dict[Labels, Row]:
    found: dict[Labels, Row] = {}
    for row in rows:
        key = matching.kept(row.labels)
        known = found.get(key)
        trouble = (
            f"several series of the {side}-hand side have the same labels {dict(key)}: matching must be one to one"
        )
        found[key] = row if known is None else _joined(known, row, trouble)
    return found


def combined(op: str, lefts: Sequence[Row], rights: Sequence[Row], modifier: ast.BinModifier | None) -> list[Row]:
    """``and``, ``or``, ``unless``."""
    matching = matching_of(modifier)
    if op == "or":
        held = _presence(lefts, matching)
        return merged([*lefts, *(_without(row, held.get(matching.kept(row.labels))) for row in rights)])
    held = _presence(rights, matching)
    if op == "unless":
        return [_without(row, held.get(matching.kept(row.labels))) for row in lefts]
    both = [(row, held.get(matching.kept(row.labels))) for row in lefts]
    return [replace(row, there=row.there & there) for row, there in both if there is not None]


def _presence(rows: Sequence[Row], matching: Matching) -> dict[Labels, Flags]:
    found: dict[Labels, Flags] = {}
    for row in rows:
        key = matching.kept(row.labels)
        found[key] = found[key] | row.there if key in found else row.there
    return found


def _without(row: Row, taken: Flags | None) -> Row:
    return row if taken is None else replace(row, there=row.there & ~taken)
