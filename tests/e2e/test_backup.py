"""Back up the product while values arrive, wipe it, restore, start again: the same rows up to that moment, and true acks."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.publishers import Device, Publisher, enrol
from tests.product import Product, eventually, vigil
from vigil.store import archive, backup
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.copy import file_sums

#: Before the backup begins.
AT_LEAST = 300


def publishing(device: Device, start: float, stop: threading.Event, sent: list[int], known: list[int]) -> None:
    """``known``: the greatest number that was acknowledged by then."""
    with Publisher(device) as publisher:
        while not stop.is_set():
            seq = len(sent)
            publisher.publish(device.pack(seq, {"n": "spo2", "v": 85}, {"n": "hr", "v": 60 + seq % 40}, at=start + seq))
            sent.append(seq)
            known.append(acked(publisher))


def acked(publisher: Publisher) -> int:
    return max((ack["seq"] for ack in publisher.acks), default=-1)


def told(data_dir: Path, ask: str, *values: object) -> tuple[int, ...]:
    """One row of an installation that is stopped."""
    file = DuckFile(data_dir / "readings.duckdb")
    try:
        with file.read() as con:
            (row,) = con.execute(ask, values).fetchall()
            return tuple(map(int, row))
    finally:
        file.close()


def upto(data_dir: Path, head: int) -> tuple[int, ...]:
    """Count and order-independent hash of the readings up to an ordinal."""
    return told(data_dir, "SELECT count(*), sum(hash(r)) FROM readings r WHERE ordinal <= ?", head)


def packs(data_dir: Path, device: Device) -> tuple[int, ...]:
    """How many, of how many numbers, and the greatest one."""
    return told(
        data_dir, "SELECT count(*), count(DISTINCT seq), max(seq) FROM packs WHERE device_id = ?", device.device_id
    )


@pytest.mark.timeout(300)
def test_backed_up_while_it_runs_wiped_restored_and_started_again(tmp_path: Path) -> None:
    out, stop, sent, known = tmp_path / "saved.tar", threading.Event(), list[int](), [-1]
    with Product.started(tmp_path) as product:
        data_dir = product.data_dir
        with product.client() as api:
            device = enrol(api, 1)
        start = time.time() - 3600
        thread = threading.Thread(target=publishing, args=(device, start, stop, sent, known))
        thread.start()
        eventually(lambda: known[-1] >= AT_LEAST, 60, "values are stored")
        done = vigil("backup", "--data-dir", str(data_dir), "--out", str(out))
        before = len(sent)
        eventually(lambda: len(sent) > before + 20, 60, "values go on arriving")
        stop.set()
        thread.join(30)
        assert done.returncode == 0, done.stderr
        assert "while it ran" in done.stdout
        again = vigil("restore", str(out), "--data-dir", str(data_dir))
        assert (again.returncode, "not empty" in again.stderr) == (2, True)
    said = archive.read(out)
    rows = said.readings["readings"].rows
    assert rows > 0
    before_wipe = upto(data_dir, rows)
    shutil.rmtree(data_dir)

    done = vigil("restore", str(out), "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    assert upto(data_dir, rows) == before_wipe
    assert file_sums(data_dir / "readings.duckdb") == said.readings
    assert backup.record_sums(data_dir / "records.sqlite3") == said.records

    stored, numbers, last = packs(data_dir, device)
    assert AT_LEAST <= stored == numbers == last + 1 < len(sent)
    with Product.started(tmp_path) as product:
        verified = vigil("audit", "verify", "--data-dir", str(data_dir), "--expect", said.audit.head)
        assert verified.returncode == 0, verified.stdout
        with product.client() as api:
            path = f"/api/v1/patients/{device.patient_id}/alerts?state=all"

            def rules() -> list[str]:
                return [alert["rule"] for alert in api.get(path).json()["items"]]

            eventually(lambda: "limit.spo2.low" in rules(), 60, "the alert, saved or judged now")
            assert rules().count("limit.spo2.low") == 1
        device = Device(device.device_id, device.patient_id, device.host, product.broker_port, device.password)
        with Publisher(device) as publisher:  # its old password, and packs from before, at, and after the moment
            for seq in (0, stored - 1, stored):
                publisher.publish(
                    device.pack(seq, {"n": "spo2", "v": 85}, {"n": "hr", "v": 60 + seq % 40}, at=start + seq)
                )
            eventually(lambda: acked(publisher) == stored, 30, "acknowledged up to the pack that was sent again")
    assert packs(data_dir, device) == (stored + 1, stored + 1, stored)
    assert upto(data_dir, rows) == before_wipe
