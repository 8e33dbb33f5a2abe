"""What every ``RecordStore`` does with questions whose a value is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, patient
from vigil.domain.errors import NotFound, VersionConflict
from vigil.domain.people import Device
from vigil.domain.whose import Answer, Weight, WhoseQuestion
from vigil.store import RecordStore

Stores = Opener[RecordStore]

ASKED = WhoseQuestion("s-1", "p-1", Weight(T0, 83.4), T0 + 7, Weight(T0 - 5, 61.2), T0 + 9)
PARTNERS = Answer("p-2", "Łi says so ☃", "Łi Na", T0 + 99)


def opened(stores: Stores) -> RecordStore:
    store = stores.open()
    for patient_id in ("p-1", "p-2"):
        store.add_patient(patient(patient_id))
    store.put_device(Device("s-1", "scale"))
    return store


def test_a_question_comes_back_whole_until_it_is_answered(record_stores: Stores) -> None:
    store = opened(record_stores)
    other = replace(ASKED, weight=Weight(T0 + 1, 83.5))
    store.ask_whose([ASKED, other])
    for again in record_stores.now_and_later(store):
        first, second = again.open_questions()
        assert (first, second) == (
            replace(ASKED, question_id=first.question_id),
            replace(other, question_id=second.question_id),
        )
        assert [again.question(one.question_id) for one in (first, second)] == [first, second]
        assert again.open_questions(1) == [first]


def test_the_same_question_again_is_the_same_question_also_when_it_is_answered(record_stores: Stores) -> None:
    """A message that comes again may have another time of receipt, and by that another measured time."""
    store = opened(record_stores)
    store.ask_whose([ASKED, ASKED])
    (found,) = store.open_questions()
    store.answer_whose(found.question_id, PARTNERS)
    store.ask_whose([replace(ASKED, weight=Weight(T0 + 500, 83.4), asked_at=T0 + 600)])
    assert store.open_questions() == []


@pytest.mark.parametrize("answer", [PARTNERS, replace(PARTNERS, patient_id=None)])
def test_an_answer_is_given_once_and_kept(record_stores: Stores, answer: Answer) -> None:
    store = opened(record_stores)
    store.ask_whose([ASKED])
    number = store.open_questions()[0].question_id
    answered = store.answer_whose(number, answer)
    assert answered == replace(ASKED, question_id=number, answer=answer)
    with pytest.raises(VersionConflict):
        store.answer_whose(number, replace(answer, patient_id="p-1"))
    for again in record_stores.now_and_later(store):
        assert again.question(number) == answered
        assert again.open_questions() == []


def test_what_is_not_there(record_stores: Stores) -> None:
    store = opened(record_stores)
    store.ask_whose([ASKED])
    (found,) = store.open_questions()
    with pytest.raises(NotFound):
        store.question(99)
    for number, patient_id in ((99, "p-2"), (99, None), (found.question_id, "p-9")):
        with pytest.raises(NotFound):
            store.answer_whose(number, replace(PARTNERS, patient_id=patient_id))
    assert store.open_questions() == [found]
