"""Drift: what is the same stays unsaid, what has changed is named; order, restarts and memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.risk.drift import DAY, DAYS, HOUR, LEAST_PATIENTS, QUARTER, Drift, DriftWatch
from analytics.risk.drift_tests import psi
from analytics.risk.reference import CUTS, Reference, from_bytes, reference_of, to_bytes
from vigil.domain.errors import ModelError
from vigil.domain.readings import F64, I64

START = 1_767_225_600_000_000
NAMES = ("HR_last", "Temp_last", "Temp_age", "Age", "Gender")
Matrix = NDArray[np.float32]


class Ward:
    """Persons of one kind: each has an own level and a slowly changing deviation, as real vital signs have."""

    def __init__(self, seed: int, persons: int) -> None:
        self.random = np.random.default_rng(seed)
        self.persons = persons
        self.level = self.random.normal(0, 1, (persons, 2))
        self.deviation = self.random.normal(0, 1, (persons, 2))
        self.age = self.random.integers(18, 95, persons)
        self.sex = self.random.integers(0, 2, persons)

    def hour(self) -> Matrix:
        self.deviation = 0.9 * self.deviation + np.sqrt(1 - 0.81) * self.random.normal(0, 1, self.deviation.shape)
        both = self.level + 0.7 * self.deviation
        since = self.random.integers(0, 6, self.persons).astype(np.float64)
        rows = np.column_stack([85 + 12 * both[:, 0], 37 + 0.5 * both[:, 1], since, self.age, self.sex])
        rows[self.random.random(self.persons) < 0.1, 0] = np.nan
        return rows.astype(np.float32)


def risk(rows: Matrix) -> F64:
    heart, temperature = (np.where(np.isnan(rows[:, at]), usual, rows[:, at]) for at, usual in ((0, 85.0), (1, 37.0)))
    result: F64 = 1 / (1 + np.exp(4.5 - 0.05 * (heart - 85) - 0.8 * (temperature - 37)))
    return result


THRESHOLD = 0.03


def reference() -> Reference:
    ward = Ward(1, 4000)
    rows = np.concatenate([ward.hour() for _ in range(12)])
    return reference_of(NAMES, rows, risk(rows), risk(rows) >= THRESHOLD, 4000)


REFERENCE = reference()


def note(watch: DriftWatch, rows: Matrix, at: int, first: int = 0) -> None:
    probability = risk(rows)
    watch.note(rows, probability, probability >= THRESHOLD, np.arange(first, first + len(rows), dtype=np.int64), at)


def week(seed: int, persons: int, change: str = "") -> DriftWatch:
    watch, ward = DriftWatch("sepsis-home", REFERENCE), Ward(seed, persons)
    for hour in range(7 * 24):
        rows = ward.hour()
        if change == "fahrenheit":
            rows[:, 1] = rows[:, 1] * 1.8 + 32
        elif change == "fever":
            rows[:, 1] += np.float32(0.8)
        elif change == "probe off":
            rows[:, 1] = np.nan
        note(watch, rows, START + hour * HOUR)
    return watch


def measures(found: list[Drift]) -> set[tuple[str, str]]:
    return {(one.feature, one.measure) for one in found}


def test_the_same_kind_of_persons_is_no_drift() -> None:
    false_alarms = [len(week(seed, persons).found()) for persons in (25, 60, 200) for seed in range(2, 12)]
    assert false_alarms == [0] * 30


@given(st.integers(0, 2**32 - 1), st.integers(LEAST_PATIENTS + 5, 400))
@settings(max_examples=60)
def test_resamples_of_the_reference_are_no_drift(seed: int, persons: int) -> None:
    watch, random = DriftWatch("m", REFERENCE), np.random.default_rng(seed)
    rows = np.concatenate([Ward(1, 4000).hour()])
    for hour in range(24):
        note(watch, rows[random.integers(0, len(rows), persons)], START + hour * HOUR)
    assert measures(watch.found()) == set()


@pytest.mark.parametrize("persons", [25, 200])
def test_degrees_fahrenheit_are_found_and_named(persons: int) -> None:
    found = week(3, persons, "fahrenheit").found()
    assert {("Temp_last", "psi"), ("Temp_last", "ks")} <= measures(found)
    assert {one.feature for one in found} <= {"Temp_last", "score"}
    worst = next(one for one in found if one.measure == "psi" and one.feature == "Temp_last")
    assert worst.act
    assert worst.bound == 0.25
    assert worst.value > 1
    assert worst.text.startswith("sepsis-home: Temp_last is distributed otherwise than when it learnt (PSI ")
    assert "middle value above " in worst.text


def test_two_days_of_fahrenheit_after_six_good_ones_is_found() -> None:
    watch, ward = DriftWatch("m", REFERENCE), Ward(5, 100)
    for hour in range(8 * 24):
        rows = ward.hour()
        if hour >= 6 * 24:
            rows[:, 1] = rows[:, 1] * 1.8 + 32
        note(watch, rows, START + hour * HOUR)
        if hour == 6 * 24 - 1:
            assert watch.found() == []
    assert ("Temp_last", "psi") in measures(watch.found())


@given(st.floats(0.8, 5.0), st.sampled_from([-1, 1]), st.integers(0, 100))
@settings(max_examples=20)
def test_a_shifted_input_is_found(sds: float, sign: int, seed: int) -> None:
    watch, ward = DriftWatch("m", REFERENCE), Ward(seed, 200)
    for hour in range(24):
        rows = ward.hour()
        rows[:, 0] += np.float32(sign * sds * 12 * 1.22)
        note(watch, rows, START + hour * HOUR)
    assert ("HR_last", "ks") in measures(watch.found())
    assert {one.feature for one in watch.found()} <= {"HR_last", "score"}


def test_higher_scores_and_more_alerts_are_found() -> None:
    found = week(4, 200, "fever").found()
    assert {("score", "mean score"), ("score", "alert rate")} <= measures(found)
    rate = next(one for one in found if one.measure == "alert rate")
    assert rate.bound == 1.2
    assert rate.value > 1.2


def test_what_is_no_longer_measured_is_found() -> None:
    missing = [one for one in week(4, 60, "probe off").found() if one.feature == "Temp_last"]
    assert [(one.measure, one.value) for one in missing] == [("missing", 1.0)]
    assert "missing more often than when it learnt (100% of hours, 0% then" in missing[0].text


def test_few_persons_or_hours_say_nothing() -> None:
    few, short = DriftWatch("m", REFERENCE), DriftWatch("m", REFERENCE)
    for hour in range(7 * 24):
        note(few, Ward(hour, LEAST_PATIENTS - 5).hour() * 3, START + hour * HOUR)
    for hour in range(4):
        note(short, Ward(hour, 100).hour() * 3, START + hour * HOUR)
    assert few.found() == []
    assert short.found() == []
    note(short, Ward(9, 100).hour() * 3, START + 5 * HOUR)
    assert short.found() != []


def test_a_person_counts_once_an_hour_and_for_a_week() -> None:
    watch = week(3, 60, "fahrenheit")
    before = watch.snapshot()
    note(watch, Ward(1, 60).hour() * 9, START + 7 * 24 * HOUR - HOUR + QUARTER)
    note(watch, Ward(1, 60).hour() * 9, START - DAY)
    assert all(np.array_equal(before[name], array) for name, array in watch.snapshot().items())
    healthy = Ward(3, 60)
    for hour in range(DAYS * 24, 2 * DAYS * 24):
        note(watch, healthy.hour(), START + hour * HOUR)
    assert watch.found() == []


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_order_and_split_do_not_matter(order: object) -> None:
    ward, batches = Ward(6, 30), []
    for hour in range(30):
        rows = ward.hour()
        rows[:, 1] = rows[:, 1] * 1.8 + 32
        batches += [(hour, person, rows[person : person + 1]) for person in range(30)]
    straight, shuffled = DriftWatch("m", REFERENCE), DriftWatch("m", REFERENCE)
    for hour in range(30):
        note(straight, np.concatenate([rows for at, _, rows in batches if at == hour]), START + hour * HOUR)
    order.shuffle(batches)  # type: ignore[attr-defined]
    for hour, person, rows in batches:
        note(shuffled, rows, START + hour * HOUR, person)
    assert all(np.array_equal(straight.snapshot()[name], array) for name, array in shuffled.snapshot().items())
    assert straight.found() == shuffled.found() != []


def test_a_restart_goes_on_where_it_was() -> None:
    whole, cut, ward = DriftWatch("m", REFERENCE), DriftWatch("m", REFERENCE), Ward(8, 40)
    for hour in range(48):
        rows = ward.hour() * np.float32(1.2)
        note(whole, rows, START + hour * HOUR)
        if hour == 20:
            saved, cut = cut.snapshot(), DriftWatch("m", REFERENCE)
            cut.restore(saved)
        note(cut, rows, START + hour * HOUR)
    assert cut.found() == whole.found() != []
    other = DriftWatch("m", reference_of(NAMES[:1], Ward(1, 9).hour()[:, :1], np.full(9, 0.5), np.zeros(9, bool), 9))
    with pytest.raises(ModelError, match="belongs to another model"):
        other.restore(whole.snapshot())
    assert other.found() == []


def test_memory_is_bounded() -> None:
    watch = DriftWatch("m", REFERENCE)
    size = sum(array.nbytes for array in watch.snapshot().values())
    for day in range(40):
        note(watch, Ward(day, 300).hour(), START + day * DAY, day * 300)
    assert sum(array.nbytes for array in watch.snapshot().values()) == size < 300_000
    assert watch.patients() == pytest.approx(DAYS * 300, rel=0.05)


@given(st.integers(1, 12_000))
@settings(max_examples=30)
def test_persons_are_counted_without_being_listed(persons: int) -> None:
    watch = DriftWatch("m", REFERENCE)
    rows = np.tile(Ward(1, 1).hour(), (persons, 1))
    for _ in range(2):
        note(watch, rows, START)
    assert abs(watch.patients() - persons) <= max(3, 0.03 * persons)


def outcomes(factor: float, persons: int, seed: int = 1) -> DriftWatch:
    watch, random = DriftWatch("m", REFERENCE), np.random.default_rng(seed)
    for hour in range(100):
        probability = random.uniform(0.04, 0.16, persons)
        happened = random.random(persons) < probability * factor
        watch.note_outcomes(probability, happened, np.arange(persons, dtype=np.int64), START + hour * HOUR)
    return watch


def test_calibration_is_judged_when_outcomes_arrive() -> None:
    assert [outcomes(1.0, 100, seed).found() for seed in range(20)] == [[]] * 20
    [high] = outcomes(2.0, 100).found()
    assert (high.feature, high.measure, high.bound) == ("outcome", "observed/expected", 1.25)
    assert high.value == pytest.approx(2.0, rel=0.15)
    [low] = outcomes(0.5, 100).found()
    assert low.bound == 0.8
    assert outcomes(2.0, 8).found() == []


def test_outcomes_older_than_thirty_days_are_forgotten() -> None:
    watch, persons = outcomes(3.0, 100), np.arange(100, dtype=np.int64)
    assert watch.found() != []
    watch.note_outcomes(np.full(100, 0.05), np.zeros(100, bool), persons, START + 40 * DAY)
    assert watch.found() == []


def test_a_row_of_other_features_is_refused() -> None:
    with pytest.raises(ModelError, match=r"drift of m: rows of shape \(3, 4\) for 5 features"):
        DriftWatch("m", REFERENCE).note(
            np.zeros((3, 4), np.float32), np.zeros(3), np.zeros(3, bool), np.arange(3, dtype=np.int64), START
        )


def test_constant_missing_and_yes_or_no_features() -> None:
    rows = np.column_stack([np.full(1000, 7), np.full(1000, np.nan), np.arange(1000) % 2]).astype(np.float32)
    probability = np.linspace(0, 1, 1000)
    odd = reference_of(("constant", "never", "flag"), rows, probability, probability > 0.5, 1000)
    persons: I64 = np.arange(1000, dtype=np.int64)
    same, other = DriftWatch("m", odd), DriftWatch("m", odd)
    same.note(rows, probability, probability > 0.5, persons, START)
    assert same.found() == []
    changed = np.column_stack([np.full(1000, 8), np.full(1000, 1), np.arange(1000) % 5 == 0]).astype(np.float32)
    other.note(changed, probability, probability > 0.5, persons, START)
    assert measures(other.found()) == {
        ("constant", "psi"),
        ("constant", "ks"),
        ("never", "missing"),
        ("flag", "psi"),
        ("flag", "ks"),
    }


def test_psi_by_hand() -> None:
    # 0.3 ln 1.5 + ... worked by hand: (0.6 - 0.4) ln(0.6 / 0.4) + (0.4 - 0.6) ln(0.4 / 0.6) = 0.4 ln 1.5
    assert psi(np.array([0.6, 0.4]), np.array([0.4, 0.6])) == pytest.approx(0.4 * np.log(1.5))
    assert psi(np.array([1.0, 0.0]), np.array([0.5, 0.5])) < 10


@given(st.integers(20, 400), st.integers(0, 1000))
@settings(max_examples=40)
def test_the_gap_between_distributions_is_the_exact_one_within_a_step(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    usual, live = random.normal(0, 1, 3000).astype(np.float32), random.normal(1.5, 1, n).astype(np.float32)
    flat = np.full(3000, 0.5)
    own = reference_of(("x",), usual[:, None], flat, flat > 1, 3000)
    watch = DriftWatch("m", own)
    for at in range(30):
        watch.note(live[:, None], flat[:n], flat[:n] > 1, np.arange(n, dtype=np.int64), START + at * HOUR)
    both = np.sort(np.concatenate([usual, live]))
    exact = np.max(
        np.abs(
            np.searchsorted(np.sort(usual), both, "right") / 3000 - np.searchsorted(np.sort(live), both, "right") / n
        )
    )
    [ks] = [one for one in watch.found() if one.measure == "ks"]
    assert exact - 1 / CUTS - 1e-3 <= ks.value <= exact + 1e-9


def test_a_reference_is_kept_bit_by_bit() -> None:
    content = to_bytes(REFERENCE)
    again = from_bytes(content)
    assert to_bytes(again) == content
    assert again.names == REFERENCE.names
    assert np.array_equal(again.cuts, REFERENCE.cuts, equal_nan=True)
    for broken in (content[: len(content) // 2], b"", content.replace(b"names", b"mames")):
        with pytest.raises(ModelError):
            from_bytes(broken)
