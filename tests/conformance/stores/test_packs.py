"""What every ``ReadingStore`` does with packs and dead letters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, commit, dead_letter, readings, streams
from vigil.domain.errors import RefusalReason
from vigil.store import DEAD, STORED, DeadLetter, PackRow, ReadingStore

Stores = Opener[ReadingStore]
EACH = settings(max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
U32 = st.integers(0, 2**32 - 2)


def listed(store: ReadingStore) -> list[tuple[str, int, list[int]]]:
    return [(device, epoch, seqs.tolist()) for device, epoch, seqs in store.packs()]


def test_packs_are_grouped_by_device_and_epoch_with_sorted_seqs(reading_stores: Stores) -> None:
    store = reading_stores.open()
    assert listed(store) == []
    store.commit(commit(packs=[PackRow("w-2", 1, 5, STORED, 1), PackRow("w-1", 9, 2, DEAD, 2)]))
    store.commit(commit(packs=[PackRow("w-2", 1, 3, STORED, 3), PackRow("w-2", 0, 4_294_967_294, STORED, 4)]))
    expected = [("w-1", 9, [2]), ("w-2", 0, [4_294_967_294]), ("w-2", 1, [3, 5])]
    assert listed(store) == expected
    again = reading_stores.reopen()
    assert listed(again) == expected
    assert next(again.packs())[2].dtype == np.uint32


def test_digests_tell_a_resend_from_a_conflict(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(packs=[PackRow("w-1", 1, 0, STORED, 2**64 - 1), PackRow("w-1", 1, 1, DEAD, 0)]))
    assert store.pack_digest("w-1", 1, 0) == 2**64 - 1
    assert store.pack_digest("w-1", 1, 1) == 0
    assert store.pack_digest("w-1", 2, 0) is None
    assert store.pack_digest("w-2", 1, 0) is None


@EACH
@given(
    packs=st.lists(
        st.tuples(st.sampled_from(["w-1", "w-10", "w-2", "A"]), st.sampled_from([0, 1, 2**32 - 2]), U32), unique=True
    ),
    cuts=st.integers(1, 5),
)
def test_any_packs_in_any_commits_come_back(
    reading_stores: Stores, packs: list[tuple[str, int, int]], cuts: int
) -> None:
    store = reading_stores.fresh()
    for cut in range(cuts):
        store.commit(commit(packs=[PackRow(*pack, STORED, 1) for pack in packs[cut::cuts]]))
    keys = sorted({pack[:2] for pack in packs})
    assert listed(store) == [(*key, sorted(seq for *other, seq in packs if tuple(other) == key)) for key in keys]


def test_dead_letters_are_paged_newest_first(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(dead=[dead_letter("malformed"), dead_letter("too_large", "w-2")]))
    store = reading_stores.reopen()
    store.commit(commit(readings([(0, T0, 1.0, 0)]), streams(1), dead=[dead_letter("malformed", "w-2")]))
    everything = store.dead_letters(10, None, None, None)
    assert [letter.dead_id for letter in everything] == [3, 2, 1]
    assert [letter.dead_id for letter in store.dead_letters(2, None, None, None)] == [3, 2]
    assert [letter.dead_id for letter in store.dead_letters(2, 2, None, None)] == [1]
    assert [letter.dead_id for letter in store.dead_letters(9, None, "w-2", None)] == [3, 2]
    assert [letter.dead_id for letter in store.dead_letters(9, None, "w-2", "malformed")] == [3]
    assert store.dead_letters(9, 1, None, None) == []


def test_a_dead_letter_is_kept_byte_for_byte_with_its_refused_values(reading_stores: Stores) -> None:
    store = reading_stores.open()
    values = (
        {"name": "hr", "reason": "not_finite", "detail": "NaN"},
        {"name": "x\ufffd", "reason": "unknown_name", "detail": ""},
    )
    given_letter = DeadLetter(
        T0, "rpm/ä/#", "", RefusalReason.NOT_FINITE, "quote ' and \0", bytes(range(256)) * 256, values
    )
    store.commit(commit(dead=[given_letter]))
    (kept,) = store.dead_letters(1, None, None, "not_finite")
    assert kept == DeadLetter(T0, "rpm/ä/#", "", "not_finite", "quote ' and \0", bytes(range(256)) * 256, values, 1)


# Half a surrogate pair ("\ud800" in a JSON string) cannot be written as UTF-8: it must not cost the batch.
@EACH
@given(text=st.text(st.characters(), max_size=20), payload=st.binary(max_size=50))
def test_no_text_that_a_sender_can_make_stops_a_commit(reading_stores: Stores, text: str, payload: bytes) -> None:
    store = reading_stores.fresh()
    values = ({"name": text, "reason": "unknown_name", "detail": text},)
    store.commit(commit(dead=[DeadLetter(T0, text, text, "malformed", text, payload, values)]))
    (kept,) = store.dead_letters(1, None, None, None)
    assert (kept.payload, kept.values) == (payload, values)
    assert kept.detail == text.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("wrong", [PackRow("w-1", -1, 0, STORED, 0), PackRow("w-1", 0, 0, STORED, 2**64)])
def test_a_commit_that_fails_leaves_nothing_and_the_next_one_works(reading_stores: Stores, wrong: PackRow) -> None:
    store = reading_stores.open()
    bad = commit(readings([(0, T0, 1.0, 0)]), streams(1), [wrong], [dead_letter()])
    with pytest.raises(OverflowError):
        store.commit(bad)
    assert (store.head(), store.streams(), listed(store), store.dead_letters(9, None, None, None)) == (0, [], [], [])
    stored = store.commit(commit(readings([(0, T0, 2.0, 0)]), streams(1), dead=[dead_letter()]))
    assert (stored.ordinal.tolist(), store.latest().value[0]) == ([1], 2.0)
    assert store.dead_letters(9, None, None, None)[0].dead_id == 1
