"""Ingest with a real broker: what devices are told, and a flood by one of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from ingest.overload import FLOOD_RULE
from ingest.runner import Ingest
from tests.deadline import DEADLINE_S, until
from tests.integration.broker_site import needs_mosquitto
from tests.integration.gateway_platform import DEVICES, TENANT, Broker
from tests.integration.mqtt_probe import Probe
from vigil.bus.board import Bus
from vigil.domain.people import Device
from vigil.domain.phrases import english
from vigil.domain.self_test import PLATFORM
from vigil.runtime.broker import Accounts, reload_broker
from vigil.runtime.clock import SystemClock
from vigil.runtime.config import IngestSettings, Settings
from vigil.runtime.metrics import Metrics
from vigil.store.duck.store import DuckReadingStore
from vigil.store.records.store import SqlRecordStore
from vigil.wire import topics

pytestmark = needs_mosquitto
#: Packs a second of one device, and how many at once.
RATE, BURST = 50, 300


class Site:
    """A broker, ingest with its stores, and devices that are connected on demand."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.accounts = Accounts(folder)
        self.broker = Broker(folder)
        self.broker.start()
        self.readings = DuckReadingStore(folder / "readings.duckdb", self.clock)
        self.records = SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", Fernet.generate_key())
        for device in DEVICES:
            self.records.put_device(Device(device, "test"))
        self.metrics = Metrics()
        self.ingest = Ingest(
            settings=Settings(data_dir=folder, ingest=IngestSettings(device_rate=RATE, device_burst=BURST)),
            broker_port=self.broker.port,
            password="pw ingest",
            readings=self.readings,
            records=self.records,
            bus=Bus(),
            clock=self.clock,
            metrics=self.metrics,
            set_apart=self._set_apart,
        )
        self._worker = threading.Thread(target=self.ingest.run, name="ingest")
        self._worker.start()
        self.ingest.connect()
        self.ingest.subscriber.wait_connected(DEADLINE_S)
        self.probes: list[Probe] = []

    def _set_apart(self, devices: frozenset[str]) -> None:
        with self.accounts.edit() as book:
            book.set_apart(devices)
        reload_broker(self.accounts)

    def device(self, name: str) -> Probe:
        probe = Probe(self.broker.port, name, f"pw {name}")
        self.probes.append(probe)
        assert probe.connect() == "Success"
        probe.subscribe(topics.command(TENANT, name, "+"))
        return probe

    def dropped(self, why: str) -> float:
        name = f'ingest_messages_dropped_total{{why="{why}"}}'
        lines = self.metrics.text().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def close(self) -> None:
        for probe in self.probes:
            probe.close()
        self.ingest.stop()
        self._worker.join(DEADLINE_S)
        self.readings.close()
        self.records.close()
        self.broker.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def pack(device: str, seq: int | None, value: float = 72) -> bytes:
    at = SystemClock().now_us() / 1e6
    numbers = [] if seq is None else [{"n": "epoch", "v": 7}, {"n": "seq", "v": seq}]
    records: list[dict[str, Any]] = [*numbers, {"n": "hr", "v": value}]
    return json.dumps([{"bn": f"urn:dev:{device}:", "bt": at, **records[0]}, *records[1:]]).encode()


def told(probe: Probe, name: str) -> list[dict[str, Any]]:
    return [json.loads(payload) for topic, payload in list(probe.received) if topic.endswith(f"/cmd/{name}")]


def test_a_device_is_told_what_is_stored_what_is_refused_and_on_return_what_it_was_told_last(site: Site) -> None:
    device = site.device("w-1")
    live = topics.telemetry(TENANT, "w-1")
    device.publish(live, pack("w-1", 0))
    device.publish(live, pack("w-1", 1, value=999))
    assert until(lambda: told(device, "ack")[-1:] == [{"epoch": 7, "seq": 1}])
    assert until(lambda: len(told(device, "error")) == 1)
    assert (told(device, "error")[0]["reason"], told(device, "error")[0]["names"]) == ("out_of_range", ["hr"])
    device.close()

    again = site.device("w-1")
    again.publish(topics.state(TENANT, "w-1"), b"online", retain=True)
    assert until(lambda: told(again, "ack") == [{"epoch": 7, "seq": 1}])


def test_a_flood_by_one_device_is_limited_alone_and_told(site: Site) -> None:
    loud, quiet = site.device("w-1"), site.device("w-2")
    for seq in range(3000):
        loud.publish(topics.telemetry(TENANT, "w-1"), pack("w-1", seq))
    for seq in range(20):
        quiet.publish(topics.telemetry(TENANT, "w-2"), pack("w-2", seq))
    assert until(lambda: told(quiet, "ack")[-1:] == [{"epoch": 7, "seq": 19}])
    assert until(lambda: len(told(loud, "error")) > 0)
    assert told(loud, "error")[0]["reason"] == "rate_limited"
    assert told(quiet, "error") == []
    assert until(lambda: site.accounts.read().apart == ("w-1",)), "it waits in a line of its own from now on"
    assert until(lambda: any("w-1" in english(why) for why in site.ingest.overload))

    def alerts() -> list[str]:
        return [alert.rule for alert in site.records.alerts(patient_id=PLATFORM, open_only=True)]

    assert until(lambda: alerts() == [FLOOD_RULE])

    def kept() -> set[int]:
        return {seq for device, _, seqs in site.readings.packs() if device == "w-1" for seq in seqs.tolist()}

    assert until(lambda: site.dropped("too_fast") + len(kept()) == 3000), "each is stored, or dropped and counted"
    assert len(kept()) < 3000
    last = told(loud, "ack")[-1]["seq"]
    assert set(range(last + 1)) <= kept(), "no acknowledgement covers a dropped pack"


def test_what_comes_by_the_second_line_is_stored_and_acknowledged(site: Site) -> None:
    device = site.device("w-3")
    site.ingest.subscriber.stop()
    with site.accounts.edit() as book:
        book.set_apart(["w-3"])
    reload_broker(site.accounts)

    def stored() -> bool:
        device.publish(topics.telemetry(TENANT, "w-3"), pack("w-3", 0))
        return any(name == "w-3" for name, _, _ in site.readings.packs())

    assert until(stored)
