"""Step "bound": lets go of what waited too long, and counts what went."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import NoReturn

from gateway.count import Counts
from gateway.spool import Spool
from gateway.spool_dropped import Reason
from gateway.spool_rescue import Rescued
from gateway.spool_thread import SpoolThread
from vigil.domain.errors import SpoolError

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 10.0


class Bounds:
    def __init__(self, spool: SpoolThread, counts: Counts) -> None:
        self._spool = spool
        self._counts = counts
        self._counted: Counter[Reason] = Counter()
        self._rescued: Rescued | None = None
        self._complaint = ""

    async def run(self) -> NoReturn:
        while True:
            try:
                more = await self._spool.do(self._look)
            except SpoolError as error:
                more = False
                if str(error) != self._complaint:
                    self._complaint = str(error)
                    logger.error("cannot drop what is too old: %s", error)
            await asyncio.sleep(0 if more else _LOOK_EVERY_S)

    def _look(self, spool: Spool) -> bool:
        """Whether there may be more to drop."""
        dropped = spool.drop_old()
        for reason, packs in (spool.lost - self._counted).items():
            self._counts.dropped.labels(reason).inc(packs)
        self._counted = Counter(spool.lost)
        if spool.rescued is not None and spool.rescued is not self._rescued:
            self._rescued = spool.rescued
            self._counts.rescues.inc()
            self._counts.dropped.labels(Reason.DAMAGED).inc(spool.rescued.missing)
        self._counts.spool(spool.packs, spool.size)
        return dropped > 0
