"""The audit log of the running product: nothing answered is missing after a kill, and a changed copy is found by command."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.product import Product, eventually, vigil
from vigil.domain.audit import Step


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product.started(tmp_path_factory.mktemp("audited")) as running:
        yield running


def verified(data_dir: Path, *more: str) -> tuple[int, str]:
    done = vigil("audit", "verify", "--data-dir", str(data_dir), *more)
    assert done.stderr == ""
    return done.returncode, done.stdout


def rows(data_dir: Path, ask: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{data_dir / 'records.sqlite3'}?mode=ro", uri=True)) as con:
        return con.execute(ask).fetchall()


def registering(product: Product, mine: str, done: list[str]) -> None:
    """Registers devices until the core is gone; ``done``: those that were answered."""
    with product.client("technician") as api:
        for number in range(10_000):
            try:
                api.post("/api/v1/devices", json={"id": f"{mine}-{number}", "model": "m"}).raise_for_status()
            except httpx.HTTPError:
                return
            done.append(f"{mine}-{number}")


def answers(product: Product) -> bool:
    try:
        return httpx.get(f"{product.url}/readyz", timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_no_answered_change_is_missing_after_kill_9(own: Product) -> None:
    done: list[str] = []
    threads = [threading.Thread(target=registering, args=(own, f"w-{number}", done)) for number in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(done) >= 10, what="some are registered")
    own.kill("run core")
    for thread in threads:
        thread.join(30)
    eventually(lambda: answers(own), 60, "the core is back")
    told = rows(own.data_dir, "SELECT step, objects FROM audit_log WHERE route = '/api/v1/devices'")
    answered = {objects for step, objects in told if step == Step.ANSWERED}
    assert {f'{{"device_id":"{device_id}"}}' for device_id in done} <= answered
    made = rows(own.data_dir, "SELECT 1 FROM devices WHERE device_id LIKE 'w-%'")
    assert len(done) <= len(made) <= sum(step == Step.ASKED for step, _ in told)
    code, said = verified(own.data_dir)
    assert code == 0, said
    with own.client("technician") as api:
        checks = {one["name"]: one for one in api.get("/api/v1/health").json()["checks"]}
    assert checks["audit"]["ok"], checks["audit"]


def test_reads_and_streams_are_in_the_log_within_a_second_or_so(own: Product) -> None:
    with own.client("auditor") as api:
        api.get("/api/v1/patients").raise_for_status()
        with api.stream("GET", "/api/v1/stream") as stream:
            next(stream.iter_lines())
        ask = "SELECT step FROM audit_log WHERE who = 'test auditor' AND route = '/api/v1/{}'"
        eventually(lambda: rows(own.data_dir, ask.format("patients")), what="the read")
        eventually(lambda: len(rows(own.data_dir, ask.format("stream"))) == 2, what="begin and end of the stream")
        assert rows(own.data_dir, ask.format("stream")) == [("opened",), ("ended",)]
        page = api.get("/api/v1/audit?limit=1").json()
        assert page["items"][0]["number"] == page["head"]["number"]


def test_one_changed_byte_in_a_copy_is_found_by_the_command(own: Product, tmp_path: Path) -> None:
    code, said = verified(own.data_dir)
    head = said.split()[-1]
    assert (code, "unbroken" in said) == (0, True)
    with (
        closing(sqlite3.connect(own.data_dir / "records.sqlite3")) as con,
        closing(sqlite3.connect(tmp_path / "records.sqlite3")) as copy,
    ):
        con.backup(copy)
    assert verified(tmp_path, "--expect", head)[0] == 0
    with closing(sqlite3.connect(tmp_path / "records.sqlite3")) as copy, copy:
        copy.execute("DROP TRIGGER audit_log_no_update")
        copy.execute("UPDATE audit_log SET who = 'somebody else' WHERE number = 2")
    code, said = verified(tmp_path)
    assert code == 1
    assert said.startswith("entry 2 is not what was written")
    assert "BROKEN" in said
    assert verified(tmp_path, "--expect", "0" * 64)[0] == 1
    wrong = vigil("audit", "verify", "--data-dir", str(tmp_path), "--expect", "abc")
    assert (wrong.returncode, "64" in wrong.stderr) == (2, True)
    assert vigil("audit", "verify", "--data-dir", str(tmp_path / "none")).returncode == 2
