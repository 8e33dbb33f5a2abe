"""Any order of answers, crashes and waits: nothing is lost, nothing is sent after it arrived, a repeat is the same notice."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.notify.backoff import PLANS
from analytics.notify.channel import Message, Outcome
from analytics.notify.outbox import Worker
from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0, alert, opened
from vigil.domain.alerts import Priority
from vigil.domain.deliveries import Attempt, State, Target
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store.records import SqlRecordStore

#: What happens at one try: an answer, or the process dies between the answer and its record.
TRIES = st.lists(st.sampled_from(["ok", "down", "refused", "killed"]), max_size=40)
PRIORITIES = st.lists(st.sampled_from(Priority), min_size=1, max_size=6)
ANSWERS = {
    "ok": Outcome(State.DELIVERED),
    "killed": Outcome(State.DELIVERED),
    "down": Outcome(State.QUEUED, "down"),
    "refused": Outcome(State.FAILED, "refused"),
}


class Killed(Exception):
    pass


class Journal:
    """A receiver and the records behind it that fail as the list of tries says; when it is used up all goes well."""

    name = "hook"

    def __init__(self, records: SqlRecordStore, tries: list[str]) -> None:
        self._records = records
        self._tries = iter(tries)
        self._now = ""
        self.told: list[tuple[str, str]] = []
        self.transitions, self.due_deliveries = records.transitions, records.due_deliveries
        self.deliveries, self.attempts = records.deliveries, records.attempts
        self.abandon, self.seen, self.backlog = records.abandon, records.seen, records.backlog

    def send(self, message: Message) -> Outcome:
        self._now = next(self._tries, "ok")
        self.told.append((message.delivery.delivery_id, self._now))
        return ANSWERS[self._now]

    def attempted(self, attempt: Attempt) -> None:
        if self._now == "killed":
            raise Killed
        self._records.attempted(attempt)


@settings(max_examples=60)
@given(priorities=PRIORITIES, tries=TRIES)
def test_at_least_once_and_never_after_it_arrived(priorities: list[Priority], tries: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        records = SqlRecordStore(f"sqlite:///{Path(folder) / 'records.sqlite3'}", KEY)
        for number, priority in enumerate(priorities):
            made = alert(f"a-{number}", rule=f"r{number}", cause=f"ordinal:{number}:opened", priority=priority)
            records.record(opened(made), [Target("hook", "Li Na")])
        journal, clock = Journal(records, tries), ManualClock(T0 + 60_000_000)
        while records.backlog():
            worker = Worker(journal, journal, clock, Metrics(), "")  # a new process each time
            try:
                while worker.step(clock.now_us()):
                    pass
            except Killed:
                continue
            clock.advance(60)
        kept = {one.delivery_id: one for n in range(len(priorities)) for one in records.deliveries(f"a-{n}")}
        records.close()
    sent = Counter(key for key, _ in journal.told)
    assert sent.keys() == kept.keys(), "each is tried"
    for number, (key, delivery) in enumerate(kept.items()):
        answers = [answer for told, answer in journal.told if told == key]
        crashes = answers.count("killed")
        assert delivery.attempts == len(answers) - crashes
        assert delivery.attempts <= PLANS[priorities[number]].tries
        assert delivery.state is (State.DELIVERED if answers[-1] == "ok" else State.FAILED)
        assert all(answer in ("down", "killed") for answer in answers[:-1]), "nothing is sent after it is settled"
        if delivery.state is State.FAILED and answers[-1] == "down":
            assert delivery.attempts == PLANS[priorities[number]].tries
