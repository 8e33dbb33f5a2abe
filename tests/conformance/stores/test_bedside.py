"""What every ``RecordStore`` does with notes, contacts and planned pauses of patients."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, alert, opened, patient
from vigil.domain.contacts import Contacts, ContactsVersion
from vigil.domain.errors import InvalidInput, NotFound, VersionConflict
from vigil.domain.notes import SAME_TAP, Note, NoteKind
from vigil.domain.pauses import Pause
from vigil.domain.times import HOUR, MINUTE
from vigil.store import RecordStore

Stores = Opener[RecordStore]

NOTE = Note("p-1", NoteKind.NOTE, "Łi slept badly ☃", "li", T0)
CALLED = Note("p-1", NoteKind.CALLED, "", "chen", T0 + 1, "a-1")
CONTACTS = Contacts(
    "+49 30 1", "Hinterhof 3, Łódź", "Łi Na", "daughter", "+49 30 2", "ward level", "Dr Wang", date(2026, 1, 1)
)
FIRST = ContactsVersion("p-1", CONTACTS, "li", T0)
BATH = Pause("p-1", T0, T0 + HOUR, "Łi takes a bath", "li")
#: Marks that must be in no file in clear.
SECRETS = [text.encode() for text in (NOTE.text, CONTACTS.address, CONTACTS.kin_phone, BATH.reason)]


def watched(stores: Stores) -> RecordStore:
    """Two patients; the first has an alert."""
    store = stores.open()
    for one in ("p-1", "p-2"):
        store.add_patient(patient(one))
    store.record(opened(alert("a-1")))
    return store


def filled(stores: Stores) -> RecordStore:
    store = watched(stores)
    for note in (NOTE, CALLED, replace(NOTE, patient_id="p-2")):
        store.notes.add(note)
    for whose in ("p-1", "p-2"):
        store.contacts.put(replace(FIRST, patient_id=whose), 0)
        store.pauses.add(replace(BATH, patient_id=whose))
    return store


def test_notes_come_back_newest_first(record_stores: Stores) -> None:
    store = watched(record_stores)
    first, second = store.notes.add(NOTE), store.notes.add(CALLED)
    assert (first, second) == (replace(NOTE, note_id=first.note_id), replace(CALLED, note_id=second.note_id))
    for again in record_stores.now_and_later(store):
        assert again.notes.of_patient("p-1") == [second, first]
        assert again.notes.of_patient("p-1", limit=1) == [second]
        assert again.notes.of_patient("p-1", alert_id="a-1") == [second]
        assert again.notes.of_patient("p-1", since=T0 + 1) == [second]
        assert again.notes.of_patient("p-2") == []


def test_a_second_tap_is_no_second_note(record_stores: Stores) -> None:
    store = watched(record_stores)
    first = store.notes.add(CALLED)
    assert store.notes.add(replace(CALLED, at=T0 + SAME_TAP)) == first
    others = [replace(CALLED, at=T0 + 1 + SAME_TAP), replace(CALLED, author="li"), replace(CALLED, text="again")]
    numbers = {store.notes.add(one).note_id for one in others}
    assert len(numbers | {first.note_id}) == 4


def test_a_struck_note_is_kept_with_its_words(record_stores: Stores) -> None:
    store = watched(record_stores)
    number = store.notes.add(NOTE).note_id
    with pytest.raises(InvalidInput, match="only who wrote"):
        store.notes.strike("p-1", number, "chen", T0 + 5)
    struck = store.notes.strike("p-1", number, "li", T0 + 5)
    assert (struck.text, struck.struck_by, struck.struck_at) == (NOTE.text, "li", T0 + 5)
    assert store.notes.strike("p-1", number, "li", T0 + 9) == struck
    written_again = store.notes.add(NOTE)
    assert written_again.note_id != number
    for again in record_stores.now_and_later(store):
        assert again.notes.of_patient("p-1") == [written_again, struck]


def test_a_note_is_about_a_patient_who_is_there_and_an_alert_of_his(record_stores: Stores) -> None:
    store = watched(record_stores)
    number = store.notes.add(NOTE).note_id
    wrong = [replace(NOTE, patient_id="p-9"), replace(CALLED, alert_id="a-9"), replace(CALLED, patient_id="p-2")]
    for one in wrong:
        with pytest.raises(NotFound):
            store.notes.add(one)
    for whose, note_id in (("p-2", number), ("p-1", number + 1), ("p-9", number)):
        with pytest.raises(NotFound):
            store.notes.strike(whose, note_id, "li", T0)
    with pytest.raises(InvalidInput):
        store.notes.add(replace(NOTE, text=" "))


def test_contacts_have_versions_and_the_newest_holds(record_stores: Stores) -> None:
    store = watched(record_stores)
    assert store.contacts.of_patient("p-1") == []
    first = store.contacts.put(FIRST, 0)
    second = store.contacts.put(ContactsVersion("p-1", Contacts(phone="+49 30 9"), "chen", T0 + 1), 1)
    assert (first, second.number) == (replace(FIRST, number=1), 2)
    with pytest.raises(VersionConflict):
        store.contacts.put(FIRST, 1)
    with pytest.raises(NotFound):
        store.contacts.of_patient("p-9")
    with pytest.raises(NotFound):
        store.contacts.put(replace(FIRST, patient_id="p-9"), 0)
    for again in record_stores.now_and_later(store):
        assert again.contacts.of_patient("p-1") == [second, first]
        assert again.contacts.of_patient("p-2") == []


def test_one_pause_runs_at_a_time_and_moves_the_revision(record_stores: Stores) -> None:
    store = watched(record_stores)
    before = store.revision()
    first = store.pauses.add(BATH)
    assert first == replace(BATH, pause_id=first.pause_id)
    assert store.revision() > before
    with pytest.raises(VersionConflict):
        store.pauses.add(replace(BATH, start_at=T0 + HOUR - 1, end_at=T0 + 2 * HOUR))
    second = store.pauses.add(replace(BATH, start_at=T0 + HOUR, end_at=T0 + 2 * HOUR))
    other = store.pauses.add(replace(BATH, patient_id="p-2"))
    for again in record_stores.now_and_later(store):
        assert again.pauses.of_patient("p-1") == [second, first]
        assert again.newest_pauses() == [replace(second, reason=""), replace(other, reason="")]


def test_a_pause_is_ended_early_once_and_another_may_follow(record_stores: Stores) -> None:
    store = watched(record_stores)
    number = store.pauses.add(BATH).pause_id
    before = store.revision()
    ended = store.pauses.end("p-1", number, "chen", T0 + MINUTE)
    assert (ended.over_at, ended.ended_by, ended.reason) == (T0 + MINUTE, "chen", BATH.reason)
    moved = store.revision()
    assert moved > before
    assert store.pauses.end("p-1", number, "li", T0 + 2 * MINUTE) == ended
    assert store.revision() == moved
    with pytest.raises(NotFound):
        store.pauses.end("p-2", number, "li", T0)
    next_one = store.pauses.add(replace(BATH, start_at=T0 + MINUTE, end_at=T0 + HOUR))
    for again in record_stores.now_and_later(store):
        assert again.pauses.of_patient("p-1") == [next_one, ended]


def test_a_pause_that_is_over_stays_as_it_was(record_stores: Stores) -> None:
    store = watched(record_stores)
    kept = store.pauses.add(BATH)
    assert store.pauses.end("p-1", kept.pause_id, "li", T0 + HOUR) == kept


def test_who_is_not_watched_is_not_paused(record_stores: Stores) -> None:
    store = watched(record_stores)
    store.discharge("p-1", T0)
    with pytest.raises(InvalidInput, match="discharged"):
        store.pauses.add(BATH)
    for wrong in (replace(BATH, patient_id="p-2", reason=" "), replace(BATH, patient_id="p-2", end_at=T0)):
        with pytest.raises(InvalidInput):
            store.pauses.add(wrong)
    with pytest.raises(NotFound):
        store.pauses.add(replace(BATH, patient_id="p-9"))
    assert store.newest_pauses() == []


def test_nothing_that_was_typed_stands_in_the_files_in_clear(record_stores: Stores) -> None:
    filled(record_stores)
    record_stores.close()
    files = record_stores.files()
    assert files
    found = [(path.name, secret) for path, held in files.items() for secret in SECRETS if secret in held]
    assert found == []


def test_an_erasure_takes_them_and_nobody_elses(record_stores: Stores) -> None:
    store = filled(record_stores)
    kept = (store.notes.of_patient("p-2"), store.contacts.of_patient("p-2"), store.pauses.of_patient("p-2"))
    store.discharge("p-1", T0 + 100)
    store.erasures.erase("p-1", "admin", T0 + 200)
    for again in record_stores.now_and_later(store):
        for ask in (again.notes.of_patient, again.contacts.of_patient, again.pauses.of_patient):
            with pytest.raises(NotFound):
                ask("p-1")
        assert (
            again.notes.of_patient("p-2"),
            again.contacts.of_patient("p-2"),
            again.pauses.of_patient("p-2"),
        ) == kept
        assert [(one.patient_id, one.by, one.reason) for one in again.newest_pauses()] == [
            ("p-1", "li", ""),
            ("p-2", "li", ""),
        ]
