from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.recording import Channel, Recording
from simulators.replay import load_recordings
from simulators.replay.mimic3 import celsius
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE

QUESTIONABLE = int(Quality.QUESTIONABLE)

#: subject, admission, stay, time, item, value, warning, error
Charted = tuple[int, int, int | None, str, int, float, int | None, int | None]

CHARTED: list[Charted] = [
    # a first stay with the older system, a second with the newer one, in the table in the wrong order
    (7, 71, 900, "2150-03-01 10:00:00", 220045, 120.0, 1, 0),
    (7, 71, 900, "2150-03-01 10:00:00", 220277, 34.0, 0, 1),
    (7, 71, 900, "2150-03-01 11:30:00", 223761, 100.4, 0, 0),
    (7, 71, 900, "2150-03-01 11:30:00", 223762, 37.9, 0, 0),
    (7, 71, 900, "2150-03-01 12:00:00", 220739, 3.0, 0, 0),
    (7, 71, 900, "2150-03-01 12:00:00", 223900, 1.0, 0, 1),
    (7, 71, 900, "2150-03-01 12:00:00", 223901, 6.0, 0, 0),
    (7, 71, 900, "2150-03-01 13:00:00", 220739, 4.0, 0, 1),  # no verbal, no motor part at this moment
    (7, 71, 900, "2150-03-01 13:00:00", 223835, 50.0, 0, 0),
    (7, 71, 900, "2150-03-01 14:00:00", 223835, 0.5, 0, 0),
    (7, 71, 900, "2150-03-01 14:00:00", 220179, 11647.0, 0, 0),
    (7, 71, 900, "2150-03-01 14:00:00", 220050, 0.0, None, None),
    (7, 71, None, "2150-02-28 00:00:00", 220045, 77.0, 0, 0),
    (7, 70, 901, "2149-12-01 00:00:00", 211, 80.0, None, None),
    (7, 70, 901, "2149-12-01 00:05:00", 198, 14.0, None, None),
    (7, 70, 901, "2149-12-01 00:05:00", 190, 0.349999994039536, None, None),
    (7, 70, 901, "2149-12-01 00:05:00", 678, 98.4000015258789, None, None),
    (7, 70, 901, "2149-12-01 00:05:00", 615, 12.0, None, None),
    (7, 70, 901, "2149-12-01 00:05:00", 618, 10.0, None, None),
    (7, 70, 901, "2149-12-01 00:05:00", 99999, 1.0, None, None),
    (3, 30, 800, "2120-01-01 08:00:00", 211, 66.0, None, None),
]


def write(folder: Path, charted: list[Charted]) -> Path:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE charted (subject_id BIGINT, hadm_id BIGINT, icustay_id DOUBLE, charttime VARCHAR, itemid BIGINT,"
            " valuenum DOUBLE, warning DOUBLE, error DOUBLE)"
        )
        if charted:
            connection.executemany("INSERT INTO charted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", charted)
        connection.execute(f"COPY charted TO '{folder / 'vitals_long.parquet'}' (FORMAT parquet)")
        connection.execute(
            "COPY (SELECT * FROM (VALUES (7, 'M', '2070-03-02'), (3, 'F', '1820-01-01')) t(subject_id, gender, dob))"
            f" TO '{folder / 'patients.csv.gz'}' (HEADER)"
        )
        connection.execute(
            "COPY (SELECT * FROM (VALUES (7, 70, '2149-11-30 20:00:00'), (7, 71, '2150-03-01 09:00:00'),"
            " (3, 30, '2120-01-01 00:00:00')) t(subject_id, hadm_id, admittime))"
            f" TO '{folder / 'admissions.csv.gz'}' (HEADER)"
        )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, CHARTED)


def by_name(folder: Path) -> dict[str, Recording]:
    return {one.device_id: one for one in load_recordings("mimic3", folder)}


def shown(recording: Recording, channel: Channel) -> dict[int, float]:
    """Minute → value."""
    pairs = zip(recording.seconds.tolist(), recording.columns[channel].tolist(), strict=True)
    return {second // 60: value for second, value in pairs if np.isfinite(value)}


def bits(recording: Recording, channel: Channel) -> dict[int, int]:
    """Minute → bits, where there are any."""
    pairs = zip(recording.seconds.tolist(), recording.quality.get(channel, np.zeros(0)).tolist(), strict=False)
    return {second // 60: value for second, value in pairs if value}


def test_a_recording_is_a_stay_numbered_in_order_of_time(folder: Path) -> None:
    found = load_recordings("mimic3", folder)
    assert [(one.device_id, one.age, one.sex) for one in found] == [
        ("mimic-3-1", 91, "F"),  # 300 years in the data: over 89, hidden
        ("mimic-7-1", 79, "M"),
        ("mimic-7-2", 79, "M"),  # 80 tomorrow
    ]
    assert [one.seconds.tolist() for one in found] == [[0], [0, 300], [0, 5400, 7200, 10800, 14400]]


def test_fahrenheit_becomes_celsius_exactly_and_celsius_stays(folder: Path) -> None:
    stays = by_name(folder)
    assert shown(stays["mimic-7-2"], ("temp", None)) == {90: 38.0}
    assert shown(stays["mimic-7-2"], ("temp", "celsius")) == {90: 37.9}
    assert shown(stays["mimic-7-1"], ("temp", None)) == {5: (98.4 - 32) * 5 / 9}


@given(st.decimals(min_value=-50, max_value=250, places=2))
def test_the_conversion_is_the_nearest_double(fahrenheit: Decimal) -> None:
    exact = (Fraction(fahrenheit) - 32) * 5 / 9
    found = celsius(float(fahrenheit))
    wrong = abs(Fraction(found) - exact)
    assert all(wrong <= abs(Fraction(float(np.nextafter(found, way))) - exact) for way in (-np.inf, np.inf))


def test_fio2_is_percent_from_either_item_and_a_slip_is_not_guessed_at(folder: Path) -> None:
    stays = by_name(folder)
    assert shown(stays["mimic-7-1"], ("fio2", None)) == {5: 35.0}
    assert shown(stays["mimic-7-2"], ("fio2", None)) == {180: 50.0, 240: 0.5}


def test_gcs_is_the_total_or_the_sum_of_three_parts_of_one_moment(folder: Path) -> None:
    stays = by_name(folder)
    assert shown(stays["mimic-7-1"], ("gcs", None)) == {5: 14.0}
    assert shown(stays["mimic-7-2"], ("gcs", None)) == {120: 10.0}


def test_an_error_is_questionable_and_a_nurses_warning_is_not(folder: Path) -> None:
    second = by_name(folder)["mimic-7-2"]
    assert shown(second, ("hr", None)) == {0: 120.0}
    assert bits(second, ("hr", None)) == {}
    assert bits(second, ("spo2", None)) == {0: QUESTIONABLE}
    assert bits(second, ("gcs", None)) == {120: QUESTIONABLE}, "of one part; the lone part at 180 makes no value"


def test_sensors_of_one_vital_are_sites_and_impossible_values_go_through(folder: Path) -> None:
    stays = by_name(folder)
    assert shown(stays["mimic-7-1"], ("rr", None)) == {5: 10.0}
    assert shown(stays["mimic-7-1"], ("rr", "total")) == {5: 12.0}
    assert shown(stays["mimic-7-2"], ("sbp", "cuff")) == {240: 11647.0}
    assert shown(stays["mimic-7-2"], ("sbp", "arterial")) == {240: 0.0}


def test_a_stay_that_changed_its_charting_system_is_one_stream(tmp_path: Path) -> None:
    hours: list[Charted] = [(7, 70, 5, "2149-12-01 01:00:00", 211, 80.0, None, None)]
    hours.append((7, 70, 5, "2149-12-01 02:00:00", 220045, 90.0, 0, 1))
    (one,) = load_recordings("mimic3", write(tmp_path, hours))
    assert shown(one, ("hr", None)) == {0: 80.0, 60: 90.0}
    assert bits(one, ("hr", None)) == {60: QUESTIONABLE}


@pytest.mark.parametrize("name", ["vitals_long.parquet", "patients.csv.gz", "admissions.csv.gz"])
@pytest.mark.parametrize("damage", ["gone", "rubbish", "cut"])
def test_a_folder_that_is_something_else_is_refused_in_one_line(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(b"not this dataset\n" if damage == "rubbish" else whole[: len(whole) // 2])
    with pytest.raises(ScenarioError, match="mimic3") as refused:
        load_recordings("mimic3", folder)
    assert "\n" not in str(refused.value)


def test_a_missing_folder_an_empty_table_and_a_person_without_age_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="mimic3: cannot read"):
        load_recordings("mimic3", tmp_path / "nowhere")
    with pytest.raises(ScenarioError, match=r"mimic3: .* no charted vitals"):
        load_recordings("mimic3", write(tmp_path, []))
    with pytest.raises(ScenarioError, match="mimic3: no age and sex"):
        load_recordings("mimic3", write(tmp_path, [(8, 80, 5, "2149-12-01 01:00:00", 211, 80.0, None, None)]))


@pytest.mark.recordings
def test_the_real_recordings_hold_every_charted_value(recordings: Path) -> None:
    """Counted in the file by its own column ``vital``, which the loader does not read."""
    source = recordings / "mimic3_demo" / "vitals_long.parquet"
    charted = dict(
        duckdb.execute(f"SELECT vital, count(*) FROM '{source}' WHERE icustay_id IS NOT NULL GROUP BY vital").fetchall()
    )
    sums = duckdb.execute(
        f"""SELECT count(*) FROM (SELECT 1 FROM '{source}' WHERE vital IN ('GCS_eye', 'GCS_verbal', 'GCS_motor')
        AND icustay_id IS NOT NULL GROUP BY icustay_id, charttime HAVING count(DISTINCT vital) = 3)"""
    ).fetchall()[0][0]
    found = load_recordings("mimic3", recordings / "mimic3_demo")
    count: Counter[Channel] = Counter()
    for one in found:
        count.update({channel: int(np.isfinite(column).sum()) for channel, column in one.columns.items()})
    assert len(found) == 132
    assert len({one.device_id.rpartition("-")[0] for one in found}) == 98
    assert count == {
        ("hr", None): charted["HR"],
        ("spo2", None): charted["SpO2"],
        ("rr", None): charted["RR"] - 1498,
        ("rr", "total"): 1498,
        ("sbp", "arterial"): charted["SBP_art"] - 27,
        ("sbp", "arterial-2"): 27,
        ("dbp", "arterial"): charted["DBP_art"],
        ("map", "arterial"): charted["MAP_art"],
        ("sbp", "cuff"): charted["NISBP"],
        ("dbp", "cuff"): charted["NIDBP"],
        ("map", "cuff"): charted["NIMAP"],
        ("temp", None): charted["TempF"],
        ("temp", "celsius"): charted["TempC"],
        ("fio2", None): charted["FiO2"],
        ("gcs", None): charted["GCS_total"] + sums,
    }
    assert count.total() == 105_247
    assert all(one.seconds[0] == 0 and np.all(np.diff(one.seconds) > 0) for one in found)
    assert sum(int(one.seconds[-1]) for one in found) == 583.05625 * 86_400
    assert {one.age for one in found if one.age > 89} == {91}


@pytest.mark.recordings
def test_the_real_values_are_those_of_the_file(recordings: Path) -> None:
    source = recordings / "mimic3_demo" / "vitals_long.parquet"
    rows = duckdb.execute(
        f"""SELECT itemid, valuenum, error = 1 FROM '{source}' WHERE subject_id = 40177
        AND icustay_id = 285750 ORDER BY charttime"""
    ).fetchall()
    (stay,) = (one for one in load_recordings("mimic3", recordings / "mimic3_demo") if one.device_id == "mimic-40177-2")
    items: list[tuple[int, Channel]] = [(220045, ("hr", None)), (220277, ("spo2", None)), (220179, ("sbp", "cuff"))]
    for item, channel in items:
        assert list(shown(stay, channel).values()) == [value for number, value, _ in rows if number == item]
    assert len(bits(stay, ("spo2", None))) == sum(wrong for item, _, wrong in rows if item == 220277) == 3
    charted = [value for item, value, _ in rows if item == 223761]
    warm = list(shown(stay, ("temp", None)).values())
    assert warm == pytest.approx([(value - 32) * 5 / 9 for value in charted], rel=1e-12)


@pytest.mark.recordings
def test_impossible_values_are_left_for_the_platform_to_refuse(recordings: Path) -> None:
    impossible: Counter[str] = Counter()
    for one in load_recordings("mimic3", recordings / "mimic3_demo"):
        for (name, _), column in one.columns.items():
            low, high = BY_WIRE[name].reject
            impossible[name] += int(((column < low) | (column > high)).sum())
    assert +impossible == {"sbp": 35, "dbp": 33, "map": 25, "fio2": 3, "rr": 1}
