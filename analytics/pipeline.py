"""The steps of the stage, in order: what happens with each batch, and what happens each second."""

from __future__ import annotations

from functools import partial

from analytics.alerting import Alerting
from analytics.amend import Amend
from analytics.battery import BatteryRule
from analytics.book import Book
from analytics.calling.desk import Desk
from analytics.calling.handovers import Handovers
from analytics.calling.overlays import Overlays
from analytics.calling.unanswered import Unanswered
from analytics.changes import Change
from analytics.combination_rule import CombinationRule, MakeExecutor, in_a_thread
from analytics.conditions import Conditions
from analytics.data_loss import DataLoss
from analytics.deadlines import fire_due
from analytics.directory import Directory
from analytics.disagreement_rule import DisagreementRule
from analytics.finding_alerts import FindingAlerts
from analytics.judge import Judge
from analytics.lapses import lapsed, switched_off
from analytics.late import SHARE
from analytics.limit_alerts import LIMIT, UNVERIFIED, LimitAlerts
from analytics.minute_rules import MinuteRules
from analytics.news2_rule import News2Rule
from analytics.past import PastEpisodes
from analytics.risk.stream.live import RiskPlan, RiskStream
from analytics.scores.live import Scores
from analytics.self_test import SelfTest, SelfTestPlan
from analytics.settle import Settle
from analytics.state import State
from analytics.stuck import stuck
from analytics.upkeep import Upkeep
from analytics.watch import Watch
from vigil.bus.board import Bus
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import HOUR
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.store import ReadingHistory, WardRecords


class Pipeline:
    def __init__(
        self,
        state: State,
        directory: Directory,
        readings: ReadingHistory,
        records: WardRecords,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        executor: MakeExecutor = in_a_thread,
        self_test: SelfTestPlan | None = None,
        risk: RiskPlan | None = None,
    ) -> None:
        """``executor``: where models learn. ``self_test`` None: nobody tries the alarms, as in a back-test; ``risk`` None: no
        risk models."""
        slots = state.slots
        numbers = state.engine.numbers[LIMIT], state.engine.numbers[UNVERIFIED]
        self.state = state
        self.book = Book(records)
        self.conditions = Conditions(slots)
        self._desk = Desk(directory, self.book)
        alerting = Alerting(records, bus, clock, directory, self.book, self._desk, metrics)
        self._battery = BatteryRule(slots, directory, alerting)
        self._overlays = Overlays(alerting, self._desk, records.true_share)
        self._handovers = Handovers(alerting, directory)
        self._unanswered = Unanswered(alerting, directory)
        self.past = PastEpisodes(alerting, directory)
        limit_alerts = LimitAlerts(numbers, slots, self.conditions, directory, alerting, self.past)
        data_loss = DataLoss(slots, self.conditions, directory, alerting)
        settle = Settle(state, self.conditions, directory, alerting, data_loss)
        amend = Amend(state.engine, slots, state.telling, alerting, records)
        self._judge = Judge(state, amend)
        self._finding_alerts = FindingAlerts(state.engine, slots, directory, alerting)
        self._alerting = alerting
        self._limit_alerts = limit_alerts
        self._data_loss = data_loss
        self._settle = settle
        self._scores = Scores(slots, state.windows, directory, readings, bus.board, partial(stuck, state))
        self._news2 = News2Rule(directory, alerting, data_loss, state.persistence)
        self._minute_rules = MinuteRules(
            directory,
            DisagreementRule(slots, state.windows, directory, alerting),
            CombinationRule(slots, directory, alerting, readings, bus.board, state.engine.kernels, executor),
        )
        self._board = bus.board
        self._watch = Watch(slots, directory, alerting, bus.board)
        self._self_test = None if self_test is None else SelfTest(self_test, slots, directory, alerting)
        self._risk = (
            None
            if risk is None
            else RiskStream(risk, state, directory, readings, bus.board, alerting, data_loss, clock, metrics)
        )
        self._upkeep = Upkeep(
            state,
            directory,
            self.conditions,
            limit_alerts,
            self._finding_alerts,
            settle,
            self._scores,
            self._watch,
            bus.board,
            self._risk,
        )
        self._scored_position = 0
        self._failed: set[int] = set()

    def on_batch(self, batch: ReadingBatch, now: int) -> int:
        """Readings in order of ordinal, all after ``state.position``. Returns how many belong to nobody under watch."""
        self._upkeep.follow_records(now)
        slot = self.state.slots.resolve(batch)
        self._upkeep.configure_new_slots()
        self._tell(self._judge.batch(slot, batch, now))
        for number in self.state.engine.failed - self._failed:
            self._tell(switched_off(self.state, number))
            self._failed.add(number)
        self._scores.touch(slot)
        if self._risk is not None:
            self._risk.note(slot, batch)
        self.state.position = int(batch.ordinal[-1])
        return int((slot < 0).sum())

    def on_tick(self, now: int, live_since: int | None, *, behind: bool = False) -> int:
        """Once a second. ``live_since``: when the backlog had drained after the start; None = it has not, and nothing that
        follows from silence is judged. Returns how many scores were made."""
        self.book.sync()
        self._upkeep.follow_records(now)
        self._tell(self._judge.late(now, SHARE))
        scores = self._scores.tick(now)
        if live_since is not None:
            self._tell(lapsed(self.state, now, live_since))
            cause = self._cause(now)
            for score in scores:
                self._news2.judge(score, now, cause, live_since)
            self._minute_rules.tick(now)
            self._data_loss.tick(now, live_since)
            self._settle.tick(now)
            self._battery.tick(now)
            if self._self_test is not None:
                self._self_test.tick(now, live_since)
            if self._risk is not None:
                self._risk.tick(now)
        self.past.flush(now)
        self._watch.note_scores(scores)
        self._watch.tick(now, live_since, behind=behind)
        self._call_people(now)
        self.book.forget_old(now)
        self._board.judged_at = now
        return len(scores)

    def on_deadline(self, now: int) -> None:
        """The part of a tick that deadlines and past episodes need, where nothing else can have changed."""
        self.book.sync()
        self.past.flush(now)
        self._call_people(now)

    def next_deadline(self) -> int | None:
        """When the next deadline or past episode is due, server time; None = nothing waits."""
        deadlines = (alert.next_due for alert in self.book.open_alerts())
        waiting = [due for due in (self.past.next_due(), *deadlines) if due is not None]
        return min(waiting, default=None)

    def begin(self, now: int, log_seq: int) -> None:
        """Before the first batch: ``log_seq`` of the snapshot, 0 = there was none."""
        self.book.load(now)
        self.book.mark_replayed(log_seq, now)
        self._desk.load(self.book.log_since(now - HOUR))
        self._upkeep.rebuild(now)
        if self._risk is not None:
            self._risk.recover(now)

    def end(self, now: int) -> None:
        """Before the last snapshot."""
        self._tell(self._judge.late(now, SHARE, all_of_it=True))
        self.past.flush(now, all_of_it=True)
        if self._risk is not None:
            self._risk.end()

    def _call_people(self, now: int) -> None:
        """What time alone and other alerts bring: who takes over, who is called again, what carries what."""
        self._handovers.tick(now)
        fire_due(self._alerting, now)
        self._unanswered.tick(now)
        self._overlays.tick(now)

    def _tell(self, changes: list[Change]) -> None:
        self._limit_alerts.take(changes)
        self._finding_alerts.take(changes)

    def _cause(self, now: int) -> str:
        """Scores follow from the readings up to here, or from time alone when none came since the last second."""
        fresh = self.state.position > self._scored_position
        self._scored_position = self.state.position
        return f"ordinal:{self.state.position}" if fresh else f"deadline:{now}"
