"""A broker, people who wear devices, and on demand a core: all in one folder that is thrown away afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cli.installation import free_port
from vigil.domain.errors import BrokerError, SupervisionError
from vigil.domain.people import Device, Patient
from vigil.domain.times import HOUR
from vigil.runtime.broker import Accounts, BrokerKind, BrokerLimits, plan_broker
from vigil.runtime.broker.accounts import new_password
from vigil.runtime.clock import Clock
from vigil.runtime.keys import Keys, load_keys
from vigil.runtime.probes import http_ready, tcp_ready
from vigil.store.records.store import SqlRecordStore

HOST, TENANT, GATEWAY = "127.0.0.1", "home", "g-bench"
_BROKER_S, _CORE_S, _STOP_S = 15.0, 120.0, 30.0
#: The whole backlog must wait at the broker; in earnest it keeps less (decision 0005).
_QUEUE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """``password``: of ``GATEWAY``, which may speak for every device."""

    folder: Path
    devices: tuple[str, ...]
    broker_port: int
    http_port: int
    keys: Keys
    password: str
    clock: Clock

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    @contextmanager
    def core(self) -> Iterator[subprocess.Popen[bytes]]:
        """A core as a hospital would run it, from the moment it answers. Raises ``SupervisionError``."""
        command = [sys.executable, "-m", "cli.main", "run", "core", "--data-dir", str(self.folder)]
        command += ["--port", str(self.http_port), "--broker-port", str(self.broker_port)]
        with _child(command, self.folder / "core.log") as process:
            if not _within(self.clock, _CORE_S, process, http_ready(f"{self.url}/metrics")):
                raise SupervisionError(
                    f"the core of the measurement did not start: {_last_line(self.folder / 'core.log')}"
                )
            yield process


@contextmanager
def open_site(
    folder: Path, devices: Sequence[str], clock: Clock, admit: Callable[[Path, Keys], None] | None = None
) -> Iterator[Site]:
    """Each device is worn by a patient of its own, unless ``admit`` says who is there. Raises ``BrokerError`` where mosquitto is
    not installed: the embedded broker would measure itself."""
    keys = load_keys(folder, create=True)
    accounts, password = Accounts(folder), new_password()
    with accounts.edit() as book:
        book.set_service("ingest", keys.ingest_password)
        book.set_gateway(GATEWAY, password, devices)
    if admit is None:
        _admit(folder, keys, devices, clock)
    else:
        admit(folder, keys)
    limits = BrokerLimits(queue_per_client=_QUEUE_BYTES)
    plan = plan_broker(accounts, free_port(HOST, 0, "MQTT"), BrokerKind.MOSQUITTO, limits)
    with _child(plan.argv, folder / "broker.log") as process:
        if not _within(clock, _BROKER_S, process, tcp_ready(plan.port, HOST)):
            raise BrokerError("the broker of the measurement did not start")
        yield Site(folder, tuple(devices), plan.port, free_port(HOST, 0, "HTTP"), keys, password, clock)


def _admit(folder: Path, keys: Keys, devices: Sequence[str], clock: Clock) -> None:
    records = SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", keys.record_key.encode())
    try:
        for device_id in devices:
            records.add_patient(Patient(f"p-{device_id}", "Bench", "", date(1960, 1, 1), "unknown", "Bench", demo=True))
            records.put_device(Device(device_id, "bench"))
            records.bind(device_id, f"p-{device_id}", clock.now_us() - 24 * HOUR)
    finally:
        records.close()


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return lines[-1] if lines else "it said nothing"


@contextmanager
def _child(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _within(clock: Clock, seconds: float, process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> bool:
    give_up = clock.monotonic() + seconds
    while process.poll() is None and clock.monotonic() < give_up:
        if ready():
            return True
        clock.sleep(0.05)
    return False
