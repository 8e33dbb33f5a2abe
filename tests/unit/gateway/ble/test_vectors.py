"""Each vector of the reference page gives what the page says."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from gateway.ble import profiles
from gateway.ble.measurement import Measurement
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import uuid
from tests.unit.gateway.ble.vectors import VECTORS, profile
from vigil.domain.errors import BadFrame


@pytest.mark.parametrize(("short", "text", "expected"), [pytest.param(*v, id=f"{v[0]:04X}: {v[1]}") for v in VECTORS])
def test_vector(short: int, text: str, expected: Measurement | None) -> None:
    frame = bytes.fromhex(text)
    if expected is not None:
        assert profile(short).decode(frame) == expected
        return
    with pytest.raises(BadFrame) as refused:
        profile(short).decode(frame)
    assert refused.value.characteristic == profile(short).name
    assert refused.value.frame == text.lower()


def test_every_profile_has_a_vector_that_decodes_and_the_table_is_keyed_by_its_uuid() -> None:
    assert {uuid(short) for short, _, expected in VECTORS if expected is not None} == set(PROFILES)
    assert all(key == one.characteristic_uuid for key, one in PROFILES.items())


def test_every_file_that_describes_a_profile_is_in_the_table() -> None:
    files = [
        importlib.import_module(f"{profiles.__name__}.{each.name}") for each in pkgutil.iter_modules(profiles.__path__)
    ]
    described = {file.PROFILE.characteristic_uuid for file in files if hasattr(file, "PROFILE")}
    assert described == set(PROFILES)


def test_the_pressure_inside_a_cuff_that_is_still_pumping_is_never_decoded() -> None:
    assert uuid(0x2A36) not in PROFILES


def test_who_confirms_what() -> None:
    confirmed = {short for short in (0x2A5E, 0x2A35, 0x2A1C, 0x2A9D) if profile(short).how == "indicate"}
    notified = {short for short in (0x2A37, 0x2A5F, 0x2A18) if profile(short).how == "notify"}
    asked = {short for short in (0x2A19, 0x2A2B) if profile(short).how == "read"}
    assert len(confirmed | notified | asked) == len(PROFILES)


def test_a_bad_frame_says_what_and_shows_the_bytes() -> None:
    with pytest.raises(BadFrame, match=r"^Battery Level: 1 bytes too many: 64 00$"):
        profile(0x2A19).decode(b"\x64\x00")
    with pytest.raises(BadFrame, match=r"^Battery Level: 1 bytes too few: no bytes$"):
        profile(0x2A19).decode(b"")
