"""What an operator sees during an overload, twice a second: memory, queue, what is stored, what the health check says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import httpx

from tests.chaos.plan import BROKER, CORE
from tests.chaos.site import Site
from vigil.domain.times import SECOND, from_iso
from vigil.runtime.clock import SystemClock

EVERY_S = 0.5
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """``at``: seconds of the loop's clock. Resident memory in bytes. ``stored``: values since the core's start. ``age_s``: time
    since the measurement that the page shows of a patient. -1 while the core does not answer. ``trouble``: what the health check
    says of each check that fails."""

    at: float
    core_bytes: int
    broker_bytes: int
    queue: int
    stored: int
    age_s: float
    trouble: dict[str, str]


@dataclass
class Watch:
    """``patient``: whose heart rate is looked at."""

    site: Site
    patient: str
    samples: list[Sample] = field(default_factory=list)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        with self.site.client("admin") as api:
            task = asyncio.create_task(self._run(api))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _run(self, api: httpx.Client) -> NoReturn:
        while True:
            await self.sample(api)
            await asyncio.sleep(EVERY_S)

    async def sample(self, api: httpx.Client) -> None:
        numbers, trouble = await asyncio.to_thread(_asked, api, self.patient)
        now = asyncio.get_running_loop().time()
        core, broker = (resident(self.site.processes[name].pid) for name in (CORE, BROKER))
        queue, stored = (int(numbers.get(name, -1)) for name in ("ingest_queue_messages", "ingest_values_stored_total"))
        self.samples.append(Sample(now, core, broker, queue, stored, numbers.get("age", -1.0), trouble))

    def calm(self, since: float, age_s: float) -> bool:
        """Whether the newest sample, taken after that, shows nothing waiting, no trouble, and a value not older than this."""
        newest = self.samples[-1]
        return newest.at > since and newest.queue == 0 and not newest.trouble and 0 <= newest.age_s <= age_s

    def between(self, start: float, end: float) -> list[Sample]:
        """Where the core answered."""
        return [sample for sample in self.samples if start <= sample.at < end and sample.stored >= 0]

    def lines(self, start: float, every: int) -> list[str]:
        """One in ``every`` samples, and the first of each new trouble, for the table at the end."""
        said: set[str] = set()
        found = []
        for place, sample in enumerate(self.samples):
            news = [f"{name}: {words}" for name, words in sample.trouble.items() if name not in said]
            said = set(sample.trouble)
            if place % every == 0 or news:
                memory = f"core {sample.core_bytes / _MIB:6.0f} MiB  broker {sample.broker_bytes / _MIB:6.0f} MiB"
                rest = f"queue {sample.queue:6}  stored {sample.stored:9}  age {sample.age_s:5.1f} s  {'; '.join(news)}"
                found.append(f"{sample.at - start:7.1f} s  {memory}  {rest}".rstrip())
        return found


def _asked(api: httpx.Client, patient: str) -> tuple[dict[str, float], dict[str, str]]:
    try:
        text = api.get("/metrics").text
        checks: list[dict[str, Any]] = api.get("/api/v1/health").json()["checks"]
        shown = api.get(f"/api/v1/patients/{patient}").json()["vitals"].get("heart_rate")
    except httpx.HTTPError:
        return {}, {}
    rows = (line.rpartition(" ") for line in text.splitlines() if line.startswith("ingest_") and "{" not in line)
    numbers = {name: float(value) for name, _, value in rows}
    if shown is not None:
        numbers["age"] = (SystemClock().now_us() - from_iso(shown["measured_at"])) / SECOND
    return numbers, {check["name"]: check["detail"] for check in checks if not check["ok"]}


def resident(pid: int) -> int:
    """Bytes of memory that the process has; Linux."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
