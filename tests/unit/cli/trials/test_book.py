"""Trials in their own process: what comes of one, that it can be ended, and that it cannot take all."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.trials import Outcome, Trial, TrialPlan, TrialState
from cli.trials.book import KEPT, Limits, TrialBook
from tests.product import eventually
from tests.unit.cli.trials.bed import END, START, UNREST, Bed, open_bed, plan, tried
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.effective import Scope
from vigil.domain.errors import StoreError
from vigil.domain.lifecycle import Began, Finding, Stamp, apply
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import DAY, MINUTE
from vigil.runtime.clock import ManualClock

WAIT_S = 120.0
RULE = "limit.heart_rate.high"
#: A machine that is busy with other tests would let it wait.
QUICK_PROCESS = Limits(nice=0)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    opened = open_bed(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def book(bed: Bed) -> Iterator[TrialBook]:
    opened = TrialBook(bed.readings, bed.records, bed.clock, QUICK_PROCESS)
    yield opened
    opened.stop()


def over(book: TrialBook, asked: TrialPlan) -> Trial:
    def newest() -> Trial | None:
        found = book.of(*asked.key)[0]
        return None if found.state is TrialState.RUNNING else found

    found = eventually(newest, WAIT_S, "the trial is over")
    assert found is not None
    return found


def outcome(trial: Trial) -> Outcome:
    assert trial.state is TrialState.FINISHED, trial.why
    assert trial.outcome is not None
    return trial.outcome


def real_alert(bed: Bed, patient_id: str, onset: int) -> str:
    finding = Finding(
        patient_id, RULE, Kind.PHYSIOLOGICAL, Priority.MEDIUM, "HR high", Evidence("HR 135"), onset, "w-1"
    )
    line = apply(None, Began(Stamp(f"ordinal:{onset}", onset), finding), tried(patient_id, 140).before)
    assert line is not None
    recorded = bed.records.record(line)
    assert recorded is not None
    return recorded.after.alert_id


def test_a_ward_is_tried_patient_by_patient(bed: Bed, book: TrialBook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bed.wear("p-1", "w-1", UNREST)
    bed.wear("p-2", "w-2", [80.0] * 30, START + 2 * DAY)
    bed.wear("p-3", "w-3", [150.0] * 30, END + MINUTE)  # after the last day
    alert_id = real_alert(bed, "p-1", START + 60 * MINUTE)
    asked = plan(tried("p-1", 140), tried("p-2", 140), tried("p-3", 140))
    assert book.start(asked) is not None
    assert book.start(plan(tried("p-2", 140), name="south")) is None  # one at a time
    trial = over(book, asked)
    found = outcome(trial)
    assert trial.done == 3
    assert (list(found.days), found.unmeasured) == ([1, 0, 1], 1)
    assert (found.before.by_rule[RULE], found.after.by_rule[RULE]) == (2, 1)
    gone = [one for one in found.changes if one.after is None]
    assert [(one.told.patient_id, one.told.rule, one.alert_id) for one in gone] == [("p-1", RULE, alert_id)]
    assert "Marker-Family" not in caplog.text
    assert (book.of(Scope.WARD, "south"), book.of(Scope.PATIENT, "north")) == ([], [])


class Halting:
    """Readings that come only when the test wants."""

    def __init__(self, bed: Bed) -> None:
        self._readings = bed.readings
        self.asked, self.given = threading.Event(), threading.Event()
        self.fails = False
        self.streams = bed.readings.streams

    def range(self, streams: list[int], start: int, end: int, limit: int) -> ReadingBatch:
        self.asked.set()
        self.given.wait(WAIT_S)
        if self.fails:
            raise StoreError("a file is missing")
        return self._readings.range(streams, start, end, limit)


def halted(bed: Bed, limits: Limits = QUICK_PROCESS) -> tuple[TrialBook, Halting, ManualClock]:
    bed.wear("p-1", "w-1", UNREST)
    readings, clock = Halting(bed), ManualClock(END)
    return TrialBook(readings, bed.records, clock, limits), readings, clock  # type: ignore[arg-type]


def test_a_person_can_end_it(bed: Bed) -> None:
    book, readings, _ = halted(bed)
    asked = plan(tried("p-1", 140))
    book.start(asked)
    assert readings.asked.wait(WAIT_S)
    assert not book.end(Scope.WARD, "south")
    assert book.end(*asked.key)
    readings.given.set()
    assert (over(book, asked).state, book.end(*asked.key)) == (TrialState.ENDED, False)


def test_one_that_takes_too_long_fails(bed: Bed) -> None:
    book, readings, clock = halted(bed, Limits(seconds=60, nice=0))
    asked = plan(tried("p-1", 140))
    book.start(asked)
    assert readings.asked.wait(WAIT_S)
    clock.advance(61)
    readings.given.set()
    trial = over(book, asked)
    assert (trial.state, trial.outcome) == (TrialState.FAILED, None)
    assert "60 s" in trial.why


def test_a_store_that_fails_fails_the_trial_and_not_the_next_one(bed: Bed) -> None:
    book, readings, _ = halted(bed)
    asked = plan(tried("p-1", 140))
    readings.fails = True
    readings.given.set()
    book.start(asked)
    failed = over(book, asked)
    assert (failed.state, "file" in failed.why) == (TrialState.FAILED, False)
    readings.fails = False
    book.start(asked)
    outcome(over(book, asked))
    assert [one.state for one in book.of(*asked.key)] == [TrialState.FINISHED, TrialState.FAILED]


def test_a_process_without_memory_fails_the_trial(bed: Bed) -> None:
    bed.wear("p-1", "w-1", UNREST)
    book = TrialBook(bed.readings, bed.records, bed.clock, Limits(memory=1 << 20, nice=0))
    asked = plan(tried("p-1", 140))
    book.start(asked)
    assert over(book, asked).state is TrialState.FAILED
    book.stop()


def test_it_comes_last_in_line_and_stopping_leaves_no_process(bed: Bed) -> None:
    book, readings, _ = halted(bed, Limits(nice=7))
    book.start(plan(tried("p-1", 140)))
    assert readings.asked.wait(WAIT_S)
    (child,) = _children()
    last = min(os.getpriority(os.PRIO_PROCESS, 0) + 7, 19)
    eventually(lambda: os.getpriority(os.PRIO_PROCESS, child) == last, WAIT_S, "lower priority")
    readings.given.set()
    book.stop()
    assert child not in _children()


def test_few_are_kept(bed: Bed) -> None:
    book = TrialBook(bed.readings, bed.records, ManualClock(END), QUICK_PROCESS)
    asked = plan()  # of nobody: over at once
    for _ in range(KEPT + 2):
        book.start(asked)
        outcome(over(book, asked))
    assert len(book.of(*asked.key)) == KEPT


def _children() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and b"spawn_main" in words:
            found.append(int(entry.name))
    return found
