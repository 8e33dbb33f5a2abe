"""Tables that are none, and rows that are no readings: each reason, its row number, and never a patient in a text."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.backtest.refused import EXAMPLES, ROW_REASON_TEXT, RefusedRow, RowReason
from analytics.backtest.table import read_patients, read_table
from tests.unit.analytics.test_table import FULL, HEADER, SPOKEN, T0, parquet, written
from vigil.domain.errors import InvalidInput, TableError
from vigil.domain.times import DAY, SECOND, to_iso

GOOD = f"p-secret,spo2,{SPOKEN},97,,,,,"

#: One row each that is refused, with the reason and the column that is to be named.
BAD = [
    (f"p-secret,spo2,{SPOKEN},97,,,,", "unreadable_line", ""),
    (f"p-secret,spo2,{SPOKEN},97,,,,,,", "unreadable_line", ""),
    (f'p-"secret,spo2,{SPOKEN},97,,,,,', "unreadable_line", ""),
    (f'"p-secret,spo2,{SPOKEN},97,,,,,', "unreadable_line", ""),
    (f"p-secret\x1fx,spo2,{SPOKEN},97,,,,,", "bad_name", ""),
    (f"p-secret,spo2,{SPOKEN},97,,,{'w' * 200},,", "bad_name", ""),
    (f" ,spo2,{SPOKEN},97,,,,,", "patient_missing", "patient"),
    (f"p-secret-9,spo2,{SPOKEN},97,,,,,", "unknown_patient", "patient"),
    (f"p-secret,SpO2,{SPOKEN},97,,,,,", "unknown_name", "vital"),
    (f"p-secret,,{SPOKEN},97,,,,,", "unknown_name", "vital"),
    ("p-secret,spo2,,97,,,,,", "time_missing", "measured_at"),
    ("p-secret,spo2,NaN,97,,,,,", "time_missing", "measured_at"),
    ("p-secret,spo2,yesterday,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,2026-02-30T00:00:00Z,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,2026-1-1T00:00:00Z,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,2026-01-01,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,2026-01-01T00:00:00 Europe/Berlin,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,2026-01-01T00:00:00+25:00,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,inf,97,,,,,", "time_unreadable", "measured_at"),
    ("p-secret,spo2,2026-01-01T00:00:00,97,,,,,", "time_without_zone", "measured_at"),
    ("p-secret,spo2,2026-01-01 00:00,97,,,,,", "time_without_zone", "measured_at"),
    ("p-secret,spo2,0,97,,,,,", "time_relative", "measured_at"),
    ("p-secret,spo2,-60000,97,,,,,", "time_relative", "measured_at"),
    ("p-secret,spo2,1767225600,97,,,,,", "time_relative", "measured_at"),
    ("p-secret,spo2,1767225600000000000,97,,,,,", "time_too_far", "measured_at"),
    (f"p-secret,spo2,{SPOKEN},97,soon,,,,", "time_unreadable", "received_at"),
    (f"p-secret,spo2,{SPOKEN},97,2026-01-01T00:00:00,,,,", "time_without_zone", "received_at"),
    (f"p-secret,spo2,{SPOKEN},97,5,,,,", "time_relative", "received_at"),
    (f"p-secret,spo2,{SPOKEN},97,9000-01-01T00:00:00Z,,,,", "time_too_far", "received_at"),
    (f"p-secret,spo2,{to_iso(T0 + DAY + SECOND)},97,{SPOKEN},,,,", "time_in_future", "measured_at"),
    (f"p-secret,spo2,{SPOKEN},high,,,,,", "not_a_number", "value"),
    (f"p-secret,spo2,{SPOKEN},NA,,,,,", "not_a_number", "value"),
    (f"p-secret,spo2,{SPOKEN},inf,,,,,", "not_a_number", "value"),
    (f'p-secret,spo2,{SPOKEN},"96,5",,,,,', "not_a_number", "value"),
    (f"p-secret,spo2,{SPOKEN},A,,,,,", "not_a_number", "value"),
    (f"p-secret,consciousness,{SPOKEN},X,,,,,", "not_a_number", "value"),
    (f"p-secret,consciousness,{SPOKEN},AC,,,,,", "not_a_number", "value"),
    (f"p-secret,consciousness,{SPOKEN},1.5,,,,,", "not_a_number", "value"),
    (f"p-secret,spo2,{SPOKEN},97,,0.9,,,", "bad_quality", "quality"),
    (f"p-secret,spo2,{SPOKEN},97,,128,,,", "bad_quality", "quality"),
    (f"p-secret,spo2,{SPOKEN},97,,good,,,", "bad_quality", "quality"),
    (f"p-secret,spo2,{SPOKEN},97,,-1,,,", "bad_quality", "quality"),
    (f"p-secret,spo2,{SPOKEN},97,,,,,-1", "bad_sequence", "seq"),
    (f"p-secret,spo2,{SPOKEN},97,,,,,1.5", "bad_sequence", "seq"),
    (f"p-secret,spo2,{SPOKEN},97,,,,,4294967295", "bad_sequence", "seq"),
    (f"p-secret,spo2,{SPOKEN},101,,,,,", "out_of_range", "value"),
    (f"p-secret,body_temp,{SPOKEN},98.6,,,,,", "out_of_range", "value"),
    (f"p-secret,consciousness,{SPOKEN},5,,,,,", "out_of_range", "value"),
]


@pytest.mark.parametrize(("line", "reason", "where"), BAD)
def test_each_bad_row_is_named_and_the_rest_goes_on(tmp_path: Path, line: str, reason: str, where: str) -> None:
    path = written(tmp_path, FULL, GOOD, line, f"p-secret,spo2,{SPOKEN},98,,,,,")
    known = frozenset({"p-secret"})
    table = read_table(path, strict=False, known_patients=known)
    assert table.refused.examples == (RefusedRow(3, RowReason(reason), where),)
    assert table.refused.counts == {reason: 1}
    assert table.readings.value.tolist() == [97, 98]
    with pytest.raises(TableError, match=r"^t\.csv, row 3") as failed:
        read_table(path, strict=True, known_patients=known)
    assert ROW_REASON_TEXT[RowReason(reason)] in str(failed.value)
    assert "secret" not in str(failed.value)


def test_every_reason_has_a_text_and_almost_every_one_a_row_above() -> None:
    assert set(ROW_REASON_TEXT) == set(RowReason)
    elsewhere = {RowReason.PAIR_REFUSED, RowReason.NO_PATIENT}
    assert {reason for _, reason, _ in BAD} == set(RowReason) - elsewhere


def test_a_line_that_is_not_utf8_keeps_the_numbers_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"p,spo2,{SPOKEN},96".encode(), b"p\xe9,spo2,x,1", b"", b"p,spo2,x,97"]
    path.write_bytes(b"\r\n".join([HEADER.encode(), *lines]))
    table = read_table(path, strict=False)
    assert [(one.row, one.reason) for one in table.refused.examples] == [(3, "unreadable_line"), (5, "time_unreadable")]
    assert len(table.readings) == 1


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, f'"p,spo2,{SPOKEN},96', f"q,spo2,{SPOKEN},97")
    table = read_table(path, strict=False)
    assert (table.patients, table.refused.counts) == (["q"], {"unreadable_line": 1})


@pytest.mark.parametrize("lost", ["bp_sys", "bp_dia"])
def test_the_other_half_of_a_refused_pressure_goes_too(tmp_path: Path, lost: str) -> None:
    kept = "bp_dia" if lost == "bp_sys" else "bp_sys"
    lines = [
        f"p,{lost},{SPOKEN},9,,,w,,",
        f"p,{kept},{SPOKEN},100,,,w,,",
        f"p,{kept},{SPOKEN},101,,,v,,",
        f"p,{kept},{to_iso(T0 + SECOND)},102,,,w,,",
        f"p,bp_mean,{SPOKEN},103,,,w,,",
        f"q,{kept},{SPOKEN},104,,,w,,",
    ]
    table = read_table(written(tmp_path, FULL, *lines), strict=False)
    assert [(one.row, one.reason) for one in table.refused.examples] == [(2, "out_of_range"), (3, "pair_refused")]
    assert sorted(table.readings.value.tolist()) == [101, 102, 103, 104]


def test_the_first_rows_are_examples_and_all_are_counted(tmp_path: Path) -> None:
    lines = [f"p,{'spo2' if n % 2 else 'pulse'},{SPOKEN},{'high' if n % 2 else 70}" for n in range(60)]
    refused = read_table(written(tmp_path, HEADER, *lines), strict=False).refused
    assert (refused.counts, refused.total) == ({"unknown_name": 30, "not_a_number": 30}, 60)
    assert [one.row for one in refused.examples] == list(range(2, 2 + EXAMPLES))


def test_rows_of_parquet_are_numbered_from_one(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        f"SELECT chr((97 + i)::INT) AS patient, 'spo2' AS vital, {T0} AS measured_at, "
        "CASE WHEN i > 2 THEN 97.0 ELSE 197.0 END AS value FROM range(5) t(i)",
    )
    assert [one.row for one in read_table(path, strict=False).refused.examples] == [1, 2, 3]
    assert [one.row for one in read_table(path, strict=False, patients=["c", "d"]).refused.examples] == [3]


def test_rows_of_nobody_are_met_by_every_group(tmp_path: Path) -> None:
    csv = written(tmp_path, HEADER, f"a,spo2,{SPOKEN},97", f",spo2,{SPOKEN},97", "cut off", f"b,spo2,{SPOKEN},97")
    for name in "ab":
        table = read_table(csv, strict=False, patients=[name])
        assert (table.patients, table.refused.counts) == ([name], {"patient_missing": 1, "unreadable_line": 1})
    rows = f"(VALUES ('a'), (NULL), (''), ('b')) AS t(patient), (VALUES ('spo2', {T0}, 97.0)) AS u(vital, measured_at, value)"
    path = parquet(tmp_path, f"FROM {rows}")
    for name in "ab":
        table = read_table(path, strict=False, patients=[name])
        assert (table.patients, table.refused.counts) == ([name], {"patient_missing": 2})
    with pytest.raises(TableError, match="names no patient"):
        read_patients(written(tmp_path, HEADER, f",spo2,{SPOKEN},97"))


# --- files that are no tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "t.csv is empty"),
        (HEADER.encode(), "holds no row"),
        (f"{HEADER}\n\n \n".encode(), "holds no row"),
        (b"\n\n", "has no header"),
        (f"p-secret,spo2,{SPOKEN},97\n".encode(), "has no header"),
        (b"patient;vital;measured_at;value\np-secret;spo2;1;2\n", "separated by commas"),
        (b"patient,vital,value\np-secret,spo2,97\n", "the column measured_at is missing"),
        (f"{HEADER},recieved_at\np-secret,spo2,1,2,3\n".encode(), "the column 'recieved_at' is not known"),
        (f"{HEADER},value\np-secret,spo2,1,2,3\n".encode(), "the column value is there twice"),
        (f"{HEADER}\n".encode("utf-16"), "neither a CSV file in UTF-8 nor a Parquet file"),
        (bytes(range(256)), "neither a CSV file in UTF-8 nor a Parquet file"),
        (b"x" * 100_000, "neither a CSV file in UTF-8 nor a Parquet file"),
        (b"PAR1 and then nothing", "damaged or cut off"),
    ],
)
def test_a_file_that_is_no_table_is_told_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=said) as failed:
        read_table(path, strict=False)
    assert str(failed.value).startswith("t.csv")
    assert "secret" not in str(failed.value)
    assert isinstance(failed.value, InvalidInput)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(TableError, match=f"{path.name} cannot be read: "):
            read_patients(path)


_COLUMNS = {"patient": "'p'", "vital": "'spo2'", "measured_at": f"{T0}", "value": "97.0"}


@pytest.mark.parametrize(
    ("column", "sql", "said"),
    [
        ("value", "true", "the column value has the type BOOLEAN; it must hold whole numbers or numbers or text"),
        ("vital", "1", "the column vital holds whole numbers; it must hold text"),
        ("measured_at", "DATE '2026-01-01'", "the column measured_at has the type DATE"),
        ("patient", "[1]", "the column patient has the type"),
        ("patients", "'x'", "the column 'patients' is not known"),
    ],
)
def test_columns_of_parquet_have_a_fitting_type(tmp_path: Path, column: str, sql: str, said: str) -> None:
    select = ", ".join(f"{text} AS {name}" for name, text in {**_COLUMNS, column: sql}.items())
    with pytest.raises(TableError) as failed:
        read_table(parquet(tmp_path, f"SELECT {select}"), strict=False)
    assert said in str(failed.value)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("NULL::TIMESTAMP", "time_missing"),
        ("NULL::BIGINT", "time_missing"),
        ("'nan'::DOUBLE", "time_missing"),
        ("'infinity'::TIMESTAMP", "time_unreadable"),
        ("'inf'::DOUBLE", "time_unreadable"),
        ("18446744073709551615::UBIGINT", "time_unreadable"),
        ("1767225600::BIGINT", "time_relative"),
        ("(-9223372036854775807 - 1)::BIGINT", "time_relative"),
        ("TIMESTAMP '1970-01-01 00:00:00'", "time_relative"),
    ],
)
def test_times_of_parquet_that_are_none(tmp_path: Path, sql: str, reason: str) -> None:
    select = ", ".join(f"{text} AS {name}" for name, text in {**_COLUMNS, "measured_at": sql}.items())
    refused = read_table(parquet(tmp_path, f"SELECT {select}"), strict=False).refused
    assert refused.examples == (RefusedRow(1, RowReason(reason), "measured_at"),)


def test_numbers_and_empty_names_of_parquet(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        f"SELECT 17 AS patient, 'spo2' AS vital, {T0} AS measured_at, 97::DECIMAL(5,1) AS value, NULL::VARCHAR AS device, "
        "NULL::INTEGER AS site, 'nan'::DOUBLE AS quality, NULL::DOUBLE AS seq",
    )
    table = read_table(path, strict=True)
    assert (table.patients, table.streams[0].device_id, table.streams[0].site) == (["17"], "backtest.0", "")
    assert read_table(path, strict=True, patients=["17"]).readings.value.tolist() == [97]
