"""The chain of the audit log: what was written follows, and nothing else does."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.audit import FIELDS, ROOT, Entry, Step, Values, chained, values_of, verify, written

Row = tuple[int, Values, bytes]

ENTRY = Entry(
    5, Step.ANSWERED, "a-1", "Łi Na", "nurse", "::1", "GET", "/x/{patient_id}", {"patient_id": "p-1"}, "p-1", "", 200
)


def chain(size: int) -> list[Row]:
    rows, before = [], ROOT
    for number in range(1, size + 1):
        values = values_of(replace(ENTRY, at=number, status=200 + number))
        before = chained(before, number, values)
        rows.append((number, values, before))
    return rows


def places(rows: list[Row], **more: int) -> list[int]:
    return [fault.number for fault in verify(rows, **more).faults]  # type: ignore[arg-type]


def test_what_was_written_is_unbroken_and_its_head_is_the_last_hash() -> None:
    rows = chain(5)
    found = verify(rows, given=5)
    assert (found.count, found.last, found.head, found.faults) == (5, 5, rows[-1][2].hex(), ())
    assert verify([]).head == "00" * 32


def test_the_fields_are_all_in_the_canonical_form() -> None:
    assert tuple(one.name for one in fields(Entry)) == FIELDS
    assert len(values_of(ENTRY)) == len(FIELDS)
    assert written({"b": "2", "a": "1"}) == written({"a": "1", "b": "2"}) == '{"a":"1","b":"2"}'


def test_the_canonical_form_is_what_it_was() -> None:
    """Another hash here makes every log that was ever written look broken."""
    assert (
        chained(ROOT, 1, values_of(ENTRY)).hex() == "8699406ca029157f8399d78781cf402be4baeae0ddc3b5bb1d25bc1df8b97376"
    )


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_changed_field_is_found_where_it_is_and_only_there(name: str, place: int) -> None:
    rows = chain(7)
    number, values, stored = rows[place]
    changed = list(values)
    at = FIELDS.index(name)
    old = changed[at]
    changed[at] = old + 1 if isinstance(old, int) else f"{old} "
    rows[place] = (number, tuple(changed), stored)
    assert places(rows) == [number]


@given(place=st.integers(0, 9), byte=st.integers(0, 31), bit=st.integers(0, 7))
def test_one_changed_bit_of_a_hash_is_found(place: int, byte: int, bit: int) -> None:
    rows = chain(10)
    number, values, stored = rows[place]
    damaged = bytearray(stored)
    damaged[byte] ^= 1 << bit
    rows[place] = (number, values, bytes(damaged))
    assert places(rows) == [number, number + 1][: 10 - place]


@given(first=st.integers(1, 10), more=st.integers(0, 3))
def test_removed_entries_are_found_at_the_end_too(first: int, more: int) -> None:
    last = min(first + more, 10)
    rows = [row for row in chain(10) if not first <= row[0] <= last]
    assert places(rows, given=10) == [first]
    said = verify(rows, given=10).faults[0].words
    assert said == (f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing")


@given(place=st.integers(0, 9))
def test_an_entry_that_was_put_in_is_found_where_it_is(place: int) -> None:
    rows = chain(10)
    forged = (place + 1, values_of(replace(ENTRY, who="nobody")), rows[place][2])
    later = [(number + 1, values, stored) for number, values, stored in rows[place:]]
    assert places([*rows[:place], forged, *later])[0] == place + 1


@given(pair=st.lists(st.integers(0, 9), min_size=2, max_size=2, unique=True), hashes=st.booleans())
def test_two_exchanged_entries_are_both_found(pair: list[int], hashes: bool) -> None:
    rows = chain(10)
    left, right = sorted(pair)
    for here, there in ((left, right), (right, left)):
        _, values, stored = chain(10)[there]
        rows[here] = (here + 1, values, stored if hashes else rows[here][2])
    assert {left + 1, right + 1} <= set(places(rows))


def test_a_log_that_was_made_anew_is_found_only_by_a_head_that_was_noted() -> None:
    noted = chain(5)[-1][2].hex()
    anew, before = [], ROOT
    for number, values, _ in chain(5):
        told = values if number != 2 else values_of(replace(ENTRY, who="another"))
        before = chained(before, number, told)
        anew.append((number, told, before))
    assert verify(anew).faults == ()
    assert "expected hash" in verify(anew, expect=noted).faults[0].words


@pytest.mark.parametrize("size", [5, 6, 20])
def test_an_earlier_head_is_found_in_a_log_that_grew(size: int) -> None:
    noted = chain(5)[-1][2].hex()
    found = verify(chain(size), expect=noted.upper())
    assert (found.faults, found.found_at) == ((), 5)


def test_a_cut_end_is_found_by_a_head_that_was_noted_even_if_nothing_counts_the_entries() -> None:
    noted = chain(5)[-1][2].hex()
    assert verify(chain(4)).faults == ()
    assert verify(chain(4), expect=noted).faults[0].number == 4


def test_the_end_alone_can_be_followed() -> None:
    rows = chain(10)
    assert verify(rows[6:], start=(6, rows[5][2])).faults == ()
    assert places(rows[6:], start=(6, ROOT)) == [7]  # type: ignore[arg-type]


def test_what_a_database_gives_instead_of_text_is_a_finding() -> None:
    number, values, stored = chain(1)[0]
    for odd in (None, b"\xff", 1.5, "\udcff"):
        assert places([(number, (odd, *values[1:]), stored)]) == [1]


@given(st.text(), st.text())
def test_fields_cannot_run_into_one_another(left: str, right: str) -> None:
    hashes = {
        chained(ROOT, 1, values_of(replace(ENTRY, who=who, role=role)))
        for who, role in ((left, right), (left + right, ""), ("", left + right))
    }
    told = {(left, right), (left + right, ""), ("", left + right)}
    assert len(hashes) == len(told)
