"""The one thread in which the spool works: a disk may take long, the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.spool import Spool
from vigil.domain.errors import SpoolError

_T = TypeVar("_T")


class SpoolThread:
    """``reopen``: where the file turns out to be damaged it is opened anew, which rescues what can be read."""

    def __init__(self, spool: Spool, reopen: Callable[[], Spool] | None = None) -> None:
        self._spool = spool
        self._reopen = reopen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")

    async def do(self, act: Callable[[Spool], _T]) -> _T:
        """``act`` is carried out whole even when the caller is cancelled meanwhile. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._act, act)

    def _act(self, act: Callable[[Spool], _T]) -> _T:
        try:
            return act(self._spool)
        except SpoolError:
            if self._spool.damaged and self._reopen is not None:
                self._spool.close()
                self._spool = self._reopen()
            raise

    def close(self) -> None:
        """Waits for what is under way."""
        self._thread.shutdown(wait=True)
        self._spool.close()
