"""The parts of ``vigil bench api`` in small: the site, its day, what is asked, what the sensors send."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cli.bench.api import _answers, _streams
from cli.bench.api_questions import Asked, questions
from cli.bench.api_sender import each_second, in_tens
from cli.bench.api_streams import Publishing, Watched
from cli.bench.api_ward import BEDS, CRITICAL, SPOT, WORN, admit, people_of, remember
from cli.bench.ingestion.site import Site
from vigil.domain.times import DAY, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock
from vigil.runtime.keys import load_keys
from vigil.store import EVERY_READING
from vigil.store.duck.store import DuckReadingStore
from vigil.store.records.store import SqlRecordStore
from vigil.wire import packs


def test_people_and_their_day_are_what_was_asked_for(tmp_path: Path) -> None:
    clock, people = ManualClock(), people_of(150, 30)
    keys = load_keys(tmp_path, create=True)
    admit(tmp_path, keys, people, clock)
    assert (len(people.worn), len(people.spot), people.ward(0), people.ward(BEDS)) == (5, 145, "ward-0000", "ward-0001")
    records = SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", keys.record_key.encode())
    assert [one.patient_id for one in records.patients()] == [people.patient(place) for place in range(150)]
    assert {one.device_id for one in records.bindings()} == set(people.devices)
    records.close()

    size = remember(tmp_path, people, 2900, 3, clock)
    store = DuckReadingStore(tmp_path / "readings.duckdb", clock)
    sparse, spot = 5 * len(WORN) - 1, 145 * len(SPOT)
    assert size == store.head() == 86_400 + sparse * 100 + spot * 4 + 3
    every = store.range([0], 0, clock.now_us(), EVERY_READING)
    assert (np.diff(every.measured_at) == SECOND).all()
    assert {one.vital for one in store.streams() if one.stream == 0} == {BY_NAME["heart_rate"].index}
    ordered = store.after(0, size).measured_at
    assert (np.diff(ordered) >= 0).all(), "they came in the order of time"
    assert clock.now_us() - ordered[0] < DAY + 60 * SECOND
    assert int((store.latest().value == CRITICAL).sum()) == 3
    store.close()


def test_each_question_asks_about_a_patient_of_the_site() -> None:
    people = people_of(1000, 600)
    assert len(people.worn) == 100
    seen: dict[str, set[str]] = {}
    for turn in range(40):
        for one in questions(people):
            seen.setdefault(one.name, set()).add(one.path(2 * DAY, turn))
    assert len(seen["24 h to 500 points"]) == 1
    others = seen["24 h of somebody not looked at before"] | seen["by Prometheus, somebody else"]
    assert len(others) == 80, "nobody twice, nobody by both ways"


def test_the_sensors_send_what_was_said(tmp_path: Path) -> None:
    site = Site(tmp_path, ("w-1", "w-2"), 0, 0, load_keys(tmp_path, create=True), "", ManualClock())
    sent, apart = in_tens(site, site.devices, 25)
    assert (len(sent), apart) == (2 * 3, 5.0)
    values = [packs.read(payload, site.devices[place % 2]).value for place, (_, payload) in enumerate(sent)]
    assert [len(one) for one in values] == [60] * 6
    single, apart = each_second(site, site.devices, 1, 4)
    assert (len(single), apart) == (8, 0.5)
    read = [packs.read(payload, site.devices[place % 2]) for place, (_, payload) in enumerate(single)]
    assert [(one.seq, len(one.value)) for one in read] == [(place // 2, 1) for place in range(8)]
    assert read[2].time_us[0] - read[0].time_us[0] == SECOND


def test_a_goal_is_reached_or_not_and_bare_is_the_measure() -> None:
    asked = [Asked(one, [0.001 * (place + 1)] * 3) for place, one in enumerate(questions(people_of(1000, 600)))]
    table = _answers(asked, "")
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns["times bare"][:3] == ["1.0", "2.0", "3.0"]
    assert columns["reached"] == ["–", "yes", "–", "yes", "yes", "–", "yes", "yes", "yes"]
    asked[1].seconds = [0.005] * 3
    assert list(_answers(asked, "").columns[-1].cells)[1] == "no"


def test_streams_are_told_by_the_client() -> None:
    seen = Watched(500, 40_000.0, (Publishing(1, 0.10, 0.12, 34e3), Publishing(6, 0.15, 0.18, 141e3)))
    cells = dict(zip(*(list(column.cells) for column in _streams(seen).columns), strict=True))
    assert cells["memory of one while nothing happens"] == "40 kB"
    assert cells["6 vitals against 1 vital"] == "1.5 times (goal < 2: yes)"
    assert cells["all clients, more"] == "3.0%, 60 µs a client and second"
