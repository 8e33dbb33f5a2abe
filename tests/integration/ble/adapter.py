"""The adapter of a gateway that runs as a process of its own: its controller is here, on the link of the peripherals, and the
gateway speaks HCI with it over a socket, as with one on USB. So the gateway can be killed while the peripherals live on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bumble import hci, ll
from bumble.controller import Controller
from bumble.transport.common import PacketParser

from tests.integration.ble.air import CENTRAL, Air


class Adapter:
    """``port``: where the gateway finds it. ``on_data`` is called after each piece of data, which is never an advertisement,
    has gone to the gateway; ``on_gone`` when the gateway has ended."""

    def __init__(self, air: Air, on_data: Callable[[], None], on_gone: Callable[[], None]) -> None:
        self.port = 0
        self._on_gone = on_gone
        self._air = air
        self._on_data = on_data
        self._controller: Controller | None = None

    @asynccontextmanager
    async def plugged_in(self) -> AsyncIterator[None]:
        server = await asyncio.get_running_loop().create_server(lambda: _Cable(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    def connected(self, to_host: asyncio.Transport) -> Controller:
        """A host has come. It begins with nothing, as after the reset that every host begins with."""
        assert self._controller is None, "one host at a time"
        sink = _Sink(to_host, self._on_data)
        self._controller = Controller(
            "gateway", link=self._air.link, public_address=hci.Address(CENTRAL), host_sink=sink
        )
        return self._controller

    def lost(self) -> None:
        """The host is gone: the peripherals lose their connections, as when the supervision timeout has passed."""
        assert self._controller is not None
        for connection in self._controller.le_connections.values():
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self._controller.host = None
        self._air.link.remove_controller(self._controller)
        self._controller = None
        self._on_gone()


class _Sink:
    def __init__(self, to_host: asyncio.Transport, on_data: Callable[[], None]) -> None:
        self._to_host = to_host
        self._on_data = on_data

    def on_packet(self, packet: bytes) -> None:
        self._to_host.write(packet)
        if packet[0] == hci.HCI_ACL_DATA_PACKET:
            self._on_data()


class _Cable(asyncio.Protocol):
    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._parser = PacketParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._parser.set_packet_sink(self._adapter.connected(transport))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._adapter.lost()
