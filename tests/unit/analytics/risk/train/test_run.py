"""The five steps from a table to a model folder: on disk, the same bytes each time, whenever it was cut short."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.risk.evaluate.report import Report
from analytics.risk.folder import open_folder
from analytics.risk.train.run import STEPS, Trained
from tests.unit.analytics.risk.train.made_up import Seen, Stop, contents, quick, trained, ward, written
from tests.unit.analytics.risk.train.test_leakage import plain
from vigil.domain.errors import ModelError, TableError


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(ward(), tmp_path_factory.mktemp("source") / "ward.parquet")


@pytest.fixture(scope="module")
def done(source: Path) -> Trained:
    return trained(source, source.parent / "run")


def found(out: Path, step: str) -> dict[str, object]:
    return dict(json.loads((out / step / "step.json").read_text())["found"])


def test_every_step_leaves_its_result(source: Path, done: Trained) -> None:
    out = source.parent / "run"
    assert sorted(path.name for path in out.iterdir()) == list(STEPS)
    collected = found(out, "1-collect")["facts"]
    assert isinstance(collected, dict)
    assert collected["patients"] == 150
    assert collected["refused_values"] == {"HR": 1, "O2Sat": 5}
    assert found(out, "2-features")["rows_judged"] == 3000
    table = done.selected.found["table"]
    assert [row["name"] for row in table] == ["NEWS2 ≥ 5", "logistic", "boosting"]
    assert all(row["gain"]["low"] > 0 for row in table[1:])
    names = [test.name for test in done_report(done).elsewhere]
    assert names == [
        "stays in Unit2, learned on Unit1",
        "stays of unknown unit, learned on Unit1",
        "vital signs every 4 h only",
        "no temperature",
        "no blood pressure",
    ]


def done_report(done: Trained) -> Report:
    return open_folder(done.model).report


def test_the_model_is_one_that_may_be_used(done: Trained) -> None:
    model = open_folder(done.model)
    assert model.name == "sepsis-home"
    assert model.fingerprint == done.collected.found["fingerprint"]
    assert model.card.check(model.report) == []
    assert (model.card.dated, model.card.revalidate_by) == ("2026-01-01", "2027-01-01")
    assert 0 < model.predictor.threshold < 1
    assert model.reference.patients == 150


def test_the_report_is_of_predictions_out_of_fold(done: Trained) -> None:
    """In sample the last fold's model would do better than it does on people whom it has not seen."""
    fold = np.asarray(done.selected.array("fold"))
    patient = np.asarray(done.featured.array("patient"))
    assert all(len(np.unique(fold[patient == each])) == 1 for each in range(150))
    figure = done.selected.found["table"][1]["auroc"]
    chosen = open_folder(done.model).report.compared.model["auroc"].value
    assert done.selected.found["chosen"] == "logistic"
    assert chosen == pytest.approx(figure["value"], abs=0.02)


def test_a_second_start_skips_everything_and_says_so(source: Path, done: Trained) -> None:
    before, seen = contents(source.parent / "run"), Seen()
    trained(source, source.parent / "run", seen)
    assert [line.split(":")[0] for line in seen.lines] == list(STEPS)
    assert contents(source.parent / "run") == before


def test_cut_short_again_and_again_it_ends_with_the_same_bytes(source: Path, done: Trained, tmp_path: Path) -> None:
    """Each start gets one call further than the one before: into every step, and between the folds."""
    stopped_in = []
    for calls in range(1, 100):
        seen = Seen(stop_after=calls)
        try:
            trained(source, tmp_path, seen)
        except Stop:
            stopped_in.append(seen.steps[-1])
        else:
            break
    assert set(stopped_in) == set(STEPS)
    assert stopped_in.count("3-select") >= 3
    assert contents(tmp_path) == contents(source.parent / "run")


def test_half_written_files_are_made_again(source: Path, done: Trained, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        trained(source, tmp_path, Seen(stop_after=5))
    (folds,) = tmp_path.glob(".3-select-*")
    (fold,) = folds.glob("fold-*.npz")
    assert fold.with_suffix(".skops").exists()
    fold.rename(fold.with_name(f"{fold.name}.part"))
    old = tmp_path / ".3-select-000000000000"
    old.mkdir()
    with (tmp_path / "2-features" / "x.npy").open("ab") as file:
        file.write(b"x")
    trained(source, tmp_path)
    assert contents(tmp_path) == contents(source.parent / "run")


def test_what_has_changed_is_done_again(source: Path, done: Trained, tmp_path: Path) -> None:
    trained(source, tmp_path)
    seen = Seen()
    again = trained(source, tmp_path, seen, seed=2)
    assert len(seen.lines) == 2
    assert again.deployed.found["hash"] != done.deployed.found["hash"]
    other = written(ward(seed=2), tmp_path / "other.parquet")
    seen = Seen(stop_after=2)
    with pytest.raises(Stop):
        trained(other, tmp_path, seen)
    assert seen.lines == []


def test_the_same_values_in_another_file_are_the_same_data(source: Path, done: Trained, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        trained(written(ward(), tmp_path / "ward.csv"), tmp_path / "run", Seen(stop_after=2))
    assert found(tmp_path / "run", "1-collect")["fingerprint"] == done.collected.found["fingerprint"]


def test_a_folder_with_one_table_will_do(source: Path, done: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(TableError, match="data holds 0 tables"):
        trained(folder, tmp_path / "run")
    written(ward(), folder / "ward.parquet")
    with pytest.raises(Stop):
        trained(folder, tmp_path / "run", Seen(stop_after=2))
    assert found(tmp_path / "run", "1-collect")["fingerprint"] == done.collected.found["fingerprint"]


def test_what_cannot_be_read_or_written_is_said(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.parquet: No such file"):
        trained(tmp_path / "nothing.parquet", tmp_path / "run")
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="file: Not a directory"):
        trained(source, tmp_path / "file")


def test_no_patient_is_named_in_what_is_left(source: Path, done: Trained) -> None:
    assert b"invented-0001" in source.read_bytes() or source.suffix == ".parquet"
    for name, content in contents(source.parent / "run").items():
        assert b"invented-" not in content, name


def test_leave_one_out_is_as_many_folds_as_patients(tmp_path: Path) -> None:
    source = written(ward(stays=24), tmp_path / "ward.parquet")
    one = {"logistic": quick().candidates["logistic"]}
    run = trained(source, tmp_path / "run", make=lambda: plain(replace(quick(), outer=1000, candidates=one)))
    assert run.selected.found["folds"] == 24
