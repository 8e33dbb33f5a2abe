"""Every ``RecordStore`` leaves the self-test out of everything unless it is asked for."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, alert, follows, opened, patient
from vigil.domain.alerts import Alert, Condition, Step
from vigil.domain.times import SECOND
from vigil.store import RecordStore

Stores = Opener[RecordStore]
TEST = "self-test.up"
#: As close to it as an id can come.
NEAR = ("self-test", "Self-Test.up", "self-testXup")


def of_test(alert_id: str = "a-test", at: int = T0, **changes: object) -> Alert:
    made = alert(alert_id, patient_id=TEST, cause=f"ordinal:{at}:opened", opened_at=at, updated_at=at)
    return replace(made, **changes)  # type: ignore[arg-type]


def given(stores: Stores) -> RecordStore:
    """One real patient with an alert, and a self-test with one."""
    store = stores.open()
    for each in (patient(), patient(TEST)):
        store.add_patient(each)
    assert store.record(opened(alert())) is not None
    assert store.record(opened(of_test())) is not None
    return store


def test_its_patient_is_not_among_the_patients(record_stores: Stores) -> None:
    for store in record_stores.now_and_later(given(record_stores)):
        assert [each.patient_id for each in store.patients()] == ["p-1"]
        assert [each.patient_id for each in store.patients(include_discharged=True)] == ["p-1"]
        assert [each.patient_id for each in store.patients(include_test=True)] == ["p-1", TEST]
        assert store.patient(TEST).test
        assert not store.patient("p-1").test


def test_an_id_that_only_looks_like_it_belongs_to_a_patient(record_stores: Stores) -> None:
    store = record_stores.open()
    for name in NEAR:
        store.add_patient(patient(name))
    found = store.patients()
    assert sorted(each.patient_id for each in found) == sorted(NEAR)
    assert not any(each.test for each in found)


def test_its_alerts_and_lines_are_given_only_where_asked_for_or_named(record_stores: Stores) -> None:
    for store in record_stores.now_and_later(given(record_stores)):
        for found in (store.alerts(), store.alerts(open_only=True), store.alerts(resolved_since=T0)):
            assert [each.alert_id for each in found] == ["a-1"]
        assert {each.alert_id for each in store.alerts(include_test=True)} == {"a-1", "a-test"}
        assert [each.alert_id for each in store.alerts(patient_id=TEST)] == ["a-test"]
        assert [line.after.alert_id for line in store.transitions()] == ["a-1"]
        assert [line.seq for line in store.transitions(include_test=True)] == [1, 2]
        assert [line.after.alert_id for line in store.transitions(alert_id="a-test")] == ["a-test"]
        assert store.last_seq() == 2


def test_a_limit_counts_real_alerts_only(record_stores: Stores) -> None:
    store = given(record_stores)
    for number in range(5):
        assert store.record(opened(of_test(f"t-{number}", T0 + number * SECOND, rule=f"r-{number}"))) is not None
    assert [each.alert_id for each in store.alerts(limit=1)] == ["a-1"]
    assert [line.after.alert_id for line in store.transitions(limit=1)] == ["a-1"]


def test_only_its_old_lines_are_forgotten(record_stores: Stores) -> None:
    store = given(record_stores)
    over = {"condition": Condition.FALSE, "resolved_at": T0 + SECOND, "resolved_reason": "over"}
    ended = follows(of_test(), Step.RESOLVED, "ordinal:9:resolved", updated_at=T0 + SECOND, **over)
    assert store.record(ended) is not None
    running = of_test("a-running", T0 + 2 * SECOND, rule="other")
    assert store.record(opened(running)) is not None
    assert store.record(opened(alert("a-2", rule="news2", cause="ordinal:20:opened"))) is not None
    assert store.forget_self_tests(T0) == 0
    assert store.forget_self_tests(T0 + SECOND) == 1, "the line of the opening"
    assert {each.alert_id for each in store.alerts(include_test=True)} == {"a-1", "a-2", "a-test", "a-running"}
    assert store.forget_self_tests(T0 + 3 * SECOND) == 2
    for later in record_stores.now_and_later(store):
        assert {each.alert_id for each in later.alerts(include_test=True)} == {"a-1", "a-2", "a-running"}
        assert [line.after.alert_id for line in later.transitions(include_test=True)] == ["a-1", "a-2"]
        assert later.last_seq() == 5, "a position is never given twice"
