"""What waits to be written into the audit log. Reads wait up to a second and share a transaction; a change is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from vigil.domain.audit import Entry, written
from vigil.domain.errors import StoreError
from vigil.store.audit import AuditRecords

log = logging.getLogger("vigil.api.audit")

#: A process that is killed loses the reads of this long at most (ours).
PERIOD_S = 1.0
#: Entries that wait while they cannot be written, about 1 kB each; then nothing more is answered (ours).
MOST_WAITING = 10_000


class AuditLog:
    """Safe to use from several threads. ``failing``: why entries cannot be written now, empty when they can."""

    def __init__(self, records: AuditRecords) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[Hashable, Entry] = {}
        self._gathered = self._written = 0
        self._task: asyncio.Task[None] | None = None
        self.failing = ""

    def gather(self, entry: Entry, alike: bool = False) -> None:
        """``alike``: it is only counted if one that says the same waits already."""
        with self._lock:
            self._gathered += 1
            self._put(_told(entry) if alike else (entry.request, entry.step), entry)

    def _put(self, key: Hashable, entry: Entry) -> None:
        known = self._waiting.get(key)
        self._waiting[key] = entry if known is None else replace(known, times=known.times + entry.times)

    async def room(self) -> None:
        """Raises ``StoreError`` when as much waits as may, and it cannot be written."""
        if len(self._waiting) >= MOST_WAITING:
            await self.settle()

    async def settle(self) -> None:
        """What was gathered before is durable when this returns. Raises ``StoreError``; then it waits on."""
        await asyncio.to_thread(self.write)

    def write(self) -> None:
        """As ``settle``, in this thread. Whoever comes while another one writes is written for by the next, all at once."""
        wanted = self._gathered
        with self._writing:
            if self._written >= wanted:
                return
            with self._lock:
                waiting, self._waiting, upto = self._waiting, {}, self._gathered
            try:
                self._records.append_audit(list(waiting.values()))
            except StoreError as error:
                self._take_back(waiting)
                self._fails(error)
                raise
            self._written = upto
            if self.failing:
                self.failing = ""
                log.info("the audit log is written again")

    def _take_back(self, waiting: Mapping[Hashable, Entry]) -> None:
        with self._lock:
            later, self._waiting = self._waiting, dict(waiting)
            for key, entry in later.items():
                self._put(key, entry)

    def _fails(self, error: StoreError) -> None:
        if not self.failing:
            log.error("the audit log cannot be written: changes are refused", exc_info=error)
        self.failing = "the audit log cannot be written: changes are refused"

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="audit")

    async def stop(self) -> None:
        """Writes what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        with contextlib.suppress(StoreError):  # logged by ``write``
            await self.settle()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            with contextlib.suppress(StoreError):  # logged by ``write``; tried again in a second
                await self.settle()


def _told(entry: Entry) -> Hashable:
    return (
        entry.step,
        entry.who,
        entry.role,
        entry.address,
        entry.method,
        entry.route,
        written(entry.objects),
        entry.patient_id,
        entry.status,
    )


def audit_log(app: FastAPI) -> AuditLog:
    found = app.state.audit
    assert isinstance(found, AuditLog)
    return found


def _of_request(request: Request) -> AuditLog:
    app = request.app
    assert isinstance(app, FastAPI)
    return audit_log(app)


Recorded = Annotated[AuditLog, Depends(_of_request)]
