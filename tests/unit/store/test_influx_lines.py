"""Line protocol against influxdb-client's own writer, and what must never be in it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point

from tests.conformance.stores.given import NAN, T0, readings, streams
from vigil.domain.quality import GATED, Quality
from vigil.domain.readings import NO_SEQUENCE, Stream
from vigil.domain.vitals import BY_NAME
from vigil.store.influx.lines import heads, lines, tags_of

SPO2 = Stream(0, "w-1", BY_NAME["spo2"].index, "left wrist")
HEART = Stream(1, "w-1", BY_NAME["heart_rate"].index, "")


def test_a_point_in_full() -> None:
    batch = replace(
        readings([(0, T0, 97.5, 2), (1, T0 + 1, 61.0, int(Quality.MOTION))]), ordinal=np.array([7, 1042], np.uint64)
    )
    assert lines(batch, heads([SPO2, HEART])) == [
        "reading,device=w-1,site=left\\ wrist,vital=spo2 value=97.5,quality=2i,ordinal=7i,received_at=1767225600000007i,"
        "device_time=1767225600000000i,epoch=3i,seq=0i 1767225600000000007",
        "reading,device=w-1,site=-,vital=heart_rate gated=61.0,quality=1i,ordinal=1042i,received_at=1767225600000008i,"
        "device_time=1767225600000001i,epoch=3i,seq=1i 1767225600000001042",
    ]


def test_a_reading_without_a_value_has_no_number() -> None:
    (line,) = lines(readings([(0, T0, NAN, int(Quality.NO_VALUE))]), heads([SPO2]))
    assert "value" not in line
    assert "gated" not in line
    assert "quality=2048i" in line


def test_what_a_person_entered_does_not_name_the_patient() -> None:
    entered = Stream(5, "manual.p-0412", 9, "")
    assert tags_of(entered).device == "manual.5"
    assert "p-0412" not in lines(readings([(5, T0, 80.0, 1024)]), heads([entered]))[0]


def test_the_self_test_is_not_copied() -> None:
    batch = readings([(0, T0, 94.0, 0), (1, T0, 61.0, 0)])
    assert len(lines(batch, heads([Stream(0, "self-test.up", 1, ""), HEART]))) == 1


VALUE = st.floats(allow_nan=False, allow_infinity=False)
SITE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).filter(lambda text: not text.endswith("\\"))


@settings(max_examples=200, derandomize=True)
@given(
    value=VALUE,
    quality=st.integers(0, 65535),
    ordinal=st.integers(1, 2**62),
    site=SITE,
    seq=st.integers(0, NO_SEQUENCE),
)
def test_each_line_is_what_the_client_would_write(
    value: float, quality: int, ordinal: int, site: str, seq: int
) -> None:
    batch = replace(readings([(0, T0, value, quality)], seq=seq), ordinal=np.array([ordinal], np.uint64))
    (line,) = lines(batch, heads([replace(SPO2, site=site)]))
    fields: dict[str, Any] = {
        ("gated" if quality & GATED else "value"): value,
        "quality": quality,
        "ordinal": ordinal,
        "received_at": T0 + 7,
        "device_time": T0,
        "epoch": 3,
        "seq": seq,
    }
    point = Point("reading").tag("device", "w-1").tag("vital", "spo2").tag("site", site or "-")
    for name, number in fields.items():
        point.field(name, number)
    assert parsed(line) == parsed(point.time(T0 * 1000 + ordinal % 1000).to_line_protocol())


def parsed(line: str) -> tuple[str, dict[str, float], int]:
    """Field order and the way a number is spelled do not matter."""
    rest, _, at = line.rpartition(" ")
    head, _, pairs = rest.rpartition(" ")
    return head, {name: number(text) for name, text in (pair.split("=") for pair in pairs.split(","))}, int(at)


def number(text: str) -> float:
    return int(text[:-1]) if text.endswith("i") else float(text)


@settings(max_examples=100, derandomize=True)
@given(first=st.integers(1, 2**40), size=st.integers(1, 999))
def test_values_of_one_microsecond_do_not_overwrite_one_another(first: int, size: int) -> None:
    batch = readings([(0, T0, 97.0, 0)] * size)
    numbered = replace(batch, ordinal=np.arange(first, first + size, dtype=np.uint64))
    times = [int(line.rpartition(" ")[2]) for line in lines(numbered, heads([SPO2]))]
    assert len(set(times)) == size
    assert {at // 1000 for at in times} == {T0}


@pytest.mark.parametrize("site", ["a\nb", "a\\", "\x00"])
def test_a_site_that_line_protocol_cannot_spell_breaks_no_line(site: str) -> None:
    (line,) = lines(readings([(0, T0, 97.0, 0)]), heads([replace(SPO2, site=site)]))
    assert "\n" not in line
    assert line.count(" ") == 2
    assert math.isclose(parsed(line)[1]["value"], 97.0)


def test_a_vital_of_a_later_version_has_a_name() -> None:
    assert tags_of(streams(300)[299]).vital == "vital-299"
