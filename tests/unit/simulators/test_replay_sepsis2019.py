"""Sepsis 2019 against its own file, and a small file of the same shape."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from simulators.replay.sepsis2019 import FILE, Onset, load, onsets
from vigil.domain.errors import ScenarioError

ROWS = """
    ('p000001', 1, 80.0, NULL, 97.0, 120.0, 70.0, 87.0, 37.0, 61.0, 1, 0),
    ('p000001', 2, NULL, 18.0, 96.0, NULL, NULL, NULL, NULL, 61.0, 1, 0),
    ('p000001', 4, 90.0, 20.0, NULL, NULL, NULL, NULL, NULL, 61.0, 1, 1),
    ('p000002', 1, 70.0, NULL, NULL, NULL, NULL, NULL, NULL, 40.0, 0, 1),
    ('p000003', 3, 71.0, NULL, NULL, NULL, NULL, NULL, NULL, 40.0, 0, 0)
"""
COLUMNS = "patient_id, ICULOS, HR, Resp, O2Sat, SBP, DBP, MAP, Temp, Age, Gender, SepsisLabel"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT * FROM (VALUES {ROWS}) t({COLUMNS})) TO '{tmp_path / FILE}' (FORMAT parquet)")
    return tmp_path


def test_a_stay_is_a_recording_with_its_hours(small: Path) -> None:
    first, second, third = load(small)
    assert (first.device_id, first.age, first.sex, second.sex) == ("sepsis-000001", 61, "M", "F")
    assert first.seconds.tolist() == [0, 3600, 10_800]
    assert third.seconds.tolist() == [0]
    assert first.columns["hr", None].tolist() == pytest.approx([80, np.nan, 90], nan_ok=True)
    assert first.columns["spo2", None].tolist() == pytest.approx([97, 96, np.nan], nan_ok=True)
    assert first.values == 10


def test_the_label_begins_six_hours_before_the_onset(small: Path) -> None:
    assert onsets(small) == (Onset("sepsis-000001", 3, 9, at_start=False), Onset("sepsis-000002", 0, 6, at_start=True))


def test_a_folder_without_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="sepsis2019"):
        load(tmp_path)


@pytest.mark.recordings
def test_every_value_and_every_onset_of_the_file_is_there(recordings: Path) -> None:
    folder = recordings / "sepsis2019"
    names = ("HR", "Resp", "O2Sat", "SBP", "DBP", "MAP", "Temp")
    counted = ", ".join(f"count({name})" for name in names)
    with duckdb.connect() as con:
        *by_column, stays, ill = con.execute(
            f"SELECT {counted}, count(DISTINCT patient_id), count(DISTINCT patient_id) FILTER (SepsisLabel = 1) "
            f"FROM '{folder / FILE}'"
        ).fetchone()  # type: ignore[misc]
    found = load(folder)
    assert len(found) == stays == 20_336
    assert sum(each.values for each in found) == sum(by_column)
    assert len(onsets(folder)) == ill
    assert round(ill / stays, 3) == 0.088
