"""The table ``[gateway]`` of the settings file: which peripheral of this home is which device.

    [gateway]
    account = "gateway.json"

    [[gateway.peripheral]]
    address = "00:A0:50:12:34:56"
    device = "w-strap"

A peripheral is known by its Bluetooth address alone: two of one make have the same name. An unknown key refuses to start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gateway.pace import HISTORY_PACKS_S
from gateway.spool_bounds import MAX_AGE_DAYS, SPOOL_MIB
from vigil.domain.errors import ConfigError
from vigil.domain.people import is_device_id

#: A Bluetooth address; on macOS, which hides it, the identifier that the system gives.
_ADDRESS = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
#: A user index is one byte; 255 is the peripheral's word for "several users, and I do not know which".
UNKNOWN_USER = 255


class _Peripheral(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    device: str = ""
    users: dict[str, str] = {}
    bond: bool = False
    zone: str = ""


class _Section(msgspec.Struct, forbid_unknown_fields=True):
    account: str = ""
    adapter: str = ""
    spool_mib: int = SPOOL_MIB
    spool_days: float = MAX_AGE_DAYS
    history_packs_s: float = HISTORY_PACKS_S
    peripheral: list[_Peripheral] = []


@dataclass(frozen=True, slots=True)
class Peripheral:
    """``device``: whose the frames without a user index are; None where each frame must have one.

    ``users``: Bluetooth user index to device. ``bond``: pair with it, because it shows nothing otherwise. ``zone``: of the clock
    on the wall that it was set to; used only where it cannot tell its current time.
    """

    address: str
    device: str | None
    users: Mapping[int, str]
    bond: bool
    zone: ZoneInfo | None

    @property
    def devices(self) -> tuple[str, ...]:
        own = [self.device] if self.device is not None else []
        return tuple(dict.fromkeys([*own, *self.users.values()]))

    @property
    def label(self) -> str:
        """What it is called in the log."""
        return self.devices[0]


@dataclass(frozen=True, slots=True)
class BluetoothSettings:
    """``adapter``: empty = the system's first one."""

    peripherals: tuple[Peripheral, ...]
    adapter: str = ""

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(device for each in self.peripherals for device in each.devices))


@dataclass(frozen=True, slots=True)
class HubSettings:
    """``account``: a file with the gateway's broker login, for a home where no core runs. ``bluetooth``: None = nothing to
    read. The others are those of ``GatewaySettings``, which checks them."""

    account: Path | None
    bluetooth: BluetoothSettings | None
    spool_max_bytes: int
    spool_max_age_s: float
    history_packs_s: float


def read(section: Mapping[str, Any]) -> HubSettings:
    """Raises ``ConfigError`` that names the key."""
    try:
        found = msgspec.convert(dict(section), _Section)
    except msgspec.ValidationError as error:
        raise ConfigError(f"setting gateway: {str(error).replace('$', 'gateway', 1)}") from error
    peripherals = tuple(
        _peripheral(f"setting gateway.peripheral.{number}", each) for number, each in enumerate(found.peripheral)
    )
    addresses = [each.address for each in peripherals]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ConfigError(f"setting gateway.peripheral: two of them have the address {address}")
    bluetooth = BluetoothSettings(peripherals, found.adapter) if peripherals else None
    return HubSettings(
        Path(found.account) if found.account else None,
        bluetooth,
        found.spool_mib * 1024 * 1024,
        found.spool_days * 24 * 3600,
        found.history_packs_s,
    )


def _peripheral(key: str, given: _Peripheral) -> Peripheral:
    address = given.address.upper()
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(f"{key}.address: {given.address[:40]!r} is no Bluetooth address such as 00:A0:50:12:34:56")
    if not given.device and not given.users:
        raise ConfigError(f"{key}: device or users is missing: whose readings are they?")
    for name, device in (("device", given.device), *((f"users.{index}", each) for index, each in given.users.items())):
        if device and not is_device_id(device):
            raise ConfigError(f"{key}.{name}: {device[:80]!r} is no device id")
    users = {_index(key, index): device for index, device in given.users.items()}
    return Peripheral(address, given.device or None, users, given.bond, _zone(key, given.zone))


def _index(key: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= UNKNOWN_USER):
        raise ConfigError(f"{key}.users: {text[:40]!r} is no user index, 0 to {UNKNOWN_USER}")
    return int(text)


def _zone(key: str, name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"{key}.zone: {name[:80]!r} is no time zone such as Europe/Berlin") from error
