"""Opening a fleet of senders: each device on its own connection, or all through a gateway in this process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from cli.client import Client
from cli.installation import Running
from gateway.runner import Gateway
from gateway.settings import GatewaySettings
from simulators.publish import DeviceAccess, Fleet
from simulators.send_lines import SocketFleet
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import Clock
from vigil.runtime.link import BrokerLogin
from vigil.runtime.metrics import Metrics

MQTT, GATEWAY = "mqtt", "gateway"
AnyFleet = Fleet | SocketFleet


@asynccontextmanager
async def open_fleet(
    via: str,
    name: str,
    running: Running,
    client: Client,
    devices: Sequence[tuple[str, str]],
    data_dir: Path,
    clock: Clock,
) -> AsyncIterator[AnyFleet]:
    """A started fleet for ``devices`` (id, model), registered with the platform; stopped at the end.

    ``name`` tells the gateway and spool of one command from another's. Raises ``ConfigError`` for another ``via``.
    """
    rng = np.random.default_rng()
    accounts = [await client.ensure_device(device_id, model) for device_id, model in devices]
    if via == MQTT:
        access = [DeviceAccess(a["username"], a["host"], a["port"], a["username"], a["password"]) for a in accounts]
        async with Fleet(access, running.tenant, clock, rng) as fleet:
            yield fleet
    elif via == GATEWAY:
        ids = tuple(device_id for device_id, _ in devices)
        login = await gateway_login(client, f"g-{name}", ids)
        settings = GatewaySettings(login, running.tenant, ids, data_dir / "gateways" / f"{name}.sqlite3")
        gateway = Gateway(settings, clock=clock, metrics=Metrics(), rng=rng)
        async with gateway.serving() as address:
            assert address is not None
            async with SocketFleet(address, ids) as lines:
                yield lines
    else:
        raise ConfigError(f"--via is {MQTT} or {GATEWAY}")


async def gateway_login(client: Client, gateway_id: str, devices: tuple[str, ...]) -> BrokerLogin:
    answer = await client.call("POST", "/api/v1/gateways", {"id": gateway_id, "devices": list(devices)})
    mqtt = answer["mqtt"]
    return BrokerLogin(mqtt["host"], mqtt["port"], mqtt["username"], mqtt["password"])


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Runs ``work`` until it ends or the process is told to stop."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
