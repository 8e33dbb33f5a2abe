"""What every ``RecordStore`` does with alerts and their log."""

from __future__ import annotations

import threading

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import NAN, T0, alert, follows, opened
from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.errors import NotFound, VersionConflict
from vigil.store import RecordStore

Stores = Opener[RecordStore]


def recorded(store: RecordStore, transition: Transition) -> Transition:
    kept = store.record(transition)
    assert kept is not None
    return kept


def test_an_alert_and_its_log_come_back_whole(record_stores: Stores) -> None:
    store = record_stores.open()
    first = alert()
    one = recorded(store, opened(first))
    two = recorded(
        store,
        follows(
            first,
            Step.ACKNOWLEDGED,
            "command:1",
            handling=Handling.ACKNOWLEDGED,
            acknowledged_by="nurse-1",
            acknowledged_at=T0,
        ),
    )
    three = recorded(
        store,
        follows(
            two.after,
            Step.RESOLVED,
            "ordinal:99:resolved",
            condition=Condition.FALSE,
            ended_at=T0 + 60,
            resolved_at=T0 + 61,
            resolved_reason="ended",
            deadline_at=T0 + 1,
            recurrence=2,
            escalation_level=1,
            retrospective=True,
            note="ate lunch",
            priority=Priority.LOW,
            snoozed_until=T0 + 2,
            snoozed_by="nurse-1",
            snooze_reason="with the patient",
            snoozes=1,
            suppressed_by="a-9",
            held_until=T0 + 3,
            owner="nurse-2",
            accept_by=T0 + 4,
        ),
    )
    assert one.seq < two.seq < three.seq
    for again in record_stores.now_and_later(store):
        assert again.transitions() == [one, two, three]
        assert again.alert("a-1") == three.after
        assert again.alerts() == [three.after]
        assert again.last_seq() == three.seq


def test_an_empty_store_has_no_alerts(record_stores: Stores) -> None:
    store = record_stores.open()
    assert (store.last_seq(), store.alerts(), store.transitions()) == (0, [], [])
    with pytest.raises(NotFound):
        store.alert("a-1")


def test_a_cause_counts_once(record_stores: Stores) -> None:
    store = record_stores.open()
    first = recorded(store, opened())
    assert store.record(opened()) is None
    assert store.record(opened(alert("minted-anew-in-a-replay"))) is None
    recorded(store, opened(alert("a-2", rule="limit.spo2.high")))
    recorded(store, opened(alert("a-3", patient_id="p-2")))
    again = record_stores.reopen()
    assert again.record(opened()) is None
    assert [one.after.alert_id for one in again.transitions()] == ["a-1", "a-2", "a-3"]
    assert again.alert("a-1") == first.after


def test_a_command_on_an_older_version_is_refused_and_leaves_nothing(record_stores: Stores) -> None:
    store = record_stores.open()
    first = alert()
    store.record(opened(first))
    worse = recorded(store, follows(first, Step.WORSENED, "ordinal:20:worsened", priority=Priority.HIGH))
    late = follows(first, Step.ACKNOWLEDGED, "command:1", handling=Handling.ACKNOWLEDGED)
    with pytest.raises(VersionConflict):
        store.record(late)
    with pytest.raises(VersionConflict):
        store.record(opened(alert(cause="ordinal:30:opened")))
    with pytest.raises(VersionConflict):
        store.record(follows(alert("a-9"), Step.CLEARED, "ordinal:31:cleared"))
    assert store.alerts() == [worse.after]
    assert [one.seq for one in store.transitions()] == [1, 2]
    assert store.record(follows(worse.after, Step.ACKNOWLEDGED, "command:1")) is not None


def test_alerts_are_chosen_by_patient_openness_and_time_newest_opening_first(record_stores: Stores) -> None:
    store = record_stores.open()
    made = {
        "a-1": alert("a-1", opened_at=T0 + 1),
        "a-2": alert("a-2", opened_at=T0 + 3, patient_id="p-2"),
        "a-3": alert("a-3", opened_at=T0 + 2, rule="r3", resolved_at=T0 + 50, resolved_reason="ended"),
        "a-4": alert("a-4", opened_at=T0 + 4, rule="r4", resolved_at=T0 + 90, resolved_reason="withdrawn"),
        "a-5": alert("a-5", opened_at=T0 + 5, rule="r5", kind=Kind.TECHNICAL, patient_id="", device_id="w-1"),
    }
    for one in made.values():
        store.record(opened(one))

    def ids(found: list[Alert]) -> list[str]:
        assert all(one == made[one.alert_id] for one in found)
        return [one.alert_id for one in found]

    assert ids(store.alerts()) == ["a-5", "a-4", "a-2", "a-3", "a-1"]
    assert ids(store.alerts(limit=2)) == ["a-5", "a-4"]
    assert ids(store.alerts(open_only=True)) == ["a-5", "a-2", "a-1"]
    assert ids(store.alerts(patient_id="p-1")) == ["a-4", "a-3", "a-1"]
    assert ids(store.alerts(patient_id="p-1", open_only=True)) == ["a-1"]
    assert ids(store.alerts(resolved_since=T0 + 90)) == ["a-5", "a-4", "a-2", "a-1"]
    assert ids(store.alerts(resolved_since=T0 + 91, patient_id="p-1")) == ["a-1"]


def test_transitions_are_followed_by_seq_and_by_alert(record_stores: Stores) -> None:
    store = record_stores.open()
    one, other = alert("a-1"), alert("a-2", rule="other")
    seqs = [
        recorded(store, opened(one)).seq,
        recorded(store, opened(other)).seq,
        recorded(store, follows(one, Step.CLEARED, "ordinal:40:cleared")).seq,
    ]
    assert [line.seq for line in store.transitions(after_seq=seqs[0])] == seqs[1:]
    assert [line.seq for line in store.transitions(limit=1)] == seqs[:1]
    assert [line.seq for line in store.transitions(alert_id="a-1")] == [seqs[0], seqs[2]]
    assert store.transitions(after_seq=seqs[2]) == []


def test_evidence_may_hold_nothing_and_not_a_number(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(
        opened(alert(evidence=Evidence("no value", ({"vital": "spo2", "value": NAN},), score={"parts": [None]})))
    )
    kept = record_stores.reopen().alert("a-1").evidence
    assert str(kept.values[0]["value"]) == "nan"
    assert (kept.limit, kept.score, kept.policy_version) == (None, {"parts": [None]}, "")


def test_threads_that_change_one_alert_conflict_or_succeed_but_lose_nothing(record_stores: Stores) -> None:
    store = record_stores.open()
    store.record(opened())
    won: list[list[str]] = [[] for _ in range(6)]
    conflicts = [0] * 6

    def act(me: int) -> None:
        for turn in range(15):
            cause = f"command:{me}-{turn}"
            while True:
                before = store.alert("a-1")
                step = follows(before, Step.EASED, cause, recurrence=before.recurrence + 1)
                try:
                    assert store.record(step) is not None
                except VersionConflict:
                    conflicts[me] += 1
                    continue
                won[me].append(cause)
                break

    threads = [threading.Thread(target=act, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    final, log = store.alert("a-1"), store.transitions()
    assert [len(mine) for mine in won] == [15] * 6
    assert (final.version, final.recurrence) == (91, 90)
    assert [line.after.version for line in log] == list(range(1, 92))
    assert sorted(line.cause for line in log[1:]) == sorted(cause for mine in won for cause in mine)
    assert log[-1].after == final


def test_of_threads_with_the_same_cause_one_records_it(record_stores: Stores) -> None:
    store = record_stores.open()
    kept: list[Transition | None] = []
    gate = threading.Barrier(6)

    def act(me: int) -> None:
        gate.wait()
        kept.append(store.record(opened(alert(f"a-{me}"))))

    threads = [threading.Thread(target=act, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(kept) == 6
    assert sum(one is not None for one in kept) == 1
    assert len(store.alerts()) == len(store.transitions()) == 1


def test_a_follower_of_the_log_misses_no_line(record_stores: Stores) -> None:
    store = record_stores.open()
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        while not (done.is_set() and store.last_seq() == (seen[-1] if seen else 0)):
            seen.extend(line.seq for line in store.transitions(after_seq=seen[-1] if seen else 0))

    def write(me: int) -> None:
        for turn in range(25):
            store.record(opened(alert(f"a-{me}-{turn}", cause=f"ordinal:{me}-{turn}:opened")))

    follower = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(me,)) for me in range(4)]
    for thread in (follower, *writers):
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    follower.join(60)
    assert seen == sorted(line.seq for line in store.transitions())
    assert len(seen) == 100
