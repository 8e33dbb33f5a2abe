"""What both brokers must do, each as a process of its own, with paho clients."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadline import DEADLINE_S, until
from tests.integration.broker_site import TEL, Site, needs_mosquitto, running_site
from tests.integration.mqtt_probe import Probe, burst
from vigil.runtime.broker import BrokerKind, reload_broker
from vigil.runtime.clock import SystemClock
from vigil.runtime.probes import tcp_ready
from vigil.runtime.supervise import ChildEvent, ChildSpec, EventKind, Supervisor

KINDS = [pytest.param(BrokerKind.MOSQUITTO, marks=needs_mosquitto), pytest.param(BrokerKind.EMBEDDED)]


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path, request.param) as site:
        yield site


def test_all_3000_arrive_from_a_publisher_that_leaves_after_its_last_puback(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1")
    payloads = [b"reading %04d" % number for number in range(3000)]
    for payload in payloads:
        device.publish(TEL, payload)
    assert device.published(3000)
    device.drop()
    assert core.got(3000), f"{len(core.received)} of 3000 arrived"
    assert sorted(payload for _, payload in core.received) == payloads


@pytest.mark.parametrize("goodbye", [True, False])
def test_all_3000_arrive_from_a_burst(site: Site, goodbye: bool) -> None:
    core = site.core()
    burst(site.plan.port, "w-1", "pw w-1", TEL, 3000, goodbye=goodbye)
    assert core.got(3000), f"{len(core.received)} of 3000 arrived"
    assert {payload for _, payload in core.received} == {b"%04d" % number for number in range(3000)}


def test_a_device_publishes_under_its_own_topic_only(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1")
    device.publish("rpm/v1/t/d/w-2/tel/vitals", b"foreign")
    device.publish("rpm/v1/t/d/w-1/cmd/ack", b"a command")
    device.publish("rpm/v1/t/g/g-1/state", b"a gateway's")
    device.publish(TEL, b"own")
    assert device.published(4)
    assert core.got(1)
    assert core.received == [(TEL, b"own")]


def test_a_gateway_speaks_for_its_list_only(site: Site) -> None:
    core = site.core()
    gateway = site.connected("g-1")
    gateway.publish(TEL, b"not on the list")
    gateway.publish("rpm/v1/t/d/g-1/tel/vitals", b"a gateway is no device")
    gateway.publish("rpm/v1/t/d/w-8/tel/vitals", b"8")
    gateway.publish("rpm/v1/t/g/g-1/state", b"up")
    assert gateway.published(4)
    assert core.got(2)
    assert core.received == [("rpm/v1/t/d/w-8/tel/vitals", b"8"), ("rpm/v1/t/g/g-1/state", b"up")]


def test_a_command_reaches_its_device_and_no_other(site: Site) -> None:
    core = site.core()
    first, second, gateway = site.connected("w-1"), site.connected("w-2"), site.connected("g-1")
    first.subscribe("rpm/v1/+/d/w-1/cmd/#")
    second.subscribe("#", "rpm/v1/+/d/+/cmd/#", "rpm/v1/+/d/w-2/cmd/#")
    gateway.subscribe("rpm/v1/+/d/+/cmd/#", "rpm/v1/+/d/w-8/cmd/#")
    first.publish(TEL, b"for the core only")
    core.publish("rpm/v1/t/d/w-1/cmd/ack", b"1")
    core.publish("rpm/v1/t/d/w-2/cmd/ack", b"2")
    core.publish("rpm/v1/t/d/w-8/cmd/ack", b"8")
    assert first.got(1)
    assert second.got(1)
    assert gateway.got(1)
    # A set: mosquitto sends one copy for each matching subscription.
    assert set(first.received) == {("rpm/v1/t/d/w-1/cmd/ack", b"1")}
    assert set(second.received) == {("rpm/v1/t/d/w-2/cmd/ack", b"2")}
    assert set(gateway.received) == {("rpm/v1/t/d/w-8/cmd/ack", b"8")}


def test_the_core_writes_commands_only(site: Site) -> None:
    core = site.core()
    core.publish(TEL, b"forged")
    core.publish("rpm/v1/t/d/ingest/tel/vitals", b"forged")
    core.publish("rpm/v1/t/g/g-1/state", b"forged")
    assert core.published(3)
    site.connected("w-1").publish(TEL, b"true")
    assert core.got(1)
    assert core.received == [(TEL, b"true")]


@pytest.mark.parametrize("user", ["w-1", "w-3", "ingest"])
def test_a_wrong_password_is_refused(site: Site, user: str) -> None:
    assert site.probe(user, "pw wrong").connect() == "Not authorized"


def test_nobody_is_anonymous(site: Site) -> None:
    anonymous = Probe(site.plan.port, "w-1", None)
    assert anonymous.connect() == "Not authorized"
    anonymous.close()


def test_a_stranger_with_a_known_client_id_disturbs_nobody(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1", clean=False)
    stranger = site.probe("w-2", "pw wrong", client_id="w-1", clean=False)
    assert stranger.connect() == "Not authorized"
    neighbour = site.connected("w-2", client_id="w-1")
    neighbour.publish(TEL, b"foreign")
    neighbour.publish("rpm/v1/t/d/w-2/tel/vitals", b"own")
    assert neighbour.published(2)
    device.publish(TEL, b"still here")
    assert core.got(2)
    assert device.disconnects == 0
    assert sorted(core.received) == [(TEL, b"still here"), ("rpm/v1/t/d/w-2/tel/vitals", b"own")]


@pytest.mark.parametrize("clean", [True, False])
def test_a_second_connection_of_a_device_ends_the_first_and_works(site: Site, clean: bool) -> None:
    core = site.connected("ingest")
    first = site.connected("w-1", clean=clean)
    second = site.connected("w-1", clean=clean)
    assert first.wait(lambda: first.disconnects == 1)
    assert second.subscribe("rpm/v1/+/d/w-1/cmd/#") == [1]
    core.publish("rpm/v1/t/d/w-1/cmd/ack", b"hello")
    assert second.got(1)
    assert second.disconnects == 0


def test_retained_state_reaches_only_who_may_read_it(site: Site) -> None:
    first = site.connected("w-1")
    first.publish("rpm/v1/t/d/w-1/state", b"online", retain=True)
    assert first.published(1)
    core = site.core()
    assert core.got(1)
    assert core.retained == ["rpm/v1/t/d/w-1/state"]
    second = site.connected("w-2", clean=False)
    second.subscribe("rpm/v1/+/d/+/state", "rpm/v1/+/d/w-2/cmd/#")
    core.publish("rpm/v1/t/d/w-2/cmd/ack", b"marks the end")
    assert second.got(1)
    assert [topic for topic, _ in second.received] == ["rpm/v1/t/d/w-2/cmd/ack"]


def test_a_will_is_sent_for_a_lost_device_and_is_never_foreign(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1", will=("rpm/v1/t/d/w-1/state", b"offline"))
    device.drop()
    assert core.got(1)
    assert core.received == [("rpm/v1/t/d/w-1/state", b"offline")]
    foreign = site.probe("w-2", will=("rpm/v1/t/d/w-1/state", b"forged"))
    if foreign.connect() == "Success":  # mosquitto looks at the rights only when it sends the Will
        foreign.drop()
    site.connected("w-1").publish(TEL, b"marks the end")
    assert core.got(2)
    assert core.received[1:] == [(TEL, b"marks the end")]


def test_64_kib_pass_and_absurd_sizes_do_not(site: Site) -> None:
    core = site.core()
    device = site.connected("w-1")
    device.publish(TEL, b"x" * 200_000)
    device.publish(TEL, b"y" * 65_536)
    assert device.published(2)
    assert core.got(1)
    assert [payload[:1] for _, payload in core.received] == [b"y"]
    device.publish(TEL, b"z" * 2_000_000)
    assert device.wait(lambda: device.disconnects == 1)


def test_a_persistent_session_gets_what_came_while_it_was_away(site: Site) -> None:
    core = site.connected("ingest")
    device = site.connected("w-1", clean=False)
    assert device.subscribe("rpm/v1/+/d/w-1/cmd/#") == [1]
    device.close()
    for number in range(20):
        core.publish("rpm/v1/t/d/w-1/cmd/config", b"%d" % number)
    assert core.published(20)
    again = site.connected("w-1", clean=False)
    assert again.got(20), f"{len(again.received)} of 20 arrived"


@pytest.mark.parametrize("leave", ["close", "drop"])
def test_what_a_persistent_session_did_not_acknowledge_comes_again(site: Site, leave: str) -> None:
    core = site.connected("ingest", clean=False, manual_ack=True)
    assert core.subscribe("rpm/v1/+/d/+/tel/#") == [1]
    device = site.connected("w-1")
    payloads = [b"%d" % number for number in range(200)]
    for payload in payloads[:100]:
        device.publish(TEL, payload)
    assert core.got(100)
    for payload in payloads[100:]:
        device.publish(TEL, payload)
    getattr(core, leave)()  # while messages are on their way, and with none acknowledged
    assert device.published(200)
    again = site.connected("ingest", clean=False)
    assert again.wait(lambda: {payload for _, payload in again.received} == set(payloads)), len(again.received)


def test_new_and_removed_accounts_need_no_restart(site: Site) -> None:
    password = site.accounts.issue_device("w-3")
    reload_broker(site.accounts)
    assert until(lambda: site.probe("w-3", password).connect() == "Success")
    device = site.probes[-1]
    site.accounts.remove("w-3")
    reload_broker(site.accounts)
    assert device.wait(lambda: device.disconnects == 1)
    assert site.probe("w-3", password).connect() == "Not authorized"


def test_it_stops_at_sigterm_while_clients_are_connected(site: Site) -> None:
    core = site.core()
    assert site.process is not None
    site.process.send_signal(signal.SIGTERM)
    assert until(lambda: site.process is not None and site.process.poll() is not None)
    assert site.process.returncode == 0
    assert core.wait(lambda: core.disconnects == 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_supervised_broker_comes_back_after_kill_9(tmp_path: Path, kind: BrokerKind) -> None:
    site = Site(tmp_path, kind)
    seen: queue.SimpleQueue[ChildEvent] = queue.SimpleQueue()
    spec = ChildSpec("broker", site.plan.argv, ready=tcp_ready(site.plan.port))
    supervisor = Supervisor([spec], SystemClock(), seen.put)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        first = _next(seen, EventKind.READY)
        site.connected("w-1").close()
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        assert _next(seen, EventKind.EXITED).returncode == -signal.SIGKILL
        second = _next(seen, EventKind.READY)
        assert second.pid != first.pid
        site.connected("w-1").close()
    finally:
        supervisor.request_stop()
        thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert _next(seen, EventKind.EXITED).returncode == 0


def _next(seen: queue.SimpleQueue[ChildEvent], kind: EventKind) -> ChildEvent:
    while (event := seen.get(timeout=DEADLINE_S)).kind is not kind:
        pass
    return event
