"""A running broker with two devices, a gateway and the core, for the tests of both brokers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deadline import free_port
from tests.integration.mqtt_probe import Probe, running
from vigil.runtime.broker import Accounts, BrokerKind, BrokerPlan, plan_broker
from vigil.runtime.broker.mosquitto import find_mosquitto

TEL = "rpm/v1/t/d/w-1/tel/vitals"
needs_mosquitto = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not on the PATH"),
]


class Site:
    def __init__(self, directory: Path, kind: BrokerKind) -> None:
        self.accounts = Accounts(directory)
        with self.accounts.edit() as book:
            for name in ("w-1", "w-2"):
                book.set_device(name, f"pw {name}")
            book.set_gateway("g-1", "pw g-1", ["w-8", "w-9"])
            book.set_service("ingest", "pw ingest")
        self.plan: BrokerPlan = plan_broker(self.accounts, free_port(), kind)
        self.log = directory / "broker.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.probes: list[Probe] = []

    def probe(self, user: str, password: str | None = None, **more: object) -> Probe:
        """A client that is closed at the end of the test; not yet connected."""
        probe = Probe(self.plan.port, user, password or f"pw {user}", **more)  # type: ignore[arg-type]
        self.probes.append(probe)
        return probe

    def connected(self, user: str, **more: object) -> Probe:
        probe = self.probe(user, **more)  # type: ignore[arg-type]
        assert probe.connect() == "Success"
        return probe

    def core(self) -> Probe:
        probe = self.connected("ingest")
        codes = probe.subscribe("rpm/v1/+/d/+/tel/#", "rpm/v1/+/d/+/evt/#", "rpm/v1/+/d/+/state", "rpm/v1/+/g/#")
        assert codes == [1, 1, 1, 1]
        return probe


@contextmanager
def running_site(directory: Path, kind: BrokerKind) -> Iterator[Site]:
    """The site; at the end the broker must have run without complaint and stop by itself with exit code 0."""
    site = Site(directory, kind)
    with running(site.plan, site.log) as process:
        site.process = process
        try:
            yield site
        finally:
            for probe in site.probes:
                probe.close()
    assert process.returncode == 0, site.log.read_text()
    assert "Traceback" not in site.log.read_text()
