"""The forwarder over a journal in memory and a server that fails in every way; time is moved by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.stores.given import T0, readings, streams
from tests.deadline import until
from vigil.domain.errors import StoreError
from vigil.domain.phrases import phrase
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.scores import Score
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store.influx import forward
from vigil.store.influx.answers import WRITTEN, Answer, Verdict
from vigil.store.influx.forward import Forwarder

#: A hundredth of the real ones.
BATCH, OVERLAP = 50, 500

GONE = Answer(Verdict.LATER, "InfluxDB cannot be reached", gone=True)
BUSY = Answer(Verdict.LATER, "InfluxDB cannot serve now (503)")
SLOW = Answer(Verdict.LATER, "InfluxDB did not answer within 10 s")
WRONG = Answer(Verdict.SETTINGS, "InfluxDB does not know the token")
BAD = Answer(Verdict.REFUSED, "InfluxDB cannot read a line")


class Journal:
    """Readings 1 to ``head``, of one stream a microsecond."""

    def __init__(self, head: int = 0) -> None:
        self.rows = readings([])
        self.broken = ""
        self.add(head)

    def add(self, count: int) -> None:
        first = len(self.rows) + 1
        new = readings([(0, T0 + first + place, 97.0, 0) for place in range(count)])
        numbered = replace(new, ordinal=np.arange(first, first + count, dtype=np.uint64))
        self.rows = ReadingBatch.concat([self.rows, numbered])

    def streams(self) -> list[Stream]:
        return streams(1)

    def after(self, ordinal: int, limit: int) -> ReadingBatch:
        if self.broken:
            raise StoreError(self.broken)
        return self.rows.take(slice(ordinal, ordinal + limit))

    def head(self) -> int:
        return len(self.rows)

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        raise NotImplementedError

    def append_scores(self, scores: Sequence[Score]) -> None:
        raise NotImplementedError


class Server:
    """Keeps the points it took. ``says`` decides by the ordinals of a write; ``lost`` counts the writes it forgot."""

    target = "http://somewhere vigil vigil"

    def __init__(self) -> None:
        self.points: set[int] = set()
        self.sizes: list[int] = []
        self.says: Callable[[list[int]], Answer] = lambda _ordinals: WRITTEN
        self.prepared = WRITTEN
        self.closed = 0

    def prepare(self) -> Answer:
        return self.prepared

    def write(self, lines: list[str]) -> Answer:
        ordinals = [int(re.findall(r"ordinal=(\d+)i", line)[0]) for line in lines]
        self.sizes.append(len(ordinals))
        answer = self.says(ordinals)
        if answer.verdict is Verdict.WRITTEN:
            self.points.update(ordinals)
        return answer

    def close(self) -> None:
        self.closed += 1


class Site:
    def __init__(self, folder: Path, head: int = 0) -> None:
        self.journal, self.server, self.clock = Journal(head), Server(), ManualClock(T0 + 60_000_000)
        self.metrics = Metrics()
        self.path = folder / "influx.json"
        self.restart()

    def restart(self) -> None:
        self.forwarder = Forwarder(
            self.journal, self.server, self.path, self.clock, self.metrics, Random(7), batch=BATCH, overlap=OVERLAP
        )

    def run(self, most: int = 10_000) -> float:
        """Until it wants to wait, which it is told to do in vain; the wait."""
        for _ in range(most):
            wait_s = self.forwarder.step()
            if wait_s:
                return wait_s
        raise AssertionError(f"it still works after {most} steps")

    def whole(self) -> bool:
        return self.server.points == set(range(1, self.journal.head() + 1))

    @property
    def words(self) -> str:
        return self.forwarder.standing().words


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, 120)


def test_all_is_copied_in_batches_and_what_comes_later_too(site: Site) -> None:
    assert site.run() == forward.IDLE_S
    assert (site.whole(), site.server.sizes) == (True, [BATCH, BATCH, 20])
    assert site.forwarder.standing() == forward.Standing(
        True, phrase("check.parts", parts=[phrase("check.up_to_date")]), 0, 0.0
    )
    site.journal.add(3)
    assert "3 readings behind" in site.words
    site.run()
    assert site.whole()


def test_an_outage_of_hours_loses_nothing_and_is_told(site: Site) -> None:
    site.run()
    site.server.says = lambda _: GONE
    waits = []
    for _ in range(40):
        site.journal.add(10)
        waits.append(site.run())
        site.clock.advance(waits[-1])
    assert [round(wait) for wait in waits[:3]] == [1, 2, 5]
    assert all(60 <= wait <= 75 for wait in waits[8:])
    assert len(set(waits[8:])) > 20  # spread, so that cores do not knock together
    standing = site.forwarder.standing()
    assert (standing.ok, standing.behind) == (False, 400)
    assert standing.late_s > 1800
    assert "cannot be reached; nothing is lost, it is tried again" in standing.words
    site.server.says = lambda _: WRITTEN
    site.run()
    assert site.whole()
    assert site.forwarder.standing().ok


def test_the_waits_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    waits = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        site = Site(tmp_path / name, 1)
        site.server.says = lambda _: BUSY
        waits.append([site.run() for _ in range(5)])
    assert waits[0] == waits[1]


def test_a_wait_that_the_server_asks_for_is_kept(site: Site) -> None:
    site.server.says = lambda _: Answer(Verdict.LATER, "InfluxDB has enough for now (429)", 120.0)
    assert 120 <= site.run() <= 150


def test_a_restart_goes_on_where_it_was_and_sends_only_the_last_again(tmp_path: Path) -> None:
    site = Site(tmp_path, 1200)
    site.run()
    site.server.sizes.clear()
    site.restart()
    site.run()
    assert sum(site.server.sizes) == OVERLAP
    assert site.whole()


def test_what_a_killed_server_forgot_is_sent_once_more(tmp_path: Path) -> None:
    site = Site(tmp_path, 600)
    site.run()
    site.server.points -= set(range(300, 601))  # it had them in memory
    site.server.says = lambda _: GONE
    site.journal.add(1)
    site.run()
    site.server.says = lambda _: WRITTEN
    site.run()
    assert site.whole()


def test_a_server_that_dies_again_and_again_is_not_sent_the_same_for_ever(tmp_path: Path) -> None:
    site = Site(tmp_path, 2000)
    taken = 0

    def dying(_: list[int]) -> Answer:
        nonlocal taken
        taken += 1
        return GONE if taken % 3 == 0 else WRITTEN

    site.server.says = dying
    for _ in range(60):
        site.run()
        if site.whole():
            break
    assert site.whole()
    assert sum(site.server.sizes) < 4 * 2000


def test_one_bad_reading_is_set_aside_and_holds_back_no_other(site: Site) -> None:
    site.server.says = lambda ordinals: BAD if 77 in ordinals else WRITTEN
    site.run()
    assert set(range(1, 121)) - site.server.points == {77}
    assert len(site.server.sizes) < 20
    assert "1 readings set aside, tried again each hour: InfluxDB cannot read a line" in site.words
    assert not site.forwarder.standing().ok
    assert 'store_influx_readings_total{outcome="set_aside"} 1.0' in site.metrics.text().decode()


def test_what_is_not_confirmed_is_told_by_ordinal(site: Site) -> None:
    assert site.forwarder.uncopied() == [(1, forward.NO_END)]
    site.server.says = lambda ordinals: BAD if 60 in ordinals else WRITTEN
    site.run()
    assert site.forwarder.uncopied() == [(60, 60), (121, forward.NO_END)]
    site.server.says = lambda _ordinals: GONE
    site.journal.add(7)
    site.run()
    assert site.forwarder.uncopied() == [(60, 60), (121, forward.NO_END)]


@pytest.mark.parametrize("left", [61, 0])
def test_what_was_set_aside_and_forgotten_since_is_set_aside_no_more(site: Site, left: int) -> None:
    """They were forgotten while the settings named no InfluxDB: behind the hole the journal goes on, or has nothing."""
    site.server.says = lambda ordinals: BAD if 60 in ordinals else WRITTEN
    site.run()
    after = site.journal.after
    site.journal.after = lambda ordinal, limit: after(max(ordinal, left or 120), limit)  # type: ignore[method-assign]
    site.restart()
    site.run()
    assert (site.forwarder.uncopied(), site.words) == ([(121, forward.NO_END)], "up to date")


def test_what_is_set_aside_is_tried_again_after_an_hour_and_at_a_start(site: Site) -> None:
    site.server.says = lambda ordinals: BAD if 77 in ordinals else WRITTEN
    site.run()
    tried = len(site.server.sizes)
    site.run()
    assert len(site.server.sizes) == tried
    site.clock.advance(3601)
    site.run()
    assert site.server.sizes[tried:] == [1]
    site.run()
    assert len(site.server.sizes) == tried + 1
    site.server.says = lambda _: WRITTEN
    site.restart()
    site.run()
    assert site.whole()
    assert site.words == "up to date"


def test_a_bucket_that_takes_nothing_costs_few_tries_and_is_filled_when_it_is_put_right(tmp_path: Path) -> None:
    site = Site(tmp_path, 500)
    site.server.says = lambda _: BAD
    site.run()
    assert len(site.server.sizes) < forward.TRIES + 10 * (forward.FEW_TRIES + 7)
    assert "500 readings set aside" in site.words
    tried = len(site.server.sizes)
    site.clock.advance(3601)
    site.run()
    assert len(site.server.sizes) - tried <= forward.TRIES
    site.server.says = lambda _: WRITTEN
    site.clock.advance(3601)
    site.run()
    assert site.whole()
    assert site.words == "up to date"


def test_an_outage_in_the_middle_of_trying_again_forgets_nothing(site: Site) -> None:
    site.server.says = lambda _: BAD
    site.run()
    site.server.says = lambda _: GONE
    site.clock.advance(3601)
    site.run()
    site.restart()
    site.server.says = lambda _: WRITTEN
    site.run()
    assert site.whole()


@pytest.mark.parametrize("largest", [30, 7, 1])
def test_a_server_that_takes_only_small_writes_gets_small_ones(tmp_path: Path, largest: int) -> None:
    site = Site(tmp_path, 2 * BATCH)
    site.server.says = lambda ordinals: Answer(Verdict.TOO_LARGE, "413") if len(ordinals) > largest else WRITTEN
    site.run()
    assert site.whole()
    site.server.sizes.clear()
    site.journal.add(5)
    site.run()
    assert max(site.server.sizes) <= largest  # it is remembered


def test_a_slow_server_gets_smaller_writes_until_it_is_quick_again(site: Site) -> None:
    site.server.says = lambda ordinals: SLOW if len(ordinals) > 10 else WRITTEN
    for _ in range(6):
        site.run()
    assert site.server.sizes[:4] == [50, 25, 12, 6]
    site.server.says = lambda _: WRITTEN
    site.run()
    site.journal.add(200)
    site.run()
    assert site.whole()
    assert site.server.sizes[-2] == BATCH


def test_wrong_settings_are_told_and_read_again_at_each_try(site: Site) -> None:
    site.server.says = lambda _: WRONG
    for _ in range(3):
        site.run()
    assert site.server.closed == 3
    assert "does not know the token" in site.words
    site.server.says = lambda _: WRITTEN
    site.run()
    assert site.whole()


def test_a_token_that_may_not_look_at_buckets_may_still_write(site: Site) -> None:
    site.server.prepared = WRONG
    site.run()
    assert site.whole()
    assert site.forwarder.standing().ok


def test_a_bucket_that_keeps_too_short_is_told_beside(site: Site) -> None:
    site.server.prepared = Answer(Verdict.WRITTEN, "the bucket of InfluxDB keeps readings 1 days")
    site.run()
    assert site.whole()
    assert site.words == "up to date; the bucket of InfluxDB keeps readings 1 days"


def test_points_that_are_too_old_are_counted_and_passed_over(site: Site) -> None:
    site.server.says = lambda ordinals: Answer(Verdict.EXPIRED, dropped=len(ordinals))
    site.run()
    assert site.words == "up to date"
    assert 'store_influx_readings_total{outcome="expired"} 120.0' in site.metrics.text().decode()


@pytest.mark.parametrize(
    "content", ["", "{", '{"target": 1}', '{"target": "x", "position": 5, "aside": [{"first": 1}]}', "[]"]
)
def test_a_checkpoint_that_cannot_be_read_copies_all_again(site: Site, content: str) -> None:
    site.run()
    site.path.write_text(content)
    site.server.points.clear()
    site.restart()
    site.run()
    assert site.whole()


def test_another_server_gets_all_of_it(site: Site) -> None:
    site.run()
    site.server = Server()
    site.server.target = "http://elsewhere vigil vigil"
    site.restart()
    site.run()
    assert site.whole()


def test_a_journal_that_was_set_back_is_copied_from_the_start(site: Site) -> None:
    site.run()
    site.journal = Journal(100)
    site.server.points.clear()
    site.restart()
    site.run()
    assert site.whole()


def test_a_journal_or_a_disk_that_fails_is_told_and_passes(site: Site, tmp_path: Path) -> None:
    site.journal.broken = "readings.duckdb failed"
    assert site.run() >= 1
    site.journal.broken = ""
    site.path.mkdir()  # nothing can be moved over it
    site.run()
    assert "influx.json cannot be written" in site.words
    site.path.rmdir()
    site.journal.add(1)
    site.run()
    assert site.words == "up to date"
    assert json.loads(site.path.read_text())["position"] == 121


FAULT = st.sampled_from([WRITTEN, WRITTEN, GONE, BUSY, SLOW, WRONG, Answer(Verdict.TOO_LARGE, "413")])


@settings(max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=st.lists(FAULT, max_size=20),
    bad=st.sets(st.integers(1, 300), max_size=4),
    adds=st.lists(st.integers(0, 100), min_size=1, max_size=3),
    restarts=st.sets(st.integers(0, 20), max_size=3),
)
def test_whatever_fails_all_but_the_bad_readings_arrive(
    tmp_path: Path, faults: list[Answer], bad: set[int], adds: list[int], restarts: set[int]
) -> None:
    (tmp_path / "influx.json").unlink(missing_ok=True)
    site = Site(tmp_path)
    left = list(faults)

    def says(ordinals: list[int]) -> Answer:
        fault = left.pop() if left else WRITTEN
        if fault.verdict is not Verdict.WRITTEN and not (fault.verdict is Verdict.TOO_LARGE and len(ordinals) == 1):
            return fault
        return BAD if bad & set(ordinals) else WRITTEN

    site.server.says = says
    for added in adds:
        site.journal.add(added)
        for turn in range(25):
            if turn in restarts:
                site.restart()
            site.run()
    every = set(range(1, site.journal.head() + 1))
    assert every - site.server.points == bad & every
    aside = json.loads(site.path.read_text())["aside"] if every else []
    assert {one for span in aside for one in range(span["first"], span["last"] + 1)} >= bad & every


def test_trouble_ends_with_the_outage_though_nothing_new_waits(site: Site) -> None:
    site.server.prepared = GONE
    site.journal = Journal(0)
    site.restart()
    site.run()
    assert not site.forwarder.standing().ok
    site.server.prepared = WRITTEN
    assert site.run() == forward.IDLE_S
    assert site.forwarder.standing().ok


def test_a_fault_of_the_client_is_one_more_failure(site: Site) -> None:
    def fault(_: list[int]) -> Answer:
        raise RuntimeError("the client")

    site.server.says = fault
    crashed: list[str] = []
    site.forwarder.start(lambda name, _error: crashed.append(name))
    assert until(lambda: "the copy to InfluxDB failed: RuntimeError" in site.words)
    site.forwarder.stop()
    assert crashed == []


def test_its_thread_ends_when_it_is_told(site: Site) -> None:
    crashed: list[str] = []
    site.server.says = lambda _: GONE
    site.forwarder.start(lambda name, _error: crashed.append(name))
    site.forwarder.stop()
    assert (crashed, site.server.closed) == ([], 1)
