"""A backup from before an erasure has the name; the list of erasures takes it out again when the backup is restored."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import backup, export, restore
from tests.unit.cli.test_backup import NOW, fill, records_of
from vigil.domain.audit import Question
from vigil.domain.errors import InvalidInput, NotFound
from vigil.store.records.audit import verify_file


def run(*arguments: str) -> Any:
    app = typer.Typer()
    for module in (backup, export, restore):
        module.register(app)
    return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of somebody under watch, who was discharged and erased afterwards; the list lies beside it."""
    folder = tmp_path_factory.mktemp("erased")
    fill(folder / "old")
    done = run("backup", "--data-dir", str(folder / "old"), "--out", str(folder / "saved.tar"))
    assert done.exit_code == 0, done.output
    with closing(records_of(folder / "old")) as records:
        records.discharge("p-1", NOW + 1)
        records.erasures.erase("p-1", "Ada", NOW + 2)
    listed = run("export", "erasures", "--data-dir", str(folder / "old"), "--to", str(folder / "erased.ndjson"))
    assert "1 erased" in listed.output
    return folder


def test_the_list_names_nobody(saved: Path) -> None:
    assert (saved / "erased.ndjson").read_text() == f'{{"patient_id": "p-1", "at": {NOW + 2}, "by": "Ada"}}\n'


def test_with_the_list_the_name_does_not_come_back(saved: Path, tmp_path: Path) -> None:
    done = run(
        "restore",
        str(saved / "saved.tar"),
        "--data-dir",
        str(tmp_path / "new"),
        "--erased",
        str(saved / "erased.ndjson"),
    )
    assert done.exit_code == 0, done.output
    assert "is erased in it" in done.output
    with closing(records_of(tmp_path / "new")) as records:
        with pytest.raises(NotFound):
            records.patient("p-1")
        assert [one.end for one in records.bindings()] == [NOW + 2]
        assert [one.by for one in records.erasures.erased()] == ["Ada"]
        (line,) = [one.entry for one in records.audit(Question(patient_id="p-1"))]
        assert (line.who, line.route) == ("operator", "vigil restore")
    assert verify_file(tmp_path / "new" / "records.sqlite3").faults == ()


def test_without_it_the_operator_is_told(saved: Path, tmp_path: Path) -> None:
    done = run("restore", str(saved / "saved.tar"), "--data-dir", str(tmp_path / "new"))
    assert "has a name in it again" in done.output
    with closing(records_of(tmp_path / "new")) as records:
        assert records.patient("p-1").family == "Marker-Family"


def test_somebody_who_came_after_the_backup_is_passed_over(saved: Path, tmp_path: Path) -> None:
    later = tmp_path / "list"
    later.write_text('{"patient_id": "p-9", "at": 5, "by": "Ada"}\n')
    done = run("restore", str(saved / "saved.tar"), "--data-dir", str(tmp_path / "new"), "--erased", str(later))
    assert done.exit_code == 0, done.output
    with closing(records_of(tmp_path / "new")) as records:
        assert records.erasures.erased() == []


def test_a_list_that_cannot_be_read_restores_nothing(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("p-1\n")
    arguments = (
        "restore",
        str(saved / "saved.tar"),
        "--data-dir",
        str(tmp_path / "new"),
        "--erased",
        str(tmp_path / "list"),
    )
    assert isinstance(run(*arguments).exception, InvalidInput)
    assert not (tmp_path / "new").exists()
