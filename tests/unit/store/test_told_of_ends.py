"""A channel for programs that was told of an alert is also told that it is over; a person is not called for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0, follows, opened
from vigil.domain.alerts import Alert, Priority, Step
from vigil.domain.deliveries import APP, Attempt, State, Target
from vigil.store.records import SqlRecordStore

HOOK, MAIL, PAGE = (Target(name, "Li Na") for name in ("hook", "mail", APP))
WANG = Target("hook", "Wang")
NOW = T0 + 20_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlRecordStore]:
    made = SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", KEY, told_of_ends=["hook", "another"])
    yield made
    made.close()


def call(store: SqlRecordStore, *targets: Target) -> Alert:
    line = store.record(opened(), targets)
    assert line is not None
    return line.after


def end(
    store: SqlRecordStore, before: Alert, step: Step = Step.RESOLVED, actor: str = "vigil"
) -> list[tuple[str, str]]:
    """Whom the line that closes the alert is told to."""
    line = follows(before, step, "ordinal:90", resolved_at=NOW, resolved_reason="ended")
    recorded = store.record(replace(line, actor=actor))
    assert recorded is not None
    return [(one.channel, one.person) for one in store.deliveries("a-1") if one.seq == recorded.seq]


def settle(store: SqlRecordStore, state: State) -> None:
    for one in store.deliveries("a-1"):
        store.attempted(Attempt(one.delivery_id, NOW, state))


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED])
def test_programs_hear_of_the_end_once_each(store: SqlRecordStore, state: State) -> None:
    before = call(store, HOOK, WANG, MAIL, PAGE)
    settle(store, state)
    again = store.record(follows(before, Step.ESCALATED, "deadline:1"), [HOOK])
    assert again is not None
    assert end(store, again.after) == [("hook", "Li Na"), ("hook", "Wang")]


def test_one_that_still_waits_to_be_told_hears_both_in_order(store: SqlRecordStore) -> None:
    before = call(store, HOOK)
    assert end(store, before) == [("hook", "Li Na")]
    (due,) = store.due_deliveries("hook", NOW, 10)
    assert due.seq == 1


def test_the_end_is_not_told_before_what_came_before_it(store: SqlRecordStore) -> None:
    """Although the alert was more urgent at its end than when the waiting notice was written."""
    before = call(store, HOOK)
    assert end(store, replace(before, priority=Priority.HIGH)) == [("hook", "Li Na")]
    for seq in (1, 2):
        (due,) = store.due_deliveries("hook", NOW, 10)
        assert due.seq == seq
        store.attempted(Attempt(due.delivery_id, NOW, State.DELIVERED))


def test_who_acknowledges_a_cleared_alert_ends_it_for_the_program_too(store: SqlRecordStore) -> None:
    before = call(store, HOOK)
    settle(store, State.DELIVERED)
    assert end(store, before, Step.ACKNOWLEDGED, "Li Na") == [("hook", "Li Na")]
    first, last = store.deliveries("a-1")
    assert (first.state, last.state) == (State.ACCEPTED, State.QUEUED)


def test_a_call_that_was_accepted_before_it_left_has_no_end(store: SqlRecordStore) -> None:
    before = call(store, HOOK)
    assert end(store, before, Step.ACKNOWLEDGED, "Li Na") == []


def test_an_alert_that_called_nobody_ends_in_silence(store: SqlRecordStore) -> None:
    assert end(store, call(store)) == []
