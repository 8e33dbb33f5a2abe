"""What the platform tells a device to do, and what the device says back. JSON, QoS 1, never retained.

``cmd/time``    what time it is                              asked for on ``res/time``
``cmd/config``  how often to measure, limits for a decision on the device itself, confirmed on ``res/config``
``cmd/bound``   somebody wears the device from now on, or nobody does; the wearer says whether it is he on ``res/bound``
``cmd/measure`` a person wants its values now; whether it measures is said on ``res/measure``

Not retained: a device that reads an old ``cmd/time`` would set its clock back, and a retained ``cmd/config`` would outlive the
account. The platform repeats what is not confirmed instead; but not ``cmd/measure``, which is soon old.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import msgspec

#: A result is a few words; a larger one is not read.
MAX_RESULT_BYTES = 4096
#: Letters of a device's answer that are kept.
MAX_ANSWER_TEXT = 200


class Time(msgspec.Struct, frozen=True, omit_defaults=True):
    """``cmd/time``. ``server_at``: Unix seconds when this left the platform, to the millisecond; ``server_ms``: the same as whole
    milliseconds, because a float of 32 bits is wrong by a minute. ``uncertainty_s``: how long the question, or the news that the
    device is online, had waited in the platform by then. ``asked``: the device's own number from ``res/time``, so that it can
    halve the way there and back; absent when the platform spoke first."""

    server_at: float
    server_ms: int
    uncertainty_s: float
    asked: float | None = None


class TimeQuestion(msgspec.Struct, frozen=True):
    """``res/time``. ``asked``: any number, such as a count of questions; it comes back as it is."""

    asked: float


class Bounds(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value below ``low`` or above ``high`` is to be sent at once; a bound that is absent does not exist."""

    low: float | None = None
    high: float | None = None


class Config(msgspec.Struct, frozen=True):
    """``cmd/config``: the whole of the settings, by wire name. A name that is absent is measured as the device likes."""

    version: int
    interval_s: dict[str, float]
    limits: dict[str, Bounds]


class ConfigAnswer(msgspec.Struct, frozen=True):
    """``res/config``. ``accepted`` true: the device measures so from now on. ``text``: why not, for a technician."""

    version: int
    accepted: bool
    text: str = ""


class Bound(msgspec.Struct, frozen=True):
    """``cmd/bound``. ``binding``: a number for this wearer and no other, null while nobody wears the device."""

    binding: int | None


class BoundAnswer(msgspec.Struct, frozen=True):
    """``res/bound``. ``confirmed`` true: the person with the device says that it is his. ``text``: why not."""

    binding: int
    confirmed: bool
    text: str = ""


class Measure(msgspec.Struct, frozen=True):
    """``cmd/measure``: measure all that you can now, and send it as live values. ``request``: the number of this question."""

    request: int


class MeasureAnswer(msgspec.Struct, frozen=True):
    """``res/measure``. ``accepted`` true: the values follow. ``text``: why not, for a nurse."""

    request: int
    accepted: bool
    text: str = ""


def write_time(server_us: int, waited_us: int, asked: float | None) -> bytes:
    server_ms = server_us // 1000
    return msgspec.json.encode(Time(server_ms / 1000, server_ms, round(max(waited_us, 0) / 1e6, 3), asked))


def read_time_question(payload: bytes) -> TimeQuestion | None:
    """None when it is none: an empty or unreadable one is answered without ``asked``."""
    try:
        question = msgspec.json.decode(payload, type=TimeQuestion)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return question if math.isfinite(question.asked) else None


def write_config(
    version: int, interval_s: Mapping[str, float], limits: Mapping[str, tuple[float | None, float | None]]
) -> bytes:
    """``limits``: (low, high) by wire name."""
    bounds = {name: Bounds(low, high) for name, (low, high) in limits.items()}
    return msgspec.json.encode(Config(version, dict(interval_s), bounds))


def read_config(payload: bytes) -> Config | None:
    """None when it is none."""
    return _command(payload, Config)


def write_config_answer(version: int, why_not: str) -> bytes:
    """``why_not`` empty: accepted.

    >>> write_config_answer(3, "shortest interval is 10 s")
    b'{"version":3,"accepted":false,"text":"shortest interval is 10 s"}'
    """
    return msgspec.json.encode(ConfigAnswer(version, not why_not, why_not))


def read_config_answer(payload: bytes) -> ConfigAnswer | None:
    """None when it is none; the text is cut to what is kept."""
    return _answer(payload, ConfigAnswer)


def write_bound(binding: int | None) -> bytes:
    """
    >>> write_bound(12), write_bound(None)
    (b'{"binding":12}', b'{"binding":null}')
    """
    return msgspec.json.encode(Bound(binding))


def read_bound_answer(payload: bytes) -> BoundAnswer | None:
    """None when it is none; the text is cut to what is kept."""
    return _answer(payload, BoundAnswer)


def write_measure(request: int) -> bytes:
    """
    >>> write_measure(1767225600)
    b'{"request":1767225600}'
    """
    return msgspec.json.encode(Measure(request))


def read_measure(payload: bytes) -> Measure | None:
    """None when it is none."""
    return _command(payload, Measure)


def write_measure_answer(request: int, why_not: str) -> bytes:
    """``why_not`` empty: accepted."""
    return msgspec.json.encode(MeasureAnswer(request, not why_not, why_not))


def read_measure_answer(payload: bytes) -> MeasureAnswer | None:
    """None when it is none; the text is cut to what is kept."""
    return _answer(payload, MeasureAnswer)


_Command = TypeVar("_Command", Config, Measure)


def _command(payload: bytes, kind: type[_Command]) -> _Command | None:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_Answer = TypeVar("_Answer", ConfigAnswer, BoundAnswer, MeasureAnswer)


def _answer(payload: bytes, kind: type[_Answer]) -> _Answer | None:
    if len(payload) > MAX_RESULT_BYTES:
        return None
    try:
        answer = msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.structs.replace(answer, text=answer.text[:MAX_ANSWER_TEXT])
