"""What every ``RecordStore`` does with the words about who wears a device."""

from __future__ import annotations

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, patient
from vigil.domain.people import Device
from vigil.domain.wearing import AT_THE_DEVICE, Word
from vigil.store import RecordStore

Stores = Opener[RecordStore]

YES = Word(True, AT_THE_DEVICE, "", T0 + 5)
NO = Word(False, "Łi Na", "another wrist ☃", T0 + 6)


def opened(stores: Stores) -> RecordStore:
    store = stores.open()
    for patient_id in ("p-1", "p-2"):
        store.add_patient(patient(patient_id))
    for device_id in ("w-2", "w-1"):
        store.put_device(Device(device_id, "m"))
    return store


def test_each_running_binding_comes_with_its_newest_word(record_stores: Stores) -> None:
    store = opened(record_stores)
    assert store.worn() == []
    first = store.bind("w-1", "p-1", T0)
    second = store.bind("w-2", "p-2", T0)
    assert store.say_worn(second.binding_id, YES)
    assert store.say_worn(second.binding_id, NO)
    for again in record_stores.now_and_later(store):
        assert again.worn() == [(first, None), (second, NO)]


def test_a_binding_that_is_over_or_unknown_takes_no_word(record_stores: Stores) -> None:
    store = opened(record_stores)
    binding = store.bind("w-1", "p-1", T0)
    store.say_worn(binding.binding_id, YES)
    later = store.bind("w-1", "p-2", T0 + 9)
    assert not store.say_worn(binding.binding_id, NO)
    assert not store.say_worn(later.binding_id + 1, NO)
    assert store.worn() == [(later, None)]


def test_only_a_new_word_moves_the_revision(record_stores: Stores) -> None:
    store = opened(record_stores)
    binding = store.bind("w-1", "p-1", T0)
    before = store.revision()
    assert store.say_worn(binding.binding_id, YES)
    moved = store.revision()
    assert store.say_worn(binding.binding_id, Word(True, AT_THE_DEVICE, "", T0 + 60))
    assert before < moved == store.revision()
    assert store.worn() == [(binding, YES)]
