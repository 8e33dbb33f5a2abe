"""Records of the Challenge 2009, what an episode is, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.io.matlab import savemat

from analytics.risk.hypotension.records import LIMIT, MINUTES, clean, lowest_level, read_records
from vigil.domain.errors import TableError


def _write(folder: Path, name: str, pressure: NDArray[np.float64]) -> None:
    savemat(folder / name, {"DAT": np.column_stack([pressure, np.zeros(MINUTES), np.zeros(MINUTES)])})


def test_records_come_by_group_and_number_with_their_labels(tmp_path: Path) -> None:
    for name in ("BP_H1_10.mat", "BP_H1_2.mat", "BP_C2_1.mat"):
        _write(tmp_path, name, np.full(MINUTES, 80.0))
    savemat(tmp_path / "DATSET_A.mat", {"DATSET": np.zeros((MINUTES, 2))})

    found = read_records(tmp_path)

    assert found.ids == ("C2_1", "H1_2", "H1_10")
    assert found.event.tolist() == [False, True, True]
    assert found.minutes.shape == (3, MINUTES)
    assert found.minutes.dtype == np.float32


def test_what_no_body_can_have_is_not_known(tmp_path: Path) -> None:
    pressure = np.full(MINUTES, 80.0)
    pressure[:5] = [0, 300, -39.2, np.nan, 29.9]
    _write(tmp_path, "BP_C1_1.mat", pressure)

    assert np.flatnonzero(np.isnan(read_records(tmp_path).minutes[0])).tolist() == [0, 1, 2, 3, 4]


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no record BP_"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"DAT": np.zeros((600, 3))}, "must be a table of 660 minutes"),
        ({"OTHER": np.zeros((660, 3))}, "must be a table of 660 minutes"),
        ({"DAT": np.array(["pressure"] * 660)[:, None]}, "must be a table of 660 minutes"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, content: dict[str, object], said: str) -> None:
    savemat(tmp_path / "BP_H1_1.mat", content)

    with pytest.raises(TableError, match=said):
        read_records(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no MATLAB file at all", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "BP_H1_1.mat").write_bytes(content)

    with pytest.raises(TableError, match="BP_H1_1"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("low", "minutes", "episode"),
    [
        (60.0, 27, True),  # nine tenths of half an hour, and 60 itself counts
        (60.0, 26, False),
        (60.1, 60, False),
        (40.0, 27, True),
    ],
)
def test_an_episode_is_27_of_30_minutes_at_or_below_60(low: float, minutes: int, episode: bool) -> None:
    hour = np.full((1, 60), 75.0, np.float32)
    hour[0, 20 : 20 + minutes] = low

    assert (lowest_level(hour)[0] <= LIMIT) == episode


def test_high_minutes_count_only_inside_their_half_hour() -> None:
    """Three bursts that no half hour holds more than three minutes of, and a fourth minute that spoils all."""
    hour = np.full((2, 60), 55.0, np.float32)
    hour[:, [0, 1, 2, 33, 34, 35]] = 100
    hour[1, [10, 20, 25, 30, 45, 50, 55]] = 100

    assert (lowest_level(hour) <= LIMIT).tolist() == [True, False]


def test_missing_minutes_are_no_episode() -> None:
    assert np.isinf(lowest_level(np.full((1, 60), np.nan, np.float32))).all()


@given(st.floats(-500, 500, width=32), st.integers(0, 59))
def test_cleaning_keeps_or_removes_but_never_changes(value: float, place: int) -> None:
    minutes = np.full((1, 60), 80.0, np.float32)
    minutes[0, place] = value

    cleaned = clean(minutes)

    assert np.isnan(cleaned[0, place]) or cleaned[0, place] == np.float32(value)
    assert np.delete(cleaned, place).tolist() == [80.0] * 59
