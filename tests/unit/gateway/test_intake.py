"""Lines on a socket and their answers."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from gateway.bound import Bounds
from gateway.count import Counts
from gateway.decode import MAX_LINE_BYTES
from gateway.intake import QUEUE_LINES
from gateway.listen import listening
from gateway.spool_dropped import Reason
from tests.unit.gateway.conversation import desk
from tests.unit.gateway.lines import line
from vigil.domain.errors import ConfigError, PortTaken
from vigil.runtime.metrics import Metrics


def test_each_line_gets_its_answer_in_order(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            text = line(0) + b"nonsense\n" + b"\n" + line(1, "w-9") + line(0, "w-2") + line(1) + line(0)
            answers = await here.say(text + b'{"ask":"status"}')
            assert [answer["line"] for answer in answers] == [1, 2, 4, 5, 6, 7, 8]
            assert [answer["ok"] for answer in answers] == [True, False, False, True, True, True, True]
            assert [answer.get("seq") for answer in answers] == [0, None, None, 0, 1, 0, None]
            assert "not a JSON object" in answers[1]["error"]
            assert answers[2]["error"] == "this gateway does not speak for device 'w-9'"
            assert answers[6]["waiting"] == 3
            assert [here.lines(what) for what in ("accepted", "repeated", "bad", "foreign")] == [3, 1, 1, 1]
            assert await here.seqs() == [0, 1]
            assert here.accepted >= 1

    asyncio.run(talk())


def test_many_senders_at_once_share_commits_and_each_gets_its_own_answers(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            texts = [b"".join(line(100 * sender + k, f"w-{1 + sender % 2}") for k in range(100)) for sender in range(8)]
            answers = await asyncio.gather(*(here.say(text) for text in texts))
            for sender in answers:
                assert [answer["line"] for answer in sender] == list(range(1, 101))
                seqs = [answer["seq"] for answer in sender]
                assert seqs == sorted(seqs)
            assert await here.seqs("w-1") == await here.seqs("w-2") == list(range(400))
            assert here.accepted < 400

    asyncio.run(talk())


def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            long = b'{"device":"' + b"x" * (3 * MAX_LINE_BYTES) + b'"}\n'
            answers = await here.say(line(0) + long + line(1) + long.strip())
            assert [answer["ok"] for answer in answers] == [True, False, True, False]
            assert "longer than 65536 bytes" in answers[1]["error"]
            assert [answer["line"] for answer in answers] == [1, 2, 3, 4]

    asyncio.run(talk())


def test_a_full_spool_says_so_and_asks_to_send_again(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path, max_bytes=1000) as here:
            answers = await here.say(b"".join(line(number) for number in range(10)))
            kept = [answer for answer in answers if answer["ok"]]
            refused = [answer for answer in answers if not answer["ok"]]
            assert kept
            assert refused
            assert all(answer["retry"] and "full" in answer["error"] for answer in refused)
            assert here.lines("full") == len(refused)
            assert await here.seqs() == [answer["seq"] for answer in kept]

    asyncio.run(talk())


def test_the_status_says_what_was_dropped(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            await here.say(line(0) + line(1))
            assert await here.say(b'{"ask":"status"}') == [{"ok": True, "line": 1, "waiting": 2}]
            await here.spool.do(lambda spool: spool._drop(Reason.AGE, spool._clock.now_us(), None))
            (answer,) = await here.say(b'{"ask":"status"}')
            (run,) = answer["dropped"]
            assert (answer["waiting"], run["device"], run["packs"], run["readings"]) == (0, "w-1", [0, 1], 4)
            assert run["measured"] == ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z"]
            assert run["reason"] == "age"

    asyncio.run(talk())


def test_what_is_dropped_or_rescued_is_counted(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(bytes(8192))

    async def work() -> None:
        async with desk(tmp_path) as here:
            await here.say(line(0) + line(1))
            metrics = Metrics()
            counts = Counts(metrics)
            await here.spool.do(lambda spool: spool._drop(Reason.SIZE, spool._clock.now_us(), 1))
            looking = asyncio.create_task(Bounds(here.spool, counts).run())
            while b"gateway_spool_packs 1.0" not in metrics.text():
                await asyncio.sleep(0.01)
            looking.cancel()
            text = metrics.text().decode()
            assert 'gateway_packs_dropped_total{reason="size"} 1.0' in text
            assert "gateway_spool_rescues_total 1.0" in text

    asyncio.run(work())


def test_a_disk_without_room_says_so_and_recovers(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            await here.say(line(0))
            await here.spool.do(lambda spool: spool._db.execute("PRAGMA max_page_count = 1").fetchall())
            many = b"".join(line(number) for number in range(1, 300))
            refused = [answer for answer in await here.say(many) if not answer["ok"]]
            assert refused
            assert all(answer["retry"] and "full" in answer["error"] for answer in refused)
            assert here.lines("failed") == len(refused)
            await here.spool.do(lambda spool: spool._db.execute("PRAGMA max_page_count = 100000").fetchall())
            assert all(answer["ok"] for answer in await here.say(many))
            assert await here.seqs() == list(range(300))

    asyncio.run(talk())


def test_a_sender_that_never_reads_its_answers_stops_being_read_and_harms_nobody(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            _, writer = await here.connect()
            written = await _written_until_it_waits(writer, b"{}\n" * 10_000)
            assert (await here.say(line(0)))[0]["ok"]
            writer.transport.abort()
            assert here.lines("bad") < written * 10_000

    asyncio.run(talk())


async def _written_until_it_waits(writer: asyncio.StreamWriter, text: bytes) -> int:
    for count in range(1, 1000):
        writer.write(text)
        try:
            await asyncio.wait_for(writer.drain(), 1)
        except TimeoutError:
            return count
    raise AssertionError("the gateway reads on and on")


def test_a_sender_that_breaks_off_harms_nobody(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            for _ in range(5):
                _, writer = await here.connect()
                writer.write(line(7)[:20])
                writer.transport.abort()
            reader, writer = await here.connect()
            writer.write(line(0))
            answer = json.loads(await reader.readline())
            assert answer == {"ok": True, "line": 1, "seq": 0}
            writer.close()

    asyncio.run(talk())


def test_nothing_is_ok_before_it_is_on_the_disk(tmp_path: Path) -> None:
    """A second reader of the file sees each pack as soon as its answer is there."""

    async def talk() -> None:
        async with desk(tmp_path) as here:
            reader, writer = await here.connect()
            for number in range(50):
                writer.write(line(number))
                answer = json.loads(await reader.readline())
                count = await here.spool.do(lambda spool: spool._db.execute("SELECT count(*) FROM packs").fetchone())
                assert answer["seq"] == number
                assert count == (number + 1,)
                assert not await here.spool.do(lambda spool: spool._db.in_transaction)
            writer.close()

    asyncio.run(talk())


def test_a_unix_socket_is_private_replaces_a_stale_one_and_goes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "gw.sock"

    async def talk() -> None:
        async with desk(tmp_path, path) as here:
            assert path.stat().st_mode & 0o077 == 0
            assert (await here.say(line(0)))[0]["ok"]
            with pytest.raises(PortTaken):
                async with listening(path, here.intake.serve):
                    pass
            assert (await here.say(line(1)))[0]["ok"]

    asyncio.run(talk())
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    asyncio.run(talk())
    assert not path.exists()


def test_a_plain_file_in_the_place_of_the_socket_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")

    async def talk() -> None:
        with pytest.raises(PortTaken):
            async with desk(tmp_path, path):
                pass

    asyncio.run(talk())
    assert path.read_text() == "mine"


def test_a_port_that_is_taken_or_an_address_that_is_not_ours(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            assert isinstance(here.where, tuple)
            with pytest.raises(PortTaken, match=str(here.where[1])):
                async with listening(here.where, here.intake.serve):
                    pass
            with pytest.raises(ConfigError, match="cannot listen"):
                async with listening(("203.0.113.1", 0), here.intake.serve):
                    pass

    asyncio.run(talk())


def test_more_lines_than_the_queue_holds_all_get_through(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here:
            count = 3 * QUEUE_LINES
            answers = await here.say(b"".join(line(number) for number in range(count)))
            assert [answer["seq"] for answer in answers] == list(range(count))
            assert await here.spool.do(lambda spool: spool.packs) == count

    asyncio.run(talk())
