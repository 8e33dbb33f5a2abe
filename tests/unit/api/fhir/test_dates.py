"""Dates of every precision and zone, compared as ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.fhir.dates import PREFIXES, date_range, date_test, full_time
from vigil.domain.times import DAY, from_iso, to_iso


def at(text: str) -> int:
    return from_iso(text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2026-01-01T08:30", "2026-01-01T08:30:00Z", "2026-01-01T08:31:00Z"),
        ("2026-01-01T08:30Z", "2026-01-01T08:30:00Z", "2026-01-01T08:31:00Z"),
        ("2026-01-01T08:30:15+05:45", "2026-01-01T02:45:15Z", "2026-01-01T02:45:16Z"),
        ("2026-01-01T08:30:15 05:45", "2026-01-01T02:45:15Z", "2026-01-01T02:45:16Z"),
        ("2026-01-01T08:30:15.25-09:30", "2026-01-01T18:00:15.250Z", "2026-01-01T18:00:15.260Z"),
        ("2026-01-01T08:30:15.123Z", "2026-01-01T08:30:15.123Z", "2026-01-01T08:30:15.124Z"),
        ("2026-01-01T08:30:15.123456789Z", "2026-01-01T08:30:15.123456Z", "2026-01-01T08:30:15.123457Z"),
    ],
)
def test_a_date_is_a_range_of_its_precision(text: str, low: str, high: str) -> None:
    assert date_range(text) == (at(low), at(high))


def test_the_last_year_ends_where_years_end() -> None:
    assert date_range("9999-12")[1] == date_range("9999")[1] == at("9999-12-31T00:00:00Z") + DAY


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-13", "2026-02-29", "2026-1-1", "2026-01-01T24:00:00Z", "2026-01-01T08", "yesterday", "0000", "٢٠٢٦",
     "2026-01-01T08:30:00+99:00", "2026-01-01 08:30", "2026-01-01T08:30:60Z"],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        date_range(text)


def test_prefixes_compare_ranges() -> None:
    inside, before, after = at("2026-01-15T12:00:00Z"), at("2025-12-31T23:59:59Z"), at("2026-02-01T00:00:00Z")
    want = {
        "eq": (False, True, False),
        "ne": (True, False, True),
        "gt": (False, False, True),
        "sa": (False, False, True),
        "lt": (True, False, False),
        "eb": (True, False, False),
        "ge": (False, True, True),
        "le": (True, True, False),
        "ap": (True, True, True),
    }
    assert set(want) == set(PREFIXES)
    for prefix, holds in want.items():
        test = date_test(f"{prefix}2026-01", at("2026-02-20T00:00:00Z"))
        assert tuple(test.holds(one) for one in (before, inside, after)) == holds, prefix
    assert not date_test("ap2026-01-01", at("2026-01-11T00:00:00Z")).holds(at("2026-01-03T01:00:00Z"))


@given(
    st.sampled_from(PREFIXES),
    st.sampled_from(["2026", "2026-01", "2026-01-05", "2026-01-05T10:00", "2026-01-05T10:00:30.5Z"]),
    st.integers(at("2025-06-01T00:00:00Z"), at("2027-06-01T00:00:00Z")),
)
def test_bounds_leave_nothing_out(prefix: str, text: str, moment: int) -> None:
    test = date_test(prefix + text, at("2026-01-06T00:00:00Z"))
    start, end = test.bounds
    assert not test.holds(moment) or start <= moment < end


@given(st.integers(at("2015-01-01T00:00:00Z"), at("2200-01-01T00:00:00Z")))
def test_a_time_that_was_sent_finds_itself(moment: int) -> None:
    assert date_test(to_iso(moment), 0).holds(moment - moment % 1000)


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01", "2026-01-01T08:30Z", "2026-01-01T08:30:00", "x"])
def test_a_measurement_needs_seconds_and_a_zone(text: str) -> None:
    with pytest.raises(ValueError, match=r"precise|dateTime"):
        full_time(text)
    assert full_time("2026-01-01T08:30:00+01:00") == at("2026-01-01T07:30:00Z")
