"""The records on a real PostgreSQL: what several processes do at once, what its own rules are, and what its refusals say."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.fernet import Fernet
from sqlalchemy import insert, text

from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0, alert, follows, opened, patient
from tests.deadline import free_port
from tests.servers.postgres import PASSWORD, Postgres
from vigil.domain.alerts import Step
from vigil.domain.audit import Entry, Question
from vigil.domain.audit import Step as AuditStep
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.errors import ConfigError, InvalidInput, StoreError, VersionConflict
from vigil.domain.people import Device
from vigil.store.records import SqlRecordStore
from vigil.store.records.database import Database
from vigil.store.records.postgresql import require
from vigil.store.records.server import look, verify_server
from vigil.store.records.tables import build

pytestmark = pytest.mark.postgresql

#: Stores stand for processes: they share nothing but the server.
PROCESSES = 4
Work = Callable[[SqlRecordStore, int], object]


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    url = postgres.database(migrated=True)
    yield url
    postgres.give_back(url)


@pytest.fixture
def stores(url: str) -> Iterator[list[SqlRecordStore]]:
    opened_stores = [SqlRecordStore(url, KEY) for _ in range(PROCESSES)]
    yield opened_stores
    for store in opened_stores:
        store.close()


def at_once(stores: list[SqlRecordStore], work: Work) -> Counter[str]:
    """Runs ``work`` on each store in a thread of its own, all from one moment; what came of it, by name of the error."""
    start, outcomes = threading.Barrier(len(stores)), Counter[str]()

    def run(number: int) -> None:
        start.wait(10)
        try:
            work(stores[number], number)
        except (StoreError, InvalidInput) as error:
            outcomes[type(error).__name__] += 1
        else:
            outcomes["done"] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def test_the_migrations_build_the_tables_that_the_code_uses(url: str) -> None:
    with closing(Database(url)) as database, database.read() as con:
        context = MigrationContext.configure(con, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, build(Fernet(KEY)).metadata) == []


def test_two_processes_that_start_at_once_migrate_once(postgres: Postgres) -> None:
    empty, failed = postgres.database(), []

    def start() -> None:
        try:
            SqlRecordStore(empty, KEY).close()
        except StoreError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert look(empty).version.startswith(postgres.version.split()[0])


def test_one_of_many_that_claim_a_span_gets_it(stores: list[SqlRecordStore]) -> None:
    stores[0].put_device(Device("w-1", "Wearable"))
    for number in range(PROCESSES):
        stores[0].add_patient(patient(f"p-{number}"))
    for turn in range(10):
        start = T0 + turn * 100
        found = at_once(stores, lambda store, me, start=start: store.claim("w-1", f"p-{me}", start + me, start + 50))  # type: ignore[misc]
        assert found == {"done": 1, "InvalidInput": PROCESSES - 1}
    held = stores[0].bindings()
    assert len(held) == 10
    assert all(before.end is not None and before.end <= after.start for before, after in itertools.pairwise(held))


def test_a_follower_sees_every_line_though_many_processes_write(stores: list[SqlRecordStore]) -> None:
    """A number that is given before and seen after a greater one would be missed for ever."""
    each, seen = 40, list[int]()
    writing = threading.Event()

    def follow() -> None:
        done = False
        while not done:
            done = writing.is_set()
            seen.extend(line.seq for line in stores[0].transitions(after_seq=seen[-1] if seen else 0))

    follower = threading.Thread(target=follow)
    follower.start()

    def write(store: SqlRecordStore, me: int) -> None:
        for turn in range(each):
            store.record(opened(alert(f"a-{me}-{turn}", cause=f"ordinal:{me}-{turn}:opened")))

    assert at_once(stores, write) == {"done": PROCESSES}
    writing.set()
    follower.join(60)
    assert seen == [line.seq for line in stores[1].transitions()]
    assert len(seen) == each * PROCESSES


def test_an_alert_that_many_processes_change_goes_on_by_one_version_each_time(stores: list[SqlRecordStore]) -> None:
    first = stores[0].record(opened())
    assert first is not None
    for turn in range(10):
        before = stores[0].alert("a-1")
        found = at_once(
            stores,
            lambda store, me, turn=turn, before=before: store.record(
                follows(before, Step.CLEARED, f"command:{turn}-{me}")
            ),  # type: ignore[misc]
        )
        assert found == {"done": 1, "VersionConflict": PROCESSES - 1}
    assert stores[0].alert("a-1").version == 11
    again = at_once(stores, lambda store, _: store.record(opened(alert("a-2", cause="ordinal:9:opened"))))
    assert again == {"done": PROCESSES}
    assert len(stores[0].transitions(alert_id="a-2")) == 1


def test_the_chain_of_the_audit_log_has_no_fork(stores: list[SqlRecordStore], url: str) -> None:
    each = 25

    def write(store: SqlRecordStore, me: int) -> None:
        for turn in range(each):
            store.append_audit(
                [Entry(T0 + turn, AuditStep.ANSWERED, "r", f"n-{me}", "nurse", "", "GET", "/x", status=200)]
            )

    assert at_once(stores, write) == {"done": PROCESSES}
    verdict = verify_server(url)
    assert (verdict.count, verdict.last, verdict.faults) == (each * PROCESSES, each * PROCESSES, ())
    assert (verdict.last, bytes.fromhex(verdict.head)) == stores[0].audit_head()
    assert verify_server(url, last=7).count == 7
    assert "expected hash" in verify_server(url, expect="0" * 64).faults[0].words


def test_the_audit_log_only_grows_and_a_change_by_its_owner_shows(stores: list[SqlRecordStore], url: str) -> None:
    entry = Entry(T0, AuditStep.ANSWERED, "r", "n-1", "nurse", "", "GET", "/x", status=200)
    stores[0].append_audit([replace(entry, at=T0 + number) for number in range(5)])
    with psycopg.connect(url, autocommit=True) as con:
        for act in ("UPDATE audit_log SET who = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
            with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
                con.execute(act)
        con.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_only_grows")
        con.execute("UPDATE audit_log SET who = 'x' WHERE number = 3")
        con.execute("ALTER TABLE audit_log ENABLE TRIGGER audit_log_only_grows")
    assert [fault.number for fault in verify_server(url).faults] == [3]
    assert [line.number for line in stores[0].audit(Question(who="x"))] == [3]


def test_every_change_moves_the_revision_and_every_policy_has_its_number(stores: list[SqlRecordStore]) -> None:
    before, each = stores[0].revision(), 15
    document = PolicyDocument(Scope.WARD, "North", {}, "who", "why", "", T0)

    def write(store: SqlRecordStore, _: int) -> None:
        for _turn in range(each):
            store.put_policy(document)

    assert at_once(stores, write) == {"done": PROCESSES}
    assert stores[0].revision() == before + each * PROCESSES
    numbers = [one.number for one in stores[0].policy_history(Scope.WARD, "North")]
    assert numbers == list(range(each * PROCESSES, 0, -1))
    found = at_once(stores, lambda store, _: store.put_policy(document, after=each * PROCESSES))
    assert found == {"done": 1, "VersionConflict": PROCESSES - 1}


def test_a_reader_sees_one_state_and_changes_nothing(url: str) -> None:
    with closing(Database(url)) as database:
        with database.read() as con:
            counted = text("SELECT value FROM counters WHERE name = 'revision'")
            before = con.execute(counted).scalar_one()
            with database.write() as other:
                other.execute(text("UPDATE counters SET value = value + 1"))
            assert con.execute(counted).scalar_one() == before
        with pytest.raises(StoreError, match="takes no changes"), database.read() as con:
            con.execute(text("UPDATE counters SET value = 0"))


def test_a_writer_waits_for_its_turn_and_says_why_when_it_does_not_come(postgres: Postgres, url: str) -> None:
    with closing(Database(url)) as database, database.read() as con:
        assert con.execute(text("SHOW lock_timeout")).scalar_one() == "10s"
    postgres.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET lock_timeout = '300ms'")
    with closing(Database(url)) as one, closing(Database(url)) as other, one.write():
        late = other.write()
        with pytest.raises(StoreError, match=r"LockNotAvailable.*another process has been writing"):
            late.__enter__()


def test_a_commit_is_on_the_disk_also_on_a_server_that_does_not_wait_for_it(postgres: Postgres, url: str) -> None:
    name = url.rpartition("/")[2]
    for usual, ours in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
        postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = {usual}")
        with closing(Database(url)) as database, database.read() as con:
            assert con.execute(text("SHOW synchronous_commit")).scalar_one() == ours


def test_a_letter_that_postgresql_cannot_hold_is_kept_as_a_sign(stores: list[SqlRecordStore]) -> None:
    stores[0].add_patient(patient(ward="North\0"))
    assert stores[1].patient("p-1").ward == "North\ufffd"
    with pytest.raises(VersionConflict):
        stores[0].record(follows(alert("a\0"), Step.CLEARED, "x"))


def test_an_error_names_no_person(url: str) -> None:
    """PostgreSQL quotes the row in its own words."""
    tables = build(Fernet(KEY))
    wrong = insert(tables.patients).values(patient_id="p-marked", ward="Markedward", sex=None)
    with (
        closing(Database(url)) as database,
        pytest.raises(StoreError, match=r"NotNullViolation$") as failed,
        database.write() as con,
    ):
        con.execute(wrong)
    assert "arked" not in str(failed.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace(PASSWORD.replace(" ", "%20"), "wrong"), "password or the role is wrong"),
        (lambda url: url.replace("vigil:", "nobody:"), "password or the role is wrong"),
        (lambda url: url.replace(f":{PASSWORD.replace(' ', '%20')}", ""), "has no password"),
        (lambda url: url.rpartition("/")[0] + "/nowhere", "create it on the server"),
        (lambda url: url + "?sslmode=require", "do not agree on TLS"),
    ],
)
def test_what_the_server_refuses_says_what_to_do(url: str, change: Callable[[str], str], words: str) -> None:
    with pytest.raises(StoreError, match=words) as failed:
        SqlRecordStore(change(url), KEY, patience_s=60)  # which it does not use: no waiting helps
    assert "wrong@" not in str(failed.value)
    assert PASSWORD not in str(failed.value)


def test_nobody_at_that_port_says_what_to_look_at() -> None:
    with pytest.raises(StoreError, match="does not answer: is it running"):
        SqlRecordStore(f"postgresql://vigil@127.0.0.1:{free_port()}/records", KEY)


def test_a_role_without_rights_says_how_to_give_them(postgres: Postgres) -> None:
    """Since PostgreSQL 15 only the owner of a database may make tables in it."""
    theirs = postgres.database()
    postgres.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    with pytest.raises(StoreError, match=r"InsufficientPrivilege.*OWNER TO"):
        SqlRecordStore(theirs.replace("vigil:", "guest:"), KEY)


@pytest.mark.parametrize("wrong", ["postgresql://u:p@h:port/d", "mysql://u@h/d", "postgresql+asyncpg://u@h/d"])
def test_a_url_of_something_else_is_a_setting_that_is_wrong(wrong: str) -> None:
    with pytest.raises(ConfigError):
        SqlRecordStore(wrong, KEY)


@pytest.mark.parametrize(
    ("number", "version", "encoding", "words"),
    [(140_012, "14.12", "UTF8", "14.12 is too old"), (150_012, "15.12", "SQL_ASCII", "encoded in SQL_ASCII")],
)
def test_a_server_that_cannot_hold_the_records_is_refused(number: int, version: str, encoding: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        require(number, version, encoding)
    require(150_000, "15.0", "UTF8")


def test_what_the_operator_sees_of_a_server_names_no_password(postgres: Postgres, url: str) -> None:
    found = look(url)
    assert found.address == f"127.0.0.1:{postgres.port}/{url.rpartition('/')[2]}"
    assert (found.sorted_by_letter, found.durable) == (True, False)
    assert PASSWORD not in str(found)
