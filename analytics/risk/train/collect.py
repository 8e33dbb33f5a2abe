"""Step 1: the recordings, read, cleaned and fingerprinted; what is refused is counted."""

from __future__ import annotations

from pathlib import Path

from analytics.risk.train.disk import Bench, Done, Found, digest_of_arrays
from analytics.risk.train.task import Data, Task


def collect(bench: Bench, task: Task, path: Path) -> Found:
    """Leaves an array for each one in ``Collected.data``. ``fingerprint``: SHA-256 of their content, in whatever file it came."""
    collected = task.collect(path)
    for name, array in collected.data.items():
        bench.save(name, array)
    return {"fingerprint": digest_of_arrays(collected.data), "facts": dict(collected.facts)}


def data_of(done: Done) -> Data:
    return done.arrays()
