"""Runs stage 2 in one event loop: as a process of its own, or inside the simulator's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gateway.ble.config import BluetoothSettings
from gateway.ble.start import frames_path, run_bluetooth
from gateway.count import Counts
from gateway.listen import listening, serve_descriptors
from gateway.pipeline import Pipeline
from gateway.publish import OFFLINE
from gateway.settings import GatewaySettings
from gateway.spool import Spool
from gateway.spool_bounds import Limits
from gateway.spool_thread import SpoolThread
from vigil.runtime.clock import Clock
from vigil.runtime.link import Link
from vigil.runtime.metrics import Metrics
from vigil.wire import topics

if TYPE_CHECKING:
    from gateway.ble.radio import Radio

#: How often the end of the work is looked for after the end of standard input.
_LOOK_EVERY_S = 0.2

Address = tuple[str, int] | Path | None


class Gateway:
    """Needs no broker to start: it accepts lines, keeps them, and connects when it can."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        clock: Clock,
        metrics: Metrics,
        rng: np.random.Generator,
        radio: Radio | None = None,
    ) -> None:
        """``radio`` None: the system's own Bluetooth adapter, if a peripheral is configured."""
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._radio = radio
        self._counts = Counts(metrics)
        self._rng = rng
        self._input_ended = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; without a socket, until standard input has ended and everything is acknowledged.

        Raises ``ConfigError``, ``PortTaken`` or ``SpoolError`` when it cannot start.
        """
        async with self._serving() as (_, spool):
            await self._input_ended.wait()
            while await spool.do(lambda opened: opened.packs):
                await asyncio.sleep(_LOOK_EVERY_S)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Address]:
        """Works inside the block; gives the address that it listens on. A part that fails cancels the block."""
        async with self._serving() as (address, _):
            yield address

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[tuple[Address, SpoolThread]]:
        settings = self._settings
        limits = Limits(settings.spool_max_bytes, settings.spool_max_age_s)
        open_spool = partial(Spool, settings.spool, limits, settings.resend, self._clock, self._rng)
        spool = SpoolThread(open_spool(), reopen=open_spool)
        pipeline = Pipeline(settings, spool, self._counts, self._clock)
        try:
            async with AsyncExitStack() as stack:
                address: Address = None
                if settings.listen is not None:
                    address = await stack.enter_async_context(listening(settings.listen, pipeline.intake.serve))
                await stack.enter_async_context(_side_by_side(self._parts(pipeline, spool)))
                yield address, spool
        finally:
            spool.close()

    def _parts(self, pipeline: Pipeline, spool: SpoolThread) -> list[Coroutine[None, None, None]]:
        link = self._link(pipeline)
        parts: list[Coroutine[None, None, None]] = [
            pipeline.intake.commit(),
            link.run(pipeline.publisher.session),
            pipeline.pruner.run(),
            pipeline.bounds.run(),
        ]
        if self._settings.bluetooth is not None:
            parts.append(self._bluetooth(self._settings.bluetooth, pipeline, spool))
        return [*parts, self._read_input(pipeline)] if self._settings.standard_input else parts

    async def _bluetooth(self, chosen: BluetoothSettings, pipeline: Pipeline, spool: SpoolThread) -> None:
        await run_bluetooth(
            chosen,
            frames_path(self._settings.spool),
            spool,
            self._counts,
            pipeline.publisher.wake,
            clock=self._clock,
            metrics=self._metrics,
            rng=self._rng.spawn(1)[0],
            radio=self._radio,
        )

    async def _read_input(self, pipeline: Pipeline) -> None:
        await serve_descriptors(pipeline.intake.serve)
        if self._settings.listen is None and self._settings.bluetooth is None:
            self._input_ended.set()

    def _link(self, pipeline: Pipeline) -> Link:
        settings = self._settings
        return Link(
            settings.login,
            clock=self._clock,
            rng=self._rng.spawn(1)[0],
            on_message=pipeline.take_message,
            will=(topics.gateway_state(settings.tenant, settings.login.user), OFFLINE),
            rule=settings.reconnect,
        )


@asynccontextmanager
async def _side_by_side(parts: list[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Runs them during the block. The first that fails cancels the others and the block; its error comes out alone."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in parts]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
