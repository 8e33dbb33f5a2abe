"""Software peripherals: real GATT servers of bumble that advertise, notify, indicate, go away and come back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bumble.att import Attribute, AttributeValue
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Service
from bumble.hci import HCI_ErrorCode
from bumble.pairing import PairingConfig, PairingDelegate

from tests.integration.ble.air import ADVERTISING_MS, Air

_P = Characteristic.Properties
NOTIFY, INDICATE, READ = _P.NOTIFY, _P.INDICATE, _P.READ

HEART_RATE = ("180D", "2A37", NOTIFY)
CUFF = ("1810", "2A35", INDICATE)
THERMOMETER = ("1809", "2A1C", INDICATE)
SCALE = ("181D", "2A9D", INDICATE)
PLX_SPOT = ("1822", "2A5E", INDICATE)
PLX_CONTINUOUS = ("1822", "2A5F", NOTIFY)
GLUCOSE = ("1808", "2A18", NOTIFY)
BATTERY = ("180F", "2A19", READ)
CURRENT_TIME = ("1805", "2A2B", READ)

Has = tuple[str, str, _P]


@dataclass(slots=True)
class Sensor:
    """``records``: what a record access control point reports when asked for all, one each ``record_s`` seconds; ``values``: what
    its readings show."""

    device: Device
    characteristics: dict[str, Characteristic[bytes]] = field(default_factory=dict)
    values: dict[str, bytes] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)
    record_s: float = 0.0
    asked: list[bytes] = field(default_factory=list)
    times_connected: int = 0

    async def advertise(self) -> None:
        await self.device.start_advertising(
            auto_restart=True, advertising_interval_min=ADVERTISING_MS, advertising_interval_max=ADVERTISING_MS
        )

    @property
    def listened_to(self) -> bool:
        """Has a central subscribed to everything that it sends by itself?"""
        wanted = [each for each in self.characteristics.values() if each.properties & (NOTIFY | INDICATE)]
        return any(
            all(any(subscribed.get(each.handle, b"\0")) for each in wanted)
            for subscribed in self.device.gatt_server.subscribers.values()
        )

    async def send(self, uuid: str, frame: bytes) -> None:
        """A notification, or an indication that is confirmed when this returns."""
        characteristic = self.characteristics[uuid]
        if characteristic.properties & INDICATE:
            await self.device.indicate_subscribers(characteristic, frame)
        else:
            await self.device.notify_subscribers(characteristic, frame)

    async def vanish(self) -> None:
        """Out of reach."""
        await self.device.stop_advertising()
        for connection in list(self.device.connections.values()):
            await connection.disconnect(HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async def _asked(self, by: Connection, request: bytes) -> None:
        """Record access: all records as notifications, then the response; no more once the asker is gone."""
        self.asked.append(bytes(request))
        for record in self.records:
            if by not in self.device.connections.values():
                return
            await self.device.notify_subscribers(self.characteristics["2A18"], record)
            await asyncio.sleep(self.record_s)
        code = 1 if self.records else 6
        await self.device.indicate_subscribers(self.characteristics["2A52"], bytes((6, 0, 1, code)))


class _Refusing(PairingDelegate):
    async def accept(self) -> bool:
        return False


async def sensor(
    air: Air, address: str, name: str, *has: Has, records: bool = False, pairs: bool = True, secret: bool = False
) -> Sensor:
    """Switched on and advertising. ``records``: it has a memory that can be asked; ``pairs``: it lets itself be paired;
    ``secret``: its values can be read over an encrypted connection only."""
    device = await air.device(address, name)
    made = Sensor(device)
    device.on(device.EVENT_CONNECTION, lambda _: _count(made))
    if not pairs:
        device.pairing_config_factory = lambda _: PairingConfig(delegate=_Refusing())
    inside: dict[str, list[Characteristic[bytes]]] = {}
    for service, uuid, properties in has:
        reading = Attribute.READ_REQUIRES_ENCRYPTION if secret else Attribute.READABLE
        value = AttributeValue[bytes](lambda _, uuid=uuid: made.values.get(uuid, b""))
        made.characteristics[uuid] = Characteristic(uuid, properties, reading, value)
        inside.setdefault(service, []).append(made.characteristics[uuid])
    if records:
        control = AttributeValue[bytes](write=made._asked)
        made.characteristics["2A52"] = Characteristic("2A52", INDICATE | _P.WRITE, Attribute.WRITEABLE, control)
        inside["1808"].append(made.characteristics["2A52"])
    for service, characteristics in inside.items():
        device.add_service(Service(service, characteristics))
    device.advertising_data = bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, name.encode())]))
    await made.advertise()
    return made


def _count(of: Sensor) -> None:
    of.times_connected += 1
