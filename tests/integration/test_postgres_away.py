"""A PostgreSQL that is stopped, killed and started again under the records: nothing by half, the next call works."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Connection, text

from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import alert, opened, patient
from tests.deadline import until
from tests.servers.postgres import Postgres
from vigil.domain.errors import StoreError
from vigil.store.records import SqlRecordStore
from vigil.store.records.database import Database

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def url(server: Postgres) -> Iterator[str]:
    url = server.database(migrated=True)
    yield url
    server.give_back(url)


def add(con: Connection) -> None:
    con.execute(text("UPDATE counters SET value = value + 1 WHERE name = 'revision'"))


def revision(database: Database) -> int:
    with database.read() as con:
        return int(con.execute(text("SELECT value FROM counters WHERE name = 'revision'")).scalar_one())


@pytest.mark.parametrize("end", [Postgres.stop, Postgres.kill])
def test_a_restart_in_the_middle_of_a_transaction_leaves_nothing_of_it(server: Postgres, url: str, end: object) -> None:
    assert callable(end)
    with closing(Database(url)) as database:
        before = revision(database)

        def changed() -> None:
            with database.write() as con:
                add(con)
                end(server)
                server.start()
                add(con)

        with pytest.raises(StoreError, match=r"stopped or restarted|does not answer|was lost"):
            changed()
        assert revision(database) == before
        with database.write() as con:
            add(con)
        assert revision(database) == before + 1


def test_connections_that_lay_idle_during_a_restart_are_replaced_without_a_word(server: Postgres, url: str) -> None:
    with closing(SqlRecordStore(url, KEY)) as store:
        store.add_patient(patient())
        threads = [threading.Thread(target=store.patients) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        server.stop()
        server.start()
        assert store.patients() == [patient()]
        assert store.record(opened()) is not None


def test_a_lost_answer_to_a_commit_says_that_nobody_knows(url: str) -> None:
    with closing(Database(url)) as database:
        before = revision(database)

        def changed() -> None:
            with database.write() as con:
                add(con)
                number = con.execute(text("SELECT pg_backend_pid()")).scalar_one()
                with psycopg.connect(url, autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s, 5000)", [number])

        with pytest.raises(StoreError, match="whole or not at all: look before you repeat it"):
            changed()
        assert revision(database) == before


def test_without_patience_it_fails_at_once_and_works_when_the_server_is_back(
    server: Postgres, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SqlRecordStore(url, KEY)) as store:
        server.stop()
        with caplog.at_level(logging.INFO):
            for _ in range(3):
                with pytest.raises(StoreError, match="does not answer: is it running"):
                    store.revision()
            server.start()
            assert store.revision() == 0
            assert store.revision() == 0
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]  # once each, not each time
        assert caplog.messages[1] == "the records database is back"


def test_with_patience_a_call_waits_until_the_server_is_back_and_is_done_once(server: Postgres, url: str) -> None:
    with closing(SqlRecordStore(url, KEY, patience_s=60)) as store:
        server.stop()
        seqs: list[int] = []

        def record(number: int) -> None:
            line = store.record(opened(alert(f"a-{number}", cause=f"ordinal:{number}:opened")))
            assert line is not None
            seqs.append(line.seq)

        threads = [threading.Thread(target=record, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        threads[0].join(1.0)
        assert seqs == []
        assert all(thread.is_alive() for thread in threads)
        server.start()
        for thread in threads:
            thread.join(30)
        assert sorted(seqs) == [1, 2, 3, 4]
        assert len(store.transitions()) == 4


def test_who_waited_in_vain_makes_the_others_fail_at_once(server: Postgres, url: str) -> None:
    with closing(SqlRecordStore(url, KEY, patience_s=1)) as store:
        server.stop()
        with pytest.raises(StoreError):
            store.revision()
        quick = threading.Event()

        def ask() -> None:
            with pytest.raises(StoreError):
                store.revision()
            quick.set()

        threading.Thread(target=ask).start()
        assert quick.wait(1.5)
        server.start()
        assert store.revision() == 0


def test_the_end_of_the_process_need_not_wait_for_the_server(server: Postgres, url: str) -> None:
    store, ended = SqlRecordStore(url, KEY, patience_s=86_400), threading.Event()
    server.stop()

    def ask() -> None:
        with pytest.raises(StoreError):
            store.revision()
        ended.set()

    threading.Thread(target=ask).start()
    assert not ended.wait(0.3)
    store.hurry()
    assert until(ended.is_set)
    store.close()
    server.start()
