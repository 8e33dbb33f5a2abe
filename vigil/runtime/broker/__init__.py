"""Choosing and describing the MQTT broker: mosquitto when it is installed, else the embedded one (demo only)."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vigil.domain.errors import BrokerError
from vigil.runtime.broker.accounts import Accounts
from vigil.runtime.broker.mosquitto import (
    BrokerLimits,
    TlsListeners,
    find_mosquitto,
    mosquitto_argv,
    reload,
    running_pid,
    write_config,
)

__all__ = [
    "DEFAULT_PORT",
    "DEFAULT_TLS_PORT",
    "Accounts",
    "BrokerKind",
    "BrokerLimits",
    "BrokerPlan",
    "TlsListeners",
    "plan_broker",
    "plan_tls_broker",
    "reload_broker",
]

#: The registered ports of MQTT without and with TLS.
DEFAULT_PORT, DEFAULT_TLS_PORT = 1883, 8883
EMBEDDED_CONFIG_NAME = "embedded.json"


class BrokerKind(StrEnum):
    MOSQUITTO = "mosquitto"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    kind: BrokerKind
    argv: list[str]
    host: str
    port: int


def plan_broker(
    accounts: Accounts, port: int, kind: BrokerKind | None = None, limits: BrokerLimits | None = None
) -> BrokerPlan:
    """Write the configuration and say which command starts the broker on 127.0.0.1.

    Without ``kind``: mosquitto if it is found, else embedded. ``BrokerError`` if mosquitto is asked for and absent.
    """
    limits = limits or BrokerLimits()
    program = None if kind is BrokerKind.EMBEDDED else find_mosquitto()
    if program is not None:
        argv = mosquitto_argv(program, write_config(accounts, port, limits))
        return BrokerPlan(BrokerKind.MOSQUITTO, argv, "127.0.0.1", port)
    if kind is BrokerKind.MOSQUITTO:
        raise BrokerError("mosquitto is not installed: install it, or choose the embedded broker")
    config = _write_embedded_config(accounts, port, limits)
    argv = [sys.executable, "-m", "vigil.runtime.broker.embedded", "--config", str(config)]
    return BrokerPlan(BrokerKind.EMBEDDED, argv, "127.0.0.1", port)


def plan_tls_broker(accounts: Accounts, listeners: TlsListeners, limits: BrokerLimits | None = None) -> BrokerPlan:
    """The same for devices outside this machine, always with mosquitto. ``argv`` is empty where mosquitto is not installed: the
    configuration may be for another container. Raises ``BrokerError`` without the certificates."""
    missing = [name for name in ("ca.crt", "server.crt", "server.key") if not (accounts.directory / name).exists()]
    if missing:
        todo = "vigil tls ca and vigil tls server make them, or put yours there"
        raise BrokerError(f"{', '.join(missing)} missing in {accounts.directory}: {todo}")
    config = write_config(accounts, listeners.port, limits, listeners)
    program = find_mosquitto()
    argv = [] if program is None else mosquitto_argv(program, config)
    return BrokerPlan(BrokerKind.MOSQUITTO, argv, listeners.address or "127.0.0.1", listeners.port)


def reload_broker(accounts: Accounts) -> bool:
    """Tell a running mosquitto about changed accounts; False if none runs here (the embedded one needs no telling)."""
    pid = running_pid(accounts.directory)
    if pid is None:
        return False
    reload(pid)
    return True


def _write_embedded_config(accounts: Accounts, port: int, limits: BrokerLimits) -> Path:
    with accounts.edit():
        pass  # creates the files when there are none
    path = accounts.directory.resolve() / EMBEDDED_CONFIG_NAME
    settings = {
        "data_dir": str(accounts.directory.resolve().parent),
        "port": port,
        "payload_limit": limits.payload,
        "packet_limit": limits.packet,
    }
    try:
        path.write_text(json.dumps(settings))
    except OSError as error:
        raise BrokerError(f"cannot write {EMBEDDED_CONFIG_NAME}: {error.strerror}") from error
    return path
