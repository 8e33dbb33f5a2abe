"""``vigil backtest`` with several policies and with a simulated ward, as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_backtest import table
from tests.product import vigil

WARD = ("--ward", "4", "--days", "2", "--seed", "1")


def test_a_ward_with_faults_is_made_judged_and_reported(tmp_path: Path) -> None:
    asked = ("backtest", *WARD, "--faults", "all", "--policy", "default", "--policy", "raw-news2", "--out", "out")
    done = vigil(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    for part in (summary, summary["with_faults"]):
        assert [row["policy"] for row in part["policies"]] == ["default", "raw-news2", "raw-news2-no-artefacts"]
        assert all(row["events"] == part["policies"][0]["events"] > 0 for row in part["policies"])
    assert summary["patients"] == 4
    assert summary["patient_days"] == 8
    assert [row["policy"] for row in summary["faults"]] == ["default"]
    assert "looks_at_this_test_seed" not in summary
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()
    labels = json.loads((tmp_path / "out" / "faulty" / "labels.json").read_text())
    assert all(event["fault"] for event in labels["events"])
    assert len(labels["spans"]) >= 4


def test_looks_at_a_test_seed_are_counted(tmp_path: Path) -> None:
    asked = ("backtest", "--ward", "2", "--days", "2", "--seed", "commit:0000000f", "--out", "out", "--workers", "1")
    for looks in (1, 2):
        done = vigil(*asked, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert list(summary["looks_at_this_test_seed"].values()) == [looks]
    assert "seed 1015" in summary["origin"]


def test_policies_are_compared_on_a_table(tmp_path: Path) -> None:
    (tmp_path / "wide.toml").write_text('[[limit]]\nvital = "spo2"\nside = "low"\nlimit = 83\ndelay_s = 15\n')
    source = table(tmp_path / "ward.csv", 2)
    done = vigil(
        "backtest", "--input", str(source), "--policy", "bedside", "--policy", "wide.toml", "--out", "out", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    rows = {row["policy"]: row for row in summary["policies"]}
    assert list(rows) == ["bedside", "wide", "raw-news2", "raw-news2-no-artefacts"]
    assert "physiological limit.spo2.low" in rows["bedside"]["alerts_by_rule"]
    assert "physiological limit.spo2.low" not in rows["wide"]["alerts_by_rule"]
    assert rows["bedside"]["sensitivity"] is None
    assert (tmp_path / "out" / "wide" / "notices.jsonl").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--input, or --ward"),
        ((*WARD, "--input", "x.csv"), "--input, or --ward"),
        ((*WARD, "--faults", "some"), "--faults is none or all"),
        (("--input", "x.csv", "--faults", "all"), "--faults is none or all"),
        ((*WARD, "--labels", "l.json"), "labels of its own"),
        ((*WARD, "--seed", "first"), "--seed is a number"),
        ((*WARD, "--policy", "a/p.toml", "--policy", "b/p.toml"), "cannot read"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = vigil("backtest", *arguments, "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
