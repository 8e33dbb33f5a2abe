"""The outbox over the real records: tries, order, back-off, giving up, and channels that do not disturb one another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analytics.notify.backoff import PLANS
from analytics.notify.channel import Message, Outcome
from analytics.notify.outbox import NO_CHANNEL, Outbox, Worker
from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0, alert, follows, opened
from tests.deadline import until
from vigil.bus.board import Bus
from vigil.domain.alerts import Priority, Step, Transition
from vigil.domain.deliveries import APP, State, Target
from vigil.domain.errors import StoreError
from vigil.domain.times import MINUTE, SECOND
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store.records import SqlRecordStore

SENT = Outcome(State.DELIVERED)
DOWN = Outcome(State.QUEUED, "the receiver answered 500")
LI, WANG = Target("hook", "Li Na"), Target("hook", "Wang")


class Fake:
    """Answers as it is told and keeps what it was given."""

    def __init__(self, name: str = "hook", answer: Callable[[Message], Outcome] = lambda _message: SENT) -> None:
        self.name = name
        self.answer = answer
        self.got: list[Message] = []

    def send(self, message: Message) -> Outcome:
        self.got.append(message)
        return self.answer(message)


class Bed:
    """Records, a clock moved by hand, and one channel."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", KEY)
        self.clock = ManualClock(T0 + 20 * SECOND)
        self.metrics = Metrics()
        self.bus = Bus()
        self.channel = Fake()
        self.worker = Worker(self.channel, self.records, self.clock, self.metrics, "https://vigil.example")

    def record(self, line: Transition, *targets: Target) -> Transition:
        recorded = self.records.record(line, targets)
        assert recorded is not None
        return recorded

    def open(self, number: int, *targets: Target, priority: Priority = Priority.MEDIUM) -> Transition:
        made = alert(f"a-{number}", cause=f"ordinal:{number}:opened", rule=f"r{number}", priority=priority)
        return self.record(opened(made), *targets)

    def run(self) -> int:
        """Steps until nothing is due; how many."""
        steps = 0
        while self.worker.step(self.clock.now_us()):
            steps += 1
        return steps

    def states(self, number: int = 1) -> list[tuple[str, int, str]]:
        return [(one.state.value, one.attempts, one.why) for one in self.records.deliveries(f"a-{number}")]


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.records.close()


def test_a_notice_is_sent_once_and_kept_with_its_time(bed: Bed) -> None:
    line = bed.open(1, LI, Target(APP, "Li Na"))
    assert bed.run() == 1
    (message,) = bed.channel.got
    assert (message.line, message.page) == (line, "https://vigil.example")
    app, hook = bed.records.deliveries("a-1")
    assert (app.state, app.sent_at, app.delivered_at) == (State.SENT, line.at, None)
    assert (hook.state, hook.sent_at, hook.delivered_at, hook.next_at) == (
        State.DELIVERED,
        T0 + 20 * SECOND,
        T0 + 20 * SECOND,
        None,
    )
    assert [(one.at, one.state, one.why) for one in bed.records.attempts("a-1")] == [
        (T0 + 20 * SECOND, State.DELIVERED, "")
    ]
    assert bed.run() == 0
    assert 'analytics_deliveries_total{channel="hook",state="delivered"} 1.0' in bed.metrics.text().decode()


def test_each_try_is_recorded_and_the_next_one_waits(bed: Bed) -> None:
    bed.channel.answer = lambda _message: DOWN
    bed.open(1, LI)
    assert bed.run() == 1
    assert bed.states() == [("queued", 1, DOWN.why)]
    assert bed.worker.trouble == DOWN.why
    bed.clock.advance(1.9)
    assert bed.run() == 0
    bed.clock.advance(0.7)
    bed.channel.answer = lambda _message: SENT
    assert bed.run() == 1
    assert bed.states() == [("delivered", 2, "")]
    assert bed.worker.trouble == ""
    assert [one.state for one in bed.records.attempts("a-1")] == [State.QUEUED, State.DELIVERED]
    first, second = bed.channel.got
    assert first.delivery.delivery_id == second.delivery.delivery_id


@pytest.mark.parametrize("priority", Priority)
def test_it_is_given_up_with_the_last_reason(bed: Bed, priority: Priority) -> None:
    bed.channel.answer = lambda _message: DOWN
    bed.open(1, LI, priority=priority)
    started = bed.clock.now_us()
    while bed.records.deliveries("a-1")[0].state is State.QUEUED:
        due = bed.records.deliveries("a-1")[0].next_at
        assert due is not None
        bed.clock.jump_to(max(due, bed.clock.now_us()))
        bed.run()
    assert bed.clock.now_us() - started >= 10 * MINUTE
    assert bed.states() == [("failed", PLANS[priority].tries, DOWN.why)]
    bed.clock.advance(86_400)
    assert bed.run() == 0


def test_what_cannot_succeed_is_not_tried_again(bed: Bed) -> None:
    bed.channel.answer = lambda _message: Outcome(State.FAILED, "the receiver refused the notice with 400")
    bed.open(1, LI)
    assert bed.run() == 1
    assert bed.states() == [("failed", 1, "the receiver refused the notice with 400")]


def test_a_fault_in_a_sender_is_one_failed_try(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_message: Message) -> Outcome:
        raise KeyError("broken")

    bed.channel.answer = broken
    bed.open(1, LI)
    assert bed.run() == 1
    assert bed.states() == [("queued", 1, "the sender failed: KeyError")]
    assert "Traceback" in caplog.text


def test_the_most_urgent_goes_first(bed: Bed) -> None:
    for number, priority in enumerate([Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.MEDIUM], 1):
        bed.open(number, LI, priority=priority)
    bed.run()
    assert [message.line.after.alert_id for message in bed.channel.got] == ["a-3", "a-2", "a-4", "a-1"]


def test_nobody_reads_firing_after_resolved(bed: Bed) -> None:
    bed.channel.answer = lambda _message: DOWN
    first = bed.open(1, LI, WANG)
    bed.run()
    resolved = follows(
        first.after, Step.RESOLVED, "ordinal:9:resolved", resolved_at=T0 + MINUTE, resolved_reason="ended"
    )
    bed.record(resolved, LI)
    bed.channel.answer = lambda _message: SENT
    assert bed.run() == 0, "the second waits for the first"
    bed.clock.advance(3)
    bed.run()
    told = [(m.delivery.person, m.line.step.value) for m in bed.channel.got[2:]]
    assert told == [("Li Na", "opened"), ("Wang", "opened"), ("Li Na", "resolved")]
    assert bed.channel.got[-1].earlier == (first.after,)


def test_a_more_urgent_notice_does_not_wait_for_a_lesser_one(bed: Bed) -> None:
    bed.channel.answer = lambda _message: DOWN
    first = bed.open(1, LI)
    bed.run()
    bed.record(follows(first.after, Step.WORSENED, "ordinal:9:worsened", priority=Priority.HIGH), LI)
    bed.channel.answer = lambda _message: SENT
    assert bed.run() == 1
    assert bed.channel.got[-1].line.step is Step.WORSENED


def test_who_acknowledges_is_called_no_more_but_others_are(bed: Bed) -> None:
    bed.channel.answer = lambda _message: DOWN
    first = bed.open(1, LI, WANG)
    bed.run()
    acknowledged = replace(follows(first.after, Step.ACKNOWLEDGED, "command:1"), actor="Li Na")
    bed.record(acknowledged)
    bed.clock.advance(3)
    bed.run()
    assert [message.delivery.person for message in bed.channel.got[2:]] == ["Wang"]
    li, wang = bed.records.deliveries("a-1")
    assert (li.state, li.accepted_at, wang.state) == (State.ACCEPTED, acknowledged.at, State.QUEUED)


def test_after_a_jump_of_the_clock_an_overdue_notice_is_sent_once(bed: Bed) -> None:
    bed.channel.answer = lambda _message: DOWN
    bed.open(1, LI)
    bed.run()
    bed.clock.jump_to(bed.clock.now_us() + 365 * 86_400 * SECOND)
    bed.channel.answer = lambda _message: SENT
    assert bed.run() == 1
    assert bed.states() == [("delivered", 2, "")]


def test_a_try_that_could_not_be_recorded_is_repeated_with_the_same_key(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_attempt: object) -> None:
        raise StoreError("disk full")

    bed.open(1, LI)
    with monkeypatch.context() as patch:
        patch.setattr(bed.records, "attempted", full)
        with pytest.raises(StoreError):
            bed.run()
    assert bed.run() == 1
    first, again = bed.channel.got
    assert first.delivery.delivery_id == again.delivery.delivery_id
    assert bed.states() == [("delivered", 1, "")]


def test_a_channel_that_the_settings_do_not_have_fails_at_once(bed: Bed) -> None:
    bed.open(1, LI, Target("fax", "Wang"))
    outbox = Outbox([bed.channel], bed.records, bed.bus, bed.clock, bed.metrics)
    bed.clock.advance(40)
    outbox.tend(bed.clock.now_us())
    assert bed.states() == [("failed", 0, NO_CHANNEL), ("queued", 0, "")]
    text = bed.metrics.text().decode()
    assert 'analytics_deliveries_queued{channel="hook"} 1.0' in text
    assert 'analytics_delivery_queue_age_seconds{channel="hook"} 45.0' in text
    bed.run()
    outbox.tend(bed.clock.now_us())
    assert 'analytics_deliveries_queued{channel="hook"} 0.0' in bed.metrics.text().decode()
    outbox.stop()


def test_a_try_that_does_not_end_is_trouble(bed: Bed) -> None:
    outbox = Outbox([bed.channel], bed.records, bed.bus, bed.clock, bed.metrics)
    seen: list[dict[str, str]] = []

    def long(_message: Message) -> Outcome:
        for _ in range(2):
            bed.clock.advance(20)
            seen.append(outbox.trouble)
        return SENT

    bed.channel.answer = long
    bed.open(1, LI)
    assert outbox.workers[0].step(bed.clock.now_us())
    assert seen == [{}, {"hook": "one try takes longer than 30 s"}]
    assert outbox.trouble == {}
    outbox.stop()


def test_a_receiver_that_hangs_holds_back_no_other_channel(bed: Bed) -> None:
    """As threads: ``hook`` hangs until the mail has gone; a new line wakes both."""
    mailed, crashed = threading.Event(), list[str]()

    def wait(_message: Message) -> Outcome:
        return SENT if mailed.wait(30) else DOWN

    def note(_message: Message) -> Outcome:
        mailed.set()
        return SENT

    hook, mail = Fake("hook", wait), Fake("mail", note)
    outbox = Outbox([hook, mail], bed.records, bed.bus, bed.clock, bed.metrics)
    outbox.start(lambda name, _error: crashed.append(name))
    line = bed.open(1, LI, Target("mail", "Li Na"))
    bed.bus.transitions.publish(line)
    assert mailed.wait(30)
    assert until(lambda: len(hook.got) == 1)
    outbox.stop()
    assert crashed == []
    assert len(mail.got) == 1
    assert [state for state, _, _ in bed.states()] == ["delivered", "delivered"]
