"""The grid is a function of the set of readings; its hours are the means of their quarters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.engine.compiled import Kernels
from analytics.risk.stream.cells import cells_kernel
from analytics.risk.stream.grid import COLUMNS, KEPT_H, OPEN, QUARTER, RING, Grid
from tests.unit.analytics.ward import START, compiled
from vigil.domain.times import HOUR, MINUTE

PULSE, TEMP = COLUMNS.index("HR"), COLUMNS.index("Temp")
#: Seconds after START, column, tenths of the value.
READINGS = st.lists(
    st.tuples(st.integers(0, 20 * 3600), st.sampled_from((PULSE, TEMP)), st.integers(300, 1200)), max_size=60
)


def add(grid: Grid, who: str, column: int, *readings: tuple[float, float]) -> None:
    """(hours after START, value)."""
    person, columns = np.array([grid.place(who)]), np.array([column])
    for hour, value in readings:
        grid.add(person, columns, np.array([START + round(hour * HOUR)]), np.array([float(value)]))


def hours(grid: Grid, at_h: float, size: int = 3, column: int = PULSE, who: str = "p") -> list[float]:
    found: list[float] = grid.cells([who], START + round(at_h * HOUR), size, Kernels()).hourly[column].tolist()
    return found


def test_an_hour_is_the_mean_of_its_quarters_that_have_values() -> None:
    grid = Grid()
    add(grid, "p", PULSE, (0.1, 60), (0.2, 70), (0.3, 90), (2.9, 100))
    assert hours(grid, 3) == pytest.approx([(65 + 90) / 2, np.nan, 100], nan_ok=True)
    # The hours slide by quarters: the second value's quarter has left the first of them.
    assert hours(grid, 3.25) == pytest.approx([90, np.nan, 100], nan_ok=True)


def test_what_is_measured_after_the_end_does_not_count_yet() -> None:
    grid = Grid()
    add(grid, "p", PULSE, (0.9, 80), (1.01, 200))
    cells = grid.cells(["p"], START + HOUR, 2, Kernels())
    assert cells.hourly[PULSE].tolist() == pytest.approx([np.nan, 80], nan_ok=True)
    assert cells.value[0, PULSE] == 80
    assert cells.measured_at[0, PULSE] == START + HOUR  # the very time is known of the newest only
    assert grid.cells(["p"], START + HOUR + QUARTER, 2, Kernels()).measured_at[0, PULSE] == START + round(1.01 * HOUR)


def test_what_was_never_measured_is_nothing() -> None:
    grid = Grid()
    add(grid, "p", PULSE, (0, 80))
    cells = grid.cells(["p"], START + HOUR, 1, Kernels())
    assert np.isnan(cells.value[0, TEMP])
    assert cells.measured_at[0, TEMP] == 0


def test_days_later_nothing_of_the_old_quarters_is_left() -> None:
    grid = Grid()
    add(grid, "p", PULSE, *((hour / 4, 80) for hour in range(RING)))
    add(grid, "p", PULSE, (200, 100))
    assert hours(grid, 200.25, KEPT_H) == pytest.approx([np.nan] * (KEPT_H - 1) + [100], nan_ok=True)


def test_all_the_hours_kept_are_there_while_the_next_quarter_runs() -> None:
    grid = Grid()
    add(grid, "p", PULSE, *((quarter / 4, 50 + quarter % 40) for quarter in range(RING + 10)))
    at = (RING + 9) / 4  # the last quarter is the running one
    found = hours(grid, at, KEPT_H)
    expected = [
        np.mean([50 + q % 40 for q in range(first, first + 4)]) for first in range(RING + 9 - 4 * KEPT_H, RING + 9, 4)
    ]
    assert found == pytest.approx(expected)


@settings(max_examples=60)
@given(READINGS, st.randoms(use_true_random=False), st.integers(1, 9))
def test_neither_order_nor_batches_matter(readings: list[tuple[int, int, int]], random: object, size: int) -> None:
    """Inside the lateness window."""
    once, pieces = Grid(), Grid()
    shuffled = list(readings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for second, column, tenths in readings:
        add(once, "p", column, (second / 3600, tenths / 10))
    for start in range(0, len(shuffled), size):
        part = shuffled[start : start + size]
        at = np.array([START + second * 1_000_000 for second, _, _ in part], np.int64)
        columns = np.array([column for _, column, _ in part], np.int64)
        values = np.array([tenths / 10 for _, _, tenths in part])
        pieces.add(np.full(len(part), pieces.place("p"), np.int64), columns, at, values)
    if readings:
        one, other = (grid.cells(["p"], START + 21 * HOUR, KEPT_H, Kernels()) for grid in (once, pieces))
        np.testing.assert_array_equal(one.hourly, other.hourly)
        np.testing.assert_array_equal(one.measured_at, other.measured_at)


def test_a_late_reading_goes_into_its_quarter_and_a_too_late_one_nowhere() -> None:
    grid = Grid()
    add(grid, "p", PULSE, (1.1, 60), (OPEN / 4 + 1, 100))
    add(grid, "p", PULSE, (1.6, 70))
    add(grid, "p", PULSE, (1.2, 90))  # more than the lateness window before the newest one
    assert hours(grid, 2, 1) == [65]


def test_compiled_and_plain_are_the_same_to_the_bit() -> None:
    rng, grid = np.random.default_rng(4), Grid()
    for who in ("a", "b", "c"):
        for column in range(len(COLUMNS)):
            add(grid, who, column, *zip(rng.uniform(0, 80, 200).round(3), rng.uniform(30, 300, 200), strict=True))
    assert compiled()(cells_kernel) is not cells_kernel
    for at in (START + 81 * HOUR, START + 40 * HOUR + QUARTER):
        plain, fast = (grid.cells(["c", "a"], at, KEPT_H, kernels) for kernels in (Kernels(), compiled()))
        for name in ("hourly", "value", "measured_at"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(fast, name))


def test_saved_and_loaded_it_goes_on_as_before() -> None:
    grid, again = Grid(), Grid()
    for number in range(100):
        add(grid, f"p-{number}", PULSE, (1, 60 + number))
    grid.forget(["p-3", "p-99"])
    grid.position = 77
    again.load(grid.saved())
    assert (again.people(), again.position) == (grid.people(), 77)
    add(again, "p-3", TEMP, (1, 37))
    assert hours(again, 2, 1, PULSE, "p-98") == [158]
    assert hours(again, 2, 1, PULSE, "p-3") == pytest.approx([np.nan], nan_ok=True)


def test_a_grid_of_another_shape_is_refused() -> None:
    saved = Grid().saved()
    with pytest.raises(ValueError, match="mean"):
        Grid().load({**saved, "mean": saved["mean"][:, :, 1:]})


def test_memory_stays_what_it_says() -> None:
    grid = Grid()
    for number in range(1000):
        grid.place(f"p-{number}")
    assert grid.nbytes < 1.25 * 1000 * 9750  # it grows by a quarter at a time
    add(grid, "p-1", PULSE, *((minute / 60, 80) for minute in range(0, 6000, 7)))
    before = grid.nbytes
    grid.forget([f"p-{number}" for number in range(1000)])
    for number in range(1000):
        grid.place(f"q-{number}")
    assert grid.nbytes == before


def test_a_minute_is_not_a_quarter() -> None:
    assert QUARTER == 15 * MINUTE
