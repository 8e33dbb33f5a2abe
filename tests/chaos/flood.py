"""Many devices on one connection that send as fast as they are told and never again: a process of its own, in bare sockets.

``python -m tests.chaos.flood '<json of Flood>'`` prints the json of ``Flooded`` at its end. Keeps no copies: what the broker or
the core drops is gone, so only what ``cmd/ack`` covers may be expected in the store.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass

from tests.deadline import DEADLINE_S, until
from vigil.runtime.clock import SystemClock
from vigil.wire import topics

#: Readings of six vitals in one pack (the shape of design section 9), 50 microseconds apart: packs of a device do not overlap.
TIMES = 10
VITALS = {"hr": 70, "spo2": 97, "rr": 14, "pi": 3, "sbp": 120, "dbp": 80}
VALUES = TIMES * len(VITALS)
_SLICE_S = 0.01


@dataclass(frozen=True)
class Flood:
    """``rate`` packs a second of all devices together, for ``seconds``; 0 = ``count`` packs as fast as the broker takes them."""

    port: int
    user: str
    password: str
    tenant: str
    devices: list[str]
    epoch: int
    rate: float
    seconds: float
    count: int


@dataclass(frozen=True)
class Flooded:
    """``taken``: packs that the broker answered, ``ended``: connections that it ended, ``seconds``: until the last was sent."""

    sent: int
    taken: int
    bytes: int
    seconds: float
    ended: int


class _Packs:
    """Ready-made but for number and time, which have the same width in every pack."""

    def __init__(self, flood: Flood) -> None:
        self._devices = [_Template(flood.tenant, device, flood.epoch) for device in flood.devices]
        self.made = 0

    def next(self, at: float) -> bytes:
        seq, place = divmod(self.made, len(self._devices))
        self.made += 1
        return self._devices[place].packet(self.made % 65_535 + 1, seq, at)


class _Template:
    def __init__(self, tenant: str, device: str, epoch: int) -> None:
        topic = topics.telemetry(tenant, device).encode()
        rest = [
            {"n": name, "v": value, "t": -place * 0.00005} for place in range(TIMES) for name, value in VITALS.items()
        ]
        body = [
            f'[{{"bn":"urn:dev:{device}:","bt":',
            f',"n":"epoch","v":{epoch}}},{{"n":"seq","v":',
            "}," + json.dumps(rest, separators=(",", ":"))[1:],
        ]
        self._head, self._middle, self._tail = (part.encode() for part in body)
        size = 2 + len(topic) + 2 + len(self._head) + 17 + len(self._middle) + 10 + len(self._tail)
        self._start = b"\x32" + _size(size) + struct.pack("!H", len(topic)) + topic

    def packet(self, mid: int, seq: int, at: float) -> bytes:
        number = struct.pack("!H", mid)
        return b"".join((self._start, number, self._head, b"%17.6f" % at, self._middle, b"%10d" % seq, self._tail))


def _size(length: int) -> bytes:
    found = bytearray()
    while True:
        length, digit = divmod(length, 128)
        found.append(digit | (128 if length else 0))
        if not length:
            return bytes(found)


class _Connection:
    """Opened again when the broker ends it. Counts the bytes of PUBACKs, four each, in a thread of each connection."""

    def __init__(self, flood: Flood) -> None:
        self.answered = 0
        self.ended = 0
        self._flood = flood
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        flood = self._flood
        login = b"".join(
            struct.pack("!H", len(text)) + text.encode() for text in (flood.user, flood.user, flood.password)
        )
        body = b"\x00\x04MQTT\x04\xc2\x00\x00" + login
        connection = socket.create_connection(("127.0.0.1", flood.port), timeout=DEADLINE_S)
        connection.sendall(b"\x10" + _size(len(body)) + body)
        if connection.recv(4) != b"\x20\x02\x00\x00":
            raise SystemExit("the broker refuses the flood")
        connection.settimeout(None)
        threading.Thread(target=self._read, args=(connection,), daemon=True).start()
        return connection

    def _read(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while data := connection.recv(65_536):
                self.answered += len(data)

    def send(self, data: bytes) -> None:
        """What was under way when the broker ended the connection is gone."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.ended += 1
            self._socket.close()
            self._socket = self._connected()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.sendall(b"\xe0\x00")
        self._socket.close()


def run(flood: Flood) -> Flooded:
    clock, packs, size = SystemClock(), _Packs(flood), 0
    connection = _Connection(flood)
    started = clock.monotonic()
    while True:
        passed = clock.monotonic() - started
        if passed >= flood.seconds if flood.rate else packs.made >= flood.count:
            break
        due = int(flood.rate * passed) if flood.rate else flood.count
        burst = [packs.next(clock.now_us() / 1e6) for _ in range(min(due - packs.made, 100))]
        if not burst:
            clock.sleep(_SLICE_S)
            continue
        data = b"".join(burst)
        connection.send(data)
        size += len(data)
    seconds = clock.monotonic() - started
    if not connection.ended:
        until(lambda: connection.answered >= 4 * packs.made)
    connection.close()
    return Flooded(packs.made, connection.answered // 4, size, seconds, connection.ended)


if __name__ == "__main__":
    print(json.dumps(asdict(run(Flood(**json.loads(sys.argv[1]))))))
