"""Two clients with one broker account are told, and what fails on the way stops nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cli.shared_accounts import SharedAccounts
from vigil.domain.enrolment import TakenOver
from vigil.domain.errors import BrokerError
from vigil.runtime.broker.accounts import Accounts
from vigil.runtime.broker.reloads import Reloads
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store.records import SqlRecordStore

START = 1_767_225_600_000_000


class Bed:
    def __init__(self, folder: Path, trouble: BrokerError | None = None) -> None:
        def reload() -> None:
            if trouble is not None:
                raise trouble

        self.records = SqlRecordStore(f"sqlite:///{folder / 'records.db'}", Fernet.generate_key())
        self.metrics = Metrics()
        self.accounts = Accounts(folder / "data")
        reloads = Reloads(reload)
        self.shared = SharedAccounts(self.accounts, reloads, self.records, self.metrics, ManualClock(START))


def test_it_is_counted_said_and_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bed = Bed(tmp_path)
    bed.shared.tell("w-1")
    assert "the broker account w-1" in caplog.text
    assert b"api_shared_accounts_total 1.0" in bed.metrics.text()
    assert bed.records.taken_over() == {"w-1": TakenOver(1, START)}
    bed.records.close()
    bed.shared.tell("w-1")
    assert "could not be noted" in caplog.text
    assert b"api_shared_accounts_total 2.0" in bed.metrics.text()


def test_a_broker_that_cannot_be_told_is_said_and_the_core_does_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bed = Bed(tmp_path, BrokerError("mosquitto runs as another user"))
    bed.shared.start("127.0.0.1", 1)
    bed.shared.stop()
    assert "will not be noticed: mosquitto runs as another user" in caplog.text
    bed.records.close()


def test_account_files_that_cannot_be_written_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bed = Bed(tmp_path)
    (tmp_path / "data").write_text("a file, not a directory")
    bed.shared.start("127.0.0.1", 1)
    bed.shared.stop()
    assert "will not be noticed" in caplog.text
    bed.records.close()
