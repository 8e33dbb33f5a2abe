"""The records database as a file: migrations, keys, settings, what its errors say."""

from __future__ import annotations

import json
import sqlite3
import threading
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, insert, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.conformance.stores.given import alert, follows, opened, patient
from vigil.domain.alerts import Alert, Step
from vigil.domain.errors import ConfigError, StoreError
from vigil.domain.people import Device
from vigil.store.records import SqlRecordStore
from vigil.store.records.database import Database
from vigil.store.records.documents import alert_row
from vigil.store.records.tables import build

KEY = Fernet.generate_key()


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'records.sqlite3'}"


def test_the_migrations_build_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    with database.read() as con:
        context = MigrationContext.configure(con, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, build(Fernet(KEY)).metadata) == []
        checks = con.execute(
            text("SELECT sql FROM sqlite_master WHERE name IN ('bindings', 'uq_bindings_running')")
        ).scalars()
        written = " ".join(checks)
    assert "ck_bindings_order" in written
    assert "WHERE end_at IS NULL" in written
    database.close()


def test_the_tables_can_be_made_in_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    made = ""
    for table in build(Fernet(KEY)).metadata.sorted_tables:
        made += str(CreateTable(table).compile(dialect=dialect))
        made += "".join(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    assert "seq BIGSERIAL" in made
    assert "family BYTEA" in made
    assert "CREATE UNIQUE INDEX uq_bindings_running ON bindings (device_id) WHERE end_at IS NULL" in made


def test_the_migrations_are_in_the_package() -> None:
    folder = files("vigil.store.records") / "migrations"
    assert (folder / "env.py").is_file()
    assert any(one.name == "0001_records.py" for one in (folder / "versions").iterdir())


def test_alerts_of_an_earlier_vigil_have_no_overlays(tmp_path: Path) -> None:
    """Rows and log lines as they were written before snooze and hand-over."""
    made = _first_database(tmp_path)
    row = {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in alert_row(made).items()
        if name not in OVERLAYS
    }
    columns, places = ", ".join(row), ", ".join("?" * len(row))
    document = json.dumps({name: value for name, value in alert_row(made).items() if name not in OVERLAYS})
    line = (made.alert_id, made.patient_id, made.rule, made.cause, "opened", 5, "vigil", "", "{}", document)
    with sqlite3.connect(tmp_path / "records.sqlite3") as con:
        con.execute(f"INSERT INTO alerts ({columns}) VALUES ({places})", list(row.values()))
        con.execute(
            "INSERT INTO alert_transitions (alert_id, patient_id, rule, cause, step, at, actor, note, detail, after)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            line,
        )
    con.close()
    store = SqlRecordStore(url(tmp_path), KEY)
    assert store.alert(made.alert_id) == made
    assert [one.after for one in store.transitions()] == [made]
    assert (made.snoozed_until, made.suppressed_by, made.held_until, made.owner, made.accept_by) == (
        None,
        "",
        None,
        "",
        None,
    )
    store.close()


OVERLAYS = {
    "snoozed_until", "snoozed_by", "snooze_reason", "snoozes", "suppressed_by", "held_until", "owner", "accept_by"
}  # fmt: skip


def _first_database(folder: Path) -> Alert:
    """The tables of the first migration only; returns an alert that fits into them."""
    config = Config()
    config.set_main_option("script_location", "vigil.store.records:migrations")
    engine = create_engine(url(folder))
    with engine.begin() as con:
        config.attributes["connection"] = con
        command.upgrade(config, "0001")
    engine.dispose()
    return alert()


def test_a_database_of_a_later_vigil_is_refused(tmp_path: Path) -> None:
    SqlRecordStore(url(tmp_path), KEY).close()
    with sqlite3.connect(tmp_path / "records.sqlite3") as con:
        con.execute("UPDATE alembic_version SET version_num = '9999'")
    con.close()
    with pytest.raises(StoreError, match="another version of Vigil"):
        SqlRecordStore(url(tmp_path), KEY)


def test_another_key_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    store = SqlRecordStore(url(tmp_path), KEY)
    store.add_patient(patient())
    store.close()
    with pytest.raises(StoreError, match="made with another key"):
        SqlRecordStore(url(tmp_path), Fernet.generate_key())
    store = SqlRecordStore(url(tmp_path), KEY)
    assert store.patients() == [patient()]
    store.close()


def test_a_sealed_field_that_was_changed_is_not_read(tmp_path: Path) -> None:
    store = SqlRecordStore(url(tmp_path), KEY)
    store.add_patient(patient())
    with sqlite3.connect(tmp_path / "records.sqlite3") as con:
        con.execute("UPDATE patients SET family = ?", [Fernet(Fernet.generate_key()).encrypt(b"Mallory")])
    con.close()
    with pytest.raises(StoreError, match="sealed field"):
        store.patients()
    store.close()


@pytest.mark.parametrize("key", [b"", b"short", b"!" * 44])
def test_a_bad_key_is_a_setting_that_is_wrong(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(ConfigError, match="32 bytes"):
        SqlRecordStore(url(tmp_path), key)


@pytest.mark.parametrize("wrong", ["", "nonsense", "nodb://host/x", "sqlite://", "sqlite:///:memory:"])
def test_a_bad_url_is_a_setting_that_is_wrong(wrong: str) -> None:
    with pytest.raises(ConfigError):
        SqlRecordStore(wrong, KEY)


def test_a_file_that_cannot_be_a_database_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        SqlRecordStore(url(tmp_path / "nowhere"), KEY)
    (tmp_path / "records.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError):
        SqlRecordStore(url(tmp_path), KEY)


def test_sqlite_writes_ahead_and_flushes_every_commit(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    with database.read() as con:
        found = {
            name: con.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000}
    database.close()


def test_an_error_names_no_person(tmp_path: Path) -> None:
    database, tables = Database(url(tmp_path)), build(Fernet(KEY))
    row = {"patient_id": "p-marked", "ward": "Markedward", "sex": None}
    with pytest.raises(StoreError) as failed, database.write() as con:
        con.execute(insert(tables.patients).values(row))
    shown = f"{failed.value} {failed.value.__cause__}"
    assert "IntegrityError" in shown
    assert "arked" not in shown
    database.close()


def test_foreign_keys_and_the_single_running_binding_hold_below_the_code(tmp_path: Path) -> None:
    store = SqlRecordStore(url(tmp_path), KEY)
    store.add_patient(patient())
    store.put_device(Device("w-1", "Wearable 3"))
    store.bind("w-1", "p-1", 100)
    store.close()
    database, tables = Database(url(tmp_path)), build(Fernet(KEY))
    for wrong in (
        {"device_id": "w-1", "patient_id": "p-1", "start_at": 500},
        {"device_id": "w-9", "patient_id": "p-1", "start_at": 1},
        {"device_id": "w-1", "patient_id": "p-1", "start_at": 5, "end_at": 4},
    ):
        with pytest.raises(StoreError, match="IntegrityError"), database.write() as con:
            con.execute(insert(tables.bindings).values(wrong))
    database.close()


def test_two_stores_may_share_one_file(tmp_path: Path) -> None:
    left, right = SqlRecordStore(url(tmp_path), KEY), SqlRecordStore(url(tmp_path), KEY)
    first = left.record(opened())
    assert first is not None
    second = right.record(follows(first.after, Step.CLEARED, "ordinal:20:cleared"))
    assert second is not None
    assert left.transitions() == [first, second]
    assert left.record(opened(alert())) is None
    left.close()
    right.close()


def test_writers_of_two_stores_wait_for_one_another(tmp_path: Path) -> None:
    stores = [SqlRecordStore(url(tmp_path), KEY) for _ in range(2)]
    failures: list[StoreError] = []

    def write(me: int) -> None:
        for turn in range(50):
            try:
                stores[me].record(opened(alert(f"a-{me}-{turn}", cause=f"ordinal:{me}-{turn}:opened")))
            except StoreError as error:
                failures.append(error)

    threads = [threading.Thread(target=write, args=(me,)) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert [line.seq for line in stores[0].transitions()] == list(range(1, 101))
    for store in stores:
        store.close()
