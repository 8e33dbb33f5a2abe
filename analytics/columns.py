"""State of many slots as preallocated arrays that grow together and are saved together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

_FIRST_CAPACITY = 256

Spec = Mapping[str, tuple[Any, tuple[int, ...], Any]]
Saved = dict[str, NDArray[Any]]


class Columns:
    """Base of the state tables. ``SPEC``: attribute name to (dtype, shape of one row, value of a fresh row)."""

    SPEC: ClassVar[Spec] = {}

    def __init__(self) -> None:
        self.size = 0
        self.capacity = 0
        self._reserve(_FIRST_CAPACITY)

    def extend_to(self, size: int) -> None:
        """Make rows up to ``size`` exist; new rows are fresh."""
        if size > self.capacity:
            self._reserve(max(size, 2 * self.capacity))
        self.size = max(self.size, size)

    def saved(self, prefix: str) -> Saved:
        return {f"{prefix}.{name}": getattr(self, name)[: self.size] for name in self.SPEC}

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` or ``ValueError`` when an array is missing or has another type or shape."""
        for name, (dtype, row, _) in self.SPEC.items():
            array = saved[f"{prefix}.{name}"]
            if array.dtype != np.dtype(dtype) or array.shape[1:] != row:
                raise ValueError(f"{prefix}.{name}: {array.dtype}{array.shape}")
            self.extend_to(len(array))
            getattr(self, name)[: len(array)] = array

    def _reserve(self, capacity: int) -> None:
        for name, (dtype, row, fresh) in self.SPEC.items():
            grown = np.full((capacity, *row), fresh, dtype)
            if self.capacity:
                grown[: self.capacity] = getattr(self, name)
            setattr(self, name, grown)
        self.capacity = capacity
