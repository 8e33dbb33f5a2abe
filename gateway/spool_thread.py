"""The one thread in which the spool works: a disk may take long, the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.spool import Spool

_T = TypeVar("_T")


class SpoolThread:
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")

    async def do(self, act: Callable[[Spool], _T]) -> _T:
        """``act`` is carried out whole even when the caller is cancelled meanwhile. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, self._spool)

    def close(self) -> None:
        """Waits for what is under way."""
        self._thread.shutdown(wait=True)
        self._spool.close()
