"""``vigil train`` as somebody types it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import cli.train
from analytics.risk.folder import open_folder
from analytics.risk.train.run import STEPS
from analytics.risk.train.task import Task
from analytics.risk.train.tasks import NAMES, task_of
from cli.main import COMMANDS
from tests.unit.analytics.risk.train.made_up import quick, ward, written
from vigil.domain.errors import ModelError, VigilError


def quick_task(name: str, feature_set: str) -> Task:
    return quick(task_of(name, feature_set))


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setattr(cli.train, "task_of", quick_task)
    app = typer.Typer()
    cli.train.register(app)
    app.command("other")(lambda: None)
    return app


def run(app: typer.Typer, *arguments: str) -> Result:
    done = CliRunner().invoke(app, ["train", *arguments], env={"COLUMNS": "250"})
    if isinstance(done.exception, VigilError):
        raise done.exception
    return done


def test_from_a_table_to_a_model_and_again(app: typer.Typer, tmp_path: Path) -> None:
    source = written(ward(), tmp_path / "ward.csv")
    wanted = ("sepsis", str(source), "--out", str(tmp_path / "run"), "--dated", "2026-01-01")
    done = run(app, *wanted)
    assert done.exit_code == 0, done.output
    for step in STEPS:
        assert step in done.stderr
    shown = " ".join(done.stdout.split())
    model = open_folder(tmp_path / "run" / "5-deploy" / "sepsis-home")
    for text in (
        "NEWS2 ≥ 5",
        "logistic (of 900 rows) ←",
        "boosting",
        f"model sepsis-home {model.version} is in",
        "calibration slope",
    ):
        assert text in shown
    again = run(app, *wanted)
    assert again.stderr.count("skipped, nothing it comes from has changed") == 5
    assert again.stdout == done.stdout


def test_the_date_is_of_today_unless_it_is_stated(app: typer.Typer, tmp_path: Path) -> None:
    source = written(ward(stays=60), tmp_path / "ward.csv")
    run(app, "sepsis", str(source), "--out", str(tmp_path / "run"))
    dated = open_folder(tmp_path / "run" / "5-deploy" / "sepsis-home").card.dated
    assert dated >= "2026-01-01"
    with pytest.raises(VigilError, match="yesterday is no date"):
        run(app, "sepsis", str(source), "--out", str(tmp_path / "run"), "--dated", "yesterday")


def test_what_is_not_known_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    assert run(app, "falls", str(tmp_path), "--out", str(tmp_path / "run")).exit_code == 2
    assert run(app, "sepsis", str(tmp_path), "--out", str(tmp_path / "run"), "--set", "ward").exit_code == 2
    with pytest.raises(ModelError, match="nothing: No such file"):
        run(app, "sepsis", str(tmp_path / "nothing"), "--out", str(tmp_path / "run"))


def test_what_can_be_trained_is_what_the_command_offers() -> None:
    assert tuple(what.value for what in cli.train.What) == NAMES
    assert [task_of(name, "home").name for name in NAMES] == ["sepsis-home", "hypotension"]
    assert task_of("sepsis", "hospital").name == "sepsis-hospital"


def test_it_is_a_command_of_vigil() -> None:
    assert COMMANDS["train"] == "cli.train"
