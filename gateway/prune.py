"""Step "prune": deletes from the spool what the platform has acknowledged, and only that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from gateway.await_ack import Acknowledgements
from gateway.count import Counts
from gateway.spool import Spool
from gateway.spool_thread import SpoolThread
from vigil.domain.errors import SpoolError

logger = logging.getLogger(__name__)

_RETRY_S = 1.0


class Pruner:
    """``on_pruned``: the window of a device may have moved."""

    def __init__(
        self, acknowledgements: Acknowledgements, spool: SpoolThread, counts: Counts, on_pruned: Callable[[], None]
    ) -> None:
        self._acknowledgements = acknowledgements
        self._spool = spool
        self._counts = counts
        self._on_pruned = on_pruned

    async def run(self) -> NoReturn:
        complaint = ""
        while True:
            acknowledged = await self._acknowledgements.next()
            try:
                pruned = await self._spool.do(partial(self._prune, acknowledged))
            except SpoolError as error:
                if str(error) != complaint:
                    complaint = str(error)
                    logger.error("cannot delete what is acknowledged: %s", complaint)
                self._acknowledgements.put_back(acknowledged)
                await asyncio.sleep(_RETRY_S)
                continue
            self._counts.pruned.inc(pruned)
            if pruned:
                self._on_pruned()

    def _prune(self, acknowledged: dict[tuple[str, int], int], spool: Spool) -> int:
        pruned = spool.prune(acknowledged)
        self._counts.spool(spool.packs, spool.size)
        return pruned
