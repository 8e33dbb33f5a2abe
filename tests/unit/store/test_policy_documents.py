"""Policies of before become documents; a document that cannot be read is never read in part."""

from __future__ import annotations

import importlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text

from tests.conformance.stores.given import patient
from vigil.domain.alerts import Priority
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.errors import StoreError
from vigil.domain.policy import DEFAULT_POLICY, STARTING_VALUE
from vigil.store.records import SqlRecordStore

KEY = Fernet.generate_key()
MIGRATION = importlib.import_module("vigil.store.records.migrations.versions.0005_policy_documents")


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'records.sqlite3'}"


def whole_policy(**change: Any) -> dict[str, Any]:
    """A policy as it was stored before: every limit with every field."""
    limits = [
        {
            "vital": vital, "side": side, "limit": limit, "delay_s": delay, "hysteresis": hysteresis, "priority": "medium",
            "severe": severe, "severe_priority": "high", "enabled": True, "set_by": STARTING_VALUE,
        }
        for (vital, side), (limit, delay, hysteresis, severe) in MIGRATION.LIMITS.items()
    ]  # fmt: skip
    return {**MIGRATION.SCALARS, **MIGRATION.TABLES, "findings": dict(MIGRATION.FINDINGS), "limits": limits, **change}


def changed(rule: tuple[str, str], **fields: Any) -> list[dict[str, Any]]:
    limits: list[dict[str, Any]] = whole_policy()["limits"]
    return [{**each, **(fields if (each["vital"], each["side"]) == rule else {})} for each in limits]


def before_documents(folder: Path, *policies: tuple[str, dict[str, Any]]) -> None:
    """A database as it was before this migration, with patients p-1 and p-2 and these policies of theirs."""
    engine = create_engine(url(folder))
    config = Config()
    config.set_main_option("script_location", "vigil.store.records:migrations")
    with engine.begin() as con:
        config.attributes["connection"] = con
        command.upgrade(config, MIGRATION.down_revision)
        people = "INSERT INTO patients VALUES (:id, :name, :name, :name, 'female', 'A', 0, '', 0, 0, NULL)"
        con.execute(text(people), [{"id": one, "name": Fernet(KEY).encrypt(b"1950-01-01")} for one in ("p-1", "p-2")])
        columns = "patient_id, version, document, author, reason, at"
        for at, (who, policy) in enumerate(policies):
            con.execute(
                text(f"INSERT INTO policies ({columns}) VALUES (:who, 'v', :document, 'dr-7', 'r', :at)"),
                {"who": who, "document": json.dumps(policy), "at": at},
            )
    engine.dispose()


def test_a_whole_policy_becomes_what_differs(tmp_path: Path) -> None:
    wider = changed(("spo2", "low"), limit=86, severe=None, set_by="dr-5")
    before_documents(
        tmp_path,
        ("p-1", whole_policy()),
        ("p-2", whole_policy(limits=wider, findings={"flat": "high"}, news2=False)),
        ("p-1", whole_policy(limits=wider[:-1], escalate_s={"high": 60.0, "medium": 600.0, "low": 14400.0})),
    )
    store = SqlRecordStore(url(tmp_path), KEY)
    documents = {each.name: each for each in store.policy_documents()}
    own = {"vital": "spo2", "side": "low", "limit": 86, "severe": None, "set_by": "dr-5"}
    assert documents["p-2"].content == {
        "news2": False, "findings": {"flat": "high", "disagreement": "off"}, "limit": [own],
    }  # fmt: skip
    assert documents["p-1"].content == {
        "escalate_s": {"high": 60.0},
        "limit": [own, {"vital": "glucose_mgdl", "side": "low", "enabled": False}],
    }
    first = store.policy_history(Scope.PATIENT, "p-1")[-1]
    assert (first.content, first.author, first.reason, first.at, first.number, first.signed_off_by) == (
        {}, "dr-7", "r", 0, 1, "",
    )  # fmt: skip
    policy = store.policy("p-2")
    assert policy is not None
    rule = policy.limit("spo2", "low")
    assert rule is not None
    # What a starting policy of a later version says besides holds for him too.
    later = {name: each for name, each in DEFAULT_POLICY.findings.items() if name not in MIGRATION.FINDINGS}
    assert (rule.limit, rule.severe, rule.set_by, policy.news2, policy.findings) == (
        86, None, "dr-5", False, {**later, "flat": Priority.HIGH},
    )  # fmt: skip
    store.close()


def test_a_limit_of_his_own_comes_over_with_every_field(tmp_path: Path) -> None:
    extra = {
        "vital": "glucose_mgdl", "side": "high", "limit": 300, "delay_s": 0, "hysteresis": 10, "priority": "low",
        "severe": 400, "severe_priority": "medium", "enabled": True, "set_by": "dr-7",
    }  # fmt: skip
    before_documents(tmp_path, ("p-1", whole_policy(limits=[*whole_policy()["limits"], extra])))
    store = SqlRecordStore(url(tmp_path), KEY)
    policy = store.policy("p-1")
    assert policy is not None
    rule = policy.limit("glucose_mgdl", "high")
    assert rule is not None
    assert (rule.limit, rule.hysteresis, rule.priority, rule.severe, rule.severe_priority) == (
        300, 10, Priority.LOW, 400, Priority.MEDIUM,
    )  # fmt: skip
    store.close()


@pytest.mark.parametrize("later", ["later_scalar", "later_table", "later_field"])
def test_a_document_of_a_later_vigil_is_never_read_in_part(tmp_path: Path, later: str) -> None:
    store = SqlRecordStore(url(tmp_path), KEY)
    store.add_patient(patient())
    limit = {"vital": "spo2", "side": "low", "limit": 88}
    contents: dict[str, dict[str, Any]] = {
        "later_scalar": {"limit": [limit], "later_scalar": 1},
        "later_table": {"limit": [limit], "later_table": {"a": 1}},
        "later_field": {"limit": [{**limit, "later_field": 1}]},
    }
    store.put_policy(PolicyDocument(Scope.PATIENT, "p-1", contents[later], "dr-7"))
    with pytest.raises(StoreError, match="policy cannot be read"):
        store.policy("p-1")
    store.close()


def test_two_who_write_at_once_get_two_numbers(tmp_path: Path) -> None:
    left, right = SqlRecordStore(url(tmp_path), KEY), SqlRecordStore(url(tmp_path), KEY)
    numbers = [
        store.put_policy(PolicyDocument(Scope.WARD, "A", {}, "dr-7")).number for store in (left, right, right, left)
    ]
    assert numbers == [1, 2, 3, 4]
    left.add_patient(patient("p-1", ward="A"))
    assert right.policy("p-1") is None
    left.put_policy(PolicyDocument(Scope.WARD, "A", {"clear_delay_s": 30.0}, "dr-7"))
    seen = right.policy("p-1")
    assert seen is not None
    assert seen.clear_delay_s == 30.0
    columns = "scope, name, number, document, author, reason, signed_off_by, at"
    with pytest.raises(sqlite3.IntegrityError), sqlite3.connect(tmp_path / "records.sqlite3") as con:
        con.execute(f"INSERT INTO policy_documents ({columns}) SELECT {columns} FROM policy_documents")
    con.close()
    left.close()
    right.close()
