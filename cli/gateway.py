"""Wiring of ``vigil run gateway``: its account comes from the running core, its spool lies in the data directory."""

from __future__ import annotations

import asyncio
import logging
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
from vigil.runtime.metrics import Metrics

logger = logging.getLogger(__name__)


def run_gateway(
    chosen: Settings, name: str, devices: tuple[str, ...], listen: str | None, standard_input: bool
) -> None:
    """Raises ``ConfigError`` for an address that is none, and when no core runs to give it an account."""
    running = Running.require(chosen.data_dir)
    access = token(load_keys(chosen.data_dir), Role.ADMIN, f"gateway {name}")
    asyncio.run(
        until_stopped(_run(chosen, running, access, name, devices, _address(listen, standard_input), standard_input))
    )


async def _run(
    chosen: Settings,
    running: Running,
    access: str,
    name: str,
    devices: tuple[str, ...],
    listen: tuple[str, int] | Path | None,
    standard_input: bool,
) -> None:
    client = Client(running.http_url, access)
    try:
        login = await gateway_login(client, f"g-{name}", devices)
    finally:
        await client.close()
    spool = chosen.data_dir / "gateways" / f"{name}.sqlite3"
    spool.parent.mkdir(parents=True, exist_ok=True)
    gateway = Gateway(
        GatewaySettings(login, running.tenant, devices, spool, listen, standard_input),
        clock=SystemClock(),
        metrics=Metrics(),
        rng=np.random.default_rng(),
    )
    if listen is None:
        await gateway.run()
        return
    async with gateway.serving() as address:
        logger.info("gateway %s listens on %s", name, address)
        await asyncio.Event().wait()


def _address(text: str | None, standard_input: bool) -> tuple[str, int] | Path | None:
    if text is None:
        return None if standard_input else ("127.0.0.1", 0)
    host, colon, port = text.rpartition(":")
    if not colon:
        return Path(text)
    if not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen is HOST:PORT or a path, not {text}")
    return host, int(port)
