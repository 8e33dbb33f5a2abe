"""The layouts of ``reference/ble_gatt`` a second time, as tables, to make frames of the right shape out of random numbers."""

from __future__ import annotations

import numpy as np

DATE = -1

#: (flag bit or 0 for always, bytes or DATE) in order; the flags byte stands before.
Field = tuple[int, int]

LAYOUTS: dict[int, tuple[Field, ...]] = {
    0x2A37: ((0, 1), (1, 1), (8, 2), (16, 2)),
    0x2A5E: ((0, 4), (1, DATE), (2, 2), (4, 3), (8, 2)),
    0x2A5F: ((0, 4), (1, 4), (2, 4), (4, 2), (8, 3), (16, 2)),
    0x2A35: ((0, 6), (2, DATE), (4, 2), (8, 1), (16, 2)),
    0x2A1C: ((0, 4), (2, DATE), (4, 1)),
    0x2A9D: ((0, 2), (2, DATE), (4, 1), (8, 4)),
    0x2A18: ((0, 2), (0, DATE), (1, 2), (2, 3), (8, 2)),
}


def shaped(short: int, flags: int, random: np.random.Generator) -> bytes:
    parts = [bytes([flags])]
    for bit, size in LAYOUTS[short]:
        if bit == 0 or flags & bit:
            parts.append(_date(random) if size == DATE else random.bytes(size))
    return b"".join(parts)


def _date(random: np.random.Generator) -> bytes:
    """Every field within its range; the 31st of a short month and an unknown date among them."""
    year = int(random.integers(1600, 9000)) if random.random() < 0.9 else 0
    rest = [random.integers(low, high + 1) for low, high in ((0, 12), (0, 31), (0, 23), (0, 59), (0, 59))]
    return year.to_bytes(2, "little") + bytes(int(part) for part in rest)
