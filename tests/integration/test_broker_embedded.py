"""What is special about the embedded broker."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.integration.broker_site import TEL, Site, running_site
from tests.integration.mqtt_probe import burst
from vigil.runtime.broker import BrokerKind


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path, BrokerKind.EMBEDDED) as site:
        yield site


def test_all_arrive_from_bursts_that_follow_one_another(site: Site) -> None:
    core = site.core()
    for _ in range(10):
        burst(site.plan.port, "w-1", "pw w-1", TEL, 300, goodbye=False)
    assert core.got(3000), f"{len(core.received)} of 3000 arrived"


def test_all_arrive_from_a_publisher_that_leaves_and_comes_back_at_once(site: Site) -> None:
    core = site.core()
    for connection in range(5):
        device = site.connected("w-1")
        for number in range(200):
            device.publish(TEL, b"%d %d" % (connection, number))
        assert device.published(200)
        device.close()
    assert core.got(1000), f"{len(core.received)} of 1000 arrived"
    assert len(set(core.received)) == 1000


def test_mqtt_5_is_told_at_once_to_fall_back(site: Site) -> None:
    probe = site.probe("w-1", protocol=MQTTProtocolVersion.MQTTv5)
    assert probe.connect() == "Unsupported protocol version"


def test_garbage_and_silence_do_not_stop_it(site: Site) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\x7f", b"\x10\x04\x00\x04MQ", b""):
        with socket.create_connection(("127.0.0.1", site.plan.port)) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            assert connection.recv(100) in (b"", b"\x20\x02\x00\x01")
    assert site.connected("w-1").disconnects == 0


def test_it_says_which_port_is_taken_and_exits_with_2(site: Site) -> None:
    second = subprocess.run(site.plan.argv, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 2
    assert second.stderr.strip() == f"another program listens on 127.0.0.1:{site.plan.port}"


def test_what_was_acknowledged_arrives_even_if_the_client_then_breaks_the_rules(site: Site) -> None:
    """A topic with a leading $ ends the connection while the rest of the burst waits inside the broker."""
    core = site.core()
    burst(site.plan.port, "w-1", "pw w-1", TEL, 500, goodbye=False, first_topic="$SYS/x")
    assert core.got(499), f"{len(core.received)} of 499 arrived"


def test_a_subscription_beyond_the_rights_is_refused(site: Site) -> None:
    device, gateway = site.connected("w-1"), site.connected("g-1")
    assert device.subscribe("rpm/v1/+/d/w-1/cmd/#", "rpm/v1/+/d/+/cmd/#", "#") == [1, 0x80, 0x80]
    assert gateway.subscribe("rpm/v1/+/d/w-8/cmd/#", "rpm/v1/+/d/w-1/cmd/#") == [1, 0x80]


def test_its_output_names_no_topic_and_no_payload(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1")
    device.publish(TEL, b"marked-payload")
    device.publish("rpm/v1/t/d/w-2/tel/marked-topic", b"marked-payload")
    device.publish(TEL, b"marked-payload" * 10_000)
    assert device.published(3)
    assert core.got(1)
    assert "marked" not in site.log.read_text()
    assert "rpm/" not in site.log.read_text()
