"""What every ``RecordStore`` does with patients, devices and bindings."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0, patient
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.errors import InvalidInput, NotFound, StoreError
from vigil.domain.people import Binding, Device
from vigil.store import RecordStore

Stores = Opener[RecordStore]


def peopled(stores: Stores) -> RecordStore:
    """Patients p-1 and p-2, devices w-1 and w-2."""
    store = stores.open()
    for number in (1, 2):
        store.add_patient(patient(f"p-{number}"))
        store.put_device(Device(f"w-{number}", "Wearable 3"))
    return store


def test_patients_come_back_whole(record_stores: Stores) -> None:
    store = record_stores.open()
    plain = patient("p-2", family="Łukasiewicz-O'Brien", given="Zoë ☃", demo=False)
    full = patient(
        "p-1", pregnant=True, spo2_scale2_by="dr-7", spo2_scale2_at=T0, discharged_at=T0 + 1, born=date(1899, 12, 31)
    )
    store.add_patient(plain)
    store.add_patient(full)
    for again in record_stores.now_and_later(store):
        assert again.patients() == [plain]
        assert again.patients(include_discharged=True) == [full, plain]
        assert (again.patient("p-1"), again.patient("p-2")) == (full, plain)


def test_a_patient_id_is_given_once(record_stores: Stores) -> None:
    store = record_stores.open()
    store.add_patient(patient(family="First"))
    before = store.revision()
    with pytest.raises(InvalidInput) as refused:
        store.add_patient(patient(family="Second"))
    assert "Second" not in str(refused.value)
    assert "p-1" not in str(refused.value)
    assert (store.patient("p-1").family, store.revision()) == ("First", before)


def test_an_unknown_patient_is_not_found(record_stores: Stores) -> None:
    store = record_stores.open()
    with pytest.raises(NotFound):
        store.patient("p-9")
    with pytest.raises(NotFound):
        store.put_policy(PolicyDocument(Scope.PATIENT, "p-9", {}, "dr-7", at=T0))
    assert store.policy("p-9") is None


def test_devices_are_added_and_replaced(record_stores: Stores) -> None:
    store = record_stores.open()
    store.put_device(Device("w-2", "Cuff 1", {"bp_sys": 900.0}))
    store.put_device(Device("w-1", "Wearable 3"))
    store.put_device(Device("w-2", "Cuff 2", {"bp_sys": 1800.0, "bp_dia": 1800.0}))
    for again in record_stores.now_and_later(store):
        assert again.devices() == [
            Device("w-1", "Wearable 3"),
            Device("w-2", "Cuff 2", {"bp_sys": 1800.0, "bp_dia": 1800.0}),
        ]


def test_a_device_is_handed_over_from_one_patient_to_the_next(record_stores: Stores) -> None:
    store = peopled(record_stores)
    first = store.bind("w-1", "p-1", 100)
    assert (first.patient_id, first.start, first.end) == ("p-1", 100, None)
    assert store.bind("w-1", "p-1", 150) == first
    second = store.bind("w-1", "p-2", 200)
    other = store.bind("w-2", "p-1", 50)
    for again in record_stores.now_and_later(store):
        assert again.bindings() == [replace(first, end=200), second, other]
    assert len({one.binding_id for one in (first, second, other)}) == 3


def test_a_binding_ends_and_the_device_may_come_back(record_stores: Stores) -> None:
    store = peopled(record_stores)
    assert store.unbind("w-1", 100) is None
    first = store.bind("w-1", "p-1", 100)
    with pytest.raises(InvalidInput, match="w-1"):
        store.unbind("w-1", 99)
    assert store.unbind("w-1", 300) == replace(first, end=300)
    assert store.unbind("w-1", 400) is None
    second = store.bind("w-1", "p-1", 300)
    assert store.bindings() == [replace(first, end=300), second]


def test_the_same_patient_may_go_on_from_inside_an_ended_binding(record_stores: Stores) -> None:
    store = peopled(record_stores)
    first = store.bind("w-1", "p-1", 100)
    store.unbind("w-1", 300)
    before = store.revision()
    assert store.bind("w-1", "p-1", 200) == first
    assert store.bindings() == [first]
    assert store.revision() > before


def test_discharge_ends_the_watch_and_every_binding(record_stores: Stores) -> None:
    store = peopled(record_stores)
    first, second = store.bind("w-1", "p-1", 100), store.bind("w-2", "p-2", 100)
    store.discharge("p-1", 500)
    store.discharge("p-1", 600)
    for again in record_stores.now_and_later(store):
        assert [one.patient_id for one in again.patients()] == ["p-2"]
        assert again.patient("p-1").discharged_at == 500
        assert again.bindings() == [replace(first, end=500), second]
    with pytest.raises(NotFound):
        record_stores.reopen().discharge("p-9", 500)


@pytest.mark.parametrize("start", [0, 99])
def test_a_device_is_never_on_two_patients_at_once(record_stores: Stores, start: int) -> None:
    store = peopled(record_stores)
    first = store.bind("w-1", "p-1", 100)
    with pytest.raises(InvalidInput, match="w-1"):
        store.bind("w-1", "p-2", start)
    store.unbind("w-1", 200)
    with pytest.raises(InvalidInput, match="w-1"):
        store.bind("w-1", "p-2", 199)
    assert store.bindings() == [Binding(first.binding_id, "w-1", "p-1", 100, 200)]


def test_a_past_span_is_claimed_where_nobody_wore_the_device(record_stores: Stores) -> None:
    store = peopled(record_stores)
    first = store.bind("w-1", "p-1", 100)
    store.unbind("w-1", 200)
    second = store.bind("w-1", "p-1", 300)
    before = store.revision()
    for start, end in ((99, 101), (150, 160), (199, 300), (250, 301), (400, 500), (0, 1000), (250, 250), (260, 250)):
        with pytest.raises(InvalidInput):
            store.claim("w-1", "p-2", start, end)
    for device_id, patient_id in (("w-9", "p-1"), ("w-1", "p-9")):
        with pytest.raises(NotFound):
            store.claim(device_id, patient_id, 60, 70)
    assert store.revision() == before
    between, early = store.claim("w-1", "p-2", 200, 300), store.claim("w-1", "p-2", 0, 50)
    assert store.revision() > before
    for again in record_stores.now_and_later(store):
        assert again.bindings() == [early, replace(first, end=200), between, second]
    assert (between.start, between.end, between.patient_id) == (200, 300, "p-2")


def test_only_known_devices_and_patients_are_bound(record_stores: Stores) -> None:
    store = peopled(record_stores)
    with pytest.raises(NotFound, match="w-9"):
        store.bind("w-9", "p-1", 1)
    with pytest.raises(NotFound):
        store.bind("w-1", "p-9", 1)
    assert store.bindings() == []


def test_threads_that_bind_one_device_leave_one_running_binding(record_stores: Stores) -> None:
    store = peopled(record_stores)

    def bind(patient_id: str) -> None:
        for _ in range(10):
            store.bind("w-1", patient_id, 100)

    threads = [threading.Thread(target=bind, args=(f"p-{1 + place % 2}",)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    kept = store.bindings()
    assert [one.end for one in kept[:-1]] == [100] * (len(kept) - 1)
    assert kept[-1].end is None
    assert all(left.patient_id != right.patient_id for left, right in pairwise(kept))


def test_the_revision_grows_with_every_change_and_survives(record_stores: Stores) -> None:
    store = record_stores.open()
    seen = [store.revision()]

    def grew() -> bool:
        seen.append(store.revision())
        return seen[-1] > seen[-2]

    store.add_patient(patient())
    assert grew()
    store.put_device(Device("w-1", "Wearable 3"))
    assert grew()
    store.bind("w-1", "p-1", 100)
    assert grew()
    store.unbind("w-1", 200)
    assert grew()
    store.put_policy(PolicyDocument(Scope.WARD, "A", {}, "dr-7", at=T0))
    assert grew()
    assert record_stores.reopen().revision() == seen[-1]


def test_names_and_dates_of_birth_are_nowhere_in_the_files(record_stores: Stores) -> None:
    store = record_stores.open()
    store.add_patient(patient(family="Markedfamily", given="Markedgiven", born=date(1931, 7, 19)))
    written = record_stores.files()
    assert any(b"p-1" in content for content in written.values()), "the patient is not in any of these files"
    store.close()
    written |= {path.with_suffix(".closed"): content for path, content in record_stores.files().items()}
    for path, content in written.items():
        for marked in (b"Markedfamily", b"Markedgiven", b"1931-07-19", KEY):
            assert marked not in content, path


def test_a_closed_store_says_so_and_closes_again(record_stores: Stores) -> None:
    store = record_stores.open()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.patients()
    with pytest.raises(StoreError, match="closed"):
        store.add_patient(patient())
