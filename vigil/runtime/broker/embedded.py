"""Runs the embedded broker: ``python -m vigil.runtime.broker.embedded --config <json file>``.

For machines without mosquitto, and for the demo only; ``amqtt_broker.py`` says what it forgets. Stops at SIGTERM or
SIGINT with exit code 0; a bad configuration or a taken port is one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amqtt.errors import BrokerError as AmqttBrokerError

from vigil.domain.errors import BrokerError, ConfigError, PortTaken, VigilError
from vigil.runtime.broker.accounts import Accounts
from vigil.runtime.broker.amqtt_broker import VigilBroker
from vigil.runtime.broker.mosquitto import BrokerLimits
from vigil.runtime.broker.rights import Rights

_LOG = logging.getLogger(__name__)
_REFRESH_S = 1.0
_STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    data_dir: Path
    port: int
    payload_limit: int = BrokerLimits().payload
    packet_limit: int = BrokerLimits().packet


def read_config(path: Path) -> EmbeddedConfig:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the embedded broker's configuration: {error}") from error
    known = EmbeddedConfig.__dataclass_fields__.keys()
    if not isinstance(found, dict) or not {"data_dir", "port"} <= found.keys() <= known:
        raise ConfigError(f"the embedded broker's configuration has exactly the keys {', '.join(known)}")
    data_dir, numbers = found.pop("data_dir"), found
    if not isinstance(data_dir, str) or not all(type(number) is int for number in numbers.values()):
        raise ConfigError("the embedded broker's configuration: data_dir is a text, the rest are whole numbers")
    return EmbeddedConfig(data_dir=Path(data_dir), **numbers)


async def serve(config: EmbeddedConfig) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _check_port(config.port)
    rights = Rights(Accounts(config.data_dir))
    broker = VigilBroker(rights, config.port, config.payload_limit, config.packet_limit)
    try:
        await broker.start()
    except AmqttBrokerError as error:
        raise BrokerError("the embedded broker cannot start") from error
    _LOG.warning("embedded broker on 127.0.0.1:%d, for the demo only: install mosquitto for real use", config.port)
    try:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _REFRESH_S)
            if rights.refresh():
                await broker.end_outdated()
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), _STOP_TIMEOUT_S)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(f"another program listens on 127.0.0.1:{port}") from error


def quiet_amqtt() -> None:
    """amqtt logs topics and, at lower levels, payloads; and a traceback for each PUBACK that does not come."""
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.ERROR)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="vigil-embedded-broker", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    quiet_amqtt()
    try:
        asyncio.run(serve(read_config(options.config)))
    except VigilError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
