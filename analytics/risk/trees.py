# mypy: allow-untyped-calls
"""Boosted trees as flat arrays, answered for many rows at once; the same sums as scikit-learn's, to the last bit.

All tests of a tree are made for all rows of a block, one after the other, whatever came of the tests above them: no row goes its
own way, so the processor takes eight rows at a time. Leaves are numbered from left to right. A test that sends a row to the
right rules out the leaves on its left; of those that no test has ruled out the leftmost is the row's leaf (QuickScorer:
Lucchese et al., SIGIR 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.compiled import compiled
from analytics.risk.features.contract import Matrix
from analytics.risk.sides import side_by_side
from vigil.domain.readings import F64, I64

#: Leaves of a tree at most: bits of an int64 without its sign.
MOST_LEAVES = 63
_ALL = (1 << MOST_LEAVES) - 1
#: Rows whose values stay in the processor's cache while all trees are asked.
_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Trees:
    """Tests by tree: those of tree t are ``first[t]`` to ``first[t + 1]``. ``used``: features that any test asks for. (tests,)
    each: ``feature`` as a place in ``used``; ``edge``: a value above goes to the right; ``unknown_left``: a value that is not
    known goes to the left; ``kept``: bits of the leaves that a row may still reach that went to the right. ``value`` (trees,
    leaves) of the leaves, 0 after a tree's last. ``base``: what the sum begins with."""

    first: I64
    used: I64
    feature: I64
    edge: Matrix
    unknown_left: NDArray[np.bool_]
    kept: I64
    value: F64
    base: float

    def sums(self, matrix: Matrix) -> F64:
        """(rows,) of a matrix (rows, features), C-contiguous."""
        out, kernel = np.empty(len(matrix)), compiled(tree_kernel)
        packed = self.first, self.used, self.feature, self.edge, self.unknown_left, self.kept, self.value, self.base

        def fill(rows: slice) -> None:
            kernel(matrix[rows], *packed, out[rows])

        side_by_side(len(matrix), fill)
        return out


def trees_of(boosting: Any) -> Trees | None:
    """Of a fitted ``HistGradientBoostingClassifier`` of two classes; None with categories, too many leaves, or no tree."""
    rounds = [one.nodes for each in boosting._predictors for one in each]
    if boosting.n_trees_per_iteration_ != 1 or boosting.is_categorical_ is not None:
        return None
    leaves = [int((nodes["is_leaf"] != 0).sum()) for nodes in rounds]
    if max(leaves) > MOST_LEAVES or not all(_is_tree(nodes) for nodes in rounds):
        return None
    value = np.zeros((len(rounds), max(leaves)))
    parts, first = [], [0]
    for tree, nodes in enumerate(rounds):
        inner, kept, order = _tests(nodes)
        value[tree, : leaves[tree]] = nodes["value"][order]
        parts.append((nodes[inner], kept))
        first.append(first[-1] + len(inner))
    tests = np.concatenate([nodes for nodes, _ in parts])
    used, feature = np.unique(tests["feature_idx"].astype(np.int64), return_inverse=True)
    return Trees(
        first=np.array(first, np.int64),
        used=used,
        feature=feature.astype(np.int64),
        edge=_at_most(tests["num_threshold"]),
        unknown_left=tests["missing_go_to_left"] != 0,
        kept=np.concatenate([kept for _, kept in parts]).astype(np.int64),
        value=value,
        base=float(boosting._baseline_prediction[0, 0]),
    )


def _is_tree(nodes: Any) -> bool:
    """Every node but the first hangs below exactly one that stands before it, so that to walk along them ends."""
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    children = np.concatenate([nodes["left"][inner], nodes["right"][inner]]).astype(np.int64)
    return bool((np.sort(children) == np.arange(1, len(nodes))).all() and (children > np.tile(inner, 2)).all())


def _tests(nodes: Any) -> tuple[list[int], list[int], list[int]]:
    """Places of the nodes that test, for each of them the bits of all leaves but those on its left; and the places of the leaves
    from left to right."""
    inner: list[int] = []
    kept: list[int] = []
    leaves: list[int] = []

    def walk(at: int) -> None:
        if nodes["is_leaf"][at]:
            leaves.append(at)
            return
        before = len(leaves)
        walk(int(nodes["left"][at]))
        inner.append(at)
        kept.append(_ALL & ~((1 << len(leaves)) - (1 << before)))
        walk(int(nodes["right"][at]))

    walk(0)
    return inner, kept, leaves


def _at_most(edges: F64) -> Matrix:
    """The largest float32 that is not above each: a float32 is above one exactly when it is above the other."""
    with np.errstate(over="ignore"):
        near = edges.astype(np.float32)
    return np.where(near > edges, np.nextafter(near, np.float32(-np.inf)), near)


def tree_kernel(
    matrix: Matrix,
    first: I64,
    used: I64,
    feature: I64,
    edge: Matrix,
    unknown_left: NDArray[np.bool_],
    kept: I64,
    value: F64,
    base: float,
    out: F64,
) -> None:
    """``out`` (rows,): the sums, see ``Trees``; added tree after tree, as scikit-learn does."""
    columns, reached, chosen = np.zeros((used.size, _BLOCK), np.float32), np.empty(_BLOCK, np.int64), np.empty(_BLOCK)
    for begin in range(0, matrix.shape[0], _BLOCK):
        count = min(_BLOCK, matrix.shape[0] - begin)
        for row in range(count):
            for place in range(used.size):
                columns[place, row] = matrix[begin + row, used[place]]
        total = out[begin : begin + count]
        total[:] = base
        for tree in range(value.shape[0]):
            reached[:] = _ALL
            for test in range(first[tree], first[tree + 1]):
                column, above, right = columns[feature[test]], edge[test], kept[test]
                if unknown_left[test]:
                    for row in range(_BLOCK):
                        reached[row] &= right if column[row] > above else _ALL
                else:
                    for row in range(_BLOCK):
                        reached[row] &= _ALL if column[row] <= above else right
            for leaf in range(value.shape[1] - 1, -1, -1):
                worth, bit = value[tree, leaf], 1 << leaf
                for row in range(_BLOCK):
                    chosen[row] = worth if reached[row] & bit != 0 else chosen[row]
            for row in range(count):
                total[row] += chosen[row]
