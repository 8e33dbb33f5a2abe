"""Broker, core and gateways as processes that are ours to kill, with the proxy between the broker and all of its clients."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from cli.installation import Running
from tests.chaos.load import ALL_DEVICES, ILL, devices
from tests.chaos.plan import BROKER, CORE, GATEWAYS
from tests.chaos.proxy import Proxy
from tests.deadline import free_port, listening
from tests.product import clean_environment
from vigil.runtime.broker import Accounts, BrokerKind, BrokerPlan, plan_broker
from vigil.runtime.keys import Keys, load_keys
from vigil.runtime.link import BrokerLogin

ROOT = Path(__file__).parents[2]
#: Bounds for a slow machine (ours).
START_S = 120.0
STOP_S = 60.0
#: Sees every ``cmd/ack``; an account of its own, of a gateway that never publishes.
OBSERVER = "g-observer"
TENANT = "home"


async def until(happened: Callable[[], bool], deadline_s: float, what: str) -> None:
    """Lets the loop run until it happened."""
    try:
        async with asyncio.timeout(deadline_s):
            while not happened():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {deadline_s:g} s: {what}") from None


class Site:
    """``processes`` by name: broker, core, g-1 to g-5. Everything runs in ``folder``; its output is in ``<name>.log``.

    ``mqtt_port``: where core and gateways meet the broker, by way of the proxy or not.
    """

    def __init__(self, folder: Path, proxy: Proxy, keys: Keys, broker: BrokerPlan, mqtt_port: int) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.proxy = proxy
        self.sockets = {gateway: folder / f"{gateway}.sock" for gateway in GATEWAYS}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.accounts: dict[str, BrokerLogin] = {}
        self.observer: BrokerLogin | None = None
        self._keys = keys
        self.broker_port = broker.port
        self._mqtt_port = mqtt_port
        self._http_port = free_port()
        self.url = f"http://127.0.0.1:{self._http_port}"
        self._argv = {BROKER: broker.argv, CORE: self._core()} | {name: self._gateway(name) for name in GATEWAYS}

    def _core(self) -> list[str]:
        ports = ["--port", str(self._http_port), "--broker-port", str(self._mqtt_port)]
        return [*self._vigil("core"), *ports]

    def _gateway(self, name: str) -> list[str]:
        return [*self._vigil("gateway"), *devices(name), "--name", name[2:], "--listen", str(self.sockets[name])]

    def _vigil(self, part: str) -> list[str]:
        common = ["--data-dir", str(self.data), "--config", str(self.folder / "vigil.toml")]
        return [sys.executable, "-m", "cli.main", "run", part, *common]

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._argv[name], stdout=log, stderr=log, cwd=ROOT, env=clean_environment()
            )

    def kill(self, name: str) -> None:
        """SIGKILL, as a power cut would; returns when it is dead."""
        self.processes[name].kill()
        self.processes[name].wait()

    def dead(self) -> list[str]:
        """Names of those that ended by themselves."""
        return [name for name, process in self.processes.items() if process.poll() not in (None, -9)]

    async def stop(self, name: str) -> None:
        process = self.processes[name]
        process.terminate()
        try:
            await until(lambda: process.poll() is not None, STOP_S, f"{name} stops")
        finally:
            process.kill()

    async def start_all(self, gateways: Sequence[str]) -> None:
        self.start(BROKER)
        await until(lambda: listening(self.broker_port), START_S, "the broker listens")
        self.start(CORE)
        await until(lambda: self.ready() or bool(self.dead()), START_S, "the core is ready")
        assert self.dead() == [], "they did not start"
        self._enrol()
        for gateway in gateways:
            self.start(gateway)
        await until(lambda: self._listening(gateways) or bool(self.dead()), START_S, "the gateways listen")
        assert self.dead() == [], "they did not start"

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def not_ready(self) -> str:
        """The core's own words; empty when it is ready, or does not answer."""
        try:
            reasons: list[str] = httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).json()["reasons"]
        except httpx.HTTPError:
            return ""
        return "; ".join(reasons)

    def _listening(self, gateways: Sequence[str]) -> bool:
        return all(self.sockets[gateway].exists() for gateway in gateways)

    def client(self, role: str) -> httpx.Client:
        body = {"secret": self._keys.first_run_secret, "role": role, "name": f"chaos {role}"}
        answer = httpx.post(f"{self.url}/api/v1/auth/token", json=body, timeout=30, trust_env=False)
        answer.raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def _enrol(self) -> None:
        with self.client("admin") as api:
            self.accounts |= {device: enrol(api, device) for device in ALL_DEVICES}
            self.observer = gateway_account(api, OBSERVER, ALL_DEVICES)

    def judged(self) -> bool:
        """Whether analytics has looked at everything that is stored."""
        with self.client("admin") as api:
            checks = api.get("/api/v1/health").raise_for_status().json()["checks"]
        return any(check["name"] == "analytics" and check["detail"] == "up to date" for check in checks)

    def alerts(self) -> list[dict[str, Any]]:
        with self.client("nurse") as api:
            answer = api.get("/api/v1/alerts", params={"state": "all", "limit": 500}).raise_for_status()
            items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]


def patient_of(device: str) -> str:
    return f"p-{device}"


ILL_PATIENTS = frozenset(map(patient_of, ILL))


def enrol(api: httpx.Client, device: str) -> BrokerLogin:
    person = {"family": "Test", "given": device, "born": "1950-01-01", "sex": "female", "ward": "Chaos"}
    api.post("/api/v1/patients", json={"id": patient_of(device), **person}).raise_for_status()
    answer = api.post("/api/v1/devices", json={"id": device, "model": "chaos"}).raise_for_status()
    body = {"patient_id": patient_of(device), "start_at": "2020-01-01T00:00:00Z"}
    api.post(f"/api/v1/devices/{device}/binding", json=body).raise_for_status()
    return _login(answer)


def gateway_account(api: httpx.Client, name: str, its: Sequence[str]) -> BrokerLogin:
    return _login(api.post("/api/v1/gateways", json={"id": name, "devices": list(its)}).raise_for_status())


def _login(answer: httpx.Response) -> BrokerLogin:
    access = answer.json()["mqtt"]
    return BrokerLogin(access["host"], access["port"], access["username"], access["password"])


@asynccontextmanager
async def running_site(
    folder: Path, *, proxied: bool = True, gateways: Sequence[str] = GATEWAYS
) -> AsyncIterator[Site]:
    """Started, with all devices enrolled; whatever still runs at the end is killed."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (folder / "vigil.toml").write_text("[watchdog]\nenabled = false\n")
    keys = load_keys(data, create=True)
    accounts = Accounts(data)
    accounts.set_service("ingest", keys.ingest_password)
    broker = plan_broker(accounts, free_port(), BrokerKind.MOSQUITTO)
    proxy = Proxy(broker.port)
    async with proxy.serving():
        port = proxy.port if proxied else broker.port
        site = Site(folder, proxy, keys, broker, port)
        Running(site.url, broker.host, port, broker.kind.value, TENANT, os.getpid()).save(data)
        try:
            await site.start_all(gateways)
            yield site
        except BaseException:
            for name in site.processes:
                print(f"--- {name}\n{site.log(name)}")
            raise
        finally:
            for name in reversed(site.processes):
                site.kill(name)
