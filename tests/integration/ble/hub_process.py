"""A gateway with Bluetooth as a process of its own; only its adapter is not the system's. Killed by its test.

``python -m tests.integration.ble.hub_process SPOOL BROKER_PORT ADAPTER_PORT DIES_AT DEVICES``

``DIES_AT``: 0, or it kills itself when it is about to write into its book that it has taken that many-th record since its
start; the spool then has the record. ``DEVICES``: JSON, Bluetooth address to device.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

import numpy as np
from bumble.device import Device
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.transport.tcp_client import open_tcp_client_transport

from gateway.ble import start
from gateway.ble.config import read
from gateway.ble.frames import FrameBook
from gateway.ble.packs import Aside
from gateway.ble.radio import Radio
from gateway.runner import Gateway
from tests.integration.ble.air import CENTRAL, Air, backends
from tests.integration.gateway_process import settings
from vigil.runtime.clock import SystemClock
from vigil.runtime.metrics import Metrics


async def radio(port: int) -> Radio:
    """bleak over the adapter that listens on ``port``."""
    cable = await open_tcp_client_transport(f"127.0.0.1:{port}")
    central = Device(name="gateway", address=Address(CENTRAL), host=Host(cable.source, cable.sink))
    central.keystore = MemoryKeyStore()
    await central.power_on()
    return Radio("", *backends(central, Air()))


class DyingBook(FrameBook):
    """Dies between the two databases: the spool has committed, the book has not begun."""

    left = 0

    def write(self, taken: Iterable[tuple[str, bytes]], aside: Iterable[Aside]) -> None:
        digests = list(taken)
        DyingBook.left -= len(digests)
        if DyingBook.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(digests, aside)


async def main(spool: Path, broker_port: int, adapter_port: int, devices: dict[str, str]) -> None:
    table = [{"address": address, "device": device} for address, device in devices.items()]
    chosen = settings(spool, broker_port, bluetooth=read({"peripheral": table}).bluetooth)
    through = await radio(adapter_port)
    rng = np.random.default_rng()
    await Gateway(chosen, clock=SystemClock(), metrics=Metrics(), rng=rng, radio=through).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    DyingBook.left = int(sys.argv[4])
    with patch.object(start, "FrameBook", DyingBook if DyingBook.left else FrameBook):
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[5])))
