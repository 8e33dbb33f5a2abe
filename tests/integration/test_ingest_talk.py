"""A device that talks with the running core through a real broker: presence, time, settings."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from ingest.runner import Ingest
from tests.conformance.stores.given import T0, patient
from tests.deadline import DEADLINE_S, until
from tests.integration.broker_site import Site, needs_mosquitto, running_site
from tests.integration.mqtt_probe import Probe
from vigil.bus.board import Bus
from vigil.domain.device_settings import DeviceSettings, Limit
from vigil.domain.people import Device
from vigil.domain.presence import State
from vigil.runtime.broker import BrokerKind
from vigil.runtime.clock import SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.metrics import Metrics
from vigil.store.duck import DuckReadingStore
from vigil.store.records import SqlRecordStore

STATE = "rpm/v1/home/d/w-1/state"
WANTED = DeviceSettings("w-1", {"heart_rate": 5.0}, {"spo2": Limit(low=88)}, "Dr Wang", "at night", 1)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqlRecordStore]:
    store = SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", Fernet.generate_key())
    store.put_device(Device("w-1", "m"))
    yield store
    store.close()


@contextmanager
def core(folder: Path, port: int, records: SqlRecordStore) -> Iterator[Bus]:
    """Ingest as ``vigil run core`` runs it."""
    clock, bus = SystemClock(), Bus()
    readings = DuckReadingStore(folder / "readings.duckdb", clock)
    ingest = Ingest(
        settings=Settings(data_dir=folder),
        broker_port=port,
        password="pw ingest",
        readings=readings,
        records=records,
        bus=bus,
        clock=clock,
        metrics=Metrics(),
    )
    worker = threading.Thread(target=ingest.run)
    worker.start()
    ingest.connect()
    try:
        ingest.subscriber.wait_connected(DEADLINE_S)
        yield bus
    finally:
        ingest.stop()
        worker.join(DEADLINE_S)
        readings.close()
    assert not worker.is_alive()


def device(site: Site) -> Probe:
    probe = site.probe("w-1")
    probe.client.will_set(STATE, b"offline", qos=1, retain=True)
    assert probe.connect() == "Success"
    probe.subscribe("rpm/v1/home/d/w-1/cmd/#")
    probe.publish(STATE, b"online", retain=True)
    return probe


def told(probe: Probe, name: str) -> list[dict[str, Any]]:
    return [json.loads(payload) for topic, payload in probe.received if topic.endswith(f"/cmd/{name}")]


def is_online(bus: Bus) -> bool:
    seen = bus.presence.get("w-1")
    return seen is not None and seen.state is State.ONLINE and seen.leaving is None


def is_leaving(bus: Bus) -> bool:
    seen = bus.presence.get("w-1")
    return seen is not None and seen.leaving is not None


@pytest.mark.parametrize("kind", [pytest.param(BrokerKind.MOSQUITTO, marks=needs_mosquitto), BrokerKind.EMBEDDED])
def test_a_device_is_seen_told_the_time_and_confirms_its_settings(
    tmp_path: Path, records: SqlRecordStore, kind: BrokerKind
) -> None:
    with running_site(tmp_path, kind) as site:
        with core(tmp_path, site.plan.port, records) as bus:
            probe = device(site)
            assert until(lambda: is_online(bus))
            assert probe.wait(lambda: len(told(probe, "time")) == 1)
            records.put_settings(WANTED)
            assert probe.wait(lambda: len(told(probe, "config")) == 1)
            version = told(probe, "config")[0]["version"]
            probe.publish("rpm/v1/home/d/w-1/res/config", json.dumps({"version": version, "accepted": True}).encode())
            assert until(lambda: records.settings_history("w-1")[0].answer is not None)
            assert records.devices() == [Device("w-1", "m", {"heart_rate": 5.0})]
            records.add_patient(patient("p-1"))
            binding = records.bind("w-1", "p-1", T0).binding_id
            assert probe.wait(lambda: {"binding": binding} in told(probe, "bound"))
            probe.publish("rpm/v1/home/d/w-1/res/bound", json.dumps({"binding": binding, "confirmed": True}).encode())
            assert until(lambda: records.worn()[0][1] is not None)
            probe.publish("rpm/v1/home/d/w-1/res/time", b'{"asked":12}')
            assert probe.wait(lambda: [one.get("asked") for one in told(probe, "time")] == [None, 12])
        with core(tmp_path, site.plan.port, records) as bus:
            assert until(lambda: is_online(bus)), "the retained word comes again after a start"
            probe.drop()
            assert until(lambda: is_leaving(bus)), "the will says it"
