"""RFC 8428: the examples of the RFC where they apply, the reference bytes, and what must be refused."""

import contextlib
import json
import math
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.errors import Refused
from vigil.wire import senml

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "interop" / "senml"
#: ex1, ex2, ex7 and ex9 carry no time: resolved against "now" of their author, which is compared without the time.
WITHOUT_TIME = {1, 2, 7, 9}


def resolved(records: list[senml.Record]) -> list[dict[str, object]]:
    out = []
    for item in senml.resolve(records):
        row: dict[str, object] = {"n": item.name, "t": item.time}
        for label, value in (("u", item.unit), ("v", item.value), ("vs", item.string), ("vb", item.boolean)):
            if value is not None:
                row[label] = value
        out.append(row)
    return out


@pytest.mark.recordings
@pytest.mark.parametrize("number", range(1, 13))
def test_rfc_examples_resolve_as_printed(number: int) -> None:
    if not EXAMPLES.exists():
        pytest.skip("needs ../shared/data/interop/senml")
    ours = resolved(senml.decode((EXAMPLES / f"ex{number}.gen.json").read_bytes()))
    theirs = json.loads((EXAMPLES / f"ex{number}.gen.resolved.json").read_text())
    names = {row["n"] for row in theirs}  # the printed form of ex7 leaves out the data value
    ours = [row for row in ours if row["n"] in names]
    for row, expected in zip(ours, theirs, strict=True):
        expected.pop("l", None)
        if number in WITHOUT_TIME:
            assert row.pop("t") == 0
            expected.pop("t")
        assert row == expected


def test_base_fields_apply_to_all_that_follow() -> None:
    first = b'{"bn":"a:","bt":1276020076,"bu":"A","bv":10,"n":"x","v":1}'
    pack = b"[" + first + b',{"n":"y","u":"V","t":-5,"v":2},{"bn":"b:","n":"z","v":0}]'
    rows = [(r.name, r.unit, r.time, r.value) for r in senml.resolve(senml.decode(pack))]
    assert rows == [("a:x", "A", 1276020076, 11), ("a:y", "V", 1276020071, 12), ("b:z", "A", 1276020076, 10)]


def test_reference_bytes_of_the_contract() -> None:
    data = bytes.fromhex(
        "87a4217375726e3a6465763a772d30613162326333643a221a6955b900006373657102191267a200626872021848a2006473706f"
        "32021861a2006272720210a20063736270021879a2006364627002184ea2006474656d7002c48220190170"
    )
    rows = {r.name.rpartition(":")[2]: r.value for r in senml.resolve(senml.decode(data))}
    expected = {"seq": 4711, "hr": 72, "spo2": 97, "rr": 16, "sbp": 121, "dbp": 78, "temp": 36.8}
    assert rows == expected
    assert len(data) == 95


def test_cbor_is_written_as_in_the_reference() -> None:
    records = [
        {"bn": "urn:dev:w-0a1b2c3d:", "bt": 1767225600, "n": "seq", "v": 4711},
        {"n": "temp", "v": 36.8},
    ]
    assert senml.encode_cbor(records).hex() == (
        "82a4217375726e3a6465763a772d30613162326333643a221a6955b900006373657102191267a2006474656d7002c48220190170"
    )


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed"),
        (b"[", "malformed"),
        (b'[{"n":"hr","v":NaN}]', "malformed"),
        (b"\xff\x00\x12", "malformed"),
        (b'[{"n":"h\xff"}]', "malformed"),
        (b"[]", "not_a_pack"),
        (b'{"n":"hr","v":1}', "not_a_pack"),
        (cbor2.dumps({"n": 1}), "not_a_pack"),
        (cbor2.dumps([1, 2]), "not_a_pack"),
        (b'[{"bver":11,"n":"hr","v":1}]', "not_a_pack"),
        (b'[{"n":"hr","v":"72"}]', "wrong_type"),
        (b'[{"n":7,"v":72}]', "wrong_type"),
        (b"[1]", "wrong_type"),
        (cbor2.dumps([{0: "hr", 2: "72"}]), "wrong_type"),
        (b'[{"n":"hr","v":1,"must_":1}]', "unsupported_label"),
        (cbor2.dumps([{0: "hr", 2: 1, "must_": 1}]), "unsupported_label"),
        (b"[" + b" " * senml.MAX_PACK_BYTES, "too_large"),
    ],
)
def test_refused_packs_name_the_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        senml.decode(payload)
    assert caught.value.reason == reason


def test_unknown_labels_that_need_not_be_understood_are_ignored() -> None:
    assert senml.decode(b'[{"n":"hr","v":1,"colour":"red"}]')[0].v == 1


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_refused(payload: bytes) -> None:
    with contextlib.suppress(Refused):
        senml.decode(payload)


@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.booleans(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_cbor_value_raises_anything_but_refused(value: object) -> None:
    with contextlib.suppress(Refused):
        list(senml.resolve(senml.decode(cbor2.dumps([value]))))


@given(
    st.lists(
        st.tuples(st.sampled_from(["hr", "rr"]), st.floats(allow_nan=False, allow_infinity=False, width=32)), min_size=1
    )
)
def test_json_and_cbor_say_the_same(values: list[tuple[str, float]]) -> None:
    records = [{"n": name, "v": value} for name, value in values]
    by_json = [r.v for r in senml.decode(senml.encode_json(records))]
    by_cbor = [r.v for r in senml.decode(senml.encode_cbor(records))]
    assert all(math.isclose(a or 0, b or 0, rel_tol=1e-12) for a, b in zip(by_json, by_cbor, strict=True))
