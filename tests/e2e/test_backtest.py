"""``vigil backtest`` as an operator runs it: its files, its exit codes, and a run that was killed goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.product import clean_environment, eventually, vigil

FILES = ("episodes.jsonl", "notices.jsonl", "scores.parquet", "summary.json")
HEADER = "patient,vital,measured_at,value,device"


def lines(patient: str, minutes: int) -> list[str]:
    """A value every 10 s; SpO2 falls for two minutes every half hour."""
    rows = []
    for n in range(minutes * 6):
        at = f"2026-01-01T{n // 360:02}:{n // 6 % 60:02}:{n % 6 * 10:02}Z"
        spo2 = 84 if n // 6 % 30 in (10, 11) else 97
        rows += [f"{patient},{vital},{at},{value},w-{patient}" for vital, value in (("spo2", spo2), ("heart_rate", 72))]
    return rows


def table(path: Path, patients: int = 3, minutes: int = 45, more: tuple[str, ...] = ()) -> Path:
    rows = [row for number in range(patients) for row in lines(f"p{number:03}", minutes)]
    path.write_text("\n".join([HEADER, *rows, *more]) + "\n", "utf-8")
    return path


def parquet(source: Path, path: Path) -> Path:
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM read_csv('{source}', header = true, all_varchar = true)) TO '{path}' (FORMAT parquet)")
    return path


def content(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


def test_the_four_files_say_what_the_rules_would_have_said(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = str(table(tmp_path / "ward.csv"))
    done = vigil("backtest", "--input", source, "--policy", "bedside", "--out", str(out), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    episodes = [json.loads(line) for line in (out / "episodes.jsonl").read_text().splitlines()]
    low = [each for each in episodes if each["rule"] == "limit.spo2.low"]
    assert [(each["patient"], each["onset"]) for each in low] == [
        (f"p{number:03}", f"2026-01-01T00:{minute}:00.000Z") for number in range(3) for minute in (10, 40)
    ]
    notices = [json.loads(line) for line in (out / "notices.jsonl").read_text().splitlines()]
    opened = [each for each in notices if each["rule"] == "limit.spo2.low" and each["step"] == "opened"]
    assert {each["at"] for each in opened} >= {"2026-01-01T00:10:20.000Z"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["input"] == {"file": "ward.csv", "duplicates": 0, "refused": {}, "refused_examples": []}
    assert summary["policies"][0]["patients"] == 3
    assert summary["policies"][0]["readings"] == 3 * 45 * 6 * 2
    with duckdb.connect() as con:
        scored = con.execute(f"SELECT count(DISTINCT patient) FROM '{out}/scores.parquet'").fetchone()
    assert scored == (3,)
    assert "Policy bedside" in done.stdout


def test_a_policy_changes_what_is_found(tmp_path: Path) -> None:
    policy = tmp_path / "wide.toml"
    policy.write_text('[[limit]]\nvital = "spo2"\nside = "low"\nlimit = 83\n')
    source, out = table(tmp_path / "ward.csv", 1), tmp_path / "out"
    done = vigil("backtest", "--input", str(source), "--out", str(out), "--policy", str(policy), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "limit.spo2.low" not in (out / "episodes.jsonl").read_text()
    assert json.loads((out / "summary.json").read_text())["policies"][0]["policy"] == "wide"


BAD_ROW = "p000,nonsense,2026-01-01T00:00:00Z,5,w-p000"


def test_rows_that_are_no_readings_are_counted_and_stop_a_strict_run(tmp_path: Path) -> None:
    source = str(table(tmp_path / "ward.csv", 1, more=(BAD_ROW,)))
    done = vigil("backtest", "--input", source, "--out", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "refused rows: unknown_name 1" in done.stdout
    strict = vigil("backtest", "--input", source, "--out", str(tmp_path / "strict"), "--strict", cwd=tmp_path)
    assert strict.returncode == 2
    assert "vital" in strict.stderr
    assert "p000" not in strict.stderr
    assert not (tmp_path / "strict" / "summary.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--input", "{dir}/missing.csv"), "there is no file"),
        (("--input", "{dir}/empty.csv"), "is empty"),
        (("--input", "{dir}/ward.csv", "--policy", "{dir}/missing.toml"), "missing.toml"),
        (("--input", "{dir}/ward.csv", "--policy", "{dir}/bad.toml"), "unknown key limits"),
        (("--input", "{dir}/ward.csv", "--policy", "{dir}/own.toml"), "no detector is called limit"),
        (("--input", "{dir}/ward.csv", "--from", "yesterday"), "--from"),
        (("--input", "store", "--data-dir", "{dir}"), "there is no Vigil"),
        (("--input", "{dir}/ward.csv", "--out", "{dir}/ward.csv"), "cannot write"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    table(tmp_path / "ward.csv", 1, 1)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "bad.toml").write_text("limits = 1\n")
    (tmp_path / "own.toml").write_text('[findings]\nlimit = "low"\n')
    filled = [each.format(dir=tmp_path) for each in arguments]
    done = vigil("backtest", "--out", str(tmp_path / "out"), *filled, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("vigil: ")]
    assert len(said) == 1, done.stderr
    assert words in said[0]
    assert "Traceback" not in done.stderr


def test_a_second_run_reuses_finished_parts(tmp_path: Path) -> None:
    source, out = str(table(tmp_path / "ward.csv")), tmp_path / "out"
    for _ in range(2):
        done = vigil("backtest", "--input", source, "--out", str(out), "--workers", "1", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        before = content(out)
        made = {each.name: each.stat().st_mtime_ns for each in (out / "parts").iterdir()}
    again = vigil("backtest", "--input", source, "--out", str(out), "--workers", "1", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert {each.name: each.stat().st_mtime_ns for each in (out / "parts").iterdir()} == made
    assert content(out) == before


@pytest.mark.timeout(240)
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Sixty patients in three groups; killed without a word when the first is finished."""
    source = parquet(table(tmp_path / "ward.csv", 60, 20), tmp_path / "ward.parquet")
    out, whole = tmp_path / "out", tmp_path / "whole"
    arguments = ("backtest", "--input", str(source), "--workers", "1", "--out")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments, str(out)],
        env={**clean_environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        eventually((out / "parts" / "00000.summary.json").exists, 120, "the first group is finished")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "summary.json").exists()
    first = (out / "parts" / "00000.summary.json").stat().st_mtime_ns
    done = vigil(*arguments, str(out), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (out / "parts" / "00000.summary.json").stat().st_mtime_ns == first
    assert vigil(*arguments, str(whole), cwd=tmp_path).returncode == 0
    assert content(out) == content(whole)
    assert json.loads((out / "summary.json").read_text())["policies"][0]["patients"] == 60
