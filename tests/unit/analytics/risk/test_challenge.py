"""Tables in the Challenge's columns: read whatever their order, refused by name where they cannot be what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk.challenge import read_hours
from analytics.risk.hours import VITALS
from vigil.domain.errors import TableError

COLUMNS = (*VITALS, "Age", "Gender")
GOOD = {"HR": 84, "O2Sat": 98, "Temp": 37.1, "SBP": 119, "MAP": 77, "DBP": 59, "Resp": 18, "Age": 64, "Gender": 1}
SECRET = "p-secret"


def table(patients: int = 1, length: int = 3) -> dict[str, list[Any]]:
    count = patients * length
    return {
        "patient_id": [f"{SECRET}-{row // length}" for row in range(count)],
        "ICULOS": [row % length + 1 for row in range(count)],
        **{name: [value] * count for name, value in GOOD.items()},
        "SepsisLabel": [0] * count,
    }


def written(path: Path, columns: dict[str, list[Any]]) -> Path:
    """As .csv, .psv or .parquet, None = empty."""
    rows = list(zip(*columns.values(), strict=True))
    if path.suffix != ".parquet":
        between = "," if path.suffix == ".csv" else "|"
        lines = [between.join("" if each is None else str(each) for each in row) for row in (tuple(columns), *rows)]
        path.write_text("\n".join(lines) + "\n")
        return path
    with duckdb.connect(":memory:") as con:
        kinds = ", ".join(f"{name} {'VARCHAR' if name == 'patient_id' else 'DOUBLE'}" for name in columns)
        con.execute(f"CREATE TABLE t ({kinds})")
        con.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def refusal(path: Path, columns: dict[str, list[Any]], *, label: bool = False) -> str:
    with pytest.raises(TableError) as error:
        read_hours(written(path, columns), COLUMNS, label=label)
    assert SECRET not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("suffix", [".csv", ".psv", ".parquet"])
def test_every_kind_of_file_gives_the_same_hours(tmp_path: Path, suffix: str) -> None:
    made = table(2)
    made["HR"][1] = None
    hours = read_hours(written(tmp_path / f"t{suffix}", made), COLUMNS, label=True)
    assert hours.ids == (f"{SECRET}-0", f"{SECRET}-1")
    assert hours.starts.tolist() == [0, 3, 6]
    assert hours.hour.tolist() == [1, 2, 3, 1, 2, 3]
    np.testing.assert_array_equal(hours.columns["HR"], np.array([84, np.nan, 84, 84, 84, 84], np.float32))
    assert set(hours.columns) == {*COLUMNS, "SepsisLabel"}
    assert all(column.dtype == np.float32 for column in hours.columns.values())


def test_a_file_of_the_challenge_is_one_patient(tmp_path: Path) -> None:
    made = {name: values for name, values in table().items() if name != "patient_id"}
    assert read_hours(written(tmp_path / "p000042.psv", made), COLUMNS).ids == ("p000042",)


@settings(max_examples=20)
@given(order=st.permutations(range(12)))
def test_rows_may_come_in_any_order(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    made = table(3, 4)
    made["HR"] = list(range(70, 82))
    shuffled = {name: [values[row] for row in order] for name, values in made.items()}
    hours = read_hours(written(tmp_path_factory.mktemp("t") / "t.csv", shuffled), COLUMNS)
    assert list(hours.ids) == list(dict.fromkeys(shuffled["patient_id"]))  # in the order of their first rows
    place = {f"{SECRET}-{number}": number for number in range(3)}
    expected = [70 + 4 * place[name] + hour for name in hours.ids for hour in range(4)]
    assert hours.columns["HR"].tolist() == expected


def test_a_patient_with_one_reading(tmp_path: Path) -> None:
    made: dict[str, list[Any]] = {name: [None] for name in table()}
    made.update({"patient_id": ["p"], "ICULOS": [7], "HR": [80]})
    hours = read_hours(written(tmp_path / "t.csv", made), COLUMNS)
    assert len(hours) == 1
    assert np.isnan(hours.columns["Temp"][0])


@pytest.mark.parametrize("word", ["X", "female", "3", "", "NaN"])
def test_an_unknown_category_is_not_known_and_no_error(tmp_path: Path, word: str) -> None:
    made = table()
    made["Gender"] = [word] * 3
    found = read_hours(written(tmp_path / "t.csv", made), COLUMNS).columns["Gender"]
    assert np.isnan(found).all() or found.tolist() == [3, 3, 3]  # cleaning refuses the 3


@pytest.mark.parametrize("column", [*COLUMNS, "patient_id", "ICULOS"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    made = {name: values for name, values in table().items() if name != column}
    assert f"lacks the column {column}" in refusal(tmp_path / "t.csv", made)


def test_the_label_is_needed_only_where_it_is_asked_for(tmp_path: Path) -> None:
    made = {name: values for name, values in table().items() if name != "SepsisLabel"}
    read_hours(written(tmp_path / "t.csv", made), COLUMNS)
    assert "SepsisLabel" in refusal(tmp_path / "t.csv", made, label=True)
    assert "0 or 1" in refusal(tmp_path / "t.csv", {**made, "SepsisLabel": [0, 2, 1]}, label=True)


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("ICULOS", [1, 2, 2], "twice"),
        ("ICULOS", [1, None, 3], "row 2: ICULOS must be a whole number"),
        ("ICULOS", [1, 2, 2.5], "row 3: ICULOS must be a whole number"),
        ("ICULOS", ["one", 2, 3], "row 1: ICULOS is no number"),
        ("patient_id", ["p", "p", None], "row 3: patient_id is missing"),
        ("HR", [80, 81, "fast"], "row 3: HR is no number"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_number(
    tmp_path: Path, column: str, values: list[Any], told: str
) -> None:
    assert told in refusal(tmp_path / "t.csv", {**table(), column: values})


@pytest.mark.parametrize(
    ("a", "b"), [("SBP", "DBP"), ("HR", "Temp"), ("O2Sat", "Resp"), ("SBP", "MAP"), ("Resp", "Age"), ("HR", "O2Sat")]
)
def test_swapped_columns_of_a_ward_are_refused(tmp_path: Path, a: str, b: str) -> None:
    made = table(25)
    made[a], made[b] = made[b], made[a]
    if {a, b} == {"HR", "O2Sat"}:
        made["HR"], made["O2Sat"] = [97] * 75, [84] * 75  # only one of them is out of place
    assert "swapped" in refusal(tmp_path / "t.csv", made)


def test_one_very_ill_person_is_no_swapped_column(tmp_path: Path) -> None:
    made = table()
    made.update({"HR": [170] * 3, "SBP": [62] * 3, "MAP": [45] * 3, "DBP": [33] * 3, "O2Sat": [74] * 3})
    assert len(read_hours(written(tmp_path / "t.csv", made), COLUMNS)) == 3


def test_degrees_fahrenheit_are_no_swapped_column(tmp_path: Path) -> None:
    for patients in (1, 25):
        made = table(patients)
        made["Temp"] = [98.6] * len(made["HR"])
        assert len(read_hours(written(tmp_path / "t.csv", made), COLUMNS)) == 3 * patients


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    for name, content in (("t.csv", ""), ("t.csv", "patient_id,ICULOS\n"), ("t.parquet", "no"), ("t.xlsx", "x")):
        (tmp_path / name).write_text(content)
        with pytest.raises(TableError, match=name):
            read_hours(tmp_path / name, ("HR",) if content != "patient_id,ICULOS\n" else ())
    with pytest.raises(TableError, match="no such file"):
        read_hours(tmp_path / "gone.csv", COLUMNS)


@pytest.mark.recordings
def test_set_a_is_read_whole(recordings: Path) -> None:
    hours = read_hours(recordings / "sepsis2019" / "training_setA.parquet", COLUMNS, label=True)
    assert (len(hours.ids), len(hours), int(hours.columns["SepsisLabel"].sum())) == (20336, 790215, 17136)
    assert (np.diff(hours.hour)[np.diff(hours.patient) == 0] == 1).all()
