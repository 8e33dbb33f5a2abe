"""Deliveries: written with their line or not at all, once each, and each fact about them kept apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, alert, follows, opened
from vigil.domain.alerts import Step
from vigil.domain.deliveries import APP, Attempt, Backlog, State, Target
from vigil.domain.errors import NotFound, VersionConflict
from vigil.domain.teams import EVERYBODY
from vigil.store import RecordStore

Stores = Opener[RecordStore]
HOOK, MAIL, PAGE = Target("hook", "Li Na"), Target("mail", "Li Na"), Target(APP, "Li Na")
NOW = T0 + 20_000_000


def test_deliveries_are_there_with_the_line_and_after_a_restart(record_stores: Stores) -> None:
    store = record_stores.open()
    line = store.record(opened(), [HOOK, PAGE, HOOK])
    assert line is not None
    for each in record_stores.now_and_later(store):
        page, hook = each.deliveries("a-1")
        assert (page.channel, page.state, page.next_at, page.sent_at) == (APP, State.SENT, None, line.at)
        assert (hook.channel, hook.state, hook.next_at, hook.sent_at) == ("hook", State.QUEUED, line.at, None)
        assert (hook.seq, hook.alert_id, hook.person, hook.attempts, hook.why) == (line.seq, "a-1", "Li Na", 0, "")
        assert each.due_deliveries("hook", line.at, 10) == [hook]
        assert each.due_deliveries("hook", line.at - 1, 10) == []
        assert each.due_deliveries("mail", line.at, 10) == []
        assert each.backlog() == [Backlog("hook", 1, line.at)]


def test_a_replay_doubles_nothing(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(opened(), [HOOK])
    assert store.record(opened(), [HOOK, MAIL]) is None
    assert [one.channel for one in store.deliveries("a-1")] == ["hook"]


def test_a_line_that_is_refused_leaves_no_delivery(record_stores: Stores) -> None:
    store = record_stores.open()
    with pytest.raises(VersionConflict):
        store.record(follows(alert(), Step.CLEARED, "ordinal:20:cleared"), [HOOK])
    assert store.backlog() == []
    assert store.deliveries("a-1") == []


def test_every_delivery_has_a_key_of_its_own(record_stores: Stores) -> None:
    store = record_stores.open()
    first = store.record(opened(), [HOOK, MAIL, replace(HOOK, person="Wang")])
    assert first is not None
    store.record(follows(first.after, Step.ESCALATED, "deadline:1:escalated"), [HOOK])
    keys = {one.delivery_id for one in store.deliveries("a-1")}
    assert len(keys) == 4
    elsewhere = record_stores.fresh()
    elsewhere.record(opened(alert(opened_at=T0 + 16_000_000)), [HOOK])
    assert elsewhere.deliveries("a-1")[0].delivery_id not in keys


def test_attempts_move_a_delivery_on(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(opened(), [HOOK, MAIL])
    hook, mail = store.deliveries("a-1")
    tries = [
        Attempt(hook.delivery_id, NOW, State.QUEUED, "answered 500", NOW + 5),
        Attempt(mail.delivery_id, NOW + 1, State.SENT),
        Attempt(hook.delivery_id, NOW + 9, State.DELIVERED),
    ]
    for attempt in tries[:2]:
        store.attempted(attempt)
    waiting = store.due_deliveries("hook", NOW + 5, 10)
    assert [(one.attempts, one.why, one.next_at) for one in waiting] == [(1, "answered 500", NOW + 5)]
    assert store.due_deliveries("hook", NOW + 4, 10) == []
    store.attempted(tries[2])
    for each in record_stores.now_and_later(store):
        assert each.attempts("a-1") == tries
        hook, mail = each.deliveries("a-1")
        assert (hook.state, hook.attempts, hook.why, hook.next_at) == (State.DELIVERED, 2, "", None)
        assert (hook.sent_at, hook.delivered_at) == (NOW + 9, NOW + 9)
        assert (mail.state, mail.sent_at, mail.delivered_at) == (State.SENT, NOW + 1, None)
        assert each.backlog() == []
    with pytest.raises(NotFound):
        record_stores.reopen().attempted(Attempt("d-9", NOW, State.SENT))


def test_sent_is_not_seen_and_seen_is_said_by_the_person_only(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(opened(), [HOOK, PAGE, replace(PAGE, person="Wang")])
    store.seen("a-1", "Li Na", NOW)
    store.seen("a-1", "Li Na", NOW + 7)
    store.seen("a-1", "Somebody Else", NOW)
    li, wang, hook = store.deliveries("a-1")
    assert (li.state, li.seen_at, li.delivered_at) == (State.SEEN, NOW, NOW)
    assert (wang.state, wang.seen_at, wang.delivered_at) == (State.SENT, None, None)
    assert (hook.state, hook.seen_at) == (State.QUEUED, None)


@pytest.mark.parametrize("step", [Step.ACKNOWLEDGED, Step.ACCEPTED])
def test_acknowledging_accepts_ones_own_notices_by_all_ways(record_stores: Stores, step: Step) -> None:
    store = record_stores.open()
    first = store.record(opened(), [HOOK, PAGE, replace(PAGE, person="Wang")])
    assert first is not None
    taken = replace(follows(first.after, step, "command:1"), actor="Li Na", at=NOW)
    store.record(taken)
    li, wang, hook = store.deliveries("a-1")
    assert (li.state, li.accepted_at, li.seen_at) == (State.ACCEPTED, NOW, None)
    assert (hook.state, hook.accepted_at, hook.next_at, hook.sent_at) == (State.ACCEPTED, NOW, None, None)
    assert (wang.state, wang.accepted_at) == (State.SENT, None)
    store.seen("a-1", "Li Na", NOW + 2)
    assert (store.deliveries("a-1")[0].state, store.deliveries("a-1")[0].seen_at) == (State.ACCEPTED, NOW + 2)
    assert store.due_deliveries("hook", NOW, 10) == []
    store.attempted(Attempt(hook.delivery_id, NOW + 3, State.DELIVERED))
    late = store.deliveries("a-1")[2]
    assert (late.state, late.delivered_at) == (State.ACCEPTED, NOW + 3), "it was on its way already"


def test_a_call_to_everybody_is_seen_and_accepted_by_whoever_comes_first(record_stores: Stores) -> None:
    store = record_stores.open()
    first = store.record(opened(), [Target(APP, EVERYBODY), HOOK])
    assert first is not None
    store.seen("a-1", "Wang", NOW)
    store.seen("a-1", "Li Na", NOW + 1)
    everybody, hook = store.deliveries("a-1")
    assert (everybody.state, everybody.seen_at, hook.state) == (State.SEEN, NOW, State.QUEUED)
    store.record(replace(follows(first.after, Step.ACKNOWLEDGED, "command:1"), actor="Wang", at=NOW + 2))
    everybody, hook = store.deliveries("a-1")
    assert (everybody.state, everybody.accepted_at, hook.state) == (State.ACCEPTED, NOW + 2, State.QUEUED)


def test_what_failed_stays_failed_although_the_person_came(record_stores: Stores) -> None:
    store = record_stores.open()
    first = store.record(opened(), [HOOK])
    assert first is not None
    store.attempted(Attempt(store.deliveries("a-1")[0].delivery_id, NOW, State.FAILED, "refused"))
    store.record(replace(follows(first.after, Step.ACKNOWLEDGED, "command:1"), actor="Li Na", at=NOW + 2))
    (hook,) = store.deliveries("a-1")
    assert (hook.state, hook.why, hook.accepted_at) == (State.FAILED, "refused", NOW + 2)


def test_what_waits_for_a_channel_that_is_gone_fails(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(opened(), [HOOK, MAIL])
    assert store.abandon(["mail"], "no such channel") == 1
    assert store.abandon(["mail"], "no such channel") == 0
    hook, mail = store.deliveries("a-1")
    assert (hook.state, hook.why, hook.next_at) == (State.FAILED, "no such channel", None)
    assert mail.state is State.QUEUED
    assert store.abandon([], "none at all") == 1


def test_the_limit_holds(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(opened(), [Target("hook", f"nurse {number}") for number in range(5)])
    assert [one.person for one in store.due_deliveries("hook", NOW, 2)] == ["nurse 0", "nurse 1"]
    assert store.due_deliveries("hook", NOW, 0) == []
