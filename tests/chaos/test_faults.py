"""Killed, cut off, slowed down at random points: what was sent is what is stored, and what is acknowledged was stored before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.conftest import FULL, Size
from tests.chaos.load import ALL_DEVICES, Load
from tests.chaos.observer import Observer
from tests.chaos.plan import KINDS, SHORT
from tests.chaos.runs import Row, run, settle
from tests.chaos.site import TENANT, running_site

#: Runs on one site, each with how far its seed is from the first one.
SITES = (
    [[(kind, place)] for place, kind in enumerate((*KINDS, *KINDS))]
    if FULL
    else [list(zip(SHORT, (0, 1), strict=True))]
)


async def _runs(folder: Path, load: Load, runs: list[tuple[str, int]], table: list[Row]) -> None:
    observer = Observer(TENANT, ALL_DEVICES)
    async with running_site(folder) as site:
        assert site.observer is not None
        async with observer.watching(site.observer):
            rows = [await run(site, load, kind, seed) for kind, seed in runs]
        table += rows
        await settle(site, load, observer, rows)


@pytest.mark.mosquitto
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("site", SITES, ids=lambda site: " ".join(f"{kind}+{place}" for kind, place in site))
def test_sent_is_stored(tmp_path: Path, size: Size, site: list[tuple[str, int]]) -> None:
    """The long version: 50,000 readings each. The short one: 8,000, several faults in each run."""
    load = Load(250, 40.0) if FULL else Load(40, 20.0)
    asyncio.run(_runs(tmp_path, load, [(kind, size.seed + place) for kind, place in site], size.rows))
