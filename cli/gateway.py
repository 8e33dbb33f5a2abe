"""Wiring of ``vigil run gateway``: its account comes from the running core, its spool lies in the data directory."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from api.auth import Role
from cli.client import Client
from cli.demo_token import token
from cli.fleet import gateway_login, until_stopped
from cli.installation import Running
from gateway.ble.config import HubSettings, read
from gateway.runner import Gateway
from gateway.settings import GatewaySettings
from vigil.domain.errors import ConfigError, ServerUnreachable
from vigil.runtime.clock import SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.keys import load_keys
from vigil.runtime.link import BrokerLogin
from vigil.runtime.metrics import Metrics

logger = logging.getLogger(__name__)

#: How long the core may take to be ready.
START_S = 120.0
#: How often a core that does not answer is asked for the account.
ASKED = 5


class _Login(msgspec.Struct):
    host: str
    port: int
    username: str
    password: str
    tenant: str


class _Account(msgspec.Struct):
    """The answer to a claim code, kept as it came."""

    mqtt: _Login


def run_gateway(
    chosen: Settings, name: str, devices: tuple[str, ...], listen: str | None, standard_input: bool
) -> None:
    """``devices``: beside those of the Bluetooth peripherals in the settings.

    Raises ``ConfigError`` for a wrong setting, and at the very first start without a core or a file to give it an account.
    """
    where = _address(listen, standard_input)
    hub = read(chosen.gateway)
    ours = tuple(dict.fromkeys([*devices, *(hub.bluetooth.devices if hub.bluetooth is not None else ())]))
    if not ours:
        raise ConfigError("name the devices that it speaks for, here or as [[gateway.peripheral]] in the settings")
    asyncio.run(until_stopped(_run(chosen, hub, name, ours, where, standard_input)))


async def _run(
    chosen: Settings,
    hub: HubSettings,
    name: str,
    devices: tuple[str, ...],
    listen: tuple[str, int] | Path | None,
    standard_input: bool,
) -> None:
    folder = chosen.data_dir / "gateways"
    if hub.account is not None:
        login, tenant = _login_in(hub.account)
    else:
        login, tenant = await _login(chosen, name, devices, folder / f"{name}.json"), chosen.tenant
    spool = folder / f"{name}.sqlite3"
    settings = GatewaySettings(
        login,
        tenant,
        devices,
        spool,
        listen,
        standard_input,
        spool_max_bytes=hub.spool_max_bytes,
        spool_max_age_s=hub.spool_max_age_s,
        history_packs_s=hub.history_packs_s,
        bluetooth=hub.bluetooth,
    )
    gateway = Gateway(settings, clock=SystemClock(), metrics=Metrics(), rng=np.random.default_rng())
    if listen is None:
        await gateway.run()
        return
    async with gateway.serving() as address:
        logger.info("gateway %s listens on %s", name, address)
        await asyncio.Event().wait()


def _login_in(file: Path) -> tuple[BrokerLogin, str]:
    """The login, and the tenant that it is for."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_Account).mqtt
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"setting gateway.account: {file.name}: {error}") from error
    return BrokerLogin(found.host, found.port, found.username, found.password), found.tenant


async def _login(chosen: Settings, name: str, devices: tuple[str, ...], kept: Path) -> BrokerLogin:
    """From the running core, and kept: after a power cut the gateway must start, and accept lines, before the core does."""
    running = Running.find(chosen.data_dir)
    if running is None and kept.exists():
        return _of_last_start(kept, "no core runs here")
    running = running or Running.require(chosen.data_dir)
    client = Client(running.http_url, token(load_keys(chosen.data_dir), Role.ADMIN, f"gateway {name}"))
    try:
        try:
            await client.wait_ready(START_S)
        except ServerUnreachable:
            if not kept.exists():
                raise
            return _of_last_start(kept, "the core is not ready")
        login = await _renewed(client, name, devices)
    finally:
        await client.close()
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept.touch(mode=0o600)
    account = asdict(login)
    del account["tls"]  # that is said by the settings, each time
    kept.write_text(json.dumps(account), "utf-8")
    return login


def _of_last_start(kept: Path, why: str) -> BrokerLogin:
    logger.warning("%s: going on with the account of the last start", why)
    return BrokerLogin(**json.loads(kept.read_text("utf-8")))


async def _renewed(client: Client, name: str, devices: tuple[str, ...]) -> BrokerLogin:
    """A core that is killed before it answers is asked again: by then it may have renewed the password."""
    for _ in range(ASKED - 1):
        try:
            return await gateway_login(client, f"g-{name}", devices)
        except ServerUnreachable as error:
            logger.warning("no account yet, asking again: %s", error)
            await client.wait_ready(START_S)
    return await gateway_login(client, f"g-{name}", devices)


def _address(text: str | None, standard_input: bool) -> tuple[str, int] | Path | None:
    if text is None:
        return None if standard_input else ("127.0.0.1", 0)
    host, colon, port = text.rpartition(":")
    if not colon:
        return Path(text)
    if not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen is HOST:PORT or a path, not {text}")
    return host, int(port)
