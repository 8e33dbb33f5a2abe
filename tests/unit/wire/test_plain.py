"""A whole pack at a time says the same as record by record, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vigil.domain.errors import Refused
from vigil.domain.vitals import VITALS
from vigil.wire import packs, plain

T = 1_767_225_600
BASE = "urn:dev:w-1:"
NAMES = [*(kind.wire for kind in VITALS), "epoch", "seq", "pulse", "hr.q", "temp.site"]
NUMBERS = st.one_of(st.integers(-5, 2**33), st.floats(allow_nan=False, allow_infinity=False, width=32))


@st.composite
def record(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(VITALS))
    found: dict[str, Any] = {"n": draw(st.one_of(st.just(kind.wire), st.sampled_from(NAMES))), "v": draw(NUMBERS)}
    if draw(st.booleans()):
        found["u"] = draw(st.sampled_from([kind.senml_unit, kind.senml_unit, "Cel", "degF", "", None]))
    if draw(st.booleans()):
        found["t"] = draw(st.one_of(st.sampled_from([0, 1, 1, 2.5]), st.floats(-2e9, 2e12)))
    odd = draw(st.sampled_from([None] * 12 + ["vs", "bn", "bt", "bu", "bv", "x", "x_", "ut", "-v"]))
    match odd:
        case "vs" | "bn" | "bu" | "x" | "x_":
            found[odd] = BASE
        case "bt" | "bv" | "ut":
            found[odd] = draw(st.sampled_from([0, 1, T]))
        case "-v":
            del found["v"]
    return found


@st.composite
def pack(draw: st.DrawFn) -> list[dict[str, Any]]:
    records = draw(st.lists(record(), max_size=6))
    if draw(st.booleans()):
        records = [{"n": "epoch", "v": draw(NUMBERS)}, {"n": "seq", "v": draw(NUMBERS)}, *records]
    if records:
        records[0] |= {
            "bn": draw(st.sampled_from([BASE, BASE, BASE, "urn:dev:w-2:"])),
            "bt": draw(st.sampled_from([T, T, 1])),
        }
    return records


def by_record(payload: bytes) -> packs.PackValues | None:
    try:
        return packs._by_record(payload, BASE)
    except Refused:
        return None


@given(pack())
@example([{"bn": BASE, "bt": T, "n": "epoch", "v": 4294967295}, {"n": "seq", "v": 0}, {"n": "hr", "v": 72}])
@example([{"bn": BASE, "bt": T, "n": "hr", "v": 72, "t": 2e12}])
def test_the_same_or_nothing(records: list[dict[str, Any]]) -> None:
    payload = json.dumps(records).encode()
    found, slow = plain.read_plain(payload, BASE), by_record(payload)
    if found is not None:
        assert slow is not None
        assert found == (slow.epoch, slow.seq, slow.vital, slow.time_us, slow.value)
        assert (slow.refused, set(slow.site), set(slow.quality)) == ([], {""}, {0})


HEAD = {"bn": BASE, "bt": T, "n": "epoch", "v": 7}
SEQ = {"n": "seq", "v": 3}


@pytest.mark.parametrize(
    "records",
    [
        [HEAD, SEQ, {"n": "hr", "v": 72}, {"n": "temp", "u": "Cel", "v": 36.8}],
        [HEAD, SEQ, {"n": "hr", "v": 72}, {"n": "hr", "v": 73, "t": 1}, {"n": "hr", "v": 74, "t": 0.5}],
        [{"bn": BASE, "bt": T, "n": "hr", "v": 72}],
    ],
)
def test_what_devices_send_is_read_at_once(records: list[dict[str, Any]]) -> None:
    payload = json.dumps(records).encode()
    found = plain.read_plain(payload, BASE)
    slow = by_record(payload)
    assert found is not None
    assert slow is not None
    assert found == (slow.epoch, slow.seq, slow.vital, slow.time_us, slow.value)
    assert packs.read(payload, "w-1") == slow


def test_a_pack_that_is_too_large_is_left_to_its_refusal() -> None:
    payload = json.dumps([{"bn": BASE, "bt": T, "n": "hr", "v": 72}]).encode()
    assert plain.read_plain(payload.ljust(64 * 1024), BASE) is not None
    assert plain.read_plain(payload.ljust(64 * 1024 + 1), BASE) is None


def test_many_kinds_of_packs_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_MOST_LAYOUTS", 10)
    for size in range(1, 40):
        records = [{"n": "hr", "v": 72} for _ in range(size)]
        records[0] |= {"bn": BASE, "bt": T}
        assert plain.read_plain(json.dumps(records).encode(), BASE) is not None
    assert len(plain._layouts) <= 10


def test_what_was_read_shares_nothing_with_the_layout_that_is_remembered() -> None:
    payload = json.dumps([HEAD, SEQ, {"n": "hr", "v": 72}]).encode()
    packs.read(payload, "w-1").vital.append(99)
    assert len(packs.read(payload, "w-1").vital) == 1
