"""What is special about mosquitto: its own tools, its files, its signals."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.deadline import until
from tests.integration.broker_site import TEL, Site, needs_mosquitto, running_site
from tests.integration.mqtt_probe import running
from vigil.runtime.broker import Accounts, BrokerKind, plan_broker, reload_broker
from vigil.runtime.broker.accounts import hash_password, verify_password
from vigil.runtime.broker.mosquitto import PID_NAME, running_pid

pytestmark = needs_mosquitto


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path, BrokerKind.MOSQUITTO) as site:
        yield site


def test_mosquitto_passwd_and_we_read_each_other(tmp_path: Path) -> None:
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not on the PATH")
    file = tmp_path / "passwd"
    subprocess.run([tool, "-b", "-c", str(file), "w-1", "geheim ü"], check=True, capture_output=True)
    name, _, hashed = file.read_text().strip().partition(":")
    assert name == "w-1"
    assert verify_password(hashed, "geheim ü")
    assert not verify_password(hashed, "geheim")
    ours = hash_password("geheim ü").split("$")
    theirs = hashed.split("$")
    assert [len(part) for part in ours] == [len(part) for part in theirs]
    assert ours[:3] == theirs[:3] == ["", "7", "101"]


def test_a_data_directory_with_a_space_in_its_name(tmp_path: Path) -> None:
    directory = tmp_path / "my data"
    directory.mkdir()
    with running_site(directory, BrokerKind.MOSQUITTO) as site:
        site.connected("w-1")
    assert (directory / "broker" / "mosquitto.db").exists()


def test_queued_commands_and_state_survive_an_orderly_restart(tmp_path: Path) -> None:
    site = Site(tmp_path, BrokerKind.MOSQUITTO)
    with running(site.plan, site.log):
        device, core = site.connected("w-1", clean=False), site.connected("ingest")
        device.subscribe("rpm/v1/+/d/w-1/cmd/#")
        device.publish("rpm/v1/t/d/w-1/state", b"online", retain=True)
        assert device.published(1)
        device.close()
        core.publish("rpm/v1/t/d/w-1/cmd/config", b"later")
        assert core.published(1)
        core.close()
    with running(site.plan, site.log):
        device, core = site.connected("w-1", clean=False), site.core()
        assert device.got(1)
        assert core.got(1)
        assert device.received == [("rpm/v1/t/d/w-1/cmd/config", b"later")]
        assert core.received == [("rpm/v1/t/d/w-1/state", b"online")]
        device.close()
        core.close()


def test_mqtt_5_is_told_why_and_stays_connected(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1", protocol=MQTTProtocolVersion.MQTTv5)
    device.publish("rpm/v1/t/d/w-2/tel/vitals", b"foreign")
    device.publish(TEL, b"own")
    assert device.published(2)
    assert [str(reason) for reason in device.pubacks] == ["Not authorized", "Success"]
    assert core.got(1)
    assert core.received == [(TEL, b"own")]
    assert device.disconnects == 0


def test_its_output_names_no_topic_and_no_payload(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1")
    device.publish(TEL, b"marked-payload")
    device.publish("rpm/v1/t/d/w-2/tel/marked-topic", b"marked-payload")
    device.publish(TEL, b"marked-payload" * 10_000)
    assert device.published(3)
    assert core.got(1)
    assert "marked" not in site.log.read_text()


def test_reload_finds_the_process_by_its_pid_file(site: Site) -> None:
    assert site.process is not None
    assert until(lambda: running_pid(site.accounts.directory) is not None)
    assert running_pid(site.accounts.directory) == site.process.pid
    assert reload_broker(site.accounts)


def test_reload_leaves_other_programs_alone(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    plan_broker(accounts, 1883, BrokerKind.MOSQUITTO)
    assert not reload_broker(accounts)  # no pid file
    for text in (str(os.getpid()), "999999999", "1", "-1", "nonsense", ""):
        (accounts.directory / PID_NAME).write_text(text)
        assert not reload_broker(accounts)
