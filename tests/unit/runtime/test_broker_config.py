"""Choosing a broker and writing its configuration."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vigil.domain.errors import BrokerError, ConfigError
from vigil.runtime.broker import Accounts, BrokerKind, BrokerLimits, plan_broker
from vigil.runtime.broker.embedded import EmbeddedConfig, main, read_config
from vigil.runtime.broker.mosquitto import find_mosquitto, mosquitto_argv, render_config


def settings(text: str) -> list[tuple[str, str]]:
    lines = (line.partition(" ") for line in text.splitlines() if not line.startswith("#"))
    return [(key, value) for key, _, value in lines]


def test_mosquitto_listens_on_the_loopback_only_and_knows_everybody() -> None:
    found = settings(render_config(Path("/data/broker"), 1883, BrokerLimits()))
    assert [value for key, value in found if key == "listener"] == ["1883 127.0.0.1"]
    for expected in [
        ("allow_anonymous", "false"),
        ("use_username_as_clientid", "true"),
        ("password_file", "/data/broker/passwd"),
        ("acl_file", "/data/broker/acl"),
        ("persistence", "true"),
        ("persistence_location", "/data/broker/"),
        ("max_inflight_messages", "0"),
        ("pid_file", "/data/broker/mosquitto.pid"),
    ]:
        assert expected in found
    assert ("user", "root") in found or os.geteuid() != 0
    assert not {"debug", "all", "subscribe"} & {value for key, value in found if key == "log_type"}


def test_limits_are_in_bytes_and_let_a_64_kib_pack_pass() -> None:
    found = dict(settings(render_config(Path("/d"), 1883, BrokerLimits(queue_per_client=7, memory=8))))
    assert (found["max_queued_bytes"], found["memory_limit"]) == ("7", "8")
    assert int(found["max_packet_size"]) > int(found["message_size_limit"]) > 64 * 1024
    assert int(found["max_queued_messages"]) >= 1_000_000_000


@pytest.mark.parametrize("name", ["/data\nallow_anonymous true", "/data\r", "/da\x00ta"])
def test_a_directory_name_cannot_add_settings(name: str) -> None:
    with pytest.raises(ConfigError):
        render_config(Path(name), 1883, BrokerLimits())


def test_the_embedded_broker_gets_a_configuration_that_it_reads_back(tmp_path: Path) -> None:
    plan = plan_broker(Accounts(tmp_path), 1884, BrokerKind.EMBEDDED, BrokerLimits(payload=10, packet=20))
    assert plan.kind is BrokerKind.EMBEDDED
    assert plan.argv[:4] == [sys.executable, "-m", "vigil.runtime.broker.embedded", "--config"]
    assert (plan.host, plan.port) == ("127.0.0.1", 1884)
    assert read_config(Path(plan.argv[4])) == EmbeddedConfig(tmp_path.resolve(), 1884, 10, 20)


def test_planning_makes_the_account_files(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    plan_broker(accounts, 1884, BrokerKind.EMBEDDED)
    assert accounts.passwd_path.read_text() == ""
    assert stat.S_IMODE(accounts.passwd_path.stat().st_mode) == 0o600
    assert "user ingest" in accounts.acl_path.read_text()


def test_mosquitto_is_found_on_the_path(tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_mosquitto(str(tmp_path)) == program


def test_mosquitto_is_taken_when_it_is_there_and_else_not(tmp_path: Path) -> None:
    accounts, program = Accounts(tmp_path), find_mosquitto()
    if program is None:
        assert plan_broker(accounts, 1883).kind is BrokerKind.EMBEDDED
        with pytest.raises(BrokerError):
            plan_broker(accounts, 1883, BrokerKind.MOSQUITTO)
    else:
        plan = plan_broker(accounts, 1883)
        assert plan.kind is BrokerKind.MOSQUITTO
        assert plan.argv[-3:] == [str(program), "-c", str(tmp_path.resolve() / "broker" / "mosquitto.conf")]


def test_what_tells_the_broker_of_accounts_does_not_end_it_while_it_starts(tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.write_text('#!/bin/sh\nkill -HUP $$\necho "$@"\n')  # as if told before it catches the signal
    program.chmod(0o755)
    ran = subprocess.run(mosquitto_argv(program, Path("a b")), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "-c a b\n")


BAD_CONFIGURATIONS = [
    "",
    "[]",
    "{}",
    '{"data_dir": "x"}',
    '{"data_dir": 1, "port": 1}',
    '{"data_dir": "x", "port": "1"}',
    '{"data_dir": "x", "port": true}',
    '{"data_dir": "x", "port": 1, "unknown": 1}',
]


@pytest.mark.parametrize("text", BAD_CONFIGURATIONS)
def test_a_bad_embedded_configuration_is_one_line_and_exit_2(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    assert main(["--config", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unwritable_directory_is_a_broker_error(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_device("w-1", "pw")
    (accounts.directory / "embedded.json").mkdir()
    with pytest.raises(BrokerError):
        plan_broker(accounts, 1884, BrokerKind.EMBEDDED)
