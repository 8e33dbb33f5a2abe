"""Lines and packs for the gateway's tests."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from gateway.decode import NewPack, decode
from gateway.spool import Spool
from vigil.runtime.clock import Clock
from vigil.wire.resend import ResendRule

NOON_S = 1_767_225_600


def line(number: int, device: str = "w-1", **changes: object) -> bytes:
    """Each number is another second, so another line."""
    values = {"hr": 60 + number % 40, "spo2": {"value": 97, "q": 1}}
    return msgspec.json.encode({"device": device, "at": NOON_S + number, "values": values} | changes) + b"\n"


def new(number: int, device: str = "w-1", **changes: object) -> NewPack:
    pack = decode(line(number, device, **changes))
    assert isinstance(pack, NewPack)
    return pack


def opened(
    path: Path, clock: Clock, *, max_bytes: int = 10_000_000, rule: ResendRule | None = None, seed: int = 1
) -> Spool:
    return Spool(path, max_bytes, rule or ResendRule(), clock, np.random.default_rng(seed))
