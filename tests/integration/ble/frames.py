"""Frames as a peripheral sends them. Those with a remark are vectors of the reference page."""

from __future__ import annotations

import struct

PLX_SPOT = bytes.fromhex("0FACF3BEF5E8070B1D170839204022000066E3")  # 94 %, 147 /min, 2024-11-29 23:08:57
PLX_CONTINUOUS = bytes.fromhex("0064005A00")  # 100 %, 90 /min
TEMPERATURE = bytes.fromhex("00700100FF")  # 36.8
WEIGHT = bytes.fromhex("00B036")  # 70 kg
CUFF = bytes.fromhex("00780050005A00")  # 120/80, mean 90 mmHg

Moment = tuple[int, int, int, int, int, int]


def date_time(shown: Moment) -> bytes:
    return struct.pack("<H5B", *shown)


def current_time(shown: Moment) -> bytes:
    return date_time(shown) + bytes((0, 0, 0))


def cuff(systolic: int, shown: Moment | None = None, user: int | None = None) -> bytes:
    """``systolic``/80, mean 90 mmHg."""
    flags = (0x02 if shown else 0) | (0x08 if user is not None else 0)
    moment = date_time(shown) if shown else b""
    return struct.pack("<B3H", flags, systolic, 80, 90) + moment + (b"" if user is None else bytes((user,)))


def weight(kg: float, user: int | None = None) -> bytes:
    flags = 0x04 if user is not None else 0
    return struct.pack("<BH", flags, round(kg / 0.005)) + (b"" if user is None else bytes((user,)))


def glucose(sequence: int, shown: Moment, raw: int = 0xB064) -> bytes:
    """100 mg/dL unless said otherwise, capillary plasma from the finger."""
    return struct.pack("<BH", 0x02, sequence) + date_time(shown) + struct.pack("<HB", raw, 0x12)
