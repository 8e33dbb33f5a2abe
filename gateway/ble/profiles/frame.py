"""The bytes of one characteristic, read field by field. Too few, and those left over, are a ``BadFrame``."""

from __future__ import annotations

from typing import NoReturn

from gateway.ble.profiles.floats import Number, float32, sfloat
from vigil.domain.errors import BadFrame


class Frame:
    """Little-endian fields in the order of their layout; ``characteristic`` names it in errors."""

    def __init__(self, characteristic: str, data: bytes) -> None:
        self._characteristic = characteristic
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def unsigned(self, size: int) -> int:
        """A number of ``size`` bytes."""
        return int.from_bytes(self._take(size), "little")

    def signed(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little", signed=True)

    def sfloat(self) -> Number:
        return sfloat(self.unsigned(2))

    def float32(self) -> Number:
        return float32(self.unsigned(4))

    def end(self) -> None:
        if self.left:
            self.bad(f"{self.left} bytes too many")

    def bad(self, why: str) -> NoReturn:
        raise BadFrame(self._characteristic, self._data, why)

    def _take(self, size: int) -> bytes:
        if self.left < size:
            self.bad(f"{size - self.left} bytes too few")
        self._at += size
        return self._data[self._at - size : self._at]
