"""What the platform asks for: sent again, or said to be gone, so that its acknowledgement goes on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import cast

import pytest

from gateway.asked import Asked
from gateway.count import Counts
from gateway.pace import MAX_BITE_PACKS, Pace
from gateway.publish import Publisher
from gateway.settings import GatewaySettings
from gateway.spool import Spool
from gateway.spool_thread import SpoolThread
from gateway.unable import WHY, Unable
from ingest.gaps import FILLED_S
from tests.unit.gateway.lines import NOON_S, new, opened, take
from tests.unit.ingest.rig import Rig
from vigil.runtime.clock import ManualClock, SystemClock
from vigil.runtime.link import BrokerLogin, Connection
from vigil.runtime.metrics import Metrics
from vigil.wire.commands import Backfill, write_backfill
from vigil.wire.control import write_config, write_config_answer

DAY_S = 86_400.0
QUESTION = "rpm/v1/home/d/w-1/cmd/backfill"
SETTINGS = "rpm/v1/home/d/w-1/cmd/config"


def test_questions_to_our_devices_are_handed_out_once() -> None:
    asked = Asked("home", ("w-1", "w-2"))
    asked.take_message(QUESTION, write_backfill(7, 3, 5))
    asked.take_message(QUESTION, write_backfill(7, 9, 9))
    asked.take_message("rpm/v1/home/d/w-2/cmd/backfill", write_backfill(8, 0, 0))
    assert asked.taken() == [("w-1", Backfill(7, 3, 5)), ("w-1", Backfill(7, 9, 9)), ("w-2", Backfill(8, 0, 0))]
    assert asked.taken() == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("rpm/v1/home/d/w-9/cmd/backfill", write_backfill(7, 3, 5)),
        ("rpm/v1/home/d/w-1/cmd/ack", write_backfill(7, 3, 5)),
        (QUESTION, b'{"epoch":7,"from":5,"to":3}'),
        (QUESTION, b'{"epoch":7,"from":-1,"to":3}'),
        (QUESTION, b"\xff"),
    ],
)
def test_anything_else_is_no_question(topic: str, payload: bytes) -> None:
    asked = Asked("home", ("w-1",))
    asked.take_message(topic, payload)
    assert asked.taken() == []


def test_a_flood_of_questions_is_bounded() -> None:
    asked = Asked("home", ("w-1",))
    for number in range(1000):
        asked.take_message(QUESTION, write_backfill(7, number, number))
    assert [question.from_ for _, question in asked.taken()] == list(range(984, 1000))


def test_packs_that_are_asked_for_go_at_once(tmp_path: Path) -> None:
    clock = ManualClock(NOON_S * 1_000_000)
    spool = opened(tmp_path / "spool.db", clock)
    spool.accept([new(number) for number in range(6)])
    epoch = take(spool, 9)[0].epoch
    assert take(spool, 9) == []
    assert spool.asked_again("w-1", Backfill(epoch, 2, 4)) == []
    assert [pack.seq for pack in take(spool, 9)] == [2, 3, 4]
    assert take(spool, 9) == []
    spool.close()


def test_after_a_drop_the_platform_acknowledges_what_is_left(tmp_path: Path) -> None:
    """The real book of numbers, gaps and dead letters on the other side."""
    rig, clock = Rig(tmp_path), ManualClock(NOON_S * 1_000_000)
    spool = opened(tmp_path / "spool.db", clock, max_age_s=DAY_S)
    spool.accept([new(number) for number in range(4)])
    first = sorted(spool.take_live(9), key=lambda pack: pack.seq)[0]
    rig.send(first.payload)  # 0 arrives; 1 to 3 do not
    clock.advance(DAY_S)
    spool.take_live(1)
    spool.accept([new(4), new(5)])
    assert spool.drop_old() == 4
    for pack in take(spool, 9):
        rig.send(pack.payload)
    rig.clock.advance(FILLED_S)  # the newest goes first, so the other one fills a hole
    rig.pipeline.flush()
    assert rig.published[-1][1] == {"epoch": first.epoch, "seq": 0}
    ((topic, question),) = rig.asked
    asked = Asked("home", ("w-1",))
    asked.take_message(topic, json.dumps(question).encode())
    for device, wanted in asked.taken():
        for run in spool.asked_again(device, wanted):
            rig.gaps.denied(device, write_backfill(run.epoch, run.from_, run.to))
    rig.clock.advance(1)
    rig.pipeline.flush()
    assert rig.published[-1][1] == {"epoch": first.epoch, "seq": 5}
    assert spool.prune({("w-1", first.epoch): 5}) == 2
    assert spool.packs == 0
    (letter,) = rig.dead()
    assert (letter.reason, letter.detail.split(" ")[0]) == ("never_sent", "3")
    assert len(rig.stored()) == 6  # three lines of two values
    spool.close()
    rig.store.close()


class _Broker:
    """A connection that remembers what is published and lets the test wait for it."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.filters: list[str] = []
        self.any = asyncio.Event()

    async def subscribe(self, filters: list[str]) -> None:
        self.filters += filters

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> None:
        self.said.append((topic, payload))
        self.any.set()

    async def until(self, topic: str) -> bytes:
        async with asyncio.timeout(20):
            while topic not in dict(self.said):
                self.any.clear()
                await self.any.wait()
        return dict(self.said)[topic]


def test_the_publisher_subscribes_to_the_question_and_answers_it(tmp_path: Path) -> None:
    settings = GatewaySettings(BrokerLogin("", 0, "g-1", ""), "home", ("w-1",), tmp_path / "spool.db")
    spool = opened(settings.spool, ManualClock(NOON_S * 1_000_000), max_age_s=DAY_S)
    spool.accept([new(0)])
    spool._db.execute("DELETE FROM packs")

    async def talk() -> None:
        thread, asked, broker = SpoolThread(spool), Asked("home", ("w-1",)), _Broker()
        unable = Unable("home", ("w-1",))
        publisher = Publisher(settings, thread, asked, unable, Counts(Metrics()), SystemClock())
        session = asyncio.create_task(publisher.session(cast(Connection, broker)))
        (epoch,) = await thread.do(_epochs)
        asked.take_message(QUESTION, write_backfill(epoch, 0, 7))
        publisher.wake()
        assert await broker.until("rpm/v1/home/d/w-1/res/backfill") == write_backfill(epoch, 0, 0)
        assert broker.filters == ["rpm/v1/home/d/w-1/cmd/ack", QUESTION, SETTINGS]
        unable.take_message(SETTINGS, write_config(3, {"hr": 5}, {}))
        publisher.wake()
        assert await broker.until("rpm/v1/home/d/w-1/res/config") == write_config_answer(3, WHY)
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
        thread.close()

    asyncio.run(talk())


def _epochs(spool: Spool) -> list[int]:
    return [epoch for epoch, _ in spool._register._numbers.values()]


def test_history_takes_bites_that_fit_the_line() -> None:
    clock = ManualClock()
    pace = Pace(100.0, clock)
    bites = []
    for _ in range(6):
        bites.append(pace.bite())
        pace.sent(bites[-1], 0.1)
        clock.advance(1)
    assert bites == [1, 2, 4, 8, 16, MAX_BITE_PACKS]
    pace.sent(16, 2.0)
    assert pace.bite() == 8
    pace.sent(8, 0.4)
    assert pace.bite() == 8
    pace.sent(1, 0.01)  # nothing more was waiting: it says nothing about the line
    assert pace.bite() == 8
    pace.new_line()
    assert pace.bite() == 1


def test_history_keeps_to_its_rate_on_the_long_run() -> None:
    clock = ManualClock()
    pace, sent = Pace(3.0, clock), 0
    for _ in range(1000):
        bite = pace.bite()
        pace.sent(bite, 0.0)
        sent += bite
        clock.advance(0.1)
    assert 300 <= sent <= 304
