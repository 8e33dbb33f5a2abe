"""A gateway with peripherals needs bleak; one without never imports it."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.ble.config import read
from gateway.ble.frames import FrameBook
from gateway.ble.packs import Aside, FrameReader
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import uuid
from gateway.ble.start import frames_path, run_bluetooth
from gateway.count import Counts
from gateway.spool_thread import SpoolThread
from tests.deadline import DEADLINE_S
from tests.unit.gateway.lines import opened
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import SystemClock
from vigil.runtime.metrics import Metrics

ROOT = Path(__file__).parents[3]


def test_without_bleak_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name in ("gateway.ble.hub", "gateway.ble.radio")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bleak", None)
    bluetooth = read({"peripheral": [{"address": "F0:00:00:00:00:02", "device": "w-1"}]}).bluetooth
    assert bluetooth is not None
    clock, metrics, rng = SystemClock(), Metrics(), np.random.default_rng(1)
    spool = SpoolThread(opened(tmp_path / "s.sqlite3", clock))
    path = frames_path(tmp_path / "s.sqlite3")
    with pytest.raises(ConfigError, match=r"setting gateway\.peripheral: .* requirements/ble\.txt"):
        asyncio.run(
            run_bluetooth(bluetooth, path, spool, Counts(metrics), lambda: None, clock=clock, metrics=metrics, rng=rng)
        )
    spool.close()
    assert not path.exists()


class _Silent:
    """A radio that hears nobody."""

    async def find(self, *_: object) -> None:
        await asyncio.Event().wait()


def test_at_its_start_it_tries_again_what_lies_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bluetooth = read({"peripheral": [{"address": "F0:00:00:00:00:02", "users": {"2": "w-anna"}}]}).bluetooth
    assert bluetooth is not None
    clock, metrics, rng = SystemClock(), Metrics(), np.random.default_rng(1)
    path, frame = frames_path(tmp_path / "s.sqlite3"), struct.pack("<BHB", 4, 16_000, 2)
    book = FrameBook(path)
    aside = FrameReader(replace(bluetooth.peripherals[0], users={1: "w-ben"})).take(
        PROFILES[uuid(0x2A9D)], frame, clock.now_us()
    )
    assert isinstance(aside, Aside)
    book.write([], [aside])
    book.close()

    async def run() -> None:
        spool, woken = SpoolThread(opened(tmp_path / "s.sqlite3", clock)), asyncio.Event()
        silent: Any = _Silent()
        task = asyncio.create_task(
            run_bluetooth(
                bluetooth, path, spool, Counts(metrics), woken.set, clock=clock, metrics=metrics, rng=rng, radio=silent
            )
        )
        async with asyncio.timeout(DEADLINE_S):
            await woken.wait()
        assert await spool.do(lambda one: one.packs) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        spool.close()

    with caplog.at_level("INFO"):
        asyncio.run(run())
    assert "1 frames that were kept aside are somebody's by the settings of now" in caplog.text


def test_the_gateway_alone_does_not_import_it() -> None:
    code = "import sys, cli.gateway; print('bleak' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
