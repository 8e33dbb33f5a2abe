"""Readings as InfluxDB's line protocol. The same reading always makes the same point, so that sending again changes nothing.

One measurement, ``reading``. Tags: ``device``, ``vital``, ``site``, as many series as there are streams. Fields: ``value``
(float) of a reading that can be used, ``gated`` (float) of one that cannot, so that nobody averages a bad signal by mistake
and averages can be computed where the data are; ``quality``, ``ordinal``, ``received_at``, ``device_time``, ``epoch``,
``seq`` (integers, times in microseconds UTC).

A point's time is the measured microsecond, with the last three digits of the ordinal as nanoseconds: values of one stream
for one microsecond stand side by side, unless their ordinals are a whole number of thousands apart. Then the later one stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vigil.domain.people import MANUAL_PREFIX, is_test
from vigil.domain.quality import GATED
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.vitals import VITALS

MEASUREMENT = "reading"
#: ``site`` of a device that measures a vital at one place: a series without the tag could not be asked for by it.
NO_SITE = "-"
#: Nanoseconds of a microsecond: the digits that the ordinal fills.
PLACES = 1000


@dataclass(frozen=True, slots=True)
class Tags:
    device: str
    vital: str
    site: str


def tags_of(stream: Stream) -> Tags:
    """What the series of a stream is called. A value that a person entered has the patient's id in its device: not there."""
    manual = stream.device_id.startswith(MANUAL_PREFIX)
    device = f"{MANUAL_PREFIX}{stream.stream}" if manual else stream.device_id
    known = 0 <= stream.vital < len(VITALS)  # a row may be missing in a journal that a later Vigil wrote
    return Tags(device, VITALS[stream.vital].name if known else f"vital-{stream.vital}", stream.site or NO_SITE)


def is_copied(stream: Stream) -> bool:
    """The self-test's readings are nobody's and stay here."""
    return not is_test(stream.device_id)


def heads(streams: Sequence[Stream]) -> dict[int, str]:
    """By stream number, what a line begins with; nothing for streams that are not copied."""
    return {one.stream: _head(tags_of(one)) if is_copied(one) else "" for one in streams}


def lines(batch: ReadingBatch, known: Mapping[int, str]) -> list[str]:
    """One line a reading that is copied, in order of the batch. ``known``: the ``heads`` of its streams."""
    usable = ((batch.quality & np.uint16(GATED)) == 0).tolist()
    # Python's own numbers: an f-string of a numpy scalar takes five times as long.
    columns = (getattr(batch, name).tolist() for name in _COLUMNS)
    made = []
    for good, stream, ordinal, measured, device_time, received, value, quality, epoch, seq in zip(
        usable, *columns, strict=True
    ):
        head = known[stream]
        if head:
            number = "" if value != value else f"{'value' if good else 'gated'}={value!r},"  # a NaN has no line
            made.append(
                f"{head} {number}quality={quality}i,ordinal={ordinal}i,received_at={received}i,device_time={device_time}i,"
                f"epoch={epoch}i,seq={seq}i {measured * PLACES + ordinal % PLACES}"
            )
    return made


_COLUMNS = (
    "stream", "ordinal", "measured_at", "device_time", "received_at", "value", "quality", "epoch", "seq",
)  # fmt: skip


def _head(tags: Tags) -> str:
    return f"{MEASUREMENT},device={_escaped(tags.device)},site={_escaped(tags.site)},vital={_escaped(tags.vital)}"


def _escaped(text: str) -> str:
    """A tag's value. Control characters and a backslash at the end have no spelling in line protocol: no id of ours has them."""
    plain = re.sub(r"[\x00-\x1f\x7f]|\\+$", "_", text)
    return re.sub(r"([,= ])", r"\\\1", plain)
