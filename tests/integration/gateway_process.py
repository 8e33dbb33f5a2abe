"""A gateway as a process of its own. Killed by its test."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from gateway.runner import Gateway
from gateway.settings import GatewaySettings
from tests.integration.gateway_platform import DEVICES, TENANT
from vigil.runtime.clock import SystemClock
from vigil.runtime.link import BrokerLogin, ReconnectRule
from vigil.runtime.metrics import Metrics
from vigil.wire.resend import ResendRule


def settings(spool: Path, broker_port: int, **changes: object) -> GatewaySettings:
    """Short waits; a test that is about the length of a wait says so in ``changes``."""
    made: dict[str, object] = {
        "login": BrokerLogin("127.0.0.1", broker_port, "g-1", "pw g-1"),
        "tenant": TENANT,
        "devices": DEVICES,
        "spool": spool,
        "resend": ResendRule(first_s=1.0, longest_s=4.0, window=64),
        "reconnect": ReconnectRule(first_s=0.1, longest_s=0.5),
    } | changes
    return GatewaySettings(**made)  # type: ignore[arg-type]


def gateway(chosen: GatewaySettings, metrics: Metrics | None = None) -> Gateway:
    return Gateway(chosen, clock=SystemClock(), metrics=metrics or Metrics(), rng=np.random.default_rng())


async def main(spool: Path, broker_port: int, socket: Path) -> None:
    await gateway(settings(spool, broker_port, listen=socket)).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
