"""The packs that nearly every device sends, read a whole pack at a time: JSON, the base in the first record, numbers only.

Any other pack, and any pack with a fault, is ``None`` here and read record by record in ``packs``, which says what is wrong.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import BY_WIRE
from vigil.wire.senml import ABSOLUTE_TIME, MAX_PACK_BYTES

#: Layouts remembered: a device sends a handful; more than so many in all is somebody who tries names.
_MOST_LAYOUTS = 4096
_LATEST = 2.0**40  # seconds, as in ``packs``


class _Record(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Other labels, a missing value or a text make the whole pack none of ours."""

    n: str
    v: float
    t: float = 0.0
    u: str | None = None
    bn: str | None = None
    bt: float | None = None


class Plain(NamedTuple):
    """``vital`` indices, ``time_us`` and ``value``: one entry a value; epoch and seq are ``NO_SEQUENCE`` where not sent."""

    epoch: int
    seq: int
    vital: list[int]
    time_us: list[int]
    value: list[float]


_Key = tuple[tuple[str, ...], tuple[str | None, ...]]

_decoder = msgspec.json.Decoder(list[_Record])
#: By names and units of a pack: how many records at its start are epoch and seq, and the vitals of the others. None: not plain.
_layouts: dict[_Key, tuple[int, list[int]] | None] = {}


def read_plain(payload: bytes, base_name: str) -> Plain | None:
    if len(payload) > MAX_PACK_BYTES:
        return None
    try:
        records = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not records or records[0].bn != base_name or records[0].bt is None:
        return None
    bases = [record.bn for record in records] + [record.bt for record in records]
    if len(bases) - bases.count(None) != 2:
        return None
    layout = _layout((tuple([record.n for record in records]), tuple([record.u for record in records])))
    if layout is None:
        return None
    skip, vitals = layout
    values = [record.v for record in records]
    times = _times(records[0].bt, [record.t for record in records[skip:]])
    if times is None or not math.isfinite(sum(values)):
        return None
    if not skip:
        return Plain(NO_SEQUENCE, NO_SEQUENCE, vitals, times, values)
    if not (_counts(values[0]) and _counts(values[1])):
        return None
    return Plain(int(values[0]), int(values[1]), vitals, times, values[skip:])


def _counts(number: float) -> bool:
    return number == int(number) and 0 <= number < NO_SEQUENCE


def _times(base: float, offsets: list[float]) -> list[int] | None:
    """Microseconds. Most values of a pack share their time with the one before."""
    if not (base + min(offsets) >= ABSOLUTE_TIME and base + max(offsets) < _LATEST):
        return None
    times, last, time_us = list[int](), math.nan, 0
    for offset in offsets:
        if offset != last:
            last, time_us = offset, round((base + offset) * 1e6)
        times.append(time_us)
    return times


def _layout(key: _Key) -> tuple[int, list[int]] | None:
    if key not in _layouts:
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[key] = _found(*key)
    return _layouts[key]


def _found(names: tuple[str, ...], units: tuple[str | None, ...]) -> tuple[int, list[int]] | None:
    skip = 2 if names[:2] == ("epoch", "seq") else 0
    kinds = [BY_WIRE.get(name) for name in names[skip:]]
    vitals = []
    for kind, unit in zip(kinds, units[skip:], strict=True):
        if kind is None or kind.codes or unit not in (kind.senml_unit, None) or (unit is None and kind.unit_required):
            return None
        vitals.append(kind.index)
    return (skip, vitals) if vitals else None
