"""``vigil up``: broker, core, a simulated ward and a watchdog, supervised; Ctrl-C stops them in order."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from cli.installation import RUN_FILE, ConfigFile, DataDir, Running, free_port, settings
from vigil.domain.errors import ConfigError
from vigil.runtime import log
from vigil.runtime.broker import DEFAULT_PORT, Accounts, BrokerKind, BrokerPlan, plan_broker
from vigil.runtime.clock import SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.keys import Keys, load_keys
from vigil.runtime.probes import http_ready, tcp_ready
from vigil.runtime.supervise import ChildEvent, ChildSpec, EventKind, Supervisor

logger = logging.getLogger(__name__)
#: What mosquitto says of each ordinary connection; refusals and errors read otherwise.
ROUTINE = re.compile(
    r"(\d+: )?Note: |New (connection from|client connected from) |Client \S+ (disconnected|closed its connection)\.$"
)


def up(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    port: Annotated[int | None, typer.Option(help="HTTP port [8000]; 0 = any free one.")] = None,
    broker_port: Annotated[int | None, typer.Option(help="MQTT port [1883 when free]; 0 = any free one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page.")] = False,
    patients: Annotated[int, typer.Option(min=0, max=1000, help="Simulated patients; 0 = none.")] = 12,
    speed: Annotated[float, typer.Option(min=0.1, max=3600, help="How fast the simulated bodies live.")] = 1.0,
    via: Annotated[str, typer.Option(help="How simulated values travel: mqtt or gateway.")] = "mqtt",
) -> None:
    """Start everything: broker, core, a simulated ward, a watchdog; then open the page."""
    chosen = settings(config, data_dir, port=port)
    log.setup("up", chosen.log_level)
    if via not in ("mqtt", "gateway"):
        raise ConfigError("--via is mqtt or gateway")
    if chosen.broker.ca_file is not None:
        raise ConfigError("vigil up has a broker of its own, without TLS: use vigil run, or take broker.ca_file out")
    other = Running.find(chosen.data_dir)
    if other is not None:
        raise ConfigError(f"Vigil already runs in {chosen.data_dir} at {other.http_url} (process {other.pid})")
    http_port = free_port(chosen.host, chosen.port, "HTTP")
    mqtt_port = free_port(
        chosen.broker.host,
        broker_port if broker_port is not None else chosen.broker.port,
        "MQTT",
        DEFAULT_PORT if broker_port is None else 0,
        but=http_port,
    )
    keys = load_keys(chosen.data_dir, create=True)
    accounts = Accounts(chosen.data_dir)
    accounts.set_service("ingest", keys.ingest_password)
    broker = plan_broker(accounts, mqtt_port, None if chosen.broker.kind == "auto" else BrokerKind(chosen.broker.kind))
    running = Running(
        f"http://{chosen.host}:{http_port}", broker.host, broker.port, broker.kind.value, chosen.tenant, os.getpid()
    )
    children = _children(chosen, running, broker, config, patients, speed, via)
    teller = _Teller()
    supervisor = Supervisor(children, SystemClock(), teller.event, teller.line)

    def stop(*_: object) -> None:
        teller.stopping = True
        supervisor.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    running.save(chosen.data_dir)
    try:
        supervisor.run(on_ready=lambda: _announce(running, keys, no_browser))
    finally:
        (chosen.data_dir / RUN_FILE).unlink(missing_ok=True)


def _children(
    chosen: Settings, running: Running, broker: BrokerPlan, config: Path | None, patients: int, speed: float, via: str
) -> list[ChildSpec]:
    common = ["--data-dir", str(chosen.data_dir.resolve())]
    if config is not None:
        common += ["--config", str(config.resolve())]
    port = running.http_url.rpartition(":")[2]
    core = [*_vigil("run", "core"), *common, "--port", port, "--broker-port", str(broker.port)]
    children = [
        ChildSpec("broker", broker.argv, ready=tcp_ready(broker.port, broker.host)),
        ChildSpec("core", core, ready=http_ready(f"{running.http_url}/readyz"), ready_timeout_s=120, stop_timeout_s=20),
    ]
    if patients:
        ward = [*_vigil("simulate"), *common, "--patients", str(patients), "--speed", str(speed), "--via", via]
        children.append(ChildSpec("ward", ward))
    if chosen.watchdog.enabled:  # last, so that the page need not wait for it
        children.append(ChildSpec("watchdog", [*_vigil("run", "watchdog"), *common, "--name", "up"]))
    return children


def _vigil(*command: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", *command]


class _Teller:
    """What the operator reads: the children's own lines, and what the supervisor does about them."""

    def __init__(self) -> None:
        self.stopping = False

    def line(self, name: str, line: str) -> None:
        """Lines of our own processes have a time and a name already. A ward that comes and goes is no news."""
        if name != "broker":
            print(line, file=sys.stderr, flush=True)
        elif ROUTINE.match(line):
            logger.debug("broker: %s", line)
        else:
            logger.info("broker: %s", line)

    def event(self, event: ChildEvent) -> None:
        if event.kind is EventKind.EXITED and not self.stopping:
            logger.warning("%s ended (%s) and will be started again", event.name, event.returncode)
        elif event.kind in (EventKind.KILLED, EventKind.NOT_READY):
            logger.warning("%s: %s", event.name, event.kind.value)
        else:
            logger.debug("%s: %s", event.name, event.kind.value)


def _page(http_url: str, keys: Keys) -> str:
    """With the access key, as long as it opens the page."""
    try:
        accounts = httpx.get(f"{http_url}/api/v1/auth", timeout=5, trust_env=False).json()["accounts"]
    except (httpx.HTTPError, ValueError, KeyError):
        accounts = False
    return http_url if accounts else f"{http_url}/#key={keys.first_run_secret}"


def _announce(running: Running, keys: Keys, no_browser: bool) -> None:
    url = _page(running.http_url, keys)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"\n  Vigil runs.  Page:  [bold]{url}[/bold]")
    console.print(f"  MQTT for devices:  {running.broker_host}:{running.broker_port} ({running.broker_kind})")
    if running.broker_kind == BrokerKind.EMBEDDED.value:
        console.print("  The embedded broker is for demonstration: install mosquitto for real patients.")
    console.print("  Research software, not a medical device. Ctrl-C stops everything.\n")
    if not no_browser:
        webbrowser.open(url)


def register(app: typer.Typer) -> None:
    app.command("up")(up)
