"""What InfluxDB 2.7.12 answered to our questions, read again without it: the same figures as the journal's own.

``python -m tests.unit.store.test_influx_history`` asks a server anew and writes the answers (it needs ``influxd``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conformance.stores.given import NAN, T0, commit, readings
from tests.servers.fake_influx import FakeInflux, Told
from tests.servers.influx import Influxd
from vigil.domain.errors import InvalidInput, StoreError
from vigil.domain.quality import Quality
from vigil.domain.readings import Stream
from vigil.runtime.clock import ManualClock
from vigil.runtime.influx import InfluxSettings
from vigil.store import ReadingStore
from vigil.store.duck import DuckReadingStore
from vigil.store.influx.history import InfluxHistory
from vigil.store.influx.lines import heads, lines
from vigil.store.influx.server import InfluxServer

FOLDER = Path(__file__).parent / "influx_answers"
BUCKET = "recorded"
S = 1_000_000
STREAMS = [
    Stream(0, "w-1", 1, ""),
    Stream(1, "w-1", 1, 'left "wrist"'),
    Stream(2, "w-2", 0, ""),
    Stream(3, "w-3", 0, ""),
]
ROWS = [
    (0, T0 + 5 * S, 97.0, 0),
    (0, T0 + 3 * S, 96.5, int(Quality.LOW_PERFUSION)),
    (1, T0 + 3 * S, 95.0, 0),
    (1, T0 + 3 * S, 94.0, 0),
    (2, T0 + 1 * S, 61.0, 0),
    (2, T0 + 8 * S, 150.0, int(Quality.MOTION)),
    (3, T0 + 2 * S, NAN, int(Quality.NO_VALUE)),
]
SPAN = (T0, T0 + 10 * S)
ASKED: dict[str, Callable[[ReadingStore | InfluxHistory], Any]] = {
    "range": lambda store: store.range([0, 1, 2, 3], *SPAN, 100),
    "buckets": lambda store: store.buckets([0, 1, 2, 3], *SPAN, 3),
    "latest": lambda store: store.latest(),
}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[DuckReadingStore]:
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    store.commit(commit(readings(ROWS), STREAMS))
    yield store
    store.close()


def history(folder: Path, url: str) -> InfluxHistory:
    token = folder / "token"
    token.write_text("t0ken")
    server = InfluxServer(InfluxSettings(url=url, bucket=BUCKET, token_file=token), ManualClock())
    return InfluxHistory(server, lambda: STREAMS)


def told(name: str) -> list[Told]:
    """The answers in the order of the questions."""
    return [
        Told(200, path.read_text("utf-8").replace("\n", "\r\n"), {"Content-Type": "text/csv"})
        for path in sorted(FOLDER.glob(f"{name}-*.csv"))
    ]


@pytest.mark.parametrize("name", ASKED)
def test_a_recorded_answer_says_what_the_journal_says(journal: DuckReadingStore, tmp_path: Path, name: str) -> None:
    with FakeInflux(*told(name)).running() as fake:
        found = ASKED[name](history(tmp_path, fake.url))
    expected = ASKED[name](journal)
    for field in fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)[: len(getattr(found, field.name))]
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other, err_msg=field.name)
    assert len(fake.requests) == len(told(name))


def test_what_needs_no_answer_asks_nobody(tmp_path: Path) -> None:
    with FakeInflux(Told(500)).running() as fake:
        asked = history(tmp_path, fake.url)
        assert (
            len(asked.range([], *SPAN, 10)) == len(asked.range([0], T0, T0, 10)) == len(asked.range([0], *SPAN, 0)) == 0
        )
        assert len(asked.range([99], *SPAN, 10)) == 0
        with pytest.raises(InvalidInput, match="points"):
            asked.buckets([0], *SPAN, 0)
    assert fake.requests == []


def test_no_answer_is_an_error_and_not_an_empty_past(tmp_path: Path) -> None:
    with FakeInflux(Told(503)).running() as fake:
        for ask in ASKED.values():
            with pytest.raises(StoreError, match="cannot serve now"):
                ask(history(tmp_path, fake.url))


def test_many_streams_are_asked_for_in_several_questions(tmp_path: Path) -> None:
    asked: list[str] = []

    class Silent:
        bucket = BUCKET

        def query(self, flux: str) -> list[Mapping[str, Any]]:
            asked.append(flux)
            return []

    many = [Stream(number, f"w-{number}", 0, "") for number in range(450)]
    assert len(InfluxHistory(Silent(), lambda: many).range(range(450), *SPAN, 10)) == 0
    assert [question.count("r.device ==") for question in asked] == [200, 200, 50]


def record() -> None:
    FOLDER.mkdir(exist_ok=True)
    server = Influxd()
    try:
        to = server.server(BUCKET)
        to.prepare()
        batch = readings(ROWS)
        batch.ordinal[:] = np.arange(1, len(ROWS) + 1)
        to.write(lines(batch, heads(STREAMS)))

        class Recording:
            bucket = BUCKET
            name, number = "", 0

            def query(self, question: str) -> Iterator[Mapping[str, Any]]:
                self.number += 1
                answer = server.flux(question, annotated=True)
                (FOLDER / f"{self.name}-{self.number}.csv").write_text(answer.replace("\r\n", "\n"), "utf-8")
                return to.query(question)

        for name, ask in ASKED.items():
            recording = Recording()
            recording.name = name
            ask(InfluxHistory(recording, lambda: STREAMS))
    finally:
        server.close()


if __name__ == "__main__":
    record()
