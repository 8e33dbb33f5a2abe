"""``vigil tls`` as an operator types it, and what ``vigil doctor`` takes from it."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.installation import Running, announced
from cli.main import build
from cli.tls import certificates, tls_trouble
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import ManualClock, SystemClock
from vigil.runtime.config import load


def run(data: Path, *words: str) -> str:
    done = CliRunner().invoke(build(["tls"]), ["tls", *words, "--data-dir", str(data)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_operators_way(tmp_path: Path) -> None:
    assert "Give every client" in run(tmp_path, "ca")
    assert "vigil.example, 192.0.2.1 and holds 30 days" in run(
        tmp_path, "server", "--name", "vigil.example", "--name", "192.0.2.1", "--days", "30"
    )
    run(tmp_path, "device", "w-1")
    assert "1 revoked" in run(tmp_path, "revoke", "w-1")
    run(tmp_path, "ca", "--renew")
    run(tmp_path, "server", "--name", "vigil.example")
    run(tmp_path, "ca", "--forget-old")
    shown = run(tmp_path, "show")
    assert "vigil.example" in shown
    assert re.search(r"server.crt: vigil.example: 39[67] days left", shown)
    with pytest.raises(ConfigError, match="--renew"):
        run(tmp_path, "ca")


def test_what_runs_out_is_told_a_month_before(tmp_path: Path) -> None:
    run(tmp_path, "ca")
    run(tmp_path, "server", "--name", "vigil.example", "--days", "60")
    chosen, clock = load(None, {}, data_dir=tmp_path), ManualClock(SystemClock().now_us())
    told = []
    for days in (20, 20, 30):
        clock.advance(timedelta(days=days).total_seconds())
        told.append({name: (ok, bool(todo)) for name, ok, _, todo in certificates(chosen, clock)})
    assert [each["server.crt"] for each in told] == [(True, False), (True, True), (False, True)]
    assert all(each["ca.crt"] == (True, False) for each in told)
    (tmp_path / "broker" / "server.crt").write_text("nonsense")
    assert {name: ok for name, ok, _, _ in certificates(chosen, clock)}["server.crt"] is False


def test_a_broker_that_speaks_no_tls(tmp_path: Path) -> None:
    run(tmp_path, "ca")
    chosen = load(None, {"VIGIL_BROKER__CA_FILE": str(tmp_path / "broker" / "ca.crt")}, data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(1)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert "before TLS began" in tls_trouble(chosen, "127.0.0.1", server.getsockname()[1])
        thread.join()
    assert tls_trouble(load(None, {}, data_dir=tmp_path), "127.0.0.1", 1) == ""


def test_a_core_of_its_own_is_found_by_the_other_commands(tmp_path: Path) -> None:
    chosen = load(None, {"VIGIL_HOST": "0.0.0.0", "VIGIL_PORT": "8123"}, data_dir=tmp_path)
    with announced(chosen, 8883):
        found = Running.require(tmp_path)
        assert (found.http_url, found.broker_port, found.pid) == ("http://127.0.0.1:8123", 8883, os.getpid())
    assert Running.find(tmp_path) is None


def test_a_core_under_vigil_up_leaves_its_note_alone(tmp_path: Path) -> None:
    Running("http://127.0.0.1:1", "127.0.0.1", 2, "mosquitto", "home", os.getppid()).save(tmp_path)
    before = json.loads((tmp_path / "run.json").read_text())
    with announced(load(None, {}, data_dir=tmp_path), 1883):
        pass
    assert json.loads((tmp_path / "run.json").read_text()) == before
