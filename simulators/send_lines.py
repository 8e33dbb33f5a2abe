"""Step "publish" by way of a gateway: packs become JSON lines on its local socket, as a sensor's maker would write them.

A line says one time and each vital once, so a pack that joins several times or two sites becomes several lines.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import msgspec

from simulators.packs import Pack, Record
from simulators.send_outbox import Counts
from vigil.domain.errors import InvalidInput

#: Lines written but not answered yet before ``send`` waits (ours); well below what a gateway remembers of each device.
UNANSWERED_LINES = 512
_RECONNECT_S = 1.0
_RETRY_S = 1.0
_ASK_EVERY_S = 0.2


class _Answer(msgspec.Struct):
    ok: bool
    line: int
    waiting: int = 0
    retry: bool = False
    error: str = ""


_decoder = msgspec.json.Decoder(_Answer)


class _Line:
    """``device`` None: a question, not a pack. ``copy``: the gateway had it before; its answer counts for nothing."""

    __slots__ = ("copy", "device", "text")

    def __init__(self, text: bytes, device: str | None = None, *, copy: bool = False) -> None:
        self.text = text
        self.device = device
        self.copy = copy


_STATUS = b'{"ask":"status"}\n'


class SocketFleet:
    """The same use as ``simulators.publish.Fleet``, with the gateway's account and spool behind it.

    ``packs_sent`` and ``packs_acked`` of its counts are lines: handed over, and safe in the spool. ``drain`` also waits until
    the spool is empty, which means that the platform has everything. A line without an answer when the connection breaks
    is written again: the gateway knows it by its content. So is one that the gateway could not keep for want of room.
    """

    def __init__(self, address: tuple[str, int] | Path, devices: Iterable[str]) -> None:
        self._address = address
        self.counts: dict[str, Counts] = {device: Counts() for device in devices}
        #: Answers "no" of the gateway, by what it said.
        self.refusals: dict[str, int] = {}
        self._unwritten: deque[_Line] = deque()
        self._unanswered: deque[_Line] = deque()
        self._statuses: list[int] = []
        self._to_do = asyncio.Event()
        self._progress = asyncio.Event()
        self._task: asyncio.Task[NoReturn] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def send(self, pack: Pack) -> None:
        """Waits while too many lines have no answer. ``InvalidInput``: no such device."""
        counts = self.counts.get(pack.device_id)
        if counts is None:
            raise InvalidInput(f"device {pack.device_id} is not behind this gateway")
        while len(self._unwritten) + len(self._unanswered) >= UNANSWERED_LINES:
            await self._wait_progress()
        for records in _by_line(pack.records):
            counts.packs_sent += 1
            counts.values_sent += len(records)
            text = _text(pack, records)
            for copy in range(pack.copies):
                counts.resent += copy > 0
                self._write(_Line(text, pack.device_id, copy=copy > 0))

    async def drain(self, timeout_s: float) -> dict[str, Counts]:
        """Waits until every line is answered and the gateway has nothing left to deliver, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._unwritten or self._unanswered:
                    await self._wait_progress()
                while await self._ask_waiting():
                    await asyncio.sleep(_ASK_EVERY_S)
        return self.counts

    async def _ask_waiting(self) -> int:
        """How many packs wait in the gateway's spool."""
        self._statuses.clear()
        self._write(_Line(_STATUS))
        while not self._statuses:
            await self._wait_progress()
        return self._statuses[-1]

    def _write(self, line: _Line) -> None:
        self._unwritten.append(line)
        self._to_do.set()

    async def _wait_progress(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    async def _run(self) -> NoReturn:
        while True:
            with suppress(OSError, EOFError):
                await self._converse()
            self._again()
            await asyncio.sleep(_RECONNECT_S)

    def _again(self) -> None:
        """What is unanswered goes first on the next connection; a question has lost its meaning by then."""
        for line in reversed(self._unanswered):
            if line.device is not None:
                self.counts[line.device].resent += 1
                self._unwritten.appendleft(line)
        if any(line.device is None for line in self._unanswered):
            self._unwritten.append(_Line(_STATUS))
        self._unanswered.clear()

    async def _converse(self) -> None:
        reader, writer = await self._connected()
        writing = asyncio.create_task(self._write_for_ever(writer))
        reading = asyncio.create_task(self._read_for_ever(reader))
        try:
            done, _ = await asyncio.wait([writing, reading], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            writing.cancel()
            reading.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._address, Path):
            return await asyncio.open_unix_connection(self._address)
        return await asyncio.open_connection(*self._address)

    async def _write_for_ever(self, writer: asyncio.StreamWriter) -> NoReturn:
        while True:
            self._to_do.clear()
            while self._unwritten:
                line = self._unwritten.popleft()
                self._unanswered.append(line)
                writer.write(line.text)
            await writer.drain()
            await self._to_do.wait()

    async def _read_for_ever(self, reader: asyncio.StreamReader) -> NoReturn:
        """Answers come in the order of the lines."""
        while True:
            text = await reader.readline()
            if not text.endswith(b"\n"):
                raise EOFError
            self._take(_decoder.decode(text), self._unanswered.popleft())

    def _take(self, answer: _Answer, line: _Line) -> None:
        if not answer.ok:
            self.refusals[answer.error] = self.refusals.get(answer.error, 0) + 1
        if answer.retry:
            self._unwritten.append(line)
            asyncio.get_running_loop().call_later(_RETRY_S, self._to_do.set)
        elif line.device is None:
            self._statuses.append(answer.waiting)
        elif answer.ok and not line.copy:
            self.counts[line.device].packs_acked += 1
        self._progress.set()


def _by_line(records: Iterable[Record]) -> list[list[Record]]:
    """In the order of their times; a name that comes twice at one time opens a further line."""
    lines: dict[tuple[int, int], list[Record]] = {}
    seen: dict[tuple[int, str], int] = {}
    for record in records:
        copy = seen.get((record.t_us, record.name), 0)
        seen[record.t_us, record.name] = copy + 1
        lines.setdefault((record.t_us, copy), []).append(record)
    return [lines[key] for key in sorted(lines)]


def _text(pack: Pack, records: list[Record]) -> bytes:
    seconds, rest = divmod(records[0].t_us, 1_000_000)
    line: dict[str, Any] = {
        "device": pack.device_id,
        "at": seconds + rest / 1e6 if rest else seconds,
        "values": {record.name: _value(record) for record in records},
    }
    if pack.backfill:
        line["backfill"] = True
    return msgspec.json.encode(line) + b"\n"


def _value(record: Record) -> object:
    if not record.quality and record.site is None:
        return record.value
    value: dict[str, object] = {"value": record.value}
    if record.quality:
        value["q"] = record.quality
    if record.site is not None:
        value["site"] = record.site
    return value
