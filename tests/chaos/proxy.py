"""A TCP proxy in front of the broker that knows who a connection belongs to, and can spoil it.

MQTT is read only as far as that takes: the client id of the CONNECT, and which packets publish telemetry.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536
_CONNECT, _PUBLISH = 1, 3


def client_id(connect: bytes) -> tuple[str, bool]:
    """Of the body of a CONNECT packet, and whether it speaks MQTT 5.

    >>> client_id(bytes.fromhex("00044d5154540402003c0003672d31"))
    ('g-1', False)
    """
    (name,) = struct.unpack_from("!H", connect)
    at = 2 + name
    five, at = connect[at] == 5, at + 4  # version, flags, two bytes of keep-alive
    if five:
        at = _after(connect, at)
    (letters,) = struct.unpack_from("!H", connect, at)
    return connect[at + 2 : at + 2 + letters].decode(), five


def published(publish: bytes, five: bool) -> tuple[bytes, bytes]:
    """(topic, payload) of the body of a PUBLISH packet of QoS 1.

    >>> published(bytes.fromhex("0001740007") + b"{}", False)
    (b't', b'{}')
    """
    (letters,) = struct.unpack_from("!H", publish)
    at = 2 + letters + 2  # and its number
    return publish[2 : 2 + letters], publish[_after(publish, at) if five else at :]


def _after(packet: bytes, at: int) -> int:
    """Behind the properties that begin here."""
    length, size = _length(packet, at)
    return at + size + length


def _length(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """MQTT's variable length at this place and how many bytes it takes; size 0 while it is not there whole."""
    value = 0
    for size, byte in enumerate(data[at : at + 4]):
        value |= (byte & 127) << 7 * size
        if byte < 128:
            return value, size + 1
    return 0, 0


class Packets:
    """Cuts a stream of bytes into MQTT packets: (type, body)."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[int, bytes]]:
        self._rest += chunk
        found, at = [], 0
        while len(self._rest) - at >= 2:
            length, size = _length(self._rest, at + 1)
            end = at + 1 + size + length
            if not size or len(self._rest) < end:
                break
            found.append((self._rest[at] >> 4, bytes(self._rest[at + 1 + size : end])))
            at = end
        del self._rest[:at]
        return found


class _Pipe:
    """One connection. ``silent``: nothing passes any more, and neither side is told."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.client = client
        self.broker = broker
        self.who = ""
        self.five = False
        self.silent = False

    def abort(self) -> None:
        for writer in (self.client, self.broker):
            writer.transport.abort()


class Proxy:
    """``resent``: packs seen on their way to the broker, by client id, that had been seen before with the same bytes."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._pipes: set[_Pipe] = set()
        self._delays: dict[str, float] = {}
        self._shut_out: set[str] = set()
        self.resent: Counter[str] = Counter()
        self._seen: set[bytes] = set()
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield
        finally:
            server.close()
            for pipe in self._pipes:
                pipe.abort()
            while self._pipes:
                await asyncio.sleep(0)
            await server.wait_closed()

    def cut(self, who: str) -> int:
        """Resets its connections, both ends at once, in the middle of whatever they say; returns how many."""
        pipes = self._of(who)
        for pipe in pipes:
            pipe.abort()
        return len(pipes)

    def shut_out(self, who: str) -> None:
        """Its connections are cut, and new ones end at once, until ``let_in``."""
        self._shut_out.add(who)
        self.cut(who)

    def let_in(self, who: str) -> None:
        self._shut_out.discard(who)

    def connected(self, who: str) -> bool:
        return who not in self._shut_out and bool(self._of(who))

    def silence(self, who: str) -> int:
        """Its present connections go on existing and carry nothing: half-open for both sides. A new one is sound."""
        pipes = self._of(who)
        for pipe in pipes:
            pipe.silent = True
        return len(pipes)

    def delay(self, who: str, seconds: float) -> None:
        """What it says and hears comes so much later from now on, 0 = at once."""
        self._delays[who] = seconds

    def _of(self, who: str) -> list[_Pipe]:
        return [pipe for pipe in self._pipes if pipe.who == who]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._broker_port)
        except OSError:
            writer.transport.abort()  # the broker is down: its clients see a refused connection, about
            return
        pipe = _Pipe(writer, to_broker)
        self._pipes.add(pipe)
        ways = [
            asyncio.create_task(self._pump(pipe, reader, to_broker, Packets())),
            asyncio.create_task(self._pump(pipe, from_broker, writer, None)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            pipe.abort()
            self._pipes.discard(pipe)

    async def _pump(
        self, pipe: _Pipe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, packets: Packets | None
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if packets is not None:
                    self._look(pipe, packets.feed(chunk))
                if delay := self._delays.get(pipe.who, 0.0):
                    await asyncio.sleep(delay)
                if not pipe.silent:
                    writer.write(chunk)
                    await writer.drain()

    def _look(self, pipe: _Pipe, packets: list[tuple[int, bytes]]) -> None:
        for kind, body in packets:
            if kind == _CONNECT:
                pipe.who, pipe.five = client_id(body)
                if pipe.who in self._shut_out:
                    pipe.abort()
            elif kind == _PUBLISH:
                topic, payload = published(body, pipe.five)
                if b"/tel/" in topic:
                    digest = hashlib.blake2b(topic.split(b"/")[4] + payload, digest_size=16).digest()
                    self.resent[pipe.who] += digest in self._seen
                    self._seen.add(digest)
