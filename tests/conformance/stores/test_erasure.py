"""Erasing a person: afterwards there is no such patient, and everything else is as it was."""

from __future__ import annotations

from datetime import date

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, alert, follows, opened, patient
from vigil.domain.alerts import Step
from vigil.domain.audit import Entry, Question
from vigil.domain.audit import Step as AuditStep
from vigil.domain.erasure import Erasure
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.feedback import Feedback, Verdict
from vigil.domain.people import Device
from vigil.store import RecordStore


def over(store: RecordStore, patient_id: str = "p-1") -> None:
    """A stay that has ended, with a device and an alert that people wrote about."""
    store.add_patient(patient(patient_id, family="Marked"))
    store.put_device(Device("w-1", "patch"))
    store.bind("w-1", patient_id, T0)
    first = alert("a-1", patient_id=patient_id)
    store.record(opened(first))
    acted = follows(first, Step.ACKNOWLEDGED, "command:c-1", acknowledged_by="nurse-1", note="rang Marked")
    store.record(acted)
    store.add_feedback(Feedback("a-1", "nurse-1", Verdict.USEFUL, "Marked was ill", T0))
    store.discharge(patient_id, T0 + 100)


def test_an_erased_person_is_no_patient_any_more(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    over(store)
    store.add_patient(patient("p-2"))
    before = store.revision()
    assert store.erasures.erase("p-1", "admin", T0 + 200) == Erasure("p-1", T0 + 200, "admin")
    assert store.revision() > before
    for opened_store in record_stores.now_and_later(store):
        assert [one.patient_id for one in opened_store.patients(include_discharged=True)] == ["p-2"]
        with pytest.raises(NotFound):
            opened_store.patient("p-1")
        assert opened_store.erasures.erased() == [Erasure("p-1", T0 + 200, "admin")]


def test_what_was_measured_and_done_stays_under_the_id(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    over(store)
    store.append_audit([Entry(T0, AuditStep.ANSWERED, "r", "Li", "nurse", "", "GET", "/p", {"patient_id": "p-1"})])
    store.erasures.erase("p-1", "admin", T0 + 200)
    assert [(one.device_id, one.patient_id, one.end) for one in store.bindings()] == [("w-1", "p-1", T0 + 100)]
    (kept,) = store.alerts(patient_id="p-1")
    assert (kept.rule, kept.acknowledged_by, kept.evidence) == ("limit.spo2.low", "nurse-1", alert().evidence)
    assert [(one.step, one.actor) for one in store.transitions(alert_id="a-1")] == [
        (Step.OPENED, "engine"),
        (Step.ACKNOWLEDGED, "nurse-1"),
    ]
    assert [one.verdict for one in store.feedback("a-1")] == [Verdict.USEFUL]
    assert [one.entry.who for one in store.audit(Question(patient_id="p-1"))] == ["Li"]


def test_what_people_wrote_goes(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    over(store)
    store.erasures.erase("p-1", "admin", T0 + 200)
    (kept,) = store.alerts(patient_id="p-1")
    lines = store.transitions(alert_id="a-1")
    assert (kept.note, kept.snooze_reason) == ("", "")
    assert [(one.note, one.after.note) for one in lines] == [("", ""), ("", "")]
    assert [one.note for one in store.feedback("a-1")] == [""]


def test_nobody_else_loses_a_word(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    over(store)
    store.add_patient(patient("p-2", family="Other", born=date(1960, 1, 1)))
    other = alert("a-2", patient_id="p-2")
    store.record(opened(other))
    store.record(follows(other, Step.ACKNOWLEDGED, "command:c-2", note="rang Other"))
    store.add_feedback(Feedback("a-2", "nurse-1", Verdict.USEFUL, "Other was ill", T0))
    store.erasures.erase("p-1", "admin", T0 + 200)
    assert store.patient("p-2") == patient("p-2", family="Other", born=date(1960, 1, 1))
    assert store.alert("a-2").note == "rang Other"
    assert [one.note for one in store.transitions(alert_id="a-2")] == ["", "seen"]
    assert [one.note for one in store.feedback("a-2")] == ["Other was ill"]


def test_asked_twice_is_no_change(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    over(store)
    first = store.erasures.erase("p-1", "admin", T0 + 200)
    before = store.revision()
    assert store.erasures.erase("p-1", "another", T0 + 300) == first
    assert store.revision() == before
    assert store.erasures.erased() == [first]


def test_nobody_is_erased_under_watch_and_no_stranger_is(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    store.add_patient(patient())
    with pytest.raises(InvalidInput, match="under watch"):
        store.erasures.erase("p-1", "admin", T0)
    with pytest.raises(NotFound):
        store.erasures.erase("p-9", "admin", T0)
    assert store.patients() == [patient()]
    assert store.erasures.erased() == []


def test_the_id_of_an_erased_person_is_never_given_again(record_stores: Opener[RecordStore]) -> None:
    store = record_stores.open()
    over(store)
    store.erasures.erase("p-1", "admin", T0 + 200)
    with pytest.raises(InvalidInput, match="exists"):
        store.add_patient(patient())
