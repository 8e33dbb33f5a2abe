"""The process that judges for a trial: it has no file, no database and no key, only what comes through its pipe.

What comes, for each patient: ``Head``, batches of readings, None; what goes back: ``Found``, or ``NO_MEMORY``. None in the place
of a ``Head`` ends it, and so does the end of the process that started it.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from api.trials import Tried
from cli.trials.judge import Found, judged
from vigil.domain.readings import ReadingBatch, Stream

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

NO_MEMORY = "no memory"


@dataclass(frozen=True, slots=True)
class Head:
    """``streams``: numbered from 0, as in the batches that follow. ``start``: of the first day, microseconds UTC."""

    tried: Tried
    streams: Sequence[Stream]
    start: int


def work(pipe: Connection[Any, Any], most_bytes: int, nice: int) -> None:
    """Until it is told to end. ``most_bytes``: of memory for data."""
    _humble(most_bytes, nice)
    kernels = Kernels()
    kernels.compile_in_background(every_kernel())  # a day of spot checks is judged before they are ready
    while (head := pipe.recv()) is not None:
        pipe.send(_found(pipe, head, kernels))


def _found(pipe: Connection[Any, Any], head: Head, kernels: Kernels) -> Found | str:
    try:
        parts = list[ReadingBatch]()
        while (part := pipe.recv()) is not None:
            parts.append(part)
        return judged(head.tried, head.streams, ReadingBatch.concat(parts), head.start, kernels)
    except MemoryError:
        return NO_MEMORY


def _humble(most_bytes: int, nice: int) -> None:
    os.nice(nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    threading.Thread(target=_end_with_parent, name="leash", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
