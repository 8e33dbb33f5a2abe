"""What every ``RecordStore`` does with the settings of devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0
from vigil.domain.device_settings import Answer, DeviceSettings, Limit
from vigil.domain.errors import NotFound, VersionConflict
from vigil.domain.people import Device
from vigil.store import RecordStore

Stores = Opener[RecordStore]

WANTED = DeviceSettings(
    "w-1", {"heart_rate": 5.0, "spo2": 0.5}, {"spo2": Limit(low=88.0), "heart_rate": Limit(40, 130)}, "Łi Na", "n", T0
)
YES, NO = Answer(True, "", T0 + 5), Answer(False, "at least 1 s ☃", T0 + 5)


def opened(stores: Stores) -> RecordStore:
    store = stores.open()
    for device_id in ("w-1", "w-2"):
        store.put_device(Device(device_id, "m", {"heart_rate": 1.0, "resp_rate": 2.0}))
    return store


def intervals(store: RecordStore) -> dict[str, float]:
    return next(one.interval_s for one in store.devices() if one.device_id == "w-1")


def test_every_version_comes_back_whole_newest_first(record_stores: Stores) -> None:
    store = opened(record_stores)
    assert (store.settings_history("w-1"), store.wanted_settings()) == ([], [])
    first = store.put_settings(WANTED)
    second = store.put_settings(replace(WANTED, interval_s={}, at=T0 + 1), after=1)
    other = store.put_settings(replace(WANTED, device_id="w-2"), after=0)
    assert [one.version for one in (first, second, other)] == [1, 2, 1]
    for again in record_stores.now_and_later(store):
        assert again.settings_history("w-1") == [second, first]
        assert again.wanted_settings() == [second, other]
    assert first == replace(WANTED, version=1)


def test_who_did_not_read_the_newest_version_is_refused(record_stores: Stores) -> None:
    store = opened(record_stores)
    store.put_settings(WANTED, after=0)
    for stale in (0, 2):
        with pytest.raises(VersionConflict):
            store.put_settings(WANTED, after=stale)
    with pytest.raises(NotFound):
        store.put_settings(replace(WANTED, device_id="w-9"))
    assert len(store.settings_history("w-1")) == 1


def test_intervals_are_expected_only_when_the_device_has_accepted_them(record_stores: Stores) -> None:
    store = opened(record_stores)
    store.put_settings(WANTED)
    assert store.answer_settings("w-1", 1, NO)
    assert intervals(store) == {"heart_rate": 1.0, "resp_rate": 2.0}
    before = store.revision()
    assert store.answer_settings("w-1", 1, YES)
    assert store.revision() > before
    for again in record_stores.now_and_later(store):
        assert again.settings_history("w-1")[0].answer == YES
        assert intervals(again) == {"heart_rate": 5.0, "resp_rate": 2.0, "spo2": 0.5}


def test_the_same_answer_again_changes_nothing(record_stores: Stores) -> None:
    store = opened(record_stores)
    store.put_settings(WANTED)
    store.answer_settings("w-1", 1, YES)
    before = store.revision()
    assert store.answer_settings("w-1", 1, replace(YES, at=T0 + 500))
    assert (store.revision(), store.settings_history("w-1")[0].answer) == (before, YES)


def test_a_late_word_about_an_earlier_version_changes_nothing(record_stores: Stores) -> None:
    store = opened(record_stores)
    store.put_settings(WANTED)
    store.put_settings(replace(WANTED, interval_s={"heart_rate": 9.0}))
    assert store.answer_settings("w-1", 2, YES)
    assert not store.answer_settings("w-1", 1, YES)
    assert not store.answer_settings("w-1", 3, YES)
    assert not store.answer_settings("w-2", 1, YES)
    assert intervals(store)["heart_rate"] == 9.0
