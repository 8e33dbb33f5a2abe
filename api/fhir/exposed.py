"""Which stored readings become an Observation, and why another one does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.fhir.codes import NO_CODE, OF_DEVICE
from vigil.domain.people import is_test
from vigil.domain.quality import GATED
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.vitals import VITALS, VitalKind


class Hidden(StrEnum):
    """Why a reading is in no Observation. The words are for whoever connects a system."""

    GATED = "gated"
    NO_CODE = "no-code"
    OF_DEVICE = "of-device"
    NOBODY = "nobodys"
    SELF_TEST = "self-test"


HIDDEN_TEXT: dict[Hidden, str] = {
    Hidden.GATED: "its quality says that it is no measurement of the patient",
    Hidden.NO_CODE: "no standard code is known for this vital sign",
    Hidden.OF_DEVICE: "it tells of the device, not of its wearer",
    Hidden.NOBODY: "nobody wore the device when it was measured",
    Hidden.SELF_TEST: "it belongs to the self-test, not to a person",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of a ``ReadingBatch``, with what its stream number stands for."""

    ordinal: int
    stream: Stream
    measured_at: int
    received_at: int
    value: float
    quality: int
    epoch: int
    seq: int

    @property
    def kind(self) -> VitalKind:
        return VITALS[self.stream.vital]

    @property
    def usable(self) -> bool:
        return not self.quality & GATED


def rows(batch: ReadingBatch, streams: Mapping[int, Stream]) -> Iterator[Reading]:
    columns = (batch.ordinal, batch.stream, batch.measured_at, batch.received_at)
    figures = (batch.value, batch.quality, batch.epoch, batch.seq)
    for ordinal, number, measured, received, value, quality, epoch, seq in zip(
        *(column.tolist() for column in (*columns, *figures)), strict=True
    ):
        yield Reading(ordinal, streams[number], measured, received, value, quality, epoch, seq)


def hidden(reading: Reading, wearer: str | None) -> Hidden | None:
    """``wearer``: id of the patient whose binding covers it. A gated part of a blood pressure is still told as absent."""
    if reading.kind.name in OF_DEVICE:
        return Hidden.OF_DEVICE
    if reading.kind.name in NO_CODE:
        return Hidden.NO_CODE
    if wearer is None:
        return Hidden.NOBODY
    if is_test(wearer):
        return Hidden.SELF_TEST
    return None if reading.usable else Hidden.GATED
