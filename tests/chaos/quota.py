"""A disk that fills up and gets room again: a small tmpfs for root, else a limit on the size of a process's files."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

_BLOCK = 1024 * 1024


class Quota(Protocol):
    def fill(self) -> None:
        """No byte more can be written."""

    def empty(self) -> None:
        """There is room again."""


class Tmpfs:
    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(_BLOCK))

    def empty(self) -> None:
        self._filler.unlink()


class SizeLimit:
    """``pid`` gives the process as it is now; its log cannot grow either."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid

    def fill(self) -> None:
        self._limit(0)

    def empty(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        _, hard = resource.prlimit(self._pid(), resource.RLIMIT_FSIZE)
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def small_disk(folder: Path, megabytes: int, *, wanted: bool = True) -> Iterator[Tmpfs | None]:
    """``folder`` as a disk of its own during the block; None where this user or machine may not mount one, or none is wanted."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "chaos", str(folder)]
    mounted = wanted and os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield Tmpfs(folder) if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
