"""What bleak and the system raise, in our words."""

from __future__ import annotations

import asyncio

import pytest
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError

from gateway.ble.radio import _translated
from vigil.domain.errors import BluetoothError, PairingLost


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BleakGATTProtocolError(0x05), PairingLost),
        (BleakGATTProtocolError(0x0F), PairingLost),
        (BleakGATTProtocolError(0x02), BluetoothError),
        (BleakDBusError("org.bluez.Error.AuthenticationTimeout", ["no"]), PairingLost),
        (BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"]), BluetoothError),
        (BleakError("Not connected"), BluetoothError),
        (TimeoutError(), BluetoothError),
        (FileNotFoundError(2, "No such file or directory"), BluetoothError),
        (EOFError(), BluetoothError),
    ],
)
def test_every_error_is_ours(error: Exception, kind: type[BluetoothError]) -> None:
    async def run() -> None:
        with _translated():
            raise error

    with pytest.raises(BluetoothError) as found:
        asyncio.run(run())
    assert type(found.value) is kind
    assert found.value.__cause__ is error


def test_a_cancellation_that_a_library_forgets_is_not_forgotten() -> None:
    async def forgetful() -> None:
        with _translated():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return  # as wait_for of Python 3.11 does when the answer is there as well

    async def run() -> bool:
        task = asyncio.create_task(forgetful())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert asyncio.run(run())
