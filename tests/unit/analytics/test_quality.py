"""The quality gate: drawn tables of bits, jumps, bad spells, confirmations and self tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detectors.contract import Row
from analytics.quality import (
    BAD,
    COUNTS,
    GATE_FRESH,
    NOTHING,
    UNCONFIRMED,
    doubt_rank,
    first_gate,
    gate_of,
    gate_row,
)
from tests.unit.analytics.engine_bed import Columns, engine, judged
from tests.unit.analytics.ward import START
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND

_SIGN = {"c": COUNTS, "b": BAD, "u": UNCONFIRMED, "n": NOTHING}
_BITS = {"": 0, "m": int(Quality.MOTION), "t": int(Quality.TEST), "p": int(Quality.LOW_PERFUSION)}
#: Slots of the bed: continuous heart rate, spot pressure, spot SpO2.
HEART, PRESSURE, SPOT = 1, 2, 3

# second:value[bits] ... -> one letter each: counts, bad, unconfirmed, nothing. Heart rate: a jump of more than 25 inside 5 s, and
# the first value after 5 s or more of bad signal, need another one within 15.
TABLE = [
    ("0:70 1:72 2:71", "ccc"),
    ("0:70 1:95", "cc"),  # exactly 25 is believed
    ("0:70 1:96", "cu"),
    ("0:70 1:135 2:138", "cuc"),  # +65: atrial fibrillation sets in at once, and is believed a value later
    ("0:57 1:29 2:57", "cuc"),  # a wild number of one second
    ("0:70 1:171 2:187", "cuu"),  # 16 apart: it does not agree
    ("0:70 1:171 2:186", "cuc"),
    ("0:70 1:171 2:72 3:175", "cucu"),  # what waited is forgotten
    ("0:70 5:180", "cu"),
    ("0:70 6:180", "cc"),  # 6 s later a body may have got there
    ("0:180 1:70", "cu"),  # down as well as up
    ("0:70m 1:70m 2:70", "bbc"),  # 2 s of bad signal
    ("0:70m 4:70m 5:70", "bbu"),
    ("0:70m 4:70m 5:70 6:72", "bbuc"),
    ("0:70m 5:70 6:70m 7:72 8:71", "bubuc"),  # a bad one between breaks the agreement
    ("0:70m 5:70 6:86 7:87", "buuc"),
    ("0:70 1:171m 2:72", "cbc"),  # a bad value is no jump
    ("0:70t 1:70t", "nn"),
    ("0:70t 5:70", "nu"),  # a self test is a spell without a signal
    ("0:nan 1:70 2:nan", "ncn"),
    ("0:70p 1:72p", "cc"),  # doubtful counts
    ("0:70 1:171p 2:172p", "cuc"),
    ("0:70 0:175 0:176", "cuc"),  # equal times
]


def gates(text: str, slot: int = HEART, split: bool = False) -> str:
    at, value, bits = [], [], []
    for each in text.split():
        second, _, word = each.partition(":")
        sign = word[-1] if word[-1] in "mtp" else ""
        at.append(START + int(second) * SECOND)
        value.append(float(word.removesuffix(sign)))
        bits.append(_BITS[sign])
    one = engine()
    rows = Columns(np.full(len(at), slot, np.int64), np.array(at, np.int64), np.array(value), np.array(bits, np.uint16))
    sizes = [slice(row, row + 1) for row in range(len(at))] if split else [slice(None)]
    found = [judged(one, rows.take(cut)).gate for cut in sizes]
    letter = {gate: sign for sign, gate in _SIGN.items()}
    return "".join(letter[int(gate)] for gate in np.concatenate(found))


@pytest.mark.parametrize(("values", "expected"), TABLE)
def test_heart_rate(values: str, expected: str) -> None:
    assert gates(values) == expected
    assert gates(values, split=True) == expected


@pytest.mark.parametrize("slot", [PRESSURE, SPOT])
def test_a_spot_check_needs_no_second_one(slot: int) -> None:
    assert gates("0:97 1:40 2:97 3:97m 60:97", slot) == "cccbc"


@pytest.mark.parametrize("bit", list(Quality))
def test_each_bit_for_itself(bit: Quality) -> None:
    gated = {Quality.MOTION, Quality.CONTACT_LOST, Quality.QUESTIONABLE, Quality.IMPLAUSIBLE, Quality.NO_VALUE}
    gated |= {Quality.REPEATED, Quality.WHOSE_UNKNOWN}
    expected = NOTHING if bit is Quality.TEST else BAD if bit in gated else COUNTS
    assert first_gate(np.array([97.0]), np.array([int(bit)], np.uint16)).tolist() == [expected]
    assert first_gate(np.array([np.nan]), np.array([int(bit)], np.uint16)).tolist() == [NOTHING]


@pytest.mark.parametrize(
    ("bits", "weight"),
    [
        (0, 1.0),
        (int(Quality.LOW_PERFUSION), 0.4),
        (int(Quality.EARLY_ESTIMATE), 0.7),
        (int(Quality.CLOCK_AHEAD), 0.7),
        (int(Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE), 0.4 * 0.7),
        (int(Quality.MANUAL), 1.0),
        (int(Quality.MOTION | Quality.LOW_PERFUSION), 0.0),
        (int(Quality.TEST), 0.0),
    ],
)
def test_how_far_a_value_is_trusted(bits: int, weight: float) -> None:
    for slot in (HEART, SPOT):
        one = engine()
        found = one.update(np.full(1, slot, np.int64), np.array([START]), np.array([97.0]), np.array([bits], np.uint16))
        assert found.weight.tolist() == [weight]


def test_a_value_that_waits_for_another_is_not_trusted() -> None:
    one = engine()
    at = START + np.arange(2, dtype=np.int64) * SECOND
    found = one.update(np.full(2, HEART, np.int64), at, np.array([70.0, 190.0]), np.zeros(2, np.uint16))
    assert found.weight.tolist() == [1.0, 0.0]
    limit = one.numbers["limit"]
    assert found.codes[limit].tolist() == [0, 0]


@given(
    value=st.lists(st.one_of(st.floats(0, 300), st.just(float("nan"))), min_size=1, max_size=30),
    seed=st.integers(0, 99),
)
def test_the_kernel_begins_with_the_gate_of_the_bits(value: list[float], seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 0x1000, len(value)).astype(np.uint16)
    at = START + np.arange(len(value), dtype=np.int64) * SECOND
    for slot in (HEART, SPOT):
        found = engine().update(np.full(len(value), slot, np.int64), at, np.array(value), bits).gate
        first = first_gate(np.array(value), bits)
        confirmed = np.where(found == UNCONFIRMED, COUNTS, found)
        np.testing.assert_array_equal(confirmed, first)
        assert slot == HEART or not (found == UNCONFIRMED).any()


def test_between_two_sensors_more_doubts_rank_lower() -> None:
    both = int(Quality.LOW_PERFUSION | Quality.CLOCK_AHEAD)
    assert [doubt_rank(bits) for bits in (0, int(Quality.MOTION), int(Quality.LOW_PERFUSION), both)] == [0, 0, 1, 2]


@pytest.mark.parametrize("quick", [True, False])
def test_since_is_the_time_between_values_that_count(quick: bool) -> None:
    """70, then 171 a second later, which of a stream that sends often is not believed; a bad value; 72, and again at once."""
    at = START + np.array([0, 1, 2, 4, 4]) * SECOND
    value, bits = np.array([70.0, 171.0, 70.0, 72.0, 72.0]), np.array([0, 0, int(Quality.MOTION), 0, 0], np.uint16)
    state: Row = GATE_FRESH
    since = list[float]()
    for t, x, mark in zip(at.tolist(), value.tolist(), bits.tolist(), strict=True):
        _, _, passed, state = gate_of(x, float(t), mark, state, tuple(gate_row("heart_rate", quick)))
        since.append(passed)
    expected = [np.nan, np.nan, np.nan, 4.0, 0.0] if quick else [np.nan, 1.0, np.nan, 3.0, 0.0]
    np.testing.assert_array_equal(since, expected)
