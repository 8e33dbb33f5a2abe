"""What a pack of vital signs means: names, units, epoch and seq, quality and site. Packs in, columns of values out.

The names are a closed list, each bound to one unit (``vigil.domain.vitals``). ``<name>.q`` (device quality bits) and
``<name>.site`` qualify the nearest value of that name and time before them in the pack, or else the next one after. A
``<name>.q`` with bit 4 (contact lost) and no value means "tried, no value" and is stored as NaN.
"""

from __future__ import annotations

import bisect
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from vigil.domain.errors import RefusalReason, Refused
from vigil.domain.quality import DEVICE_BITS, Quality
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import ACVPU, BY_WIRE, VITALS, VitalKind
from vigil.wire import senml
from vigil.wire.plain import read_plain

_Reason = RefusalReason


class Sample(Protocol):
    """One value to be sent. ``value`` None = tried, no value; a letter for ``avpu``."""

    @property
    def name(self) -> str: ...
    @property
    def t_us(self) -> int: ...
    @property
    def value(self) -> float | str | None: ...
    @property
    def quality(self) -> int: ...
    @property
    def site(self) -> str | None: ...


@dataclass(slots=True)
class PackValues:
    """Values of one pack as parallel lists. ``time_us`` is the raw device time; ``value`` is NaN for "tried, no value".

    ``refused`` lists ``{"name", "reason", "detail"}`` for the values that could not be kept.
    """

    epoch: int = NO_SEQUENCE
    seq: int = NO_SEQUENCE
    vital: list[int] = field(default_factory=list)
    site: list[str] = field(default_factory=list)
    time_us: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def sequenced(self) -> bool:
        return self.seq != NO_SEQUENCE

    def refuse(self, name: str, reason: RefusalReason, detail: str = "") -> None:
        self.refused.append({"name": name[:80], "reason": reason.value, "detail": detail[:200]})


def base_name(device_id: str) -> str:
    return f"urn:dev:{device_id}:"


def digest(payload: bytes) -> int:
    """u64 that tells a re-sent pack from another one under the same number."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "big")


def read(payload: bytes, device_id: str) -> PackValues:
    """Values of a pack sent on the topic of ``device_id``.

    Raises ``Refused`` when the pack as a whole cannot be kept; single bad values are listed in ``refused``.
    """
    prefix = base_name(device_id)
    plain = read_plain(payload, prefix)
    if plain is None:
        return _by_record(payload, prefix)
    size = len(plain.value)
    return PackValues(plain.epoch, plain.seq, list(plain.vital), [""] * size, plain.time_us, plain.value, [0] * size)


def _by_record(payload: bytes, prefix: str) -> PackValues:
    pack = PackValues()
    qualifiers: list[tuple[int, str, int, int | str]] = []
    base, base_time, base_unit, base_value = "", None, None, 0.0
    for position, record in enumerate(senml.decode(payload)):
        if record.bn is not None:
            base = record.bn
        if record.bt is not None:
            base_time = record.bt
        if record.bu is not None:
            base_unit = record.bu
        if record.bv is not None:
            base_value = record.bv
        if record.n is None and record.v is None and record.vs is None:
            continue  # base values only
        full = base + (record.n or "")
        if not full.startswith(prefix):
            raise Refused(_Reason.BASE_NAME_MISMATCH, full[:80])
        name = full[len(prefix) :]
        if name in ("epoch", "seq"):
            _take_sequence(pack, name, record.v)
            continue
        time_us = _time_us(base_time, record.t)
        if isinstance(time_us, RefusalReason):
            pack.refuse(name, time_us)
            continue
        kind = BY_WIRE.get(name)
        if kind is not None:
            unit = record.u if record.u is not None else base_unit
            value = None if record.v is None else record.v + base_value
            _take_value(pack, kind, value, record.vs, unit, time_us, position)
        else:
            _take_qualifier(pack, qualifiers, name, record, time_us, position)
    _check_sequence(pack)
    _apply(pack, qualifiers)
    _drop_missing(pack)
    return pack


def _time_us(base: float | None, offset: float | None) -> int | RefusalReason:
    if base is None and offset is None:
        return _Reason.TIME_MISSING
    seconds = (base or 0.0) + (offset or 0.0)
    if not math.isfinite(seconds) or seconds >= 2.0**40:
        return _Reason.TIME_IN_FUTURE
    # A base time is absolute by contract, so a small one is a clock that was never set; a lone ``t`` may be relative to now.
    least = senml.ABSOLUTE_TIME if base is None else 1.0
    return _Reason.TIME_RELATIVE if seconds < least else round(seconds * 1e6)


def _take_sequence(pack: PackValues, name: str, value: float | None) -> None:
    whole = value is not None and math.isfinite(value) and value == int(value) and 0 <= value < NO_SEQUENCE
    if not whole or getattr(pack, name) != NO_SEQUENCE:
        raise Refused(_Reason.BAD_SEQUENCE, name)
    setattr(pack, name, int(value or 0))


def _check_sequence(pack: PackValues) -> None:
    if (pack.epoch == NO_SEQUENCE) != (pack.seq == NO_SEQUENCE):
        raise Refused(_Reason.BAD_SEQUENCE, "epoch and seq belong together")


def _take_value(
    pack: PackValues,
    kind: VitalKind,
    value: float | None,
    text: str | None,
    unit: str | None,
    time_us: int,
    position: int,
) -> None:
    if kind.codes:
        code = kind.codes.find(text) if text is not None and len(text) == 1 else -1
        value = float(code) if code >= 0 else None
    elif unit is None and kind.unit_required:
        return pack.refuse(kind.wire, _Reason.UNIT_MISSING, f"send u={kind.senml_unit}")
    elif unit is not None and unit != kind.senml_unit:
        return pack.refuse(kind.wire, _Reason.UNIT_MISMATCH, f"{unit}, expected {kind.senml_unit}")
    if value is not None and not math.isfinite(value):
        return pack.refuse(kind.wire, _Reason.NOT_FINITE)
    pack.vital.append(kind.index)
    pack.site.append("")
    pack.time_us.append(time_us)
    pack.value.append(math.nan if value is None else value)
    pack.quality.append(position << 16)  # the record's place rides along until the qualifiers are applied
    return None


def _take_qualifier(
    pack: PackValues,
    qualifiers: list[tuple[int, str, int, int | str]],
    name: str,
    record: senml.Record,
    time_us: int,
    position: int,
) -> None:
    wire, dot, what = name.rpartition(".")
    if not dot or wire not in BY_WIRE or what not in ("q", "site"):
        return pack.refuse(name, _Reason.UNKNOWN_NAME)
    if what == "site":
        if record.vs is None or len(record.vs) > 32:
            return pack.refuse(name, _Reason.VALUE_MISSING, "a site is a text of at most 32 letters")
        qualifiers.append((position, wire, time_us, record.vs))
    else:
        if record.v is None or not math.isfinite(record.v) or record.v != int(record.v) or record.v < 0:
            return pack.refuse(name, _Reason.VALUE_MISSING, "quality is a whole number of bits")
        qualifiers.append((position, wire, time_us, int(record.v) & DEVICE_BITS))
    return None


def _apply(pack: PackValues, qualifiers: list[tuple[int, str, int, int | str]]) -> None:
    places = [quality >> 16 for quality in pack.quality]
    pack.quality = [0] * len(places)
    if not qualifiers:
        return
    found: dict[tuple[int, int], list[int]] = {}
    for index, key in enumerate(zip(pack.vital, pack.time_us, strict=True)):
        found.setdefault(key, []).append(index)
    for position, wire, time_us, what in qualifiers:
        vital = BY_WIRE[wire].index
        same = found.get((vital, time_us), [])
        place = same[max(bisect.bisect_left(same, position, key=places.__getitem__) - 1, 0)] if same else None
        if place is None:
            if not isinstance(what, int) or not what & Quality.CONTACT_LOST:
                pack.refuse(
                    f"{wire}.{'q' if isinstance(what, int) else 'site'}", _Reason.VALUE_MISSING, "qualifies no value"
                )
                continue
            pack.vital.append(vital)
            pack.site.append("")
            pack.time_us.append(time_us)
            pack.value.append(math.nan)
            pack.quality.append(what)
        elif isinstance(what, int):
            pack.quality[place] |= what
        else:
            pack.site[place] = what


def _drop_missing(pack: PackValues) -> None:
    """A value that is missing without "contact lost" is a fault of the sender, not a reading."""
    keep = []
    for index, value in enumerate(pack.value):
        if not math.isnan(value):
            keep.append(index)
        elif pack.quality[index] & Quality.CONTACT_LOST:
            pack.quality[index] |= Quality.NO_VALUE
            keep.append(index)
        else:
            kind = VITALS[pack.vital[index]]
            pack.refuse(kind.wire, _Reason.VALUE_MISSING, f"one letter of {ACVPU}" if kind.codes else "")
    if len(keep) != len(pack.value):
        for column in ("vital", "site", "time_us", "value", "quality"):
            values: list[Any] = getattr(pack, column)
            setattr(pack, column, [values[i] for i in keep])


def write(
    device_id: str, epoch: int | None, seq: int | None, samples: Sequence[Sample], *, cbor: bool = False
) -> bytes:
    """A pack as firmware would send it: ``bn`` and ``bt`` first, then epoch, seq and the values in the order given.

    Raises ``ValueError`` when there is no sample.
    """
    if not samples:
        raise ValueError("a pack needs at least one sample")
    base_us = samples[0].t_us
    head: dict[str, Any] = {"bn": base_name(device_id), "bt": _seconds(base_us)}
    records: list[dict[str, Any]] = []
    if epoch is not None and seq is not None:
        records += [{"n": "epoch", "v": epoch}, {"n": "seq", "v": seq}]
    for sample in samples:
        records += _sample_records(sample, sample.t_us - base_us)
    records[0] = {**head, **records[0]}
    return senml.encode_cbor(records) if cbor else senml.encode_json(records)


def extend(payload: bytes, base_us: int, samples: Sequence[Sample]) -> bytes:
    """What ``write`` would have made in JSON with these samples at the end; ``base_us``: time of the pack's first sample."""
    records = [record for sample in samples for record in _sample_records(sample, sample.t_us - base_us)]
    return payload[:-1] + b"," + senml.encode_json(records)[1:]


def _sample_records(sample: Sample, offset_us: int) -> Iterable[dict[str, Any]]:
    kind = BY_WIRE[sample.name]
    when = {"t": _seconds(offset_us)} if offset_us else {}
    if sample.value is not None:
        unit = {"u": kind.senml_unit} if kind.unit_required else {}
        label = "vs" if isinstance(sample.value, str) else "v"
        yield {"n": kind.wire, **unit, label: sample.value, **when}
        if sample.site:
            yield {"n": f"{kind.wire}.site", "vs": sample.site, **when}
    if sample.quality or sample.value is None:
        bits = sample.quality if sample.value is not None else sample.quality | Quality.CONTACT_LOST
        yield {"n": f"{kind.wire}.q", "v": int(bits) & DEVICE_BITS, **when}


def _seconds(us: int) -> int | float:
    return us // 1_000_000 if us % 1_000_000 == 0 else us / 1e6


class Ack(msgspec.Struct, frozen=True):
    """``cmd/ack``: every pack of ``epoch`` up to ``seq`` is stored, or kept as a dead letter. Delete only then."""

    epoch: int
    seq: int


def write_ack(epoch: int, seq: int) -> bytes:
    return msgspec.json.encode(Ack(epoch, seq))


def read_ack(payload: bytes) -> Ack | None:
    """None when the payload is no acknowledgement: a sender then simply keeps its copy."""
    try:
        return msgspec.json.decode(payload, type=Ack)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def sequence_of(payload: bytes) -> tuple[int, int]:
    """(epoch, seq) of a pack that was refused, so that the acknowledgement can pass it; NO_SEQUENCE where not readable."""
    pack = PackValues()
    try:
        for record in senml.decode(payload):
            if record.n in ("epoch", "seq"):
                _take_sequence(pack, record.n, record.v)
        _check_sequence(pack)
    except Refused:
        return NO_SEQUENCE, NO_SEQUENCE
    return pack.epoch, pack.seq
