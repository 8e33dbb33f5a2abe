"""The process of a gateway with Bluetooth that is killed again and again, and what each death left on the disk."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.integration.ble.adapter import Adapter
from tests.integration.ble.air import Air
from tests.integration.gateway_platform import eventually
from vigil.wire.packs import read

#: Two straps and a meter are connected, discovered and subscribed to within about this many pieces of data; records come after.
CONNECTING = 170


@dataclass(frozen=True, slots=True)
class Fault:
    """``kill -9`` comes ``delay_s`` after that many pieces of ``data`` from the air; ``record`` > 0: instead between
    the commits of the spool and of the book of frames that hold that many-th new record."""

    data: int = 0
    delay_s: float = 0.0
    record: int = 0

    def __str__(self) -> str:
        return f"record {self.record}" if self.record else f"data {self.data} + {self.delay_s * 1000:.0f} ms"


def faults(seed: int, new_records: int) -> list[Fault]:
    """Six: one while it connects, three at random points among records and rates, two between the two databases."""
    rng = np.random.default_rng(seed)
    made: list[Fault] = []
    for life, kind in enumerate(rng.permutation(["early", "record", "record", "late", "late", "late"]), 1):
        if kind == "record":
            made.append(Fault(record=int(rng.integers(1, new_records + 1))))
        else:
            values = 2 * new_records * life  # about as many rates as records
            first, end = (1, CONNECTING) if kind == "early" else (CONNECTING, CONNECTING + values)
            made.append(Fault(int(rng.integers(first, end)), float(rng.uniform(0.0, 0.03))))
    return made


class KilledHub:
    """``ended_s``: the loop's time at which the peripherals lost the gateway last."""

    def __init__(self, folder: Path, broker_port: int, air: Air, devices: Mapping[str, str]) -> None:
        self.adapter = Adapter(air, self._heard, self._gone)
        self.ended_s = 0.0
        self._folder = folder
        self._broker_port = broker_port
        self._devices = json.dumps(dict(devices))
        self._fault = Fault()
        self._data, self._lives, self._ends = 0, 0, 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, fault: Fault) -> None:
        self._fault, self._data = fault, 0
        self._lives += 1
        arguments = (self._folder / "spool.db", self._broker_port, self.adapter.port, fault.record, self._devices)
        with (self._folder / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.ble.hub_process", *map(str, arguments)],
                stdout=log,
                stderr=log,
            )

    async def died(self) -> None:
        """Waits for the fault to come."""
        process = self._process
        assert process is not None
        await eventually(lambda: process.poll() is not None and self._ends == self._lives)
        assert process.returncode == -9, "only the kill may end it"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def on_disk(self, device: str) -> list[float]:
        """Values that wait in the spool. Looks at a copy: the next start must find the files as the kill left them."""
        copy = self._folder / f"copy {self._lives} {device}"
        copy.mkdir()
        for file in self._folder.glob("spool.db*"):
            shutil.copy(file, copy)
        db = sqlite3.connect(copy / "spool.db")
        try:
            if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'packs'").fetchone():
                return []  # killed before it made them
            rows = db.execute("SELECT payload FROM packs WHERE device = ?", (device,)).fetchall()
        finally:
            db.close()
        return [value for (payload,) in rows for value in read(payload, device).value]

    def _heard(self) -> None:
        self._data += 1
        if self._data == self._fault.data and self._process is not None:
            asyncio.get_running_loop().call_later(self._fault.delay_s, self._process.kill)

    def _gone(self) -> None:
        self._ends += 1
        self.ended_s = asyncio.get_running_loop().time()
