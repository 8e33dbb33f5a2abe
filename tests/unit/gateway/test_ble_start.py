"""A gateway with peripherals needs bleak; one without never imports it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.ble.config import read
from gateway.ble.start import frames_path, run_bluetooth
from gateway.count import Counts
from gateway.spool_thread import SpoolThread
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


def test_the_gateway_alone_does_not_import_it() -> None:
    code = "import sys, cli.gateway; print('bleak' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
