"""A whole back-test: the same bytes for any file, grouping and number of processes, and nothing judged twice or lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.backtest import run as module
from analytics.backtest.run import PARTS, Group, Plan, Source, judge_group, run
from analytics.backtest.write import EPISODES, NOTICES, SUMMARY
from tests.unit.analytics.backtest.given import START, Row, csv, delayed, history, parquet, plan
from tests.unit.analytics.ward import compiled
from vigil.domain.errors import TableError
from vigil.domain.people import Patient
from vigil.domain.policy import BEDSIDE_POLICY, with_limits
from vigil.domain.times import MINUTE, SECOND


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_kernels", compiled)


def people(number: int) -> list[Row]:
    """An hour and a half of each."""
    found = [row for each in range(number) for row in history(f"p-{each}", each, pieces=4)]
    return [row for row in found if row.measured_at < START + 90 * MINUTE]


def episodes_of(path: Path, out: Path, **change: Any) -> bytes:
    run(replace(plan(path, out), **change))
    return (out / EPISODES).read_bytes()


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return people(3)


@pytest.fixture
def expected(rows: list[Row], tmp_path: Path) -> bytes:
    found = episodes_of(csv(tmp_path / "plain.csv", rows), tmp_path / "expected")
    assert found.count(b"\n") > 5
    return found


# --- the same bytes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_doubled_and_delayed_rows_give_the_same_episodes(
    rows: list[Row], expected: bytes, seed: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed)
    shuffled = [rows[place] for place in rng.permutation(len(rows))]
    assert episodes_of(csv(tmp_path / "1.csv", shuffled), tmp_path / "1") == expected
    late = delayed(shuffled, seed)
    again = [late[place] for place in rng.choice(len(late), len(late) // 10)]
    doubled = [*late, *(row.received(row.received_at + int(rng.integers(0, 3600)) * SECOND) for row in again)]
    out = tmp_path / "2"
    assert episodes_of(csv(tmp_path / "2.csv", doubled), out) == expected
    # One row drawn twice is two copies.
    assert json.loads((out / SUMMARY).read_text())["input"]["duplicates"] == len(again)


def test_a_parquet_file_gives_the_same_episodes(rows: list[Row], expected: bytes, tmp_path: Path) -> None:
    assert episodes_of(parquet(tmp_path / "rows.parquet", rows), tmp_path / "out") == expected


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_groups_of_any_size_give_the_same_files(
    rows: list[Row], size: int, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = csv if kind == "csv" else parquet
    path = write(tmp_path / f"rows.{kind}", delayed(rows, 5, hours=0.5))
    whole = run(plan(path, tmp_path / "whole"))
    monkeypatch.setattr(module, "GROUP", size)
    found = run(replace(plan(path, tmp_path / "groups"), workers=1 if kind == "parquet" else 100))
    assert found == whole
    for name in (EPISODES, NOTICES, SUMMARY):
        assert (tmp_path / "groups" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_two_processes_give_the_same_files(rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP", 1)
    path = csv(tmp_path / "rows.csv", rows)
    one, two = run(plan(path, tmp_path / "one")), run(plan(path, tmp_path / "two", workers=2))
    assert one == two
    assert len(list((tmp_path / "two" / PARTS).glob("*.json"))) == 2
    for name in (EPISODES, NOTICES, SUMMARY):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name


# --- going on -------------------------------------------------------------------------------------------------------------


def judged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Which groups are judged from now on."""
    found: list[tuple[str, ...]] = []

    def spy(group: Group) -> None:
        found.append(group.patients)
        judge_group(group)

    monkeypatch.setattr(module, "judge_group", spy)
    return found


def test_finished_groups_are_kept_and_the_others_judged(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP", 1)
    wanted = plan(parquet(tmp_path / "rows.parquet", rows), tmp_path / "out")
    run(wanted)
    before = {each.name: each.read_bytes() for each in wanted.out.iterdir() if each.is_file()}
    (wanted.out / PARTS / f"00001.{SUMMARY}").write_text('{"fingerprint": "cut o')
    (wanted.out / PARTS / f"00001.{EPISODES}").write_text("half a li")
    found = judged(monkeypatch)
    steps: list[tuple[int, int]] = []
    run(wanted, lambda done, total: steps.append((done, total)))
    assert found == [("p-1",)]
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert {each.name: each.read_bytes() for each in wanted.out.iterdir() if each.is_file()} == before
    run(wanted)
    assert found == [("p-1",)]


def test_another_number_of_processes_makes_other_groups_of_a_csv_and_doubles_nobody(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP", 1)
    path, out = csv(tmp_path / "rows.csv", rows), tmp_path / "out"
    one = run(plan(path, out, workers=1))
    before = (out / EPISODES).read_bytes()
    three = run(plan(path, out, workers=3))
    assert one["policies"][0]["patients"] == 3
    assert three == one
    assert (out / EPISODES).read_bytes() == before


def test_another_policy_nurse_range_or_patient_judges_everything_again(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv(tmp_path / "rows.csv", rows)
    wanted = plan(path, tmp_path / "out")
    wider = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "limit": 80, "severe": 75}], "doctor")
    person = Patient("p-1", "", "", date(2015, 1, 1), "female", "")
    others = [
        replace(wanted, policy=wider),
        replace(wanted, policies={"p-1": wider}),
        replace(wanted, response_s=5.0),
        replace(wanted, source=Source(path, first=START + MINUTE)),
        replace(wanted, source=Source(path, people=(person,))),
        replace(wanted, source=Source(path, strict=True)),
    ]
    found = judged(monkeypatch)
    for number, each in enumerate([wanted, *others]):
        run(each)
        assert len(found) == number + 1


def test_a_part_that_is_being_overwritten_by_another_run_is_nobodys(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run A, then B is interrupted in the middle, then A again: B's half lines are not A's."""
    path = csv(tmp_path / "rows.csv", rows)
    wanted = plan(path, tmp_path / "out")
    run(wanted)
    before = (wanted.out / EPISODES).read_bytes()

    class Interrupted(BaseException):
        pass

    def dies(*_: Any) -> Any:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(module, "replay", dies)
        with pytest.raises(Interrupted):
            run(replace(wanted, response_s=5.0))
    run(wanted)
    assert (wanted.out / EPISODES).read_bytes() == before


# --- the input ------------------------------------------------------------------------------------------------------------


def test_only_the_patients_and_times_that_were_asked_for(rows: list[Row], tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", rows)
    some = run(Plan(Source(path, patients=("p-0", "p-2", "nobody")), tmp_path / "some"))
    assert some["policies"][0]["patients"] == 2
    lines = (tmp_path / "some" / EPISODES).read_text().splitlines()
    assert {json.loads(line)["patient"] for line in lines} == {"p-0", "p-2"}
    first, last = START + 20 * MINUTE, START + 50 * MINUTE
    part = run(Plan(Source(path, first=first, last=last), tmp_path / "part"))
    assert part["policies"][0]["readings"] == sum(first <= row.measured_at < last for row in rows)


def test_refused_rows_are_counted_once_whatever_the_groups(
    tmp_path: Path, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv(tmp_path / "rows.csv", rows)
    with path.open("a") as file:
        file.write("p-1,nonsense,1767225600000000,5,1767225600000000,0,w-1\n,spo2,1767225600000000,97,,0,w-1\nhalf\n")
    whole = run(plan(path, tmp_path / "whole"))
    monkeypatch.setattr(module, "GROUP", 1)
    found = run(plan(path, tmp_path / "groups", workers=100))
    assert whole["input"]["refused"] == {"patient_missing": 1, "unknown_name": 1, "unreadable_line": 1}
    assert found["input"] == whole["input"]
    assert len(found["input"]["refused_examples"]) == 3


def test_strict_stops_at_the_first_row_that_is_no_reading(tmp_path: Path, rows: list[Row]) -> None:
    path = csv(tmp_path / "rows.csv", rows)
    with path.open("a") as file:
        file.write("p-1,nonsense,1767225600000000,5,1767225600000000,0,w-1\n")
    with pytest.raises(TableError, match=f"row {len(rows) + 2} .*vital"):
        run(Plan(Source(path, strict=True), tmp_path / "out"))
    assert not (tmp_path / "out" / SUMMARY).exists()


def test_a_file_whose_rows_name_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("patient,vital,measured_at,value\n,spo2,2026-01-01T00:00:00Z,97\n")
    with pytest.raises(TableError, match="names no patient"):
        run(plan(path, tmp_path / "out"))


def test_a_known_person_is_scored_as_who_she_is(tmp_path: Path) -> None:
    """NEWS2 is for people of 16 and more."""
    values = [Row("p-1", "spo2", START + n * SECOND, 90.0, START + n * SECOND) for n in range(300)]
    path = csv(tmp_path / "rows.csv", values)
    child = Patient("p-1", "", "", date(2015, 1, 1), "female", "")
    adult = episodes_of(path, tmp_path / "adult")
    found = episodes_of(path, tmp_path / "child", source=Source(path, people=(child,)))
    assert b'"rule":"news2"' in adult
    assert b'"rule":"news2"' not in found
