"""An embedded installation's records onto a real PostgreSQL: all of them, once, also after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import migrate
from tests.conformance.stores.given import T0, follows, opened, patient
from tests.servers.postgres import Postgres
from vigil.domain.alerts import Step
from vigil.domain.audit import Entry, Question
from vigil.domain.audit import Step as AuditStep
from vigil.domain.errors import StoreError
from vigil.domain.people import Device
from vigil.runtime.keys import load_keys
from vigil.store.records import SqlRecordStore, move
from vigil.store.records.server import verify_server

pytestmark = pytest.mark.postgresql


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    url = postgres.database(migrated=True)
    yield url
    postgres.give_back(url)


def entry(number: int) -> Entry:
    return Entry(T0 + number, AuditStep.ANSWERED, f"r-{number}", "Li Na", "nurse", "::1", "GET", "/p")


@pytest.fixture
def folder(tmp_path: Path, url: str) -> Path:
    """A data directory with a bit of everything, and the file that names the server."""
    key = load_keys(tmp_path, create=True).record_key.encode()
    with closing(SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", key)) as store:
        for number in range(3):
            store.add_patient(patient(f"p-{number}", family=f"Family ☃ {number}"))
            store.put_device(Device(f"w-{number}", "m\0del", {"heart_rate": 1.5}))
            store.bind(f"w-{number}", f"p-{number}", T0)
        line = store.record(opened())
        assert line is not None
        store.record(follows(line.after, Step.ESCALATED, "c-2"))
        store.append_audit(
            [Entry(T0 + n, AuditStep.ANSWERED, f"r-{n}", "Li Na", "nurse", "::1", "GET", "/p") for n in range(2500)]
        )
    (tmp_path / "records.url").write_text(url)
    return tmp_path


def run(folder: Path) -> Any:
    app = typer.Typer()
    migrate.register(app)
    return CliRunner().invoke(app, ["--to", str(folder / "records.url"), "--data-dir", str(folder)])


def store_at(folder: Path, url: str) -> SqlRecordStore:
    return SqlRecordStore(url, load_keys(folder).record_key.encode())


def everything(store: SqlRecordStore) -> list[object]:
    return [
        store.patients(),
        [(one.device_id, one.model.replace("\0", "\ufffd"), one.interval_s) for one in store.devices()],
        store.bindings(),
        store.alerts(),
        store.transitions(),
        store.audit(Question(limit=100)),
        store.audit_head(),
        store.revision(),
    ]


def test_everything_is_there_and_goes_on_where_it_was(folder: Path, url: str) -> None:
    with closing(store_at(folder, f"sqlite:///{folder / 'records.sqlite3'}")) as store:
        before = everything(store)
    done = run(folder)
    assert done.exit_code == 0, done.output
    assert "patients: 3 rows" in done.output
    assert "audit_log: 2500 rows" in done.output
    assert "Family" not in done.output
    assert url not in done.output
    assert not (folder / "records.sqlite3").exists()
    assert (folder / migrate.MOVED).exists()
    with closing(store_at(folder, url)) as store:
        assert everything(store) == before
        store.append_audit([entry(2500)])
        store.unbind("w-0", T0 + 5)
        assert store.bind("w-0", "p-1", T0 + 9).binding_id == 4
    verdict = verify_server(url)
    assert (verdict.count, verdict.faults) == (2501, ())


def test_what_was_interrupted_goes_on(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[move.Moved] = []

    def cut(moved: move.Moved) -> None:
        told.append(moved)
        if moved.table == "bindings":
            raise StoreError("the power went")

    source = f"sqlite:///{folder / 'records.sqlite3'}"
    with pytest.raises(StoreError, match="the power went"):
        move.move(source, url, cut)
    kept = {one.table for one in told if one.rows}
    done = run(folder)
    assert done.exit_code == 0, done.output
    again = {line.partition(":")[0] for line in done.output.splitlines() if line.endswith("earlier try")}
    assert {"patients", "bindings"} <= kept
    assert again == kept - {"counters", "key_checks"}


def test_a_database_of_others_is_left_alone(folder: Path, url: str) -> None:
    with closing(SqlRecordStore(url, load_keys(folder).record_key.encode())) as store:
        store.add_patient(patient("p-9"))
    done = run(folder)
    assert isinstance(done.exception, StoreError)
    assert "holds other records already (table patients)" in str(done.exception)
    assert (folder / "records.sqlite3").exists()
    with closing(store_at(folder, url)) as store:
        assert [one.patient_id for one in store.patients()] == ["p-9"]
