"""Lines of sensors: what they may say, and the sentence that each bad one gets."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode import NewPack, Sample, StatusRequest, decode
from vigil.domain.errors import InvalidInput
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE
from vigil.wire import packs as wire

NOON = 1_767_225_600_000_000


def line(**changes: object) -> bytes:
    return msgspec.json.encode({"device": "w-1", "at": "2026-01-01T00:00:00Z", "values": {"hr": 72}} | changes)


def test_a_line_with_every_kind_of_value() -> None:
    pack = decode(
        b'{"device":"w-1","at":1767225600.25,"backfill":true,"values":{"hr":72,"spo2":{"value":97,"q":1,"site":"finger"},'
        b'"avpu":"A","temp":36.8,"rr":null}}\n'
    )
    assert isinstance(pack, NewPack)
    at = NOON + 250_000
    assert pack.device_id == "w-1"
    assert pack.backfill
    assert pack.samples == (
        Sample("hr", at, 72, 0, None),
        Sample("spo2", at, 97, 1, "finger"),
        Sample("avpu", at, "A", 0, None),
        Sample("temp", at, 36.8, 0, None),
        Sample("rr", at, None, 0, None),
    )


def test_what_a_line_says_arrives_in_the_pack() -> None:
    pack = decode(line(values={"temp": 36.8, "rr": None, "spo2": {"value": 97, "q": 16, "site": "ear"}, "avpu": "C"}))
    assert isinstance(pack, NewPack)
    read = wire.read(wire.write("w-1", 5, 0, pack.samples), "w-1")
    assert read.refused == []
    found = {
        read.vital[i]: (read.value[i], read.quality[i], read.site[i], read.time_us[i]) for i in range(len(read.vital))
    }
    assert found[BY_WIRE["temp"].index] == (36.8, 0, "", NOON)
    assert found[BY_WIRE["spo2"].index] == (97.0, 16, "ear", NOON)
    assert found[BY_WIRE["avpu"].index] == (1.0, 0, "", NOON)
    value, quality, *_ = found[BY_WIRE["rr"].index]
    assert math.isnan(value)
    assert quality & Quality.NO_VALUE


@pytest.mark.parametrize("at", ["2026-01-01T01:00:00+01:00", 1767225600, 1767225600.0, "2026-01-01T00:00:00Z"])
def test_times(at: object) -> None:
    pack = decode(line(at=at))
    assert isinstance(pack, NewPack)
    assert pack.samples[0].t_us == NOON


def test_a_question() -> None:
    assert decode(b'{"ask":"status"}') == StatusRequest()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"hello", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b'{"device":"w-1"', "not a JSON object"),
        (b"[]", "Expected `object`"),
        (b"[" * 100_000, "Expected `object`"),
        (b"{}", "device is missing"),
        (line(device=7), "Expected `str`, got `int` - at `$.device`"),
        (line(values={}), "values is missing"),
        (line(at=None), "at is missing"),
        (line(at="yesterday"), "at: "),
        (line(at="2026-01-01T00:00:00"), "no zone"),
        (line(at=-5), "relative time"),
        (line(at=1000), "relative time"),
        (line(at="1970-01-01T00:00:09Z"), "relative time"),
        (line(at=1e300), "not a time"),
        (line(at=2**60), "not a time"),
        (line(values={"pulse": 72}), "'pulse' is not in the table"),
        (line(values={"hr": "72"}), "a number, not a text"),
        (line(values={"hr": True}), "got `bool`"),
        (line(values={"avpu": 1}), "one letter of ACVPU"),
        (line(values={"avpu": "AC"}), "one letter of ACVPU"),
        (line(values={"avpu": ""}), "one letter of ACVPU"),
        (line(values={"hr": {"value": 72, "q": 128}}), "quality bits are 0 to 127"),
        (line(values={"hr": {"value": 72, "q": -1}}), "quality bits are 0 to 127"),
        (line(values={"hr": {"value": 72, "site": "x" * 33}}), "1 to 32 letters"),
        (line(values={"hr": {"value": 72, "site": ""}}), "1 to 32 letters"),
        (line(values={"hr": {"value": 72, "unit": "bpm"}}), "unknown field `unit`"),
        (line(patient="x"), "unknown field `patient`"),
        (b'{"device":"w-1","at":1767225600,"values":{"hr":1e999}}', "out of range"),
        (b'{"device":"w-1","at":1767225600,"values":{"hr":NaN}}', "not a JSON object"),
        (b'{"ask":"everything"}', "Invalid enum value"),
    ],
)
def test_bad_lines(bad: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(bad)
    assert says in str(refused.value)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(noise: bytes) -> None:
    try:
        decoded = decode(noise)
    except InvalidInput:
        return
    assert decoded == StatusRequest()  # nothing random is a whole line of a device


@given(
    st.dictionaries(
        st.sampled_from(sorted(BY_WIRE)),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.dictionaries(
            st.sampled_from(["value", "q", "site", "x"]), st.integers() | st.text(max_size=40) | st.none()
        ),
    ),
    st.none() | st.integers() | st.floats() | st.text(max_size=30),
)  # fmt: skip
def test_whatever_is_accepted_can_be_written_and_read(values: dict[str, object], at: object) -> None:
    try:
        pack = decode(line(values=values, at=at))
    except InvalidInput:
        return
    assert isinstance(pack, NewPack)
    read = wire.read(wire.write("w-1", 1, 0, pack.samples), "w-1")
    assert read.refused == []
    assert len(read.vital) == len(values)


def test_the_same_line_has_the_same_digest_and_another_has_not() -> None:
    packs = [decode(text) for text in (line(), line() + b"\n", line(values={"hr": 73}))]
    digests = [pack.digest for pack in packs if isinstance(pack, NewPack)]
    assert digests[0] == digests[1] != digests[2]
