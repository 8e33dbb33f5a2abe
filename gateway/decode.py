"""One JSON line of a sensor to one pack's samples.

    {"device": "w-1", "at": "2026-01-01T00:00:00Z", "values": {"hr": 72, "spo2": {"value": 97, "q": 1, "site": "finger"}}}

``at``: RFC 3339 with a zone, or Unix seconds. A value is a number, a letter (``avpu``), null for "tried, no value", or an object
with ``value``, ``q`` (device quality bits) and ``site``. ``"backfill": true`` marks history. ``{"ask": "status"}`` asks how much
waits. What no platform could accept is refused here, where its maker sees it; ranges and the clock are the platform's business.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal

import msgspec

from vigil.domain.errors import InvalidInput
from vigil.domain.quality import DEVICE_BITS
from vigil.domain.times import from_iso
from vigil.domain.vitals import BY_WIRE, VitalKind
from vigil.wire.senml import ABSOLUTE_TIME

MAX_LINE_BYTES = 64 * 1024
_MAX_SITE = 32  # letters, as in vigil.wire.packs
_LATEST = 2.0**40  # seconds; beyond it is no time at all


class _Value(msgspec.Struct, forbid_unknown_fields=True):
    value: int | float | str | None = None
    q: int = 0
    site: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    device: str = ""
    at: int | float | str | None = None
    values: dict[str, int | float | str | _Value | None] = {}
    backfill: bool = False
    ask: Literal["status"] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A ``vigil.wire.packs.Sample``: one value at ``t_us``, microseconds UTC."""

    name: str
    t_us: int
    value: float | str | None
    quality: int
    site: str | None


@dataclass(frozen=True, slots=True)
class NewPack:
    """``digest`` of the line: the same line again is the same pack."""

    device_id: str
    samples: tuple[Sample, ...]
    backfill: bool
    digest: bytes


@dataclass(frozen=True, slots=True)
class StatusRequest:
    pass


_decoder = msgspec.json.Decoder(_Line)


def decode(line: bytes) -> NewPack | StatusRequest:
    """Raises ``InvalidInput`` with a sentence for the sensor's maker."""
    try:
        found = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"not a JSON object: {error}") from error
    if found.ask is not None:
        return StatusRequest()
    if not found.device:
        raise InvalidInput("device is missing")
    if not found.values:
        raise InvalidInput("values is missing or empty")
    t_us = _time_us(found.at)
    samples = tuple(_sample(name, t_us, value) for name, value in found.values.items())
    digest = hashlib.blake2b(line.strip(), digest_size=16).digest()
    return NewPack(found.device, samples, found.backfill, digest)


def _time_us(at: float | str | None) -> int:
    if at is None:
        raise InvalidInput("at is missing: say when it was measured")
    if isinstance(at, str):
        try:
            t_us = from_iso(at)
        except ValueError as error:
            raise InvalidInput(f"at: {error}") from error
    elif math.isfinite(at) and at < _LATEST:
        t_us = round(at * 1e6)
    else:
        raise InvalidInput("at: not a time in Unix seconds")
    if t_us < ABSOLUTE_TIME * 1e6:
        raise InvalidInput("at: a relative time or a clock near 1970; send absolute Unix seconds or a date")
    return t_us


def _sample(name: str, t_us: int, given: float | str | _Value | None) -> Sample:
    kind = BY_WIRE.get(name)
    if kind is None:
        raise InvalidInput(f"values: {name[:80]!r} is not in the table of vital signs")
    value = given if isinstance(given, _Value) else _Value(given)
    if value.q < 0 or value.q & ~DEVICE_BITS:
        raise InvalidInput(f"values.{name}.q: quality bits are 0 to {DEVICE_BITS}")
    if value.site is not None and not 0 < len(value.site) <= _MAX_SITE:
        raise InvalidInput(f"values.{name}.site: 1 to {_MAX_SITE} letters")
    _check_value(kind, value.value)
    return Sample(name, t_us, value.value, value.q, value.site)


def _check_value(kind: VitalKind, value: float | str | None) -> None:
    if value is None:
        return
    if kind.codes:
        if not isinstance(value, str) or len(value) != 1 or value not in kind.codes:
            raise InvalidInput(f"values.{kind.wire}: one letter of {kind.codes}")
    elif isinstance(value, str):
        raise InvalidInput(f"values.{kind.wire}: a number, not a text")
    elif not math.isfinite(value):
        raise InvalidInput(f"values.{kind.wire}: not a finite number")
