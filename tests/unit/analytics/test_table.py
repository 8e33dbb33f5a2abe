"""Tables of recorded readings: every form that is accepted, and that the order and form of the file mean nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.backtest.table import Table, read_patients, read_table
from vigil.domain.errors import TableError
from vigil.domain.quality import Quality
from vigil.domain.readings import COLUMN_TYPES, NO_SEQUENCE
from vigil.domain.times import DAY, HOUR, SECOND, from_iso, to_iso
from vigil.domain.vitals import BY_NAME, VITALS

T0 = from_iso("2026-01-01T00:00:00Z")
SPOKEN = "2026-01-01T00:00:00Z"
HEADER = "patient,vital,measured_at,value"
FULL = f"{HEADER},received_at,quality,device,site,seq"

Row = tuple[str, str, int, float, int, int, str, str, int | None]


def written(tmp_path: Path, *lines: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join(lines).encode() + b"\n")
    return path


def parquet(tmp_path: Path, select: str, name: str = "t.parquet") -> Path:
    path = tmp_path / name
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def read(tmp_path: Path, *lines: str, **how: Any) -> Table:
    return read_table(written(tmp_path, *lines), strict=True, **how)


def column(table: Table, name: str) -> list[Any]:
    values: list[Any] = getattr(table.readings, name).tolist()
    return values


def same(one: Table, other: Table) -> bool:
    return (
        (one.patients, one.streams) == (other.patients, other.streams)
        and one.patient_of_stream.tolist() == other.patient_of_stream.tolist()
        and all(
            np.array_equal(getattr(one.readings, name), getattr(other.readings, name), equal_nan=name == "value")
            for name in COLUMN_TYPES
        )
    )


# --- what is accepted ---------------------------------------------------------------------------------------------------


def test_a_small_table_in_full(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        FULL,
        f"p-2,spo2,{to_iso(T0 + 9 * SECOND)},97,{to_iso(T0 + 10 * SECOND)},2,w-2,finger,7",
        f"p-1,heart_rate,{SPOKEN},72.5,{to_iso(T0 + SECOND)},,w-1,,0",
    )
    assert table.patients == ["p-1", "p-2"]
    assert [(s.stream, s.device_id, VITALS[s.vital].name, s.site) for s in table.streams] == [
        (0, "w-1", "heart_rate", ""),
        (1, "w-2", "spo2", "finger"),
    ]
    assert table.patient_of_stream.tolist() == [0, 1]
    assert table.patient_of_stream.dtype == np.int32
    batch = table.readings
    assert {name: getattr(batch, name).tolist() for name in COLUMN_TYPES} == {
        "ordinal": [1, 2],
        "stream": [0, 1],
        "measured_at": [T0, T0 + 9 * SECOND],
        "device_time": [T0, T0 + 9 * SECOND],
        "received_at": [T0 + SECOND, T0 + 10 * SECOND],
        "value": [72.5, 97.0],
        "quality": [0, Quality.LOW_PERFUSION],
        "epoch": [0, 0],
        "seq": [0, 7],
    }
    assert table.refused.total == table.duplicates == 0


def test_what_is_not_known_has_a_default(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER, f"p-1,heart_rate,{SPOKEN},72", f"p-0,heart_rate,{SPOKEN},71")
    assert [s.device_id for s in table.streams] == ["backtest.0", "backtest.1"]
    assert (table.readings.received_at == table.readings.measured_at).all()
    assert column(table, "seq") == column(table, "epoch") == [NO_SEQUENCE] * 2
    assert column(table, "quality") == [0, 0]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2026-01-01T00:00:00Z", 0),
        ("2026-01-01 00:00:00Z", 0),
        ("2026-01-01T00:00Z", 0),
        ("2026-01-01T00:00:00.250Z", 250_000),
        ("2026-01-01T00:00:00.000001Z", 1),
        ("2026-01-01T00:00:00.123456789Z", 123_456),
        ("2026-01-01T01:00:00+01:00", 0),
        ("2026-01-01T05:30:00.5+0530", 500_000),
        ("2025-12-31T19:00:00-05", 0),
        ("2026-01-01T00:00:00+00:00", 0),
        (" 2026-01-01T00:00:00Z ", 0),
        ('"2026-01-01T00:00:00Z"', 0),
        ("1767225600000", 0),
        ("1767225600000.0", 0),
        ("1767225600000.5", 500),
        ("1767225600000250", 250),
        ("1.7672256e12", 0),
    ],
)
def test_time_forms(tmp_path: Path, text: str, offset: int) -> None:
    assert column(read(tmp_path, HEADER, f"p,heart_rate,{text},70"), "measured_at") == [T0 + offset]
    received = read(tmp_path, FULL, f"p,heart_rate,{SPOKEN},70,{text},,,,")
    assert column(received, "received_at") == [T0 + offset]


@pytest.mark.parametrize(
    "sql",
    [
        "1767225600000::BIGINT",
        "1767225600000000::BIGINT",
        "1767225600000::UBIGINT",
        "1767225600000::DOUBLE",
        "TIMESTAMP '2026-01-01 00:00:00'",
        "TIMESTAMP_S '2026-01-01 00:00:00'",
        "TIMESTAMP_MS '2026-01-01 00:00:00'",
        "TIMESTAMP_NS '2026-01-01 00:00:00'",
        "TIMESTAMPTZ '2026-01-01 01:00:00+01'",
        "'2026-01-01T01:00:00+01:00'",
        "'1767225600000'",
    ],
)
def test_time_types_of_parquet(tmp_path: Path, sql: str) -> None:
    path = parquet(tmp_path, f"SELECT 'p' AS patient, 'heart_rate' AS vital, {sql} AS measured_at, 70.0 AS value")
    assert column(read_table(path, strict=True), "measured_at") == [T0]


@given(st.integers(2**28 * SECOND, from_iso("2999-12-31T00:00:00Z")), st.integers(-23 * 60, 23 * 60))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_moment_in_any_zone_is_read_as_python_reads_it(tmp_path: Path, at: int, minutes: int) -> None:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    local = to_iso(at + minutes * 60 * SECOND).removesuffix("Z")
    text = f"{local}{sign}{size // 60:02d}:{size % 60:02d}"
    assert column(read(tmp_path, HEADER, f"p,heart_rate,{text},70"), "measured_at") == [from_iso(text)]


@pytest.mark.parametrize("text", ["", "NaN", "nan", " ", '""'])
def test_an_empty_value_is_tried_without_one(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, HEADER, f"p,heart_rate,{SPOKEN},{text}")
    assert math.isnan(table.readings.value[0])
    assert column(table, "quality") == [Quality.NO_VALUE]


@pytest.mark.parametrize("sql", ["'nan'::DOUBLE", "NULL::DOUBLE", "NULL::VARCHAR", "''"])
def test_an_empty_value_in_parquet(tmp_path: Path, sql: str) -> None:
    path = parquet(tmp_path, f"SELECT 'p' AS patient, 'spo2' AS vital, {T0} AS measured_at, {sql} AS value")
    table = read_table(path, strict=True)
    assert math.isnan(table.readings.value[0])
    assert column(table, "quality") == [Quality.NO_VALUE]


def test_consciousness_is_a_letter_or_its_code(tmp_path: Path) -> None:
    lines = [f"p,consciousness,{T0 // 1000 + n},{text}" for n, text in enumerate(["A", "C", "V", "P", "U", " U ", "3"])]
    assert column(read(tmp_path, HEADER, *lines), "value") == [0, 1, 2, 3, 4, 4, 3]


def test_every_vital_is_known_by_its_canonical_name(tmp_path: Path) -> None:
    lines = [f"p,{kind.name},{SPOKEN},{kind.plausible[1]}" for kind in VITALS]
    table = read(tmp_path, HEADER, *lines)
    assert [s.vital for s in table.streams] == [kind.index for kind in VITALS]
    assert not any(column(table, "quality"))


def test_implausible_values_are_kept_and_marked(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER, f"p,heart_rate,{SPOKEN},310", f"p,heart_rate,{SPOKEN},300")
    assert column(table, "quality") == [0, Quality.IMPLAUSIBLE]


@pytest.mark.parametrize(
    ("ahead_s", "measured", "quality"),
    [(5, T0 + 5 * SECOND, 0), (6, T0, Quality.CLOCK_AHEAD), (86_400, T0, Quality.CLOCK_AHEAD)],
)
def test_a_clock_that_is_ahead_is_corrected_as_live(tmp_path: Path, ahead_s: int, measured: int, quality: int) -> None:
    said = T0 + ahead_s * SECOND
    table = read(tmp_path, FULL, f"p,heart_rate,{to_iso(said)},70,{SPOKEN},,,,")
    found = (column(table, "measured_at"), column(table, "device_time"), column(table, "quality"))
    assert found == ([measured], [said], [quality])


def test_quoted_fields_spaces_blank_lines_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b'\xef\xbb\xbf"patient", vital,measured_at,value,site\r\n\r\n'
        b'"p,1","heart_rate","2026-01-01T00:00:00Z","70","left ""arm"", upper"\r\n'
        b"  p,1\r\n"
        b' p-2 , spo2 ,1767225600000, 97 ,""\r\n'
    )
    table = read_table(path, strict=False)
    assert table.patients == ["p,1", "p-2"]
    assert [s.site for s in table.streams] == ['left "arm", upper', ""]
    assert [(one.row, one.reason) for one in table.refused.examples] == [(4, "unreadable_line")]


def test_time_runs_backwards_stands_still_and_jumps(tmp_path: Path) -> None:
    """Measured backwards, received in order: delivered in order of receipt, none is lost."""
    received = [T0 + n * SECOND for n in range(4)]
    measured = [T0 - HOUR, T0 - 2 * HOUR, T0 - 2 * HOUR, T0 - 9 * DAY]
    lines = [
        f"p,heart_rate,{to_iso(at)},{70 + n},{to_iso(got)},,,,"
        for n, (at, got) in enumerate(zip(measured, received, strict=True))
    ]
    table = read(tmp_path, FULL, *reversed(lines))
    assert column(table, "measured_at") == measured
    assert column(table, "received_at") == received
    assert column(table, "value") == [70, 71, 72, 73]


def test_equal_times_are_told_apart_by_stream_value_and_quality(tmp_path: Path) -> None:
    lines = [
        f"p,spo2,{SPOKEN},97,,,,,",
        f"p,heart_rate,{SPOKEN},80,,,,,",
        f"p,heart_rate,{SPOKEN},,,,,,",
        f"p,heart_rate,{SPOKEN},70,,,,,",
        f"p,heart_rate,{SPOKEN},70,,1,,,",
    ]
    table = read(tmp_path, FULL, *lines)
    assert column(table, "value")[:2] + column(table, "value")[3:] == [70, 80, 97]
    assert math.isnan(table.readings.value[2])
    assert (column(table, "stream"), table.duplicates) == ([0, 0, 0, 1], 1)
    assert column(table, "quality")[0] == 0  # of two copies the better one stays


# --- restrictions -------------------------------------------------------------------------------------------------------


def test_a_range_keeps_measured_times_from_first_to_before_last(tmp_path: Path) -> None:
    lines = [f"p,spo2,{T0 // 1000 + n},{90 + n}" for n in range(4)] + ["p,pulse,1767225600009,1", "p,spo2,yesterday,1"]
    table = read_table(written(tmp_path, HEADER, *lines), strict=False, first=T0 + 1000, last=T0 + 3000)
    assert column(table, "value") == [91, 92]
    assert table.refused.counts == {"time_unreadable": 1}


def test_patients_are_read_group_by_group(tmp_path: Path) -> None:
    rows = "SELECT chr(97 + (i % 3)::INT) AS patient, 'spo2' AS vital, 1767225600000 + i AS measured_at, 97.0 AS value"
    path = parquet(tmp_path, f"{rows} FROM range(30) t(i)")
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM '{path}') TO '{tmp_path / 't.csv'}'")
    for file in (path, tmp_path / "t.csv"):
        assert read_patients(file) == ["a", "b", "c"]
        parts = [read_table(file, strict=True, patients=[name]) for name in "abc"]
        assert [(part.patients, len(part.readings)) for part in parts] == [([name], 10) for name in "abc"]
        assert len(read_table(file, strict=True, patients=[]).readings) == 0
        assert read_table(file, strict=True, patients=["c", "nobody"]).patients == ["c"]
        assert same(read_table(file, strict=True, patients=["c"]), read_table(file, strict=True, patients=["c", "x"]))


# --- the order and the form of the file mean nothing --------------------------------------------------------------------

_READING = st.tuples(
    st.sampled_from(["p-1", "p-2", "p-10"]),
    st.sampled_from(["heart_rate", "spo2", "bp_sys", "bp_dia"]),
    st.integers(0, 4).map(lambda n: T0 + n * 30 * SECOND),
    st.sampled_from([math.nan, 60.0, 61.5, 90.0, -0.0, 310.0]),
    st.integers(-1, 3).map(lambda n: T0 + n * 30 * SECOND),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from(["", "w-1", "w-2"]),
    st.sampled_from(["", "toe"]),
    st.sampled_from([None, None, 0, 1]),
)


def _lines(rows: list[Row]) -> list[str]:
    return [
        f"{p},{vital},{at // 1000},{'' if math.isnan(v) else v},{to_iso(got)},{q},{device},{site},{'' if n is None else n}"
        for p, vital, at, v, got, q, device, site, n in rows
    ]


def _delivery(table: Table) -> list[tuple[Any, ...]]:
    """What the readings are sorted by; NaN comes after every value."""
    batch = table.readings
    columns = (table.patient_of_stream[batch.stream], batch.received_at, batch.measured_at, batch.stream)
    value = np.nan_to_num(batch.value, nan=np.inf)
    return list(zip(*(each.tolist() for each in (*columns, value, batch.quality)), strict=True))


@given(st.lists(_READING, min_size=1, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shuffled_and_partly_doubled_the_table_is_the_same(tmp_path: Path, rows: list[Row], random: Any) -> None:
    plain = read_table(written(tmp_path, FULL, *_lines(rows)), strict=False)
    mixed = rows + random.sample(rows, math.ceil(len(rows) / 10))
    random.shuffle(mixed)
    assert same(plain, read_table(written(tmp_path, FULL, *_lines(mixed)), strict=False))
    assert _delivery(plain) == sorted(_delivery(plain))


@given(st.lists(_READING, min_size=1, max_size=30))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_and_parquet_of_the_same_rows_are_the_same_table(tmp_path: Path, rows: list[Row]) -> None:
    csv = written(tmp_path, FULL, *_lines(rows))
    cells = ", ".join(
        f"('{p}', '{vital}', {at}::BIGINT, '{v}'::DOUBLE, make_timestamp({got}), {q}, '{device}', '{site}', "
        f"{'NULL' if n is None else n}::INTEGER)"
        for p, vital, at, v, got, q, device, site, n in rows
    )
    other = parquet(tmp_path, f"FROM (VALUES {cells}) AS t({FULL})")
    one, two = read_table(csv, strict=False), read_table(other, strict=False)
    assert same(one, two)
    assert one.refused.counts == two.refused.counts
    assert [r.row - 1 for r in one.refused.examples] == [r.row for r in two.refused.examples]


def test_many_rows_shuffled_and_doubled(tmp_path: Path) -> None:
    """More rows than DuckDB takes in one piece: the pieces must not change their order or their numbers."""
    rng = np.random.default_rng(7)
    place = np.arange(300_000)
    lines = np.array([f"p-{n % 50},spo2,{T0 // 1000 + n // 50 * 1000},{90 + n % 9}" for n in place])
    plain = read_table(written(tmp_path, HEADER, *lines), strict=True)
    mixed = rng.permutation(np.concatenate([lines, rng.choice(lines, 30_000, replace=False)]))
    mixed[250_000] = "p-1,spo2,then,97"
    table = read_table(written(tmp_path, HEADER, *mixed), strict=False)
    assert [(one.row, one.reason) for one in table.refused.examples] == [(250_002, "time_unreadable")]
    assert (len(plain.readings), plain.duplicates) == (300_000, 0)
    assert len(table.readings) + table.duplicates == 329_999
    assert (np.diff(plain.patient_of_stream[plain.readings.stream]) >= 0).all()
    kept = set(zip(column(table, "stream"), column(table, "measured_at"), strict=True))
    assert kept <= set(zip(column(plain, "stream"), column(plain, "measured_at"), strict=True))
    assert len(kept) >= 299_999


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "a'b.csv"])
def test_a_file_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    written(tmp_path, HEADER, f"other,spo2,{SPOKEN},97", name="a1.csv")
    path = written(tmp_path, HEADER, f"p,spo2,{SPOKEN},97", name=name)
    assert read_table(path, strict=True).patients == ["p"]
    assert read_patients(path) == ["p"]


def test_the_bound_of_the_vital_itself_is_accepted(tmp_path: Path) -> None:
    low, high = BY_NAME["heart_rate"].reject
    table = read(tmp_path, HEADER, f"p,heart_rate,{SPOKEN},{low}", f"p,heart_rate,{SPOKEN},{high}")
    assert column(table, "value") == [low, high]
    with pytest.raises(TableError, match="row 2"):
        read(tmp_path, HEADER, f"p,heart_rate,{SPOKEN},{high + 1}")
