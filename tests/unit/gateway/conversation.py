"""An intake with a real spool and real connections, without a broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.count import Counts
from gateway.intake import Intake
from gateway.listen import listening
from gateway.spool import Spool
from gateway.spool_thread import SpoolThread
from tests.unit.gateway.lines import NOON_S, opened
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics

Where = tuple[str, int] | Path


@dataclass(slots=True)
class Desk:
    """``accepted``: how many commits stored something."""

    where: Where
    spool: SpoolThread
    intake: Intake
    metrics: Metrics
    accepted: int = 0

    def woken(self) -> None:
        self.accepted += 1

    def lines(self, outcome: str) -> float:
        """The counter of lines with this outcome."""
        name = f'gateway_lines_total{{outcome="{outcome}"}} '
        found = [text for text in self.metrics.text().decode().splitlines() if text.startswith(name)]
        return float(found[0].removeprefix(name)) if found else 0.0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.where, Path):
            return await asyncio.open_unix_connection(self.where)
        return await asyncio.open_connection(*self.where)

    async def say(self, text: bytes) -> list[dict[str, Any]]:
        """All answers to what one sender says before it closes its half."""
        reader, writer = await self.connect()
        writer.write(text)
        writer.write_eof()
        async with asyncio.timeout(20):
            answers = await reader.read(-1)
        writer.close()
        return [json.loads(answer) for answer in answers.splitlines()]

    async def seqs(self, device: str = "w-1") -> list[int]:
        def read(spool: Spool) -> list[int]:
            rows = spool._db.execute("SELECT seq FROM packs WHERE device = ? ORDER BY seq", (device,))
            return [seq for (seq,) in rows]

        return await self.spool.do(read)


@asynccontextmanager
async def desk(tmp_path: Path, where: Where = ("127.0.0.1", 0), max_bytes: int = 10_000_000) -> AsyncIterator[Desk]:
    spool = SpoolThread(opened(tmp_path / "spool.db", ManualClock(NOON_S * 1_000_000), max_bytes=max_bytes))
    metrics, found = Metrics(), None
    intake = Intake(("w-1", "w-2"), spool, Counts(metrics), lambda: found.woken() if found else None)
    async with listening(where, intake.serve) as address:
        found = Desk(address, spool, intake, metrics)
        committing = asyncio.create_task(intake.commit())
        try:
            yield found
        finally:
            committing.cancel()
            await asyncio.gather(committing, return_exceptions=True)
    spool.close()
