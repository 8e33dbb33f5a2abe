"""Scores that are tables: points of many sets of inputs at once, exactly as the pure functions of ``vigil.domain`` give them.

Charts are in whole numbers (temperature: tenths), so a value is rounded half up, in decimal arithmetic, before its band is looked
up. Here nothing is rounded: "rounded value > 38.0" is "value >= 38.05", because half up carries 38.05 to 38.1 and nothing less.
The comparison of doubles is exact for every finite value: the cut is the double nearest to 38.05, and a value's own decimal
(the shortest that reads back as it) lies below 38.05 just when its double lies below that of 38.05, for reading decimals as
doubles keeps their order. So there is no domain to stay inside and no tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vigil.domain.news2 import Bands
from vigil.domain.readings import F64, I64

I16 = NDArray[np.int16]
U8 = NDArray[np.uint8]

#: Columns of a result; from ``POINTS`` on one for each input, -1 where its points are not certain. ``COMPLETE`` is 1 when all
#: are; ``SINGLE_3`` is 1 when a certain one is 3 (only NEWS2 has a rule about it).
LOWER, UPPER, COMPLETE, SINGLE_3, POINTS = range(5)

#: Gives the version of a kernel to call now (``analytics.engine.compiled.Kernels``).
Versions = Callable[[Any], Any]


def as_written(kernel: Any) -> Any:
    """The kernel as plain Python."""
    return kernel


@dataclass(frozen=True, slots=True)
class Table:
    """A score. ``cuts`` f64 (variants, inputs, bands - 1) ascending, padded with inf; ``points`` i64 (variants, inputs, bands);
    ``most`` i64 (inputs,): the most points of each.

    A variant is a way to read the table (SpO2 scale, with or without oxygen). They are arguments of the kernel and no constants
    in it: the cache of compiled kernels would not notice a change of a table that stands in another file.
    """

    cuts: F64
    points: I64
    most: I64


def cut_after(greatest: float, digits: int) -> float:
    """The least double that rounds to more than ``greatest``.

    >>> cut_after(91, 0), cut_after(38.0, 1)
    (91.5, 38.05)
    """
    return float(Decimal(repr(greatest)) + Decimal(5).scaleb(-digits - 1))


def table(variants: Sequence[Sequence[tuple[Bands, int]]], most: Sequence[int]) -> Table:
    """From the bands of each input with its digits, for each variant."""
    width = max(len(bands) for variant in variants for bands, _ in variant)
    shape = (len(variants), len(variants[0]), width)
    cuts, points = np.full((*shape[:2], width - 1), math.inf), np.zeros(shape, np.int64)
    for v, variant in enumerate(variants):
        for i, (bands, digits) in enumerate(variant):
            cuts[v, i, : len(bands) - 1] = [cut_after(greatest, digits) for greatest, _ in bands[:-1]]
            points[v, i, : len(bands)] = [each for _, each in bands]
    return Table(cuts, points, np.array(most, np.int64))


def bands_kernel(inputs: F64, best: U8, worst: U8, cuts: F64, points: I64, most: I64, out: I16) -> None:
    """``inputs`` f64 (n, inputs), NaN = not known; ``best``, ``worst`` u8 (n,): the variants that may be true of a row, the
    better one first; ``out`` i16 (n, POINTS + inputs). The bounds are those of the joint completions when no input scores
    less in the worse variant, which the tables see to."""
    for row in range(inputs.shape[0]):
        b, w = best[row], worst[row]
        lower, upper, complete, single_3 = 0, 0, 1, 0
        for i in range(inputs.shape[1]):
            value = inputs[row, i]
            low, high, known = 0, most[i], -1
            if not math.isnan(value):
                at_best, at_worst = 0, 0
                for cut in range(cuts.shape[2]):
                    if value >= cuts[b, i, cut]:
                        at_best += 1
                    if value >= cuts[w, i, cut]:
                        at_worst += 1
                low, high = points[b, i, at_best], points[w, i, at_worst]
                if low == high:
                    known = low
            lower += low
            upper += high
            if known < 0:
                complete = 0
            elif known == 3:
                single_3 = 1
            out[row, POINTS + i] = known
        out[row, LOWER] = lower
        out[row, UPPER] = upper
        out[row, COMPLETE] = complete
        out[row, SINGLE_3] = single_3


def bands_signature(numba_types: Any) -> Any:
    """The compiled signature of ``bands_kernel``; ``numba_types`` is ``numba.types``. "Read-only" takes writable arrays too."""
    t = numba_types
    variant, cube = t.Array(t.uint8, 1, "C"), t.Array(t.int64, 3, "C")
    inputs, out = t.Array(t.float64, 2, "C", readonly=True), t.Array(t.int16, 2, "C")
    cuts, most = t.Array(t.float64, 3, "C"), t.Array(t.int64, 1, "C")
    return t.void(inputs, variant, variant, cuts, cube, most, out)


def score(inputs: F64, best: U8, worst: U8, by: Table, kernels: Versions) -> I16:
    """The result columns of ``inputs`` f64 (n, inputs)."""
    out = np.empty((inputs.shape[0], POINTS + inputs.shape[1]), np.int16)
    kernels(bands_kernel)(np.ascontiguousarray(inputs), best, worst, by.cuts, by.points, by.most, out)
    return out
