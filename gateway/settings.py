"""What a gateway must be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.ble.config import BluetoothSettings
from gateway.pace import HISTORY_PACKS_S
from gateway.spool_bounds import KEPT_US, MAX_AGE_S, SPOOL_MIB
from vigil.domain.errors import ConfigError
from vigil.domain.people import is_device_id
from vigil.runtime.link import BrokerLogin, ReconnectRule
from vigil.wire.resend import ResendRule

_FASTEST_PACKS_S = 10_000.0


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """``login``: the gateway's own broker account. ``devices``: those it speaks for, the same list as in its broker rights.

    ``listen``: (host, port) with port 0 = any free one, or the path of a Unix socket; None = no socket. ``standard_input``: read
    lines there too and answer on standard output. ``spool_max_bytes``: what may wait on disk (ours: 256 MiB); beyond it the
    oldest packs make room when they are older than a day, else new lines are refused. ``spool_max_age_s``: what waited longer is
    dropped (ours: 14 days) unless the platform is taking packs. ``history_packs_s``: how fast history is sent (ours).
    Raises ``ConfigError``.
    """

    login: BrokerLogin
    tenant: str
    devices: tuple[str, ...]
    spool: Path
    listen: tuple[str, int] | Path | None = ("127.0.0.1", 0)
    standard_input: bool = False
    spool_max_bytes: int = SPOOL_MIB * 1024 * 1024
    spool_max_age_s: float = MAX_AGE_S
    history_packs_s: float = HISTORY_PACKS_S
    resend: ResendRule = field(default_factory=ResendRule)
    reconnect: ReconnectRule = field(default_factory=ReconnectRule)
    bluetooth: BluetoothSettings | None = None

    def __post_init__(self) -> None:
        if not self.devices:
            raise ConfigError("a gateway needs at least one device to speak for")
        for device in self.devices:
            if not is_device_id(device):
                raise ConfigError(f"gateway: {device[:80]!r} is no device id")
        for device in self.bluetooth.devices if self.bluetooth is not None else ():
            if device not in self.devices:
                raise ConfigError(f"gateway: Bluetooth device {device} is not among the devices it speaks for")
        if self.listen is None and not self.standard_input:
            raise ConfigError("a gateway needs a socket to listen on, or standard input")
        if self.spool_max_bytes <= 0:
            raise ConfigError("gateway: spool_max_bytes must be positive")
        if self.spool_max_age_s * 1e6 < KEPT_US:
            raise ConfigError("gateway: spool_max_age_s must be a day at least")
        if not 1.0 <= self.history_packs_s <= _FASTEST_PACKS_S:
            raise ConfigError(f"gateway: history_packs_s must be 1 to {_FASTEST_PACKS_S:g}")
