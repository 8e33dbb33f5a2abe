"""What every ``RecordStore`` does with feedback, and how it sums up the log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, alert, follows, opened
from vigil.domain.alerts import Alert, Priority, Step
from vigil.domain.burden import Course
from vigil.domain.calls import CALL, Call, How
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.feedback import Feedback, Verdict
from vigil.domain.times import MINUTE
from vigil.store import RecordStore

Stores = Opener[RecordStore]
LONG = T0 + 1000 * MINUTE


def said(verdict: Verdict, person: str = "Li Na", at: int = T0, alert_id: str = "a-1", note: str = "") -> Feedback:
    return Feedback(alert_id, person, verdict, note, at)


def opens(store: RecordStore, how: How | None = How.NOW, **change: Any) -> Alert:
    made = alert(**change)
    line = opened(made)
    store.record(replace(line, detail={CALL: Call(how).row()}) if how else line)
    return made


def goes_on(
    store: RecordStore, before: Alert, step: Step, minutes: int, how: How | None = None, **change: Any
) -> Alert:
    line = follows(before, step, f"ordinal:{minutes}:{step}", updated_at=before.opened_at + minutes * MINUTE, **change)
    store.record(replace(line, detail={CALL: Call(how).row()} if how else {}))
    return line.after


def test_every_word_is_kept_and_the_same_again_changes_nothing(record_stores: Stores) -> None:
    store = record_stores.open()
    opens(store)
    first, second = said(Verdict.ARTEFACT, note="cold hand"), said(Verdict.USEFUL, at=T0 + 1)
    other = said(Verdict.ARTEFACT, "Wang", T0 + 2)
    for one in (first, replace(first, at=T0 + 9), second, other, replace(second, at=T0 + 10)):
        store.add_feedback(one)
    store.add_feedback(replace(first, at=T0 + 11))
    for again in record_stores.now_and_later(store):
        assert again.feedback("a-1") == [first, second, other, replace(first, at=T0 + 11)]
        assert again.feedback("a-2") == []


def test_feedback_needs_an_alert_of_a_real_patient(record_stores: Stores) -> None:
    store = record_stores.open()
    opens(store, alert_id="a-2", patient_id="self-test.up")
    with pytest.raises(NotFound):
        store.add_feedback(said(Verdict.USEFUL))
    with pytest.raises(InvalidInput):
        store.add_feedback(said(Verdict.USEFUL, alert_id="a-2"))
    assert store.feedback("a-2") == []


def test_the_true_share_follows_what_people_say(record_stores: Stores) -> None:
    store = record_stores.open()
    assert store.true_share() == {}
    opens(store)
    opens(store, alert_id="a-2", rule="no_data.w-1")
    opens(store, alert_id="a-3", rule="no_data.w-2")
    opens(store, alert_id="a-4", rule="news2")
    store.add_feedback(said(Verdict.NOT_USEFUL))
    store.add_feedback(said(Verdict.USEFUL, alert_id="a-2"))
    store.add_feedback(said(Verdict.WRONG_LIMIT, alert_id="a-3"))
    for again in record_stores.now_and_later(store):
        assert again.true_share() == {"limit.spo2.low": (1, 1), "no_data": (1, 2)}
    store = record_stores.reopen()
    store.true_share().clear()
    store.add_feedback(said(Verdict.ARTEFACT))
    assert store.true_share() == {"limit.spo2.low": (0, 1), "no_data": (1, 2)}


def test_a_course_sums_up_the_log_of_an_alert(record_stores: Stores) -> None:
    store = record_stores.open()
    one = opens(store, How.HELD)
    one = goes_on(store, one, Step.CALLED, 10, How.NOW)
    one = goes_on(store, one, Step.ESCALATED, 20, How.NOW, escalation_level=1)
    one = goes_on(store, one, Step.ESCALATED, 30, How.JOINED, escalation_level=2)
    one = goes_on(store, one, Step.CLEARED, 40)
    goes_on(store, one, Step.ACKNOWLEDGED, 50)
    store.add_feedback(said(Verdict.USEFUL))
    start = one.opened_at
    for again in record_stores.now_and_later(store):
        assert again.courses(T0, LONG) == [
            Course(
                "p-1", "limit.spo2.low", Priority.HIGH, "abc", start, start + 50 * MINUTE, start + 40 * MINUTE, level=2,
                interruptions=2, joined=True, held=True, verdict=Verdict.USEFUL,
            )
        ]  # fmt: skip


def test_only_lines_of_the_interval_count(record_stores: Stores) -> None:
    store = record_stores.open()
    one = opens(store)
    goes_on(store, one, Step.ESCALATED, 20, How.NOW, escalation_level=1)
    start, later = one.opened_at, one.opened_at + 20 * MINUTE
    (before,) = store.courses(start, later)
    (after,) = store.courses(start + 1, later + 1)
    assert (before.opened_at, before.interruptions, before.level) == (start, 1, 0)
    assert (after.opened_at, after.interruptions, after.level) == (None, 1, 1)
    assert store.courses(T0, start) == store.courses(later + 1, LONG) == []


@pytest.mark.parametrize("how", [None, *How])
def test_each_answer_is_counted_as_what_it_is(record_stores: Stores, how: How | None) -> None:
    store = record_stores.open()
    opens(store, how)
    (one,) = store.courses(T0, LONG)
    counted = {How.NOW: one.interruptions, How.INHIBITED: one.carried, How.JOINED: one.joined, How.HELD: one.held}
    assert {key for key, value in counted.items() if value} == ({how} & set(counted))


def test_one_that_is_carried_later_is_carried(record_stores: Stores) -> None:
    store = record_stores.open()
    goes_on(store, opens(store), Step.SUPPRESSED, 3, suppressed_by="a-9")
    assert [one.carried for one in store.courses(T0, LONG)] == [True]


def test_the_self_test_has_no_course(record_stores: Stores) -> None:
    store = record_stores.open()
    opens(store, patient_id="self-test.up")
    opens(store, alert_id="a-2", patient_id="", rule="self_test")
    assert [one.rule for one in store.courses(T0, LONG)] == ["self_test"]
