"""The columns by which the burden table counts: lines from before them, and that no document is read for it."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command
from alembic.config import Config
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text

from tests.conformance.stores.given import T0, alert, opened
from vigil.domain.burden import Course
from vigil.domain.times import DAY
from vigil.store.records import SqlRecordStore
from vigil.store.records.burden import summed_up
from vigil.store.records.database import Database
from vigil.store.records.documents import alert_row
from vigil.store.records.tables import build

KEY = Fernet.generate_key()


def test_lines_from_before_count_as_alerts_without_calls(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    made = alert()
    row = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in alert_row(made).items()}
    line = {
        "alert_id": made.alert_id, "patient_id": made.patient_id, "rule": made.rule, "cause": made.cause,
        "step": "opened", "at": made.opened_at, "actor": "vigil", "note": "", "detail": "{}",
        "after": json.dumps(alert_row(made)),
    }  # fmt: skip
    config = Config()
    config.set_main_option("script_location", "vigil.store.records:migrations")
    engine = create_engine(url)
    with engine.begin() as con:
        config.attributes["connection"] = con
        command.upgrade(config, "0005")
        for table, values in (("alerts", row), ("alert_transitions", line)):
            names = ", ".join(values)
            places = ", ".join(f":{name}" for name in values)
            con.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)
    engine.dispose()
    store = SqlRecordStore(url, KEY)
    assert store.courses(T0, T0 + DAY) == [Course("p-1", made.rule, made.peak_priority, "abc", made.opened_at)]
    assert store.record(opened(alert("a-2", cause="ordinal:18:opened"))) is not None
    assert len(store.courses(T0, T0 + DAY)) == 2
    store.close()


def test_the_log_is_summed_up_from_one_index(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    with database.read() as con:
        query = summed_up(build(Fernet(KEY)), T0, T0 + DAY)
        written = str(query.compile(dialect=con.dialect, compile_kwargs={"literal_binds": True}))
        plan = " ".join(row.detail for row in con.execute(text(f"EXPLAIN QUERY PLAN {written}")))
    database.close()
    assert "USING COVERING INDEX ix_alert_transitions_burden (at>? AND at<?)" in plan
