"""What every ``RecordStore`` does with emergency grants, and with the wards of patients."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, patient
from vigil.domain.break_glass import LIFE_US, Grant, Review, Verdict
from vigil.domain.errors import InvalidInput, NotFound, VersionConflict
from vigil.store import RecordStore

Stores = Opener[RecordStore]

FIRST = Grant("g-1", "li", "p-1", "Łi fell in the corridor ☃", T0, T0 + LIFE_US)
SECOND = replace(FIRST, grant_id="g-2", person="chen", at=T0 + 9, expires_at=T0 + 9 + LIFE_US)
REVIEW = Review(Verdict.JUSTIFIED, "Łi was seen by two of us ☃", "audit", T0 + 99)


def opened(stores: Stores) -> RecordStore:
    store = stores.open()
    store.add_patient(patient("p-1"))
    for grant in (FIRST, SECOND):
        store.break_glass.put_grant(grant)
    return store


def test_grants_come_back_whole_newest_first(record_stores: Stores) -> None:
    store = opened(record_stores)
    for again in record_stores.now_and_later(store):
        assert again.break_glass.grants() == [SECOND, FIRST]
        assert again.break_glass.grants(limit=1) == [SECOND]
        assert again.break_glass.grant("g-1") == FIRST


def test_they_are_found_by_person_time_and_whether_they_run(record_stores: Stores) -> None:
    store = opened(record_stores)
    assert store.break_glass.grants(person="li") == [FIRST]
    assert store.break_glass.grants(since=T0 + 1) == [SECOND]
    assert store.break_glass.grants(since=T0) == [SECOND, FIRST]
    runs = {
        at: store.break_glass.grants(runs_at=at)
        for at in (T0 - 1, T0, T0 + LIFE_US - 1, T0 + LIFE_US, T0 + 9 + LIFE_US)
    }
    assert list(runs.values()) == [[], [FIRST], [SECOND, FIRST], [SECOND], []]


def test_a_review_is_given_once_by_another_person_and_kept(record_stores: Stores) -> None:
    store = opened(record_stores)
    with pytest.raises(InvalidInput):
        store.break_glass.review_grant("g-1", replace(REVIEW, by="li"))
    reviewed = store.break_glass.review_grant("g-1", REVIEW)
    assert reviewed == replace(FIRST, review=REVIEW)
    with pytest.raises(VersionConflict):
        store.break_glass.review_grant("g-1", replace(REVIEW, verdict=Verdict.NOT_JUSTIFIED))
    for again in record_stores.now_and_later(store):
        assert again.break_glass.grant("g-1") == reviewed
        assert again.break_glass.grants(unreviewed=True) == [SECOND]


def test_what_is_not_there(record_stores: Stores) -> None:
    store = opened(record_stores)
    with pytest.raises(NotFound):
        store.break_glass.put_grant(replace(FIRST, grant_id="g-3", patient_id="p-9"))
    with pytest.raises(NotFound):
        store.break_glass.grant("g-3")
    with pytest.raises(NotFound):
        store.break_glass.review_grant("g-3", REVIEW)
    assert store.break_glass.grants() == [SECOND, FIRST]


def test_the_wards_of_everybody_discharged_or_not(record_stores: Stores) -> None:
    store = record_stores.open()
    store.add_patient(patient("p-1", ward="north"))
    store.add_patient(patient("p-2", ward=""))
    store.add_patient(patient("self-test.up", ward="self-test"))
    store.discharge("p-1", T0)
    assert store.break_glass.patient_wards() == {"p-1": "north", "p-2": "", "self-test.up": "self-test"}
