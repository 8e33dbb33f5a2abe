"""Runs the hub as a part of the gateway. bleak, an extra, is imported here and only for a gateway that has peripherals."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from gateway.ble.claim import claim
from gateway.ble.config import BluetoothSettings
from gateway.ble.count import BluetoothCounts
from gateway.ble.deliver import Delivery
from gateway.ble.frames import FrameBook
from gateway.count import Counts
from gateway.spool_thread import SpoolThread
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics

if TYPE_CHECKING:
    from gateway.ble.radio import Radio

logger = logging.getLogger(__name__)


def frames_path(spool: Path) -> Path:
    """Beside the spool."""
    return spool.with_suffix(".frames.sqlite3")


async def run_bluetooth(
    settings: BluetoothSettings,
    path: Path,
    spool: SpoolThread,
    counts: Counts,
    on_accepted: Callable[[], None],
    *,
    clock: Clock,
    metrics: Metrics,
    rng: np.random.Generator,
    radio: Radio | None = None,
) -> NoReturn:
    """Until cancelled. ``path``: of the database of frames; ``radio`` None: the system's adapter.

    Raises ``ConfigError`` without bleak, ``SpoolError`` when the database cannot be opened.
    """
    try:
        from gateway.ble.hub import Hub
        from gateway.ble.radio import Radio
    except ModuleNotFoundError as error:
        if error.name != "bleak":
            raise
        raise ConfigError(
            "setting gateway.peripheral: Bluetooth needs bleak; install it with pip install -r requirements/ble.txt"
        ) from error
    book = await spool.do(lambda _: FrameBook(path))
    if book.fresh_because:
        logger.error("%s was damaged and is moved aside (%s): a new one is begun", path.name, book.fresh_because)
    try:
        claimed = await spool.do(lambda opened: claim(settings, opened, book))
        if claimed:
            logger.info("%d frames that were kept aside are somebody's by the settings of now", claimed)
            on_accepted()
        bluetooth = BluetoothCounts(metrics)
        delivery = Delivery(spool, book, counts, bluetooth, on_accepted)
        await Hub(settings, radio or Radio(settings.adapter), delivery, bluetooth, clock=clock, rng=rng).run()
    finally:
        await spool.do(lambda _: book.close())
