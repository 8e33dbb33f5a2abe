"""The contract for machines agrees with the code that reads and writes: its examples, its schemas, its topics."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.test_packs import S
from vigil.domain.errors import REASON_TEXT
from vigil.domain.vitals import VITALS, VitalKind
from vigil.runtime.broker.acl import DEVICE_PATTERNS, INGEST, Access, Acl, ingest_rules
from vigil.wire import asyncapi, commands, control, packs

DOCUMENT = asyncapi.document("home")
COMPONENTS = DOCUMENT["components"]
PACK = jsonschema.Draft202012Validator({**COMPONENTS["schemas"]["Pack"], "components": COMPONENTS})
DECODERS = {
    "ack": packs.read_ack,
    "missing": commands.read_backfill,
    "error": commands.read_error,
    "time": lambda payload: msgspec.json.decode(payload, type=control.Time),
    "config": lambda payload: msgspec.json.decode(payload, type=control.Config),
    "timeQuestion": control.read_time_question,
    "configAnswer": control.read_config_answer,
    "bound": lambda payload: msgspec.json.decode(payload, type=control.Bound),
    "boundAnswer": control.read_bound_answer,
    "measure": control.read_measure,
    "measureAnswer": control.read_measure_answer,
}


def reading(payload: bytes) -> tuple[Any, ...]:
    pack = packs.read(payload, asyncapi.DEVICE)
    return pack.epoch, pack.seq, pack.value, pack.refused


@pytest.mark.parametrize("name", sorted(set(COMPONENTS["messages"]) - {"packCbor"}))
def test_every_example_is_read_by_our_own_code(name: str) -> None:
    (example,) = COMPONENTS["messages"][name]["examples"]
    payload = msgspec.json.encode(example["payload"])
    if name == "packJson":
        assert reading(payload) == (7, 4711, [72, 97, 16, 121, 78, 36.8], [])
    elif name == "state":
        assert example["payload"] in COMPONENTS["messages"]["state"]["payload"]["enum"]
    else:
        assert DECODERS[name](payload) is not None


def test_the_example_as_cbor_is_the_same_reading() -> None:
    assert reading(bytes.fromhex(COMPONENTS["messages"]["packCbor"]["x-example-hex"])) == reading(
        asyncapi.example_pack(cbor=False)
    )


def test_the_reasons_are_those_of_the_code() -> None:
    listed = COMPONENTS["schemas"]["Error"]["properties"]["reason"]["oneOf"]
    assert {one["const"]: one["description"] for one in listed} == {
        key.value: text for key, text in REASON_TEXT.items()
    }


def test_the_account_rules_allow_exactly_what_is_promised() -> None:
    rules = Acl(DEVICE_PATTERNS, {INGEST: tuple(ingest_rules())})
    for one in asyncapi.CHANNELS:
        if not one.gateway:
            topic = one.topic("home", asyncapi.DEVICE)
            sender, reader = (INGEST, asyncapi.DEVICE) if one.sends else (asyncapi.DEVICE, INGEST)
            assert rules.may_write(sender, topic), topic
            assert rules.may_read(reader, topic), topic
            assert not rules.may_write(reader, topic), topic
    assert {rule.access for rule in DEVICE_PATTERNS} == {Access.READ, Access.WRITE}


def _value(kind: VitalKind) -> st.SearchStrategy[float | str]:
    low, high = kind.reject
    return st.sampled_from(kind.codes) if kind.codes else st.floats(low, high).map(lambda found: round(found, 3))


_samples = st.sampled_from(VITALS).flatmap(
    lambda kind: st.builds(
        S,
        st.just(kind.wire),
        st.integers(asyncapi.AT_US, asyncapi.AT_US + 10**10),
        st.none() | _value(kind),
        st.integers(0, 63),
        st.none() | st.just("wrist"),
    )
)


@settings(max_examples=40)
@given(st.lists(_samples, min_size=1, max_size=8))
def test_whatever_our_senders_write_is_valid(samples: list[S]) -> None:
    PACK.validate(msgspec.json.decode(packs.write(asyncapi.DEVICE, 1, 2, samples)))


@pytest.mark.parametrize(
    "record",
    [
        {"n": "pulse", "v": 72},
        {"n": "hr", "v": 400},
        {"n": "hr", "u": "Hz", "v": 1.2},
        {"n": "temp", "v": 36.8},
        {"n": "avpu", "v": 1},
        {"n": "hr.q", "v": 4096},
        {"n": "seq", "v": -1},
        {"n": "hr", "bt": 0, "v": 72},
    ],
)
def test_what_is_refused_is_not_valid(record: dict[str, Any]) -> None:
    assert list(PACK.iter_errors([record]))
