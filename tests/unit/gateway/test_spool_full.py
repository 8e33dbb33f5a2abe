"""A disk that the spool itself fills: lines are refused, nothing accepted is lost, and it empties by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.spool import Outgoing, Spool
from tests.unit.gateway.lines import NOON_S, new, opened, take
from vigil.domain.errors import SpoolError
from vigil.runtime.clock import ManualClock

_T = TypeVar("_T")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Of 8 MiB, half of which the spool keeps in reserve."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if done.returncode != 0:
        pytest.skip("mounting a small disk needs more rights")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def tried(act: Callable[[], _T]) -> _T:
    """As its callers do: again a little later."""
    for _ in range(3):
        with suppress(SpoolError):
            return act()
    return act()


def accept(spool: Spool, first: int) -> int:
    """How many of 50 lines were accepted."""
    with suppress(SpoolError):
        return sum(one.seq is not None for one in spool.accept([new(first + number) for number in range(50)]))
    return 0


@pytest.mark.parametrize("reopened", [False, True])
def test_a_full_disk(small_disk: Path, reopened: bool) -> None:
    clock = ManualClock(NOON_S * 1_000_000)
    spool = opened(small_disk / "spool.db", clock, max_bytes=1 << 30)
    accepted, refused = 0, 0
    while refused < 10:
        kept = accept(spool, accepted)
        accepted, refused = accepted + kept, refused + (kept == 0)
    assert accepted > 1000
    if reopened:
        spool.close()
        spool = opened(small_disk / "spool.db", clock, max_bytes=1 << 30)
    assert spool.packs == accepted
    seen: set[int] = set()
    sent: list[Outgoing] = tried(lambda: take(spool, 500))
    while sent:
        seen |= {pack.seq for pack in sent}
        done = {("w-1", sent[0].epoch): next(seq for seq in range(accepted + 1) if seq not in seen) - 1}
        tried(lambda done=done: spool.prune(done))  # type: ignore[misc]
        sent = tried(lambda: take(spool, 500))
    assert seen == set(range(accepted))
    assert spool.packs == 0
    assert accept(spool, accepted) == 50
    spool.close()
