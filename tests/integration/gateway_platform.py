"""A broker that can be killed and a platform that stores and acknowledges, for the tests of senders."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deadline import DEADLINE_S, free_port, listening, until
from tests.integration.mqtt_probe import Probe
from vigil.runtime.broker import Accounts, BrokerKind, plan_broker
from vigil.runtime.clock import SystemClock
from vigil.runtime.mqtt import Message, Subscriber
from vigil.wire import packs as wire
from vigil.wire import topics

TENANT = "home"
DEVICES = ("w-1", "w-2", "w-3")


async def eventually(happened: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Lets the loop run until it happened."""
    async with asyncio.timeout(deadline_s):
        while not happened():
            await asyncio.sleep(0.02)


@contextmanager
def taken_over(port: int, user: str) -> Iterator[None]:
    """Ends the connection of ``user`` by connecting in its name once."""
    probe = Probe(port, user, f"pw {user}")
    try:
        assert probe.connect() == "Success"
        yield
    finally:
        probe.close()


class Broker:
    """Accounts for the core, three devices, and gateway g-1 that speaks for them."""

    def __init__(self, directory: Path, kind: BrokerKind = BrokerKind.MOSQUITTO) -> None:
        accounts = Accounts(directory)
        with accounts.edit() as book:
            for device in DEVICES:
                book.set_device(device, f"pw {device}")
            book.set_gateway("g-1", "pw g-1", DEVICES)
            book.set_service("ingest", "pw ingest")
        self.plan = plan_broker(accounts, free_port(), kind)
        self.port = self.plan.port
        self._log = (directory / "broker.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.plan.argv, stdout=self._log, stderr=subprocess.STDOUT, env=dict(os.environ)
        )
        assert until(lambda: listening(self.port)), "the broker does not start"

    def kill(self) -> None:
        """SIGKILL: what it held in memory is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._log.close()


class Platform:
    """Keeps every pack by its number and acknowledges runs without gaps. ``acknowledging`` can be switched off."""

    def __init__(self, port: int) -> None:
        self.stored: dict[tuple[str, int, int], bytes] = {}
        self.channels: dict[tuple[str, int, int], str] = {}
        self.conflicts: list[tuple[str, int, int]] = []
        self.received: dict[tuple[str, int, int], int] = defaultdict(int)
        self.states: dict[str, bytes] = {}
        self.acknowledging = True
        self._lock = threading.Lock()
        self.subscriber = Subscriber(
            host="127.0.0.1",
            port=port,
            client_id="ingest",
            password="pw ingest",
            filters=[*topics.telemetry_filters(TENANT), topics.state(TENANT, "+"), f"rpm/v1/{TENANT}/g/+/state"],
            receive_maximum=500,
            clock=SystemClock(),
            on_message=self._take,
        )

    def start(self) -> None:
        self.subscriber.start()
        self.subscriber.wait_connected(DEADLINE_S)

    def stop(self) -> None:
        self.subscriber.stop()

    def _take(self, message: Message) -> None:
        if message.topic.endswith("/state"):
            self.states[message.topic.split("/")[4]] = message.payload
            self.subscriber.acknowledge(message)
            return
        device = topics.device_of(message.topic)
        pack = wire.read(message.payload, device)
        key = (device, pack.epoch, pack.seq)
        with self._lock:
            if self.stored.setdefault(key, message.payload) != message.payload:
                self.conflicts.append(key)
            self.channels[key] = message.topic.rsplit("/", 1)[1]
            self.received[key] += 1
        self.subscriber.acknowledge(message)
        if self.acknowledging:
            run = self.run(device, pack.epoch)
            if run:
                self.subscriber.publish(topics.command(TENANT, device, "ack"), wire.write_ack(pack.epoch, run - 1))

    def run(self, device: str, epoch: int) -> int:
        """How many packs from seq 0 on are here without a gap."""
        with self._lock:
            seqs = {key[2] for key in self.stored if key[:2] == (device, epoch)}
        return next(seq for seq in range(len(seqs) + 1) if seq not in seqs)

    def epochs(self, device: str) -> set[int]:
        with self._lock:
            return {key[1] for key in self.stored if key[0] == device}

    def readings(self, device: str) -> list[tuple[int, int, float]]:
        """(time, vital, value) of all packs of the device, sorted, doubles included."""
        with self._lock:
            packs = [(key, payload) for key, payload in self.stored.items() if key[0] == device]
        read = [wire.read(payload, device) for _, payload in packs]
        return sorted((pack.time_us[i], pack.vital[i], pack.value[i]) for pack in read for i in range(len(pack.vital)))
