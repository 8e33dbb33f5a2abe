"""JSON schemas of what goes over the wire, made from the tables that read and write it. ``asyncapi`` puts them together."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from vigil.domain.errors import REASON_TEXT
from vigil.domain.quality import DEVICE_BITS, Quality
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import VITALS, VitalKind
from vigil.wire.commands import Backfill, Error
from vigil.wire.control import Bound, BoundAnswer, Config, ConfigAnswer, Measure, MeasureAnswer, Time, TimeQuestion
from vigil.wire.packs import Ack

Json = dict[str, Any]

#: JSON, each a struct that writes and reads it.
STRUCTS = (Ack, Backfill, Error, Time, TimeQuestion, Config, ConfigAnswer, Bound, BoundAnswer, Measure, MeasureAnswer)
PREFIX = "#/components/schemas/"

_BITS = [f"{int(bit)} {(bit.name or '').lower()}" for bit in Quality if bit and bit & DEVICE_BITS]
_TIMES: Json = {
    "t": {"type": "number", "description": "seconds, added to bt"},
    "bt": {"type": "number", "minimum": 1, "description": "Unix seconds, absolute; in the first record"},
    "bn": {"type": "string", "pattern": "^urn:dev:[A-Za-z0-9][A-Za-z0-9._-]{0,63}:$", "description": "first record"},
}


def schemas() -> Json:
    """By name: ``Pack`` in its JSON form, its records, and the struct of each command and answer."""
    _, found = msgspec.json.schema_components(STRUCTS, ref_template=PREFIX + "{name}")
    made = {name: _with_plain_words(schema) for name, schema in found.items()}
    made["Error"]["properties"]["reason"] = {
        "oneOf": [{"const": reason.value, "description": text} for reason, text in REASON_TEXT.items()]
    }
    records = {f"Record_{kind.wire}": _record(kind) for kind in VITALS}
    records |= {
        "Record_epoch": _number("new whenever seq starts again"),
        "Record_seq": _number("counts packs from 0, no gap"),
    }
    records["Record_epoch"]["properties"]["n"] = {"const": "epoch"}
    records["Record_seq"]["properties"]["n"] = {"const": "seq"}
    records |= {"Record_quality": _qualifier("q"), "Record_site": _qualifier("site")}
    pack = {
        "type": "array",
        "minItems": 1,
        "description": "SenML (RFC 8428) in its JSON form. Other names are refused, one by one; other labels are ignored.",
        "items": {"anyOf": [{"$ref": PREFIX + name} for name in records]},
    }
    return {"Pack": pack, **records, **made}


def _with_plain_words(schema: Json) -> Json:
    """Docstrings are written for readers of the code: one line, Markdown's single quotes."""
    words = re.sub(r"\s+", " ", schema.get("description", "")).replace("``", "`").strip()
    return {**schema, "description": words}


def _labels(**more: Json) -> Json:
    return {"type": "object", "properties": {**more, **_TIMES}}


def _record(kind: VitalKind) -> Json:
    """One value of one vital, in the range that is accepted."""
    unit: Json = {"u": {"const": kind.senml_unit}} if kind.senml_unit else {}
    if kind.codes:
        value: Json = {"vs": {"enum": list(kind.codes)}}
    else:
        value = {"v": {"type": "number", "minimum": kind.reject[0], "maximum": kind.reject[1]}}
    needed = ["n", *value, *(["u"] if kind.unit_required else [])]
    made = _labels(n={"const": kind.wire}, **value, **unit)
    return {"title": kind.title, **made, "required": needed}


def _number(words: str) -> Json:
    value = {"type": "integer", "minimum": 0, "maximum": NO_SEQUENCE - 1}
    return {"description": words, **_labels(v=value), "required": ["n", "v"]}


def _qualifier(what: str) -> Json:
    names = "|".join(re.escape(kind.wire) for kind in VITALS)
    name = {"type": "string", "pattern": rf"^({names})\.{what}$"}
    if what == "site":
        site = {"type": "string", "maxLength": 32}
        return {"description": "where it was measured", **_labels(n=name, vs=site), "required": ["n", "vs"]}
    bits = {"type": "integer", "minimum": 0, "maximum": DEVICE_BITS}
    return {"description": "sum of: " + ", ".join(_BITS), **_labels(n=name, v=bits), "required": ["n", "v"]}
