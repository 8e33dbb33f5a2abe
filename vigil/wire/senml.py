"""SenML packs (RFC 8428) in JSON and CBOR: bytes to records, records to resolved records, and back.

Decoding a pack costs one msgspec call; nothing here knows vital signs. See ``columns`` for the meaning of the names.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import cbor2
import msgspec

from vigil.domain.errors import RefusalReason, Refused

MAX_PACK_BYTES = 64 * 1024
SENML_VERSION = 10
#: Times at or above are absolute Unix seconds; below they are relative to "now" (RFC 8428 section 4.5.3).
ABSOLUTE_TIME = 2.0**28


class Record(msgspec.Struct, gc=False, forbid_unknown_fields=False):
    """One record as sent; field names are the JSON labels of RFC 8428 section 4."""

    bver: int | None = None
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    n: str | None = None
    u: str | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None
    t: float | None = None
    ut: float | None = None


class Resolved(NamedTuple):
    """A record with its base values applied. ``time`` is Unix seconds, or seconds from "now" when below 2**28."""

    name: str
    unit: str | None
    time: float
    value: float | None
    string: str | None
    boolean: bool | None
    data: bytes | None
    sum: float | None


_CBOR_LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
_CBOR_KEYS = {label: key for key, label in _CBOR_LABELS.items()}
_KNOWN = frozenset(_CBOR_KEYS)
_json_decoder = msgspec.json.Decoder(list[Record])
_json_encoder = msgspec.json.Encoder()


def decode(payload: bytes) -> list[Record]:
    """Records of a pack; JSON when it starts like JSON, else CBOR.

    Raises ``Refused`` with too_large, malformed, not_a_pack, wrong_type or unsupported_label.
    """
    if len(payload) > MAX_PACK_BYTES:
        raise Refused(RefusalReason.TOO_LARGE, f"{len(payload)} bytes")
    records = (
        _decode_json(payload) if payload[:1] in (b"[", b"{", b" ", b"\n", b"\r", b"\t", b'"') else _decode_cbor(payload)
    )
    if not records:
        raise Refused(RefusalReason.NOT_A_PACK, "the array is empty")
    for record in records:
        if record.bver is not None and record.bver > SENML_VERSION:
            raise Refused(RefusalReason.NOT_A_PACK, f"bver {record.bver} is newer than {SENML_VERSION}")
    return records


def _decode_json(payload: bytes) -> list[Record]:
    try:
        records = _json_decoder.decode(payload)
    except msgspec.ValidationError as error:
        reason = RefusalReason.WRONG_TYPE if payload.lstrip()[:1] == b"[" else RefusalReason.NOT_A_PACK
        raise Refused(reason, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(RefusalReason.MALFORMED, str(error)) from error
    if b'_"' in payload:
        for labels in msgspec.json.decode(payload):
            _check_labels(labels)
    return records


def _decode_cbor(payload: bytes) -> list[Record]:
    try:
        pack = cbor2.loads(payload)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise Refused(RefusalReason.MALFORMED, f"CBOR: {type(error).__name__}") from error
    if not isinstance(pack, list) or not all(isinstance(record, dict) for record in pack):
        raise Refused(RefusalReason.NOT_A_PACK, "CBOR: not an array of maps")
    named = [{_label(key): value for key, value in record.items()} for record in pack]
    for labels in named:
        _check_labels(labels)
    try:
        return [
            msgspec.convert({k: _json_form(v) for k, v in labels.items() if k in _KNOWN}, Record) for labels in named
        ]
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise Refused(RefusalReason.WRONG_TYPE, str(error)) from error


def _label(key: object) -> str:
    return _CBOR_LABELS.get(key, "") if isinstance(key, int) else str(key)


def _json_form(value: object) -> object:
    """CBOR may send a number as a decimal fraction (tag 4) and sends data as bytes."""
    if isinstance(value, Decimal):
        return float(value)
    return base64.urlsafe_b64encode(value).decode() if isinstance(value, bytes) else value


def _check_labels(labels: dict[str, Any]) -> None:
    for label in labels:
        if label.endswith("_") and label not in _KNOWN:
            raise Refused(RefusalReason.UNSUPPORTED_LABEL, label[:40])


def resolve(records: list[Record]) -> Iterator[Resolved]:
    """Applies base fields (RFC 8428 section 4.6) and leaves out records without a name's value or sum.

    Raises ``Refused`` (malformed) when a data value is not base64url.
    """
    base_name, base_time, base_value, base_sum = "", 0.0, None, None
    base_unit: str | None = None
    for record in records:
        base_name = record.bn if record.bn is not None else base_name
        base_time = record.bt if record.bt is not None else base_time
        base_unit = record.bu if record.bu is not None else base_unit
        base_value = record.bv if record.bv is not None else base_value
        base_sum = record.bs if record.bs is not None else base_sum
        has_value = record.v is not None or record.vs is not None or record.vb is not None or record.vd is not None
        if not has_value and record.s is None:
            continue
        value = None if record.v is None else record.v + (base_value or 0.0)
        total = None if record.s is None else record.s + (base_sum or 0.0)
        unit = record.u if record.u is not None else (base_unit if value is not None else None)
        time = base_time + (record.t or 0.0)
        name = base_name + (record.n or "")
        yield Resolved(name, unit, time, value, record.vs, record.vb, _data(record.vd), total)


def _data(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise Refused(RefusalReason.MALFORMED, "vd is not base64url") from error


def encode_json(records: list[dict[str, Any]]) -> bytes:
    """A pack from maps with JSON labels."""
    return _json_encoder.encode(records)


def encode_cbor(records: list[dict[str, Any]]) -> bytes:
    """The same pack with the integer labels of RFC 8428 table 4; whole numbers as integers, others as decimal fractions."""
    return cbor2.dumps([{_CBOR_KEYS[label]: _compact(value) for label, value in record.items()} for record in records])


def _compact(value: object) -> object:
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else Decimal(repr(value))
