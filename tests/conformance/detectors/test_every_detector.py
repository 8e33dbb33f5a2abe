"""What every detector must do. They are discovered: a new file in ``analytics/detectors`` is tested without a word here."""

from __future__ import annotations

import ast
import inspect
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.detectors import detectors
from analytics.detectors.contract import (
    HIGH,
    LOW,
    NOT_NORMAL_HIGH,
    NOT_NORMAL_LOW,
    SEVERE_HIGH,
    SEVERE_LOW,
    U8,
    Detector,
    problems,
)
from analytics.engine import compiled
from tests.conformance.detectors.given import (
    ALL,
    NAMES,
    SLOTS,
    START,
    Columns,
    bed,
    columns,
    drawn,
    healthy,
    history,
    interval,
    learnt,
    watched,
)
from vigil.domain.times import DAY, HOUR
from vigil.domain.vitals import BY_NAME

every = pytest.mark.parametrize("detector", ALL, ids=NAMES)
every_vital = pytest.mark.parametrize(
    ("detector", "vital"),
    [(each, vital) for each in ALL for vital in watched(each)],
    ids=lambda x: getattr(x, "name", x),
)
AFTER = START + 4 * DAY
EXAMPLES = settings(max_examples=40)


@st.composite
def cases(draw: st.DrawFn, detector: Detector) -> tuple[str, Columns]:
    vital = draw(st.sampled_from(watched(detector)))
    return vital, draw(drawn(vital))


def bits(array: np.typing.NDArray[np.generic]) -> bytes:
    return array.tobytes()


# --- the description -------------------------------------------------------------------------------------------------


@every
def test_the_description_is_complete(detector: Detector) -> None:
    assert problems(detector) == []
    assert all((detector.title, detector.what, detector.blind_to, detector.source))
    assert all(each.unit and each.meaning and each.source for each in detector.parameters)
    assert set(detector.vitals) <= set(BY_NAME)
    assert all(delay >= 0.0 for delay in detector.delay_s.values())


@every
def test_the_judge_keeps_to_what_runs_the_same_compiled(detector: Detector) -> None:
    """``exp``, ``log`` and powers depend on the library in their last bit; what raises could not be switched off by name once it
    is compiled."""
    tree = ast.parse(inspect.getsource(detector.judge))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    helpers = {function.__name__ for function in compiled._HELPERS if function.__module__ == detector.judge.__module__}
    assert called <= {"abs", "float", "math.sqrt", "math.floor"} | helpers
    assert not any(isinstance(node, ast.Pow | ast.Raise | ast.Assert) for node in ast.walk(tree))


def test_no_two_detectors_share_a_rule() -> None:
    rules = [each.rule(vital, side) for each in ALL for vital in each.vitals for side in range(1 + each.sided)]
    assert len(rules) == len(set(rules))


def test_a_detector_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "detectors_elsewhere"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "words.py").write_text("GREETING = 'not a detector'\n")
    (folder / "mine.py").write_text("from analytics.detectors.limit import DETECTOR as DETECTOR\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = detectors([str(folder)], folder.name)
    for name in [each for each in sys.modules if each.startswith(folder.name)]:
        monkeypatch.delitem(sys.modules, name)
    assert [each.name for each in found] == ["limit"]


# --- any data --------------------------------------------------------------------------------------------------------


@every
@EXAMPLES
@given(data=st.data())
def test_compiled_and_plain_are_equal_bit_for_bit(detector: Detector, data: st.DataObject) -> None:
    vital, rows = data.draw(cases(detector))
    for start in (bed, learnt):
        beds = start(detector, vital, True), start(detector, vital, False)
        results = [(*each.judge(rows), each.state) for each in beds]
        assert [bits(each) for each in results[0]] == [bits(each) for each in results[1]]


@every
@EXAMPLES
@given(data=st.data())
def test_any_split_into_batches_gives_the_same(detector: Detector, data: st.DataObject) -> None:
    vital, rows = data.draw(cases(detector))
    whole, split = learnt(detector, vital), learnt(detector, vital)
    score, code = whole.judge(rows)
    at = 0
    while at < rows.at.size:
        until = at + data.draw(st.integers(1, rows.at.size - at))
        part_score, part_code = split.judge(rows.take(slice(at, until)))
        assert (bits(part_score), bits(part_code)) == (bits(score[at:until]), bits(code[at:until]))
        at = until
    assert bits(whole.state) == bits(split.state)


@every
@EXAMPLES
@given(data=st.data())
def test_slots_do_not_influence_one_another(detector: Detector, data: st.DataObject) -> None:
    """So the order in which slots are mixed does not matter either."""
    vital, rows = data.draw(cases(detector))
    mixed, apart = learnt(detector, vital), learnt(detector, vital)
    score, code = mixed.judge(rows)
    for slot in reversed(range(SLOTS)):
        own = rows.slot == slot
        own_score, own_code = apart.judge(rows.take(own))
        assert (bits(own_score), bits(own_code)) == (bits(score[own]), bits(code[own]))
    assert bits(mixed.state) == bits(apart.state)


@every
@EXAMPLES
@given(data=st.data())
def test_gated_readings_are_not_there(detector: Detector, data: st.DataObject) -> None:
    vital, rows = data.draw(cases(detector))
    seen = rows.gate != 3 if detector.of_gated else rows.gate == 0  # 3: no value, or a self test
    one, without = learnt(detector, vital), learnt(detector, vital)
    score, code = one.judge(rows)
    rest_score, rest_code = without.judge(rows.take(seen))
    assert np.isnan(score[~seen]).all()
    assert not code[~seen].any()
    assert (bits(rest_score), bits(rest_code)) == (bits(score[seen]), bits(code[seen]))
    assert bits(one.state) == bits(without.state)


@every
@EXAMPLES
@given(data=st.data())
def test_codes_and_scores_make_sense_and_memory_stays_finite(detector: Detector, data: st.DataObject) -> None:
    vital, rows = data.draw(cases(detector))
    one = learnt(detector, vital)
    shape = one.state.shape
    score, code = one.judge(rows)
    assert one.state.shape == shape
    assert np.isfinite(one.state).all()
    for severe, beyond, not_normal in ((SEVERE_LOW, LOW, NOT_NORMAL_LOW), (SEVERE_HIGH, HIGH, NOT_NORMAL_HIGH)):
        assert ((code & beyond) != 0)[(code & severe) != 0].all()
        assert ((code & not_normal) != 0)[(code & beyond) != 0].all()
    assert not np.isinf(score).any()
    assert not code[np.isnan(score)].any()
    if not detector.sided:
        assert not (code & (LOW | SEVERE_LOW | NOT_NORMAL_LOW)).any()


@every
@EXAMPLES
@given(data=st.data())
def test_the_same_again_and_nothing_given_is_changed(detector: Detector, data: st.DataObject) -> None:
    vital, rows = data.draw(cases(detector))
    kept = rows.take(slice(None))
    first, second = learnt(detector, vital), learnt(detector, vital)
    results = [(*each.judge(rows), each.state) for each in (first, second)]
    assert [bits(each) for each in results[0]] == [bits(each) for each in results[1]]
    for name in ("slot", "at", "value", "weight", "gate"):
        assert bits(getattr(rows, name)) == bits(getattr(kept, name))


@every
@EXAMPLES
@given(data=st.data())
def test_memory_survives_a_save(detector: Detector, data: st.DataObject) -> None:
    vital, rows = data.draw(cases(detector))
    through, saved = learnt(detector, vital), learnt(detector, vital)
    half = rows.at.size // 2
    for one in (through, saved):
        one.judge(rows.take(slice(0, half)))
    file = io.BytesIO()
    np.save(file, saved.state, allow_pickle=False)
    file.seek(0)
    saved.state = np.load(file, allow_pickle=False)
    rest = rows.take(slice(half, None))
    assert [bits(each) for each in through.judge(rest)] == [bits(each) for each in saved.judge(rest)]


@every
def test_a_profile_that_is_off_judges_and_learns_nothing(detector: Detector) -> None:
    unwatched = next(vital for vital in BY_NAME if vital not in detector.vitals)
    one = bed(detector, unwatched)
    before = one.state.copy()
    score, code = one.judge(history(unwatched, 1.0))
    assert np.isnan(score).all()
    assert not code.any()
    assert bits(one.state) == bits(before)


# --- signals ---------------------------------------------------------------------------------------------------------


@every_vital
def test_the_first_readings_raise_nothing(detector: Detector, vital: str) -> None:
    for kernel_is_compiled in (True, False):
        _, code = bed(detector, vital, kernel_is_compiled).judge(history(vital, 0.01))
        assert not code.any()


@every_vital
def test_a_healthy_signal_is_hardly_ever_beyond(detector: Detector, vital: str) -> None:
    """Single readings, before any delay."""
    _, code = learnt(detector, vital).judge(history(vital, 3.0, AFTER))
    assert ((code & (LOW | HIGH)) != 0).mean() < 0.02


def stuck(vital: str) -> Columns:
    at = AFTER + np.arange(DAY // interval(vital)) * interval(vital)
    return columns(at, np.full(at.size, healthy(vital)[0]))


def wild(vital: str) -> Columns:
    """Neighbouring values twenty spreads apart, as a loose sensor has them."""
    still = stuck(vital)
    low, high = BY_NAME[vital].plausible
    swing = 10.0 * healthy(vital)[1] * np.where(np.arange(still.at.size) % 2, 1.0, -1.0)
    return columns(still.at, np.clip(still.value + swing, low, high))


@every_vital
def test_a_value_that_stays_is_neither_low_nor_high(detector: Detector, vital: str) -> None:
    if detector.sided:
        assert not learnt(detector, vital).judge(stuck(vital))[1].any()


def shifted(vital: str, spreads: float, over: int) -> Columns:
    """A healthy day with a change of so many spreads within ``over`` microseconds that stays."""
    base = history(vital, 1.0, AFTER)
    share = np.clip((base.at - AFTER) / over, 0.0, 1.0)
    low, high = BY_NAME[vital].plausible
    return columns(base.at, np.clip(base.value + share * spreads * healthy(vital)[1], low, high))


def change_raises(detector: Detector, vital: str, bit: int, spreads: float) -> bool:
    codes = [learnt(detector, vital).judge(shifted(vital, spreads, over))[1] for over in (1, 18 * HOUR)]
    return any((code & bit).any() for code in codes)


@every_vital
def test_it_is_better_than_chance(detector: Detector, vital: str) -> None:
    """Which change a detector is for is its own affair; but one that overlooks both a sudden and a slow change of six spreads,
    up and down, sees nothing. One without a side is for sensors, and must see a stuck or a wild one. What has no memory knows no
    change, and must see the edge of the plausible range."""
    if not detector.sided:
        moving = np.nanmean(learnt(detector, vital).judge(history(vital, 1.0, AFTER))[0])
        found = [learnt(detector, vital).judge(faulty(vital)) for faulty in (stuck, wild)]
        assert any(code.any() and np.nanmean(score) > 5 * moving for score, code in found)
        return
    if detector.of_gated or not detector.state:
        assert edges_raise(detector, vital).any()
        return
    down, up = change_raises(detector, vital, LOW, -6.0), change_raises(detector, vital, HIGH, 6.0)
    assert down or up
    quiet = np.nanmax(learnt(detector, vital).judge(history(vital, 1.0, AFTER))[0])
    shift = 6.0 if up else -6.0
    loud = [np.nanmax(learnt(detector, vital).judge(shifted(vital, shift, over))[0]) for over in (1, 18 * HOUR)]
    assert max(loud) > 1.5 * quiet


def edges_raise(detector: Detector, vital: str) -> U8:
    rows = columns(AFTER + np.arange(2) * HOUR, np.array(BY_NAME[vital].plausible))
    if detector.of_gated:
        rows = rows.gated(np.ones(2, np.bool_))
    code = learnt(detector, vital).judge(rows)[1]
    return code & np.array([LOW, HIGH], np.uint8)
