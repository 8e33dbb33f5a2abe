"""The only module that knows bleak, and so is imported only where a peripheral is configured.

Everything that bleak, the operating system's Bluetooth service or the peripheral does wrong comes out as ``BluetoothError``.
bleak confirms an indication before it hands out the value, on every system: there is no way to confirm after storing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from vigil.domain.errors import BluetoothError, PairingLost

#: Seconds for a connection with the discovery of its services; with pairing somebody may have to type a number (both ours).
CONNECT_S, BOND_S = 15.0, 60.0
#: Seconds for taking leave (ours); a peripheral out of reach does not answer.
_LEAVE_S = 5.0
_UNPAIRED = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
)
#: What BlueZ says: org.bluez.Error.AuthenticationFailed, …Canceled, …Rejected, …Timeout.
_BLUEZ_UNPAIRED = "org.bluez.Error.Authentication"


@dataclass(frozen=True, slots=True)
class Found:
    """A peripheral that was just heard."""

    address: str
    place: BLEDevice


class Connected:
    """An open connection. All methods raise ``BluetoothError``, also when the peripheral goes meanwhile."""

    def __init__(self, client: BleakClient, gone: asyncio.Event) -> None:
        self._client = client
        self._gone = gone

    def characteristics(self) -> list[BleakGATTCharacteristic]:
        with _translated():
            return list(self._client.services.characteristics.values())

    async def read(self, characteristic: BleakGATTCharacteristic) -> bytes:
        with _translated():
            return bytes(await self._client.read_gatt_char(characteristic))

    async def write(self, characteristic: BleakGATTCharacteristic, data: bytes) -> None:
        with _translated():
            await self._client.write_gatt_char(characteristic, data, response=True)

    async def subscribe(self, characteristic: BleakGATTCharacteristic, on_frame: Callable[[bytes], None]) -> None:
        """Notifications or indications, whichever it has; ``on_frame`` runs in the event loop."""
        with _translated():
            await self._client.start_notify(characteristic, lambda _, frame: on_frame(bytes(frame)))

    async def gone(self) -> None:
        """Returns when the connection has ended."""
        await self._gone.wait()

    async def close(self) -> None:
        with _translated():
            async with asyncio.timeout(_LEAVE_S):
                await self._client.disconnect()


class Radio:
    """``adapter``: name of the adapter where the system has several (Linux); empty = its first.

    ``scanner`` and ``client``: bleak's backends; None = those of the operating system.
    """

    def __init__(
        self,
        adapter: str = "",
        scanner: type[BaseBleakScanner] | None = None,
        client: type[BaseBleakClient] | None = None,
    ) -> None:
        self._adapter = adapter
        self._scanner = scanner
        self._client = client

    async def find(self, wanted: Callable[[str], bool], on_listening: Callable[[], None]) -> Found:
        """The first peripheral heard whose address (upper case) is wanted at that moment; waits for one.

        ``on_listening`` is called when the adapter has begun to listen.
        """
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()

        def heard(place: BLEDevice, _: AdvertisementData) -> None:
            address = place.address.upper()
            if not found.done() and wanted(address):
                found.set_result(Found(address, place))

        arguments: BlueZScannerArgs = {"adapter": self._adapter} if self._adapter else {}
        with _translated():
            async with BleakScanner(heard, bluez=arguments, backend=self._scanner):
                on_listening()
                return await found

    async def connect(self, found: Found, bond: bool) -> Connected:
        gone = asyncio.Event()
        arguments: BlueZClientArgs = {"adapter": self._adapter} if self._adapter else {}
        with _translated():
            client = BleakClient(
                found.place,
                lambda _: gone.set(),
                timeout=BOND_S if bond else CONNECT_S,
                pair=bond,
                bluez=arguments,
                backend=self._client,
            )
            await client.connect()
        return Connected(client, gone)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except BleakGATTProtocolError as error:
        kind = PairingLost if error.code in _UNPAIRED else BluetoothError
        raise kind(str(error.args[-1])) from error
    except BleakDBusError as error:
        kind = PairingLost if error.dbus_error.startswith(_BLUEZ_UNPAIRED) else BluetoothError
        raise kind(str(error)) from error
    except TimeoutError as error:
        raise BluetoothError("no answer in time") from error
    except (BleakError, OSError, EOFError) as error:
        raise BluetoothError(f"{error}") from error
    finally:
        # Libraries below wait with ``wait_for``, which in Python 3.11 forgets a cancellation that comes together with the answer.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
