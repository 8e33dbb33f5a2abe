"""Checking passwords: slow on purpose, in threads of its own, a few at a time, and as long for a name that is nobody's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.errors import Problem

#: RFC 9106, section 4, for machines that have other things to do: argon2id, 3 passes over 64 MiB in 4 lanes.
_ARGON2 = Argon2Hasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_HASHER = PasswordHash((_ARGON2,))
#: Of no password anybody knows, with the same cost: a name that is nobody's must not be answered sooner.
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$s3E3Vviye0gmedb0K7y8XQ$bVVtIY1UesRm4iu2qWhYVCXJqw/gxkWWPmiKzuIQwq0"
#: Each takes 64 MiB (ours).
AT_ONCE = 2
#: Passwords that wait to be checked; one more is sent away (ours).
MOST_WAITING = 32

_Found = TypeVar("_Found")


def hashed(password: str) -> str:
    """Takes about a quarter of a second."""
    return _HASHER.hash(password)


class Passwords:
    """Lives in one event loop at a time."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def fits(self, password: str, hashed_as: str | None) -> bool:
        """``hashed_as`` None: there is nobody, which takes as long to find out. Raises ``Problem``: too many wait."""
        fits = await self._run(lambda: _HASHER.verify(password, hashed_as or NOBODYS))
        return fits and hashed_as is not None

    async def hashed(self, password: str) -> str:
        """Raises ``Problem``: too many wait."""
        return await self._run(lambda: hashed(password))

    async def _run(self, work: Callable[[], _Found]) -> _Found:
        if self._waiting >= AT_ONCE + MOST_WAITING:
            words = "too many log in at this moment: try again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, words, headers={"Retry-After": "5"})
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends its threads when they have done what waits."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)
