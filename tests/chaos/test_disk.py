"""The disk of the store, then that of the spools too, is full for a while: nothing is acknowledged meanwhile, nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.conftest import FULL, Size
from tests.chaos.load import ALL_DEVICES, Load
from tests.chaos.observer import Observer
from tests.chaos.plan import CORE, GATEWAYS
from tests.chaos.quota import Quota, SizeLimit, small_disk
from tests.chaos.runs import Row, measured, point, settle
from tests.chaos.site import TENANT, Site, running_site, until

#: Megabytes (ours). The health check calls for help below 500 MB of free space, and a spool needs little.
STORE_MB, SPOOLS_MB = 640, 64
#: For a full disk to be noticed (ours).
NOTICED_S = 60.0


class Disks:
    """Gives the site its quotas when it is started; without mounts they are limits on its processes."""

    def __init__(self, store: Quota | None, spools: Quota | None) -> None:
        self._store = store
        self._spools = spools

    def store(self, site: Site) -> list[Quota]:
        return [self._store or SizeLimit(lambda: site.processes[CORE].pid)]

    def spools(self, site: Site) -> list[Quota]:
        if self._spools is not None:
            return [self._spools]
        return [SizeLimit(lambda name=name: site.processes[name].pid) for name in GATEWAYS]  # type: ignore[misc]


async def _fill(site: Site, load: Load, disks: Disks) -> None:
    for quota in disks.store(site):
        quota.fill()
    await until(lambda: "store" in site.not_ready(), NOTICED_S, "the health check says that the store is full")
    await point(load, 0.2, "a fifth of the lines")
    # While nothing is acknowledged a spool must grow; otherwise it may do for long with the room that it has.
    for quota in disks.spools(site):
        quota.fill()
    await until(lambda: _refused(load), NOTICED_S, "a spool refuses a line for want of room")
    for quota in disks.spools(site):
        quota.empty()
    for quota in disks.store(site):
        quota.empty()
    await until(site.ready, NOTICED_S, "the store works again")


def _refused(load: Load) -> bool:
    return any("disk" in said or "full" in said for said in load.refused)


async def _run(folder: Path, load: Load, row: Row, disks: Disks) -> None:
    observer = Observer(TENANT, ALL_DEVICES)
    async with running_site(folder) as site:
        assert site.observer is not None
        async with observer.watching(site.observer):
            await measured(site, load, row, _fill(site, load, disks))
        await settle(site, load, observer, [row])


@pytest.mark.mosquitto
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mounted", [True, False] if FULL else [True], ids=["a small disk", "limits"][: 1 + FULL])
def test_a_full_disk_loses_nothing(tmp_path: Path, size: Size, mounted: bool) -> None:
    """Where no disk can be mounted, a limit on the size of their files does it, which the long version always tries too."""
    data, spools = tmp_path / "data", tmp_path / "data" / "gateways"
    row = Row("disk full", size.seed, "no room for the store from 0%, for the spools from 20%, until a line is refused")
    load = Load(250, 40.0) if FULL else Load(40, 20.0)
    with small_disk(data, STORE_MB, wanted=mounted) as store, small_disk(spools, SPOOLS_MB, wanted=mounted) as spool:
        asyncio.run(_run(tmp_path, load, row, Disks(store, spool)))
    size.rows.append(row)
