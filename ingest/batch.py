"""What travels through the steps: the messages of one micro-batch, what is known of each, and their values as columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vigil.domain.errors import RefusalReason
from vigil.runtime.mqtt import Message
from vigil.wire.packs import PackValues


@dataclass(slots=True)
class Pack:
    """One message. ``refusal`` = refused whole; ``duplicate`` = stored before, to be dropped."""

    message: Message
    device_id: str = ""
    values: PackValues = field(default_factory=PackValues)
    digest: int = 0
    refusal: RefusalReason | None = None
    detail: str = ""
    duplicate: bool = False

    @property
    def accepted(self) -> bool:
        return self.refusal is None and not self.duplicate

    def refuse(self, reason: RefusalReason, detail: str = "") -> None:
        self.refusal = reason
        self.detail = detail


@dataclass(slots=True)
class Columns:
    """Values of all accepted packs. ``pack`` is the position in the batch; ``keep`` is cleared for a refused value."""

    pack: NDArray[np.intp]
    vital: NDArray[np.int16]
    site: list[str]
    device_time: NDArray[np.int64]
    measured_at: NDArray[np.int64]
    received_at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint16]
    keep: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.pack.size)


def columns_of(packs: list[Pack]) -> Columns:
    """One array per column for the whole batch, never one per message."""
    accepted = [(index, pack) for index, pack in enumerate(packs) if pack.accepted]
    counts = [len(pack.values.vital) for _, pack in accepted]
    owner = np.repeat(np.array([index for index, _ in accepted], np.intp), counts)
    received = np.repeat(np.array([pack.message.received_at for _, pack in accepted], np.int64), counts)
    time = np.array([t for _, pack in accepted for t in pack.values.time_us], np.int64)
    return Columns(
        pack=owner,
        vital=np.array([v for _, pack in accepted for v in pack.values.vital], np.int16),
        site=[s for _, pack in accepted for s in pack.values.site],
        device_time=time,
        measured_at=time.copy(),
        received_at=received,
        value=np.array([v for _, pack in accepted for v in pack.values.value], np.float64),
        quality=np.array([q for _, pack in accepted for q in pack.values.quality], np.uint16),
        keep=np.ones(owner.size, np.bool_),
    )
