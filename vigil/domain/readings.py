"""Readings as columns. From decode onwards data are numpy arrays; one reading is a batch of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: ``epoch``/``seq`` of a reading whose sender counts no packs ("delivery unproven").
NO_SEQUENCE = 0xFFFFFFFF

U64 = NDArray[np.uint64]
U32 = NDArray[np.uint32]
U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Stored readings, all columns of one length.

    ``ordinal`` u64, monotone, given at commit; ``stream`` u32, interned device × vital × site; ``measured_at`` (fixed when
    first stored), ``device_time`` (as sent), ``received_at`` i64 microseconds UTC; ``value`` f64 in the vital's unit (NaN =
    "tried, no value"); ``quality`` u16 bits; ``epoch``, ``seq`` u32 of the pack.
    """

    ordinal: U64
    stream: U32
    measured_at: I64
    device_time: I64
    received_at: I64
    value: F64
    quality: U16
    epoch: U32
    seq: U32

    def __post_init__(self) -> None:
        for column, dtype in _DTYPES:
            array = getattr(self, column)
            if array.dtype != dtype or array.shape != self.ordinal.shape:
                raise ValueError(f"column {column}: {array.dtype}{array.shape}, expected {dtype}{self.ordinal.shape}")

    def __len__(self) -> int:
        return int(self.ordinal.size)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> ReadingBatch:
        return ReadingBatch(*[getattr(self, name)[index] for name, _ in _DTYPES])

    def chunks(self, size: int) -> Iterator[ReadingBatch]:
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))

    @staticmethod
    def empty() -> ReadingBatch:
        return ReadingBatch(*(np.empty(0, dtype) for dtype in COLUMN_TYPES.values()))

    @staticmethod
    def concat(batches: Sequence[ReadingBatch]) -> ReadingBatch:
        if not batches:
            return ReadingBatch.empty()
        return ReadingBatch(*(np.concatenate([getattr(batch, name) for batch in batches]) for name in COLUMN_TYPES))


COLUMN_TYPES: dict[str, type[np.generic]] = {
    "ordinal": np.uint64,
    "stream": np.uint32,
    "measured_at": np.int64,
    "device_time": np.int64,
    "received_at": np.int64,
    "value": np.float64,
    "quality": np.uint16,
    "epoch": np.uint32,
    "seq": np.uint32,
}
_DTYPES = [(name, np.dtype(kind)) for name, kind in COLUMN_TYPES.items()]


@dataclass(frozen=True, slots=True)
class Stream:
    """What a stream number stands for. ``site`` is empty where a device measures a vital at one place."""

    stream: int
    device_id: str
    vital: int
    site: str
