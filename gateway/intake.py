"""Step "intake": lines in, one answer each; "ok" only after the pack is on the disk.

``{"ok": true, "line": 3, "seq": 17}`` or ``{"ok": false, "line": 4, "error": "…"}``, in the order of the lines of a connection;
``"retry": true`` where the line is good and only cannot be kept now. A question for the status is answered with what waits and,
where the spool had to give up something, with ``dropped``: which packs of whom, how many readings of which time, and why.
While one commit is under way the next lines gather, so a busy gateway makes one fsync for many lines.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec

from gateway.count import Counts
from gateway.decode import MAX_LINE_BYTES, NewPack, StatusRequest, decode
from gateway.spool import Spool
from gateway.spool_accept import Accepted
from gateway.spool_dropped import Dropped
from gateway.spool_thread import SpoolThread
from vigil.domain.errors import InvalidInput, SpoolError
from vigil.domain.times import to_iso

logger = logging.getLogger(__name__)

#: Lines in one commit, and lines read ahead of it (ours).
BATCH_LINES = 500
QUEUE_LINES = 1000
#: Refusals that are not the line's fault: the sensor should keep it and send it again.
_PASSING = ("full", "failed")


@dataclass(slots=True)
class _Refusal:
    outcome: str
    error: str


@dataclass(slots=True)
class _Pending:
    connection: _Connection
    line: int
    content: NewPack | StatusRequest | _Refusal


@dataclass(slots=True)
class _Result:
    """``waiting`` packs are in the spool after the commit; ``dropped`` for a question only; ``failure``: why there was none."""

    accepted: list[Accepted]
    waiting: int = 0
    dropped: list[Dropped] = field(default_factory=list)
    failure: str = ""


class _Connection:
    """Counts the lines that still need an answer, so that a sender that only closes its writing half gets them all."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.unanswered = 0
        self._answered = asyncio.Event()

    def answer(self, answer: dict[str, Any]) -> None:
        self.unanswered -= 1
        self._answered.set()
        if not self.writer.is_closing():
            self.writer.write(msgspec.json.encode(answer) + b"\n")

    async def all_answered(self) -> None:
        while self.unanswered:
            self._answered.clear()
            await self._answered.wait()


class Intake:
    """``on_accepted`` is called after each commit that stored something."""

    def __init__(
        self, devices: tuple[str, ...], spool: SpoolThread, counts: Counts, on_accepted: Callable[[], None]
    ) -> None:
        self._devices = frozenset(devices)
        self._spool = spool
        self._counts = counts
        self._on_accepted = on_accepted
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue(QUEUE_LINES)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection until its sender closes it. ``reader`` must have been made with ``limit=MAX_LINE_BYTES``."""
        connection, number = _Connection(writer), 0
        try:
            async for line in _lines(reader):
                number += 1
                if line is not None and not line.strip():
                    continue
                connection.unanswered += 1
                await self._queue.put(_Pending(connection, number, self._understood(line)))
                await writer.drain()  # who does not read the answers is not read either
            await connection.all_answered()
            await writer.drain()
        except OSError:
            logger.debug("a sensor's connection broke off after %d lines", number)
        finally:
            writer.close()

    def _understood(self, line: bytes | None) -> NewPack | StatusRequest | _Refusal:
        if line is None:
            return _Refusal("bad", f"the line is longer than {MAX_LINE_BYTES} bytes")
        try:
            content = decode(line)
        except InvalidInput as error:
            return _Refusal("bad", str(error))
        if isinstance(content, NewPack) and content.device_id not in self._devices:
            return _Refusal("foreign", f"this gateway does not speak for device {content.device_id[:64]!r}")
        return content

    async def commit(self) -> NoReturn:
        """Spools and answers until cancelled."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH_LINES and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._settle(batch)

    async def _settle(self, batch: list[_Pending]) -> None:
        new = [pending.content for pending in batch if isinstance(pending.content, NewPack)]
        asked = any(isinstance(pending.content, StatusRequest) for pending in batch)
        try:
            result = await self._spool.do(lambda spool: self._accepted(spool, new, asked))
        except SpoolError as error:
            logger.error("%d lines refused: %s", len(new), error)
            result = _Result([], failure=str(error))
        place = iter(result.accepted)
        for pending in batch:
            match pending.content:
                case _Refusal(outcome, error_text):
                    self._refuse(pending, outcome, error_text)
                case _ if result.failure:
                    self._refuse(pending, "failed", result.failure)
                case StatusRequest():
                    pending.connection.answer({"ok": True, "line": pending.line, **_status(result)})
                case NewPack():
                    self._answer(pending, next(place))
        if any(one.seq is not None and not one.repeated for one in result.accepted):
            self._on_accepted()

    def _accepted(self, spool: Spool, new: list[NewPack], asked: bool) -> _Result:
        accepted = spool.accept(new)
        self._counts.spool(spool.packs, spool.size)
        return _Result(accepted, spool.packs, spool.dropped() if asked else [])

    def _answer(self, pending: _Pending, accepted: Accepted) -> None:
        if accepted.seq is None:
            self._refuse(pending, "full", "the spool is full: keep the value and send it again later")
        else:
            self._counts.lines.labels("repeated" if accepted.repeated else "accepted").inc()
            pending.connection.answer({"ok": True, "line": pending.line, "seq": accepted.seq})

    def _refuse(self, pending: _Pending, outcome: str, error: str) -> None:
        self._counts.lines.labels(outcome).inc()
        retry = {"retry": True} if outcome in _PASSING else {}
        pending.connection.answer({"ok": False, "line": pending.line, **retry, "error": error})


def _status(result: _Result) -> dict[str, Any]:
    dropped = [
        {"device": run.device_id, "epoch": run.epoch, "packs": [run.first, run.last], "readings": run.readings}
        | {"measured": [to_iso(run.from_us), to_iso(run.to_us)], "reason": run.reason}
        for run in result.dropped
    ]
    return {"waiting": result.waiting} | ({"dropped": dropped} if dropped else {})


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes | None]:
    """Lines as they come, the last one also without its end; None stands for one that is too long."""
    skipping = False
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            await reader.readexactly(overrun.consumed)
            skipping = True
            continue
        except asyncio.IncompleteReadError as end:
            if skipping or end.partial:
                yield None if skipping else end.partial
            return
        yield None if skipping else line
        skipping = False
