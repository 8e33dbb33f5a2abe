"""What a gateway must be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vigil.domain.errors import ConfigError
from vigil.domain.people import is_device_id
from vigil.runtime.link import BrokerLogin, ReconnectRule
from vigil.wire.resend import ResendRule


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """``login``: the gateway's own broker account. ``devices``: those it speaks for, the same list as in its broker rights.

    ``listen``: (host, port) with port 0 = any free one, or the path of a Unix socket; None = no socket. ``standard_input``: read
    lines there too and answer on standard output. ``spool_max_bytes``: what may wait on disk (ours: 256 MiB; at 350 bytes for a
    pack of six values nine days of one device at 1 Hz); beyond it new lines are refused, never old ones dropped.
    Raises ``ConfigError``.
    """

    login: BrokerLogin
    tenant: str
    devices: tuple[str, ...]
    spool: Path
    listen: tuple[str, int] | Path | None = ("127.0.0.1", 0)
    standard_input: bool = False
    spool_max_bytes: int = 256 * 1024 * 1024
    resend: ResendRule = field(default_factory=ResendRule)
    reconnect: ReconnectRule = field(default_factory=ReconnectRule)

    def __post_init__(self) -> None:
        if not self.devices:
            raise ConfigError("a gateway needs at least one device to speak for")
        for device in self.devices:
            if not is_device_id(device):
                raise ConfigError(f"gateway: {device[:80]!r} is no device id")
        if self.listen is None and not self.standard_input:
            raise ConfigError("a gateway needs a socket to listen on, or standard input")
        if self.spool_max_bytes <= 0:
            raise ConfigError("gateway: spool_max_bytes must be positive")
