"""``vigil models``: from a folder to a model in use, as an operator types it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.main import COMMANDS
from cli.models import register
from tests.unit.analytics.risk.model_bed import LABEL, bed
from vigil.domain.errors import ModelError

NAME = "sepsis-home"
WHO = ("--by", "Dr Wang", "--reason", "to compare")


def run(data_dir: Path, *arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    done = CliRunner().invoke(app, ["models", *arguments, "--data-dir", str(data_dir)], env={"COLUMNS": "250"})
    if isinstance(done.exception, ModelError):
        raise done.exception
    return done


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    bed().write(tmp_path / "models" / NAME)
    return tmp_path


def test_a_model_from_its_folder_to_its_end(data_dir: Path) -> None:
    listed = run(data_dir, "list")
    assert listed.exit_code == 0
    assert f"{NAME} │ not in use" in listed.output
    assert LABEL in listed.output
    assert run(data_dir, "verify", NAME).output == (
        f"{NAME}: every file is as it was written, the self-check gives the same numbers, the card is complete\n"
    )
    with pytest.raises(ModelError, match="has never been in shadow"):
        run(data_dir, "activate", NAME, *WHO)
    assert run(data_dir, "shadow", NAME, *WHO).output == f"{NAME}: shadow; a running vigil sees it within a minute\n"
    activated = run(data_dir, "activate", NAME, *WHO)
    assert "note: its card is not signed off: nobody answers for it clinically\n" in activated.output
    assert "note: it was in shadow for 0.0 days, two weeks are advised\n" in activated.output
    assert f"{NAME} │ active" in run(data_dir, "list").output
    run(data_dir, "retire", NAME, "--by", "Dr Li", "--reason", "a newer one")
    shown = run(data_dir, "show", NAME).output
    for text in (
        LABEL,
        "home (",
        "learnt from",
        "240 patients",
        "signed off by",
        "nobody",
        "retired",
        "a newer one",
        "scikit-learn",
    ):
        assert text in shown


def test_without_shadow_is_said(data_dir: Path) -> None:
    done = run(data_dir, "activate", NAME, "--without-shadow", *WHO)
    assert done.exit_code == 0
    assert "note: it was never in shadow here" in done.output


def test_a_refused_model_is_an_exit_code_where_it_should_be_in_use(data_dir: Path) -> None:
    run(data_dir, "shadow", NAME, *WHO)
    with (data_dir / "models" / NAME / "card.html").open("ab") as file:
        file.write(b" ")
    listed = run(data_dir, "list")
    assert listed.exit_code == 1
    assert "REFUSED: model sepsis-home: card.html was changed" in " ".join(listed.output.split())
    verified = run(data_dir, "verify", NAME)
    assert verified.exit_code == 1
    assert "card.html was changed since the model was stored" in verified.output
    assert "REFUSED" in run(data_dir, "show", NAME).output
    run(data_dir, "retire", NAME, *WHO)
    assert run(data_dir, "list").exit_code == 0


def test_a_decision_needs_a_person_and_a_reason(data_dir: Path) -> None:
    assert run(data_dir, "shadow", NAME, "--by", "x").exit_code == 2
    assert run(data_dir, "activate", NAME, "--reason", "x").exit_code == 2


def test_an_unknown_name_tells_the_known_ones(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no model sepsis; there are: .*sepsis-home"):
        run(data_dir, "show", "sepsis")


def test_it_is_a_command_of_vigil() -> None:
    assert COMMANDS["models"] == "cli.models"
