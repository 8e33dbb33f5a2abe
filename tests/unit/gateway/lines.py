"""Lines and packs for the gateway's tests."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from gateway.decode import NewPack, decode
from gateway.spool import Outgoing, Spool
from gateway.spool_bounds import MAX_AGE_S, Limits
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
    path: Path,
    clock: Clock,
    *,
    max_bytes: int = 10_000_000,
    max_age_s: float = MAX_AGE_S,
    rule: ResendRule | None = None,
    seed: int = 1,
) -> Spool:
    return Spool(path, Limits(max_bytes, max_age_s), rule or ResendRule(), clock, np.random.default_rng(seed))


def take(spool: Spool, limit: int) -> list[Outgoing]:
    """As a publisher would: fresh live packs before all else."""
    live = spool.take_live(limit)
    return live + (spool.take_history(limit - len(live)) if len(live) < limit else [])
