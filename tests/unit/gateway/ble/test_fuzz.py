"""Whatever a peripheral sends, a decoder answers with a measurement that can be sent on, or with a ``BadFrame``."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ble.measurement import Measurement
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import Profile
from tests.unit.gateway.ble.layouts import LAYOUTS, shaped
from tests.unit.gateway.ble.vectors import VECTORS, profile
from vigil.domain.errors import BadFrame
from vigil.domain.quality import DEVICE_BITS
from vigil.domain.vitals import BY_WIRE

#: Random frames a profile (ours). The longest layout, a strap's beat intervals apart, has 25 bytes.
RANDOM_FRAMES = 3000
LONGEST = 26
SHAPED_FRAMES = 512  # a profile (ours): each flags byte twice

#: Lengths at which a cut vector is a frame of its own.
FEWER_INTERVALS = {"10 5A 00 08 00 10": [4], "1F 01 01 32 01 01 00 02 01 FF FF": [7, 9]}


def accepted(one: Profile, frame: bytes) -> bool:
    """False: refused, with the bytes to look at. Anything else that is raised fails the test."""
    answer = answered(one, frame)
    if isinstance(answer, BadFrame):
        assert (answer.characteristic, answer.frame) == (one.name, frame.hex(" "))
        return False
    check(answer)
    return True


def answered(one: Profile, frame: bytes) -> Measurement | BadFrame:
    try:
        return one.decode(frame)
    except BadFrame as error:
        return error


def check(found: Measurement) -> None:
    for one in found.values:
        assert one.name in BY_WIRE
        assert one.value is None or math.isfinite(one.value)
        assert one.quality & DEVICE_BITS == one.quality
        assert one.site is None or 0 < len(one.site) <= 32
    assert len({(one.name, one.site) for one in found.values}) == len(found.values)
    assert found.note or found.values == () or all(one.value is not None for one in found.values)
    assert found.note or found.values or found.device_time is not None
    assert found.device_time is None or (found.clock_set and str(found.device_time))
    assert found.user is None or (0 <= found.user < 255 and not found.user_unknown)


@pytest.mark.parametrize("one", PROFILES.values(), ids=lambda one: one.name)
def test_random_frames(one: Profile) -> None:
    """The lengths are random; the first byte, the flags, takes all its values."""
    random = np.random.default_rng(20260101)
    refused = 0
    for number in range(RANDOM_FRAMES):
        body = random.bytes(int(random.integers(0, LONGEST)))
        refused += not accepted(one, bytes([number % 256]) + body)
    assert refused > RANDOM_FRAMES // 2


@pytest.mark.parametrize("short", LAYOUTS, ids=lambda short: profile(short).name)
def test_random_values_in_frames_of_the_right_shape(short: int) -> None:
    """All flags are gone through. The frame is accepted, whatever its numbers; one byte less or more is refused."""
    random = np.random.default_rng(20260102)
    for number in range(SHAPED_FRAMES):
        frame = shaped(short, number % 256, random)
        assert accepted(profile(short), frame), frame.hex(" ")
        assert not accepted(profile(short), frame[:-1])
        assert not accepted(profile(short), frame + b"\x00")


@settings(max_examples=200, derandomize=True)
@given(st.sampled_from(sorted(PROFILES)), st.binary(max_size=64))
def test_any_bytes(key: str, frame: bytes) -> None:
    accepted(PROFILES[key], frame)


@settings(max_examples=300, derandomize=True)
@given(st.sampled_from(VECTORS), st.data())
def test_vectors_with_bytes_changed(vector: tuple[int, str, object], data: st.DataObject) -> None:
    frame = bytearray.fromhex(vector[1])
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    accepted(profile(vector[0]), bytes(frame))


def test_every_flipped_bit_of_every_vector() -> None:
    for short, text, _ in VECTORS:
        frame = bytes.fromhex(text)
        for bit in range(len(frame) * 8):
            flipped = int.from_bytes(frame, "little") ^ 1 << bit
            accepted(profile(short), flipped.to_bytes(len(frame), "little"))


def test_every_vector_cut_short_and_with_bytes_behind_it() -> None:
    """A cut frame is refused. The one exception: beat intervals have no count, so a strap may have sent fewer."""
    for short, text, expected in VECTORS:
        frame = bytes.fromhex(text)
        if expected is None:
            continue
        kept = [size for size in range(len(frame)) if accepted(profile(short), frame[:size])]
        assert kept == FEWER_INTERVALS.get(text, [])
        assert not accepted(profile(short), frame + b"\x00")
