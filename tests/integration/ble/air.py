"""A radio in memory: bumble controllers on a local link, and the bleak backends that speak through one of them.

So the tests run real bleak (its scanner, client, service collection and errors) down to ATT packets; only the radio and
the operating system's Bluetooth service are missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.controller import Controller
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

CENTRAL = "C0:00:00:00:00:01"
#: Milliseconds between two advertisements of a peripheral.
ADVERTISING_MS = 5.0
_LIBRARY_ERRORS = (core.BaseBumbleError, asyncio.CancelledError)


class Air:
    """Who can hear whom: all controllers of one link. ``adapter_fault``: what listening fails with."""

    def __init__(self) -> None:
        self.link = LocalLink()  # type: ignore[no-untyped-call]
        self._adapters: dict[str, Device] = {}
        self.adapter_fault: BleakError | None = None

    async def device(self, address: str, name: str) -> Device:
        controller = Controller(name, link=self.link, public_address=hci.Address(address))
        made = Device(name=name, address=hci.Address(address), host=Host(controller, AsyncPipeSink(controller)))
        made.keystore = MemoryKeyStore()
        made.config.identity_address_type = hci.Address.RANDOM_DEVICE_ADDRESS  # keys under the address that is heard
        await made.power_on()
        return made

    async def adapter(self, address: str) -> Device:
        """The adapter of a gateway; it and its pairings outlive the gateway's process."""
        if address not in self._adapters:
            self._adapters[address] = await self.device(address, "gateway")
        return self._adapters[address]

    async def unpair(self, adapter: str, address: str) -> None:
        """The system of the gateway forgets its keys of that peripheral."""
        keys = self._adapters[adapter].keystore
        assert keys is not None
        for name, _ in await keys.get_all():
            if name.startswith(address):
                await keys.delete(name)

    def remove(self, address: str) -> None:
        """It is gone for good; another one may now have its address."""
        for controller in list(self.link.controllers):
            if controller.public_address == hci.Address(address):
                self.link.remove_controller(controller)


def backends(central: Device, in_air: Air) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
    """The two classes that bleak wants, bound to the adapter ``central``."""

    class Scanner(_Scanner):
        adapter, air = central, in_air

    class Client(_Client):
        adapter = central

    return Scanner, Client


class _Scanner(BaseBleakScanner):
    adapter: Device
    air: Air

    def __init__(self, callback: Any, service_uuids: list[str] | None, mode: str, **options: Any) -> None:
        super().__init__(callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        if self.air.adapter_fault is not None:
            raise self.air.adapter_fault
        self.adapter.on(self.adapter.EVENT_ADVERTISEMENT, self._heard)
        await self.adapter.start_scanning(filter_duplicates=False)

    async def stop(self) -> None:
        self.adapter.remove_listener(self.adapter.EVENT_ADVERTISEMENT, self._heard)
        await self.adapter.stop_scanning()

    def _heard(self, heard: Advertisement) -> None:
        address = heard.address.to_string(with_type_qualifier=False)
        name = heard.data.get(core.AdvertisingData.Type.COMPLETE_LOCAL_NAME)
        data = AdvertisementData(str(name), {}, {}, [], None, heard.rssi, ())
        device = self.create_or_update_device(address, address, str(name), heard.address, data)
        self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    adapter: Device

    def __init__(self, address_or_ble_device: BLEDevice | str, **options: Any) -> None:
        super().__init__(
            address_or_ble_device,
            disconnected_callback=options["disconnected_callback"],
            timeout=options["timeout"],
        )
        assert isinstance(address_or_ble_device, BLEDevice), "found by scanning, not by a text"
        self._peer_address: hci.Address = address_or_ble_device.details
        self._connection: Connection | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def mtu_size(self) -> int:
        return self._open().att_mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def _open(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect(pair)
        except TimeoutError as error:
            await self.disconnect()
            raise BleakDeviceNotFoundError(self.address, "no answer") from error

    async def _connect(self, pair: bool) -> None:
        try:
            connection = await self.adapter.connect(self._peer_address, timeout=None)
            self._connection = connection
            connection.on(connection.EVENT_DISCONNECTION, self._disconnected)
            if pair:
                await self.pair()
            await self._discover(Peer(connection))
        except (*_LIBRARY_ERRORS, BleakError) as error:
            await self.disconnect()
            raise error if isinstance(error, BleakError) else _translated(error) from error

    async def _discover(self, peer: Peer) -> None:
        await peer.discover_all()  # type: ignore[no-untyped-call]
        services = BleakGATTServiceCollection()
        for service in peer.services:
            shown = BleakGATTService(service, service.handle, _uuid(service.uuid))
            services.add_service(shown)
            for characteristic in service.characteristics:
                services.add_characteristic(_characteristic(characteristic, shown))
        self.services = services

    def _disconnected(self, _reason: int) -> None:
        self._connection, self.services = None, None
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """With the kept key when there is one, as an operating system does; else a new pairing."""
        connection = self._open()
        keys = await self.adapter.keystore.get(str(connection.peer_address)) if self.adapter.keystore else None
        try:
            await (connection.encrypt() if keys is not None else connection.pair())
        except _LIBRARY_ERRORS as error:
            raise BleakDBusError("org.bluez.Error.AuthenticationFailed", [str(error)]) from error

    async def unpair(self) -> None:
        assert self.adapter.keystore is not None
        await self.adapter.keystore.delete(str(self._peer_address))

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        self._open()
        try:
            return bytearray(await characteristic.obj.read_value())
        except _LIBRARY_ERRORS as error:
            raise _translated(error) from error

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        self._open()
        try:
            await characteristic.obj.write_value(bytes(data), with_response=response)
        except _LIBRARY_ERRORS as error:
            raise _translated(error) from error

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        self._open()
        subscriber = self._subscribers[characteristic.handle] = lambda value: callback(bytearray(value))
        try:
            await characteristic.obj.subscribe(subscriber)
        except _LIBRARY_ERRORS as error:
            raise _translated(error) from error

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await characteristic.obj.unsubscribe(self._subscribers.pop(characteristic.handle))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        raise NotImplementedError


def _characteristic(found: CharacteristicProxy[bytes], service: BleakGATTService) -> BleakGATTCharacteristic:
    bits = found.properties
    names: list[Any] = [
        name for name, bit in (("read", 0x02), ("write", 0x08), ("notify", 0x10), ("indicate", 0x20)) if bits & bit
    ]
    return BleakGATTCharacteristic(found, found.handle, _uuid(found.uuid), names, lambda: 20, service)


def _uuid(found: core.UUID) -> str:
    return normalize_uuid_str(found.to_hex_str("-"))


def _translated(error: BaseException) -> BaseException:
    """A request that was under way when the peripheral went is cancelled by bumble; one that we cancel ourselves stays so."""
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        return error
    if isinstance(error, att.ATT_Error):
        return BleakGATTProtocolError(error.error_code)
    return BleakError(f"{type(error).__name__}: {error}")
