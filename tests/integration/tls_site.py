"""A mosquitto with TLS from an authority of its own, two devices, a gateway and the core, for the tests of TLS."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from tests.conftest import find
from tests.deadline import DEADLINE_S, free_port, listening, until
from tests.integration.mqtt_probe import running
from vigil.runtime.authority import Authority
from vigil.runtime.broker import Accounts, BrokerPlan, TlsListeners, plan_tls_broker, reload_broker
from vigil.runtime.clock import SystemClock
from vigil.runtime.mqtt import Message, Subscriber
from vigil.runtime.tls import Trust

TEL = "rpm/v1/t/d/w-1/tel/vitals"
HOST = "localhost"


@dataclass(frozen=True, slots=True)
class Said:
    """What ``mosquitto_pub`` came back with."""

    code: int
    words: str


class TlsSite:
    def __init__(self, directory: Path, names: tuple[str, ...] = (HOST,)) -> None:
        self.data = directory / "data"
        self.authority = Authority(self.data, SystemClock())
        self.authority.create(30)
        self.authority.server(names, 20)
        self.accounts = Accounts(self.data)
        with self.accounts.edit() as book:
            for name in ("w-1", "w-2"):
                book.set_device(name, f"pw {name}")
            book.set_gateway("g-1", "pw g-1", ["w-8", "w-9"])
            book.set_service("ingest", "pw ingest")
        self.port, self.certificates_port = free_port(), free_port()
        self.listeners = TlsListeners(self.port, self.certificates_port, "127.0.0.1")
        self.plan: BrokerPlan = plan_tls_broker(self.accounts, self.listeners)
        self.log = directory / "broker.log"
        self.heard: list[tuple[str, bytes]] = []
        self._directory = directory
        self._subscribers: list[Subscriber] = []

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The broker; it must stop by itself at the end."""
        with running(self.plan, self.log) as process:
            assert until(lambda: listening(self.certificates_port))
            yield process
        assert process.returncode == 0, self.log.read_text()

    def close(self) -> None:
        for subscriber in self._subscribers:
            subscriber.stop()

    def trust(self, name: str = "") -> Trust:
        """As of now, in files of its own: a client on another machine. ``name``: with this client certificate."""
        folder = self._directory / f"client-{len(list(self._directory.iterdir()))}"
        folder.mkdir()
        shutil.copy(self.data / "broker" / "ca.crt", folder)
        if not name:
            return Trust(folder / "ca.crt")
        for ending in (".crt", ".key"):
            shutil.copy(self.data / "tls" / "clients" / f"{name}{ending}", folder)
        return Trust(folder / "ca.crt", folder / f"{name}.crt", folder / f"{name}.key")

    def core(self, trust: Trust, host: str = HOST, port: int | None = None, user: str = "ingest") -> Subscriber:
        """Started, not waited for; with another ``user`` it is a device that listens as the core does."""
        subscriber = Subscriber(
            host=host,
            port=port or self.port,
            client_id=user,
            password=f"pw {user}",
            filters=["rpm/v1/+/d/+/tel/#"],
            receive_maximum=500,
            clock=SystemClock(),
            on_message=lambda message: self._take(subscriber, message),
            tls=trust,
        )
        self._subscribers.append(subscriber)
        subscriber.start()
        return subscriber

    def _take(self, subscriber: Subscriber, message: Message) -> None:
        self.heard.append((message.topic, message.payload))
        subscriber.acknowledge(message)

    def tell(self) -> None:
        assert until(lambda: reload_broker(self.accounts))

    def certificate(self) -> x509.Certificate:
        """The one that a client who connects now is shown."""
        pem = ssl.get_server_certificate(("127.0.0.1", self.port), timeout=DEADLINE_S)
        return x509.load_pem_x509_certificate(pem.encode())


def publish(port: int, *more: str, topic: str = TEL, payload: str = "x") -> Said:
    """With mosquitto's own client."""
    program = find("mosquitto_pub")
    assert program is not None
    command = [program, "-h", HOST, "-p", str(port), "-q", "1", "-t", topic, "-m", payload, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return Said(done.returncode, " ".join((done.stdout + done.stderr).split()))
