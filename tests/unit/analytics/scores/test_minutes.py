"""The minute grid against a slow and obvious one, and by drawn examples."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import windows
from analytics.engine.compiled import Kernels
from analytics.quality import STUCK, doubt_rank
from analytics.scores.bands import LOWER
from analytics.scores.live import SOURCES, Input, is_alert, on_oxygen
from analytics.scores.minutes import MinuteInputs, PatientReadings, PatientSlots, minute_inputs
from analytics.scores.news2 import news2_columns
from analytics.scores.news2_episodes import news2_episodes
from analytics.scores.summaries import RING
from analytics.slots import FOREVER
from vigil.domain.news2 import INPUTS
from vigil.domain.quality import Quality
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME, VITALS

T0 = 1_767_225_600_000_000
WEAK = int(Quality.LOW_PERFUSION)


@dataclass(frozen=True)
class Slot:
    vital: str
    spot: bool = False
    stale: int = 5 * MINUTE
    stream: int = 0
    end: int = FOREVER


@dataclass(frozen=True)
class Row:
    at: int
    slot: int
    value: float
    usable: bool = True
    quality: int = 0


def columns(slots: list[Slot]) -> PatientSlots:
    return PatientSlots(
        np.array([BY_NAME[slot.vital].index for slot in slots], np.int16),
        np.array([slot.stale for slot in slots]),
        np.array([slot.spot for slot in slots]),
        np.array([slot.stream for slot in slots], np.uint32),
        np.array([slot.end for slot in slots]),
    )


def grid(slots: list[Slot], rows: list[Row], kernels: Kernels | None = None) -> MinuteInputs:
    ordered = sorted(rows, key=lambda row: row.at)
    readings = PatientReadings(
        np.array([row.at for row in ordered], np.int64),
        np.array([row.slot for row in ordered], np.int64),
        np.array([row.value for row in ordered], np.float64),
        np.array([row.usable for row in ordered], np.bool_),
        np.array([row.quality for row in ordered], np.uint16),
    )
    if kernels is None:
        return minute_inputs(readings, columns(slots))
    return minute_inputs(readings, columns(slots), kernels)


# --- the slow and obvious one ---------------------------------------------------------------------------------------

Known = list[tuple[int, float, int]]  # time, value, doubt of a slot's valid values, ascending


def valid(slot: int, rows: list[Row]) -> Known:
    best: dict[tuple[int, float], int] = {}
    for row in rows:
        if row.slot == slot and row.usable and not math.isnan(row.value):
            key = (row.at, row.value)
            best[key] = min(best.get(key, 99), doubt_rank(row.quality))
    return sorted((at, value, doubt) for (at, value), doubt in best.items())


def median(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def told(slot: Slot, known: Known) -> float:
    last_minute = known[-1][0] // MINUTE
    value = known[-1][1]
    if not slot.spot:
        value = median([each for at, each, _ in known if at // MINUTE == last_minute][-64:])
    found = Input(BY_NAME[slot.vital].index, value, 0, False)
    if slot.vital in ("o2_flow", "fio2"):
        return float(on_oxygen(found))
    if slot.vital in ("consciousness", "gcs"):
        return float(not is_alert(found))
    return value


def reference(slots: list[Slot], rows: list[Row]) -> list[tuple[int, list[float], list[int]]]:
    input_of = {VITALS[index].name: name for name, indexes in SOURCES.items() for index in indexes}
    all_known = [valid(number, rows) if slot.vital in input_of else [] for number, slot in enumerate(slots)]
    ends = set()
    for slot, known in zip(slots, all_known, strict=True):
        for at, _, _ in known:
            first = at // MINUTE + 1
            ends |= {minute * MINUTE for minute in range(first, first + slot.stale // MINUTE + 2)}
    lines = []
    for end in sorted(ends):
        best: dict[str, tuple[tuple[bool, int, int, int], float]] = {}
        for slot, known in zip(slots, all_known, strict=True):
            before = [each for each in known if each[0] < end]
            if not before or end >= slot.end:
                continue
            name = input_of[slot.vital]
            at, _, doubt = before[-1]
            stale = end - at > slot.stale
            order = (stale, 0 if stale or len(SOURCES[name]) > 1 else doubt, -at, slot.stream)
            if name not in best or order < best[name][0]:
                best[name] = (order, told(slot, before))
        if all(order[0] for order, _ in best.values()):
            continue
        values = [best[name][1] if name in best and not best[name][0][0] else math.nan for name in INPUTS]
        lines.append((end, values, [end + best[name][0][2] if name in best else -1 for name in INPUTS]))
    return lines


def same(found: MinuteInputs, expected: list[tuple[int, list[float], list[int]]]) -> None:
    assert found.minute_end.tolist() == [end for end, _, _ in expected]
    shape = (len(expected), len(INPUTS))
    np.testing.assert_array_equal(found.inputs, np.reshape([values for _, values, _ in expected], shape))
    np.testing.assert_array_equal(found.age_us, np.reshape([ages for _, _, ages in expected], shape))


def bits(found: MinuteInputs) -> list[bytes]:
    return [getattr(found, field.name).tobytes() for field in fields(found)]


VALUES = {"o2_flow": (0.0, -0.0, 2.0), "fio2": (21.0, 28.0), "consciousness": (0.0, 1.0), "gcs": (14.0, 15.0)}
#: Inside a minute: its edges, and few enough places for repeats.
OFFSETS = (0, 1, 20 * SECOND, 40 * SECOND, MINUTE - 1)
NAMES = ("heart_rate", "spo2", "body_temp", "bp_dia", *VALUES)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Slot], list[Row]]:
    streams = draw(st.permutations(range(5)))
    slots = [
        Slot(
            draw(st.sampled_from(NAMES)),
            draw(st.booleans()),
            draw(st.sampled_from((45 * SECOND, 2 * MINUTE, 5 * MINUTE))),
            streams[number],
            draw(st.sampled_from((FOREVER, FOREVER, T0 + 4 * MINUTE, T0 + 4 * MINUTE + 1))),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    minutes = st.integers(0, 9) | st.integers(10_000, 10_003)
    rows = []
    for _ in range(draw(st.integers(0, 30))):
        slot = draw(st.integers(0, len(slots) - 1))
        value = draw(st.sampled_from(VALUES.get(slots[slot].vital, (0.0, -0.0, 90.0, 95.5, 97.0, math.nan))))
        at = T0 + draw(minutes) * MINUTE + draw(st.sampled_from(OFFSETS))
        quality = draw(st.sampled_from((0, 0, WEAK, WEAK | int(Quality.CLOCK_AHEAD), int(Quality.MANUAL))))
        rows.append(Row(at, slot, value, draw(st.integers(0, 5)) > 0, quality))
    return slots, rows


@settings(max_examples=300)
@given(histories())
def test_the_same_as_the_slow_one(compiled: Kernels, history: tuple[list[Slot], list[Row]]) -> None:
    found = grid(*history)
    same(found, reference(*history))
    assert bits(grid(*history, compiled)) == bits(found)


@given(histories(), st.integers(0, 1000))
def test_a_function_of_the_set_of_readings(compiled: Kernels, history: tuple[list[Slot], list[Row]], seed: int) -> None:
    slots, rows = history
    chance = random.Random(seed)
    again = rows + [row for row in rows if chance.random() < 0.5]
    chance.shuffle(again)
    one, other = grid(slots, rows, compiled), grid(slots, again, compiled)
    assert bits(one) == bits(other)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200)), min_size=60, max_size=250))
def test_of_a_crowded_minute_the_last_64_different_values_count(
    compiled: Kernels, values: list[tuple[int, int]]
) -> None:
    """Many of one time, so that the ring overflows inside ties."""
    slots = [Slot("heart_rate")]
    rows = [Row(T0 + second * SECOND, 0, float(value)) for second, value in values]
    same(grid(slots, rows), reference(slots, rows))
    same(grid(slots, rows, compiled), reference(slots, rows))


# --- drawn examples -------------------------------------------------------------------------------------------------


def spo2_of(found: MinuteInputs) -> dict[int, float]:
    """Minutes after T0 -> value."""
    column = found.inputs[:, INPUTS.index("spo2")].tolist()
    return {(end - T0) // MINUTE: value for end, value in zip(found.minute_end.tolist(), column, strict=True)}


def test_a_minute_is_closed_at_its_end() -> None:
    rows = [Row(T0 + MINUTE - 1, 0, 90.0), Row(T0 + MINUTE, 0, 96.0)]
    assert spo2_of(grid([Slot("spo2", stale=MINUTE)], rows)) == {1: 90.0, 2: 96.0}


def test_the_median_of_a_minute_is_carried_until_the_newest_value_is_stale() -> None:
    rows = [Row(T0 + second * SECOND, 0, value) for second, value in ((0, 90.0), (10, 97.0), (20, 98.0))]
    found = grid([Slot("spo2", stale=160 * SECOND)], rows)
    assert spo2_of(found) == {1: 97.0, 2: 97.0, 3: 97.0}  # 160 s old at the end of the third minute
    assert found.age_us[:, INPUTS.index("spo2")].tolist() == [40 * SECOND, 100 * SECOND, 160 * SECOND]


def test_a_spot_check_counts_by_its_newest_value() -> None:
    rows = [Row(T0, 0, 90.0), Row(T0 + 10 * SECOND, 0, 97.0), Row(T0 + 20 * SECOND, 0, 99.0, usable=False)]
    assert spo2_of(grid([Slot("spo2", spot=True, stale=HOUR)], rows)) == dict.fromkeys(range(1, 61), 97.0)


def test_of_two_sensors_the_better_then_the_fresher_then_the_lower_stream() -> None:
    slots = [Slot("spo2", stream=8), Slot("spo2", stream=7)]
    assert spo2_of(grid(slots, [Row(T0, 0, 96.0), Row(T0, 1, 92.0)]))[1] == 92.0
    assert spo2_of(grid(slots, [Row(T0 + 1, 0, 96.0), Row(T0, 1, 92.0)]))[1] == 96.0
    assert spo2_of(grid(slots, [Row(T0 + 1, 0, 96.0, quality=WEAK), Row(T0, 1, 92.0)]))[1] == 92.0
    late = [Row(T0 + 20 * MINUTE, 0, 96.0, quality=WEAK), Row(T0, 1, 92.0)]
    assert spo2_of(grid(slots, late))[21] == 96.0  # the other is stale


@pytest.mark.parametrize(
    ("vital", "value", "column", "coded"),
    [("o2_flow", 0, "oxygen", 0), ("o2_flow", 0.5, "oxygen", 1), ("fio2", 21, "oxygen", 0), ("fio2", 21.5, "oxygen", 1),
     ("consciousness", 0, "consciousness", 0), ("consciousness", 1, "consciousness", 1), ("gcs", 15, "consciousness", 0),
     ("gcs", 14, "consciousness", 1)],
)  # fmt: skip
def test_oxygen_and_consciousness_are_told_by_several_vitals(vital: str, value: float, column: str, coded: int) -> None:
    found = grid([Slot(vital, spot=True, stale=MINUTE)], [Row(T0, 0, float(value))])
    assert found.inputs[:, INPUTS.index(column)].tolist() == [coded]


def test_of_repeated_rows_the_least_doubtful_counts() -> None:
    slots = [Slot("spo2", stream=0), Slot("spo2", stream=1)]
    rows = [Row(T0, 0, 96.0, quality=WEAK), Row(T0, 0, 96.0), Row(T0, 0, 96.0, quality=WEAK), Row(T0, 1, 92.0)]
    for order in itertools.permutations(rows):
        assert spo2_of(grid(slots, list(order)))[1] == 96.0


@pytest.mark.parametrize("seed", range(4))
def test_more_than_64_different_values_of_one_time(seed: int, compiled: Kernels) -> None:
    """The greatest 64 count, whatever their order."""
    values = [float(value) for value in range(150)]
    random.Random(seed).shuffle(values)
    rows = [Row(T0 - 1, 0, 200.0), *(Row(T0, 0, value) for value in values), Row(T0 + 1, 0, 1000.0)]
    for kernels in (None, compiled):
        assert spo2_of(grid([Slot("spo2", stale=MINUTE)], rows[:-1], kernels)) == {0: 200.0, 1: 117.5}
        assert spo2_of(grid([Slot("spo2", stale=MINUTE)], rows, kernels)) == {0: 200.0, 1: 118.5}


def test_an_input_that_is_stale_keeps_its_age() -> None:
    slots = [Slot("spo2"), Slot("heart_rate", stream=1)]
    found = grid(slots, [Row(T0, 0, 96.0), Row(T0 + 30 * MINUTE, 1, 80.0)])
    assert found.minute_end[5] == T0 + 31 * MINUTE
    row = dict(zip(INPUTS, found.age_us[5].tolist(), strict=True))
    assert (row["spo2"], row["heart_rate"], row["bp_sys"]) == (31 * MINUTE, MINUTE, -1)
    assert math.isnan(found.inputs[5, INPUTS.index("spo2")])


def test_what_a_device_said_ends_with_its_binding() -> None:
    found = grid([Slot("spo2", end=T0 + 3 * MINUTE)], [Row(T0, 0, 96.0)])
    assert spo2_of(found) == {1: 96.0, 2: 96.0}


def test_a_gap_of_years_has_no_minutes() -> None:
    rows = [Row(T0 + day * DAY, 0, 96.0) for day in (0, 4_000)]
    assert list(spo2_of(grid([Slot("spo2", stale=2 * MINUTE)], rows))) == [1, 2, 5_760_001, 5_760_002]


def test_nothing_gives_nothing_and_disorder_is_refused() -> None:
    assert grid([], []).minute_end.size == 0
    assert grid([Slot("bp_dia")], [Row(T0, 0, 80.0)]).minute_end.size == 0
    found = columns([Slot("spo2")])
    times, zeros = np.array([2, 1]), np.zeros(2, np.int64)
    readings = PatientReadings(times, zeros, np.array([96.0, 96.0]), np.ones(2, np.bool_), np.zeros(2, np.uint16))
    with pytest.raises(ValueError, match="ascend"):
        minute_inputs(readings, found)


def test_arrays_that_cannot_be_written_to_do(compiled: Kernels) -> None:
    """As they come from a file that is mapped into memory."""
    slots = columns([Slot("spo2")])
    readings = PatientReadings(
        np.array([T0]), np.zeros(1, np.int64), np.array([96.0]), np.ones(1, np.bool_), np.zeros(1, np.uint16)
    )
    for given_to_it in (slots, readings):
        for field in fields(given_to_it):
            getattr(given_to_it, field.name).setflags(write=False)
    found = minute_inputs(readings, slots, compiled)
    for array in (found.minute_end, found.inputs):
        array.setflags(write=False)
    scores = news2_columns(found.inputs, np.zeros(found.minute_end.size, np.uint8), compiled)
    assert news2_episodes(found.minute_end, scores, kernels=compiled) == []
    assert scores[:, LOWER].tolist() == [0] * 5


def test_the_ring_is_that_of_live_scoring() -> None:
    assert RING == windows.RING
    assert RING & (RING - 1) == 0  # indices wrap by a mask


@pytest.mark.parametrize("quality", [0, *itertools.accumulate(int(bit) for bit in Quality)])
def test_doubt_is_that_of_live_scoring(quality: int) -> None:
    slots = [Slot("spo2", stream=0), Slot("spo2", stream=1)]
    rows = [Row(T0, 0, 96.0, quality=quality), Row(T0, 1, 92.0, quality=WEAK)]
    assert spo2_of(grid(slots, rows))[1] == (96.0 if doubt_rank(quality) <= doubt_rank(WEAK) else 92.0)


@pytest.mark.parametrize(
    ("quality", "unsure"),
    [(0, False), (int(Quality.CLOCK_AHEAD), False), (int(Quality.EARLY_ESTIMATE), True), (WEAK, True), (STUCK, True)],
)
def test_an_input_is_unsure_by_its_newest_value_until_it_is_stale(
    quality: int, unsure: bool, compiled: Kernels
) -> None:
    slots = [Slot("spo2", stale=2 * MINUTE), Slot("heart_rate", stale=9 * MINUTE)]
    rows = [Row(T0, 0, 96.0, quality=WEAK), Row(T0 + 1, 0, 95.0, quality=quality), Row(T0, 1, 70.0)]
    for found in (grid(slots, rows), grid(slots, rows, compiled)):
        assert found.unsure[:, INPUTS.index("spo2")].tolist()[:3] == [unsure, unsure, False]
        assert not found.unsure[:, INPUTS.index("heart_rate")].any()
