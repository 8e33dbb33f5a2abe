"""Wiring of ``vigil run gateway``: its account comes from the running core, its spool lies in the data directory."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np

from api.auth import Role
from cli.client import Client
from cli.demo_token import token
from cli.fleet import gateway_login, until_stopped
from cli.installation import Running
from gateway.runner import Gateway
from gateway.settings import GatewaySettings
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.keys import load_keys
from vigil.runtime.link import BrokerLogin
from vigil.runtime.metrics import Metrics

logger = logging.getLogger(__name__)

#: How long the core may take to be ready.
START_S = 120.0


def run_gateway(
    chosen: Settings, name: str, devices: tuple[str, ...], listen: str | None, standard_input: bool
) -> None:
    """Raises ``ConfigError`` for an address that is none, and at the very first start without a core to give it an account."""
    where = _address(listen, standard_input)
    asyncio.run(until_stopped(_run(chosen, name, devices, where, standard_input)))


async def _run(
    chosen: Settings, name: str, devices: tuple[str, ...], listen: tuple[str, int] | Path | None, standard_input: bool
) -> None:
    folder = chosen.data_dir / "gateways"
    login = await _login(chosen, name, devices, folder / f"{name}.json")
    settings = GatewaySettings(login, chosen.tenant, devices, folder / f"{name}.sqlite3", listen, standard_input)
    gateway = Gateway(settings, clock=SystemClock(), metrics=Metrics(), rng=np.random.default_rng())
    if listen is None:
        await gateway.run()
        return
    async with gateway.serving() as address:
        logger.info("gateway %s listens on %s", name, address)
        await asyncio.Event().wait()


async def _login(chosen: Settings, name: str, devices: tuple[str, ...], kept: Path) -> BrokerLogin:
    """From the running core, and kept: after a power cut the gateway must start, and accept lines, before the core does."""
    running = Running.find(chosen.data_dir)
    if running is None and kept.exists():
        logger.warning("no core runs here: going on with the account of the last start")
        return BrokerLogin(**json.loads(kept.read_text("utf-8")))
    running = running or Running.require(chosen.data_dir)
    client = Client(running.http_url, token(load_keys(chosen.data_dir), Role.ADMIN, f"gateway {name}"))
    try:
        await client.wait_ready(START_S)
        login = await gateway_login(client, f"g-{name}", devices)
    finally:
        await client.close()
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(asdict(login)), "utf-8")
    return login


def _address(text: str | None, standard_input: bool) -> tuple[str, int] | Path | None:
    if text is None:
        return None if standard_input else ("127.0.0.1", 0)
    host, colon, port = text.rpartition(":")
    if not colon:
        return Path(text)
    if not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen is HOST:PORT or a path, not {text}")
    return host, int(port)
