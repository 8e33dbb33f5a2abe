from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from simulators.export import Written, write_table
from simulators.recording import Recording
from simulators.replay import load_recordings
from vigil.domain.errors import InvalidInput
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND, from_iso

START = from_iso("2026-01-01T00:00:00Z")
QUESTIONABLE = int(Quality.QUESTIONABLE)
TRIED = int(Quality.CONTACT_LOST | Quality.NO_VALUE)


def person(device_id: str, rates: list[float]) -> Recording:
    """A heart rate at 0 and 90 s, the second one questionable; breathing tried in vain at 0, temperature at 90 s."""
    return Recording(
        device_id=device_id,
        age=70,
        sex="F",
        seconds=np.array([0, 90], dtype=np.int64),
        columns={
            ("hr", "finger"): np.array(rates),
            ("rr", None): np.array([np.nan, np.nan]),
            ("temp", None): np.array([np.nan, 36.888888888888886]),
        },
        no_reading={("rr", None): np.array([True, False])},
        quality={("hr", "finger"): np.array([0, QUESTIONABLE], dtype=np.uint16)},
    )


TWO = (person("x-2", [60.0, 11647.0]), person("x-1", [70.0, 71.0]))


def rows(path: Path) -> list[tuple[Any, ...]]:
    return duckdb.execute(f"SELECT * FROM '{path}'").fetchall()


def test_a_row_is_a_reading_in_the_order_of_recordings_and_time(tmp_path: Path) -> None:
    path = tmp_path / "two.parquet"
    counts = write_table(TWO, path)
    later = START + 90 * SECOND
    found = rows(path)
    assert [row[:3] + row[4:] for row in found if row[0] == "x-2"] == [
        ("x-2", "heart_rate", START, START, 0, "x-2", "finger"),
        ("x-2", "resp_rate", START, START, TRIED, "x-2", ""),
        ("x-2", "heart_rate", later, later, QUESTIONABLE, "x-2", "finger"),
        ("x-2", "body_temp", later, later, 0, "x-2", ""),
    ]
    assert [row[0] for row in found] == ["x-2"] * 4 + ["x-1"] * 4
    assert [row[3] for row in found if row[1] != "resp_rate"] == [
        60.0,
        11647.0,
        36.888888888888886,
        70.0,
        71.0,
        36.888888888888886,
    ]
    assert all(math.isnan(row[3]) for row in found if row[1] == "resp_rate")
    assert counts == {"body_temp": Written(2, 0), "heart_rate": Written(4, 0), "resp_rate": Written(0, 2)}


def test_the_columns_have_the_promised_types(tmp_path: Path) -> None:
    write_table(TWO, tmp_path / "two.parquet")
    described = duckdb.execute(f"DESCRIBE SELECT * FROM '{tmp_path / 'two.parquet'}'").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [
        ("patient", "VARCHAR"),
        ("vital", "VARCHAR"),
        ("measured_at", "BIGINT"),
        ("value", "DOUBLE"),
        ("received_at", "BIGINT"),
        ("quality", "USMALLINT"),
        ("device", "VARCHAR"),
        ("site", "VARCHAR"),
    ]


def test_csv_says_the_same_as_parquet(tmp_path: Path) -> None:
    write_table(TWO, tmp_path / "two.parquet")
    write_table(TWO, tmp_path / "two.csv")
    with (tmp_path / "two.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert written[1]["value"] == written[1]["site"] == ""
    assert written[2]["measured_at"] == written[2]["received_at"] == "2026-01-01T00:01:30.000000Z"
    said = [
        (
            row["patient"],
            row["vital"],
            from_iso(row["measured_at"]),
            row["value"],
            from_iso(row["received_at"]),
            int(row["quality"]),
            row["device"],
            row["site"],
        )
        for row in written
    ]
    assert said == [
        (*row[:3], "" if math.isnan(row[3]) else repr(row[3]), *row[4:]) for row in rows(tmp_path / "two.parquet")
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_same_recordings_give_the_same_bytes_and_an_old_file_gives_way(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("first", "it's second")]
    paths[1].write_text("older and longer" * 10_000)
    for path in paths:
        write_table(TWO, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted(paths), "no temporary file is left"


def test_the_start_moves_every_time(tmp_path: Path) -> None:
    write_table(TWO, tmp_path / "two.parquet", START + 5)
    assert {row[2] for row in rows(tmp_path / "two.parquet")} == {START + 5, START + 90 * SECOND + 5}


@pytest.mark.parametrize("name", ["table.xlsx", "table", "nowhere/table.csv", "nowhere/table.parquet"])
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="table"):
        write_table(TWO, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no recording"):
        write_table([], tmp_path / "none.csv")


@pytest.mark.recordings
@pytest.mark.parametrize(("dataset", "folder", "tried"), [("bidmc", "bidmc", 220), ("mimic3", "mimic3_demo", 0)])
def test_the_real_recordings_are_written_whole_and_alike(
    tmp_path: Path, recordings: Path, dataset: str, folder: str, tried: int
) -> None:
    for name in ("first", "second"):
        found = load_recordings(dataset, recordings / folder)
        counts = write_table(found, tmp_path / f"{name}.parquet")
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()
    assert sum(one.tried for one in counts.values()) == tried
    written = rows(tmp_path / "first.parquet")
    assert len(written) == sum(one.values + one.tried for one in found)
    assert Counter(row[1] for row in written) == {name: one.values + one.tried for name, one in counts.items()}
    assert {row[0]: row[2] for row in reversed(written)} == {one.device_id: START for one in found}
    assert all(row[2] == row[4] for row in written)
