"""What every ``RecordStore`` does with the audit log."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, alert, opened, patient
from vigil.domain.audit import MANY, ROOT, UNKNOWN, Entry, Line, Question, Step, values_of, verify
from vigil.domain.errors import StoreError
from vigil.domain.people import Device
from vigil.store import RecordStore

Stores = Opener[RecordStore]

READ = Entry(
    T0, Step.ANSWERED, "r-1", "Łi Na", "nurse", "::1", "GET", "/p/{patient_id}", {"patient_id": "p-1"}, "", "", 200
)


def filled(stores: Stores) -> RecordStore:
    store = stores.open()
    store.add_patient(patient())
    store.put_device(Device("w-1", "m"))
    store.record(opened(alert()))
    return store


def followed(store: RecordStore) -> list[Line]:
    """All entries, oldest first, of an unbroken chain."""
    lines = store.audit(Question(limit=10_000))[::-1]
    found = verify((line.number, values_of(line.entry), line.hash) for line in lines)
    assert found.faults == ()
    assert (found.last, bytes.fromhex(found.head)) == store.audit_head()
    return lines


def test_entries_come_back_whole_and_the_chain_goes_on_after_a_restart(record_stores: Stores) -> None:
    store = filled(record_stores)
    assert (store.audit(Question()), store.audit_head()) == ([], (0, ROOT))
    entries = [
        replace(READ, at=T0 + one, reason="☃ 'quoted' \\ \n", times=one, patient_id="p-1") for one in range(1, 6)
    ]
    store.append_audit(entries[:2])
    store.append_audit(entries[2:3])
    store.append_audit([])
    again = record_stores.reopen()
    again.append_audit(entries[3:])
    lines = followed(again)
    assert [line.entry for line in lines] == entries
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]


def test_only_our_identifiers_are_kept(record_stores: Stores) -> None:
    store = filled(record_stores)
    typed = {
        "patient_id": "Marker-Family",
        "device_id": "w-9",
        "alert_id": "a-9",
        "gateway_id": "g-9",
        "account": "x",
        "team_id": "t-9",
        "ward": "Marker-Street",
        "name": "n-9",
        "resource_id": "w-1",
    }
    store.append_audit([replace(READ, objects=typed, status=404), replace(READ, objects={"device_id": "w-1"})])
    strange, ours = followed(store)
    assert strange.entry.objects == dict.fromkeys(typed, UNKNOWN)
    assert strange.entry.patient_id == ""
    assert ours.entry.objects == {"device_id": "w-1"}


def test_an_entry_about_an_alert_is_about_its_patient(record_stores: Stores) -> None:
    store = filled(record_stores)
    named = alert()
    store.append_audit(
        [replace(READ, objects={"alert_id": one}, patient_id=MANY) for one in (named.alert_id, "a-unknown")]
    )
    assert [line.entry.patient_id for line in followed(store)] == [named.patient_id, MANY]


def test_the_self_tests_patient_leaves_no_entry_unless_it_was_refused(record_stores: Stores) -> None:
    store = filled(record_stores)
    store.add_patient(replace(patient(), patient_id="self-test.up"))
    about = replace(READ, objects={"patient_id": "self-test.up"})
    store.append_audit([about, replace(about, step=Step.ASKED, status=0), replace(about, status=403), READ])
    assert [line.entry.status for line in followed(store)] == [403, 200]


def test_questions_by_person_route_patient_time_and_page(record_stores: Stores) -> None:
    store = filled(record_stores)
    store.append_audit(
        [
            replace(READ, at=T0 + 1, who="A"),
            replace(READ, at=T0 + 2, who="B", objects={}, patient_id=MANY, route="/p"),
            replace(READ, at=T0 + 3, who="B"),
            replace(READ, at=T0 + 4, who="C", objects={}, route="/other"),
        ]
    )

    def numbers(**asked: object) -> list[int]:
        return [line.number for line in store.audit(Question(**asked))]  # type: ignore[arg-type]

    assert numbers() == [4, 3, 2, 1]
    assert numbers(who="B") == [3, 2]
    assert numbers(route="/other") == [4]
    assert numbers(patient_id="p-1") == [3, 1]
    assert numbers(patient_id="p-1", lists=True) == [3, 2, 1]
    assert numbers(patient_id="p-1", lists=True, who="B") == [3, 2]
    assert numbers(since=T0 + 2, until=T0 + 4) == [3, 2]
    assert numbers(limit=2) == [4, 3]
    assert numbers(limit=2, before=3) == [2, 1]


def test_all_of_a_batch_or_none(record_stores: Stores) -> None:
    store = filled(record_stores)
    store.append_audit([READ])
    with pytest.raises(StoreError):
        store.append_audit([READ, replace(READ, who=None)])  # type: ignore[arg-type]
    store.append_audit([READ])
    assert len(followed(store)) == 2


def test_threads_that_append_at_once_make_one_chain(record_stores: Stores) -> None:
    store = filled(record_stores)

    def append(me: int) -> None:
        for turn in range(20):
            store.append_audit([replace(READ, request=f"{me}-{turn}-{part}") for part in range(2)])

    threads = [threading.Thread(target=append, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    lines = followed(store)
    assert len({line.entry.request for line in lines}) == len(lines) == 160
