"""The lines and tables of a back-test."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analytics.backtest.fold import fold
from analytics.backtest.replay import replay
from analytics.backtest.write import (
    episode_lines,
    join_rows,
    notice_lines,
    patient_days,
    score_columns,
    write_scores,
)
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.ward import compiled
from vigil.domain.errors import TableError
from vigil.domain.times import DAY, MINUTE, SECOND


def rows(*runs: tuple[float, int]) -> list[Row]:
    values = [value for value, seconds in runs for _ in range(seconds)]
    return [Row("p-1", "spo2", START + n * SECOND, value, START + n * SECOND) for n, value in enumerate(values)]


def test_an_episode_is_one_line() -> None:
    found = fold(world(rows((97, 30), (85, 20), (97, 90))), compiled())
    lines = [json.loads(line) for line in episode_lines("é,p", found)]
    assert {
        "patient": "é,p",
        "rule": "limit.spo2.low",
        "kind": "physiological",
        "priority": "medium",
        "onset": "2026-01-01T00:00:30.000Z",
        "decided": "2026-01-01T00:00:45.000Z",
        "end": "2026-01-01T00:00:50.000Z",
        "peak": 85.0,
        "peak_at": "2026-01-01T00:00:30.000Z",
    } in lines
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in episode_lines("p-1", found))


def test_a_notice_is_one_line_with_its_server_time() -> None:
    of = world([row.received(row.received_at + 2 * SECOND) for row in rows((97, 30), (85, 20))])
    lines = [json.loads(line) for line in notice_lines(replay(of, fold(of, compiled()), compiled()))]
    first = next(line for line in lines if line["rule"] == "limit.spo2.low")
    assert (first["at"], first["onset"]) == ("2026-01-01T00:00:47.000Z", "2026-01-01T00:00:30.000Z")
    assert (first["step"], first["priority"], first["actor"]) == ("opened", "medium", "vigil")
    assert first["text"] == "SpO2 85 %, below 90 % for 15 s. Good signal."


def test_scores_stand_where_they_change_and_after_a_gap() -> None:
    at = [START + n * MINUTE for n in (0, 1, 2, 3, 200, 201)]
    levels = [97.0, 97.0, 91.0, 91.0, 91.0, 91.0]
    found = fold(world([Row("p-1", "spo2", t, v, t) for t, v in zip(at, levels, strict=True)]), compiled())
    columns = score_columns("p-1", found)
    lower = dict(zip(((columns["minute_end"] - START) // MINUTE).tolist(), columns["lower"].tolist(), strict=True))
    assert lower[1] == 0
    assert lower[3] == 3
    assert 2 not in lower
    assert 4 not in lower
    assert lower[201] == 3
    assert not columns["complete"].any()


def test_scores_are_joined_in_order_also_with_a_group_that_has_none(tmp_path: Path) -> None:
    some = score_columns("p-1", fold(world(rows((97, 130))), compiled()))
    none = score_columns("p-0", fold(world([Row("p-0", "glucose_mgdl", START, 70.0, START)]), compiled()))
    assert none["minute_end"].size == 0
    write_scores([none], tmp_path / "0.parquet")
    write_scores([some], tmp_path / "it's.parquet")
    join_rows([tmp_path / "0.parquet", tmp_path / "it's.parquet"], tmp_path / "all.parquet")
    with duckdb.connect() as con:
        found = con.execute(f"SELECT patient, minute_end, lower FROM '{tmp_path}/all.parquet'").fetchall()
    assert [(patient, lower) for patient, _, lower in found] == [("p-1", 0)]
    assert found[0][1].isoformat() == "2026-01-01T00:01:00"


def test_a_file_that_cannot_be_written_is_one_of_our_errors(tmp_path: Path) -> None:
    some = score_columns("p-1", fold(world(rows((97, 130))), compiled()))
    with pytest.raises(TableError, match=r"scores\.parquet"):
        write_scores([some], tmp_path / "missing" / "scores.parquet")


def test_days_with_a_value() -> None:
    assert patient_days(np.array([], np.int64)) == 0
    assert patient_days(np.array([START, START + DAY - 1], np.int64)) == 1
    assert patient_days(np.array([START, START + DAY, START + 9 * DAY], np.int64)) == 3
