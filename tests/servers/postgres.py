"""PostgreSQL in a folder of its own, as whatever ordinary user there is: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import cached_property
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from tests.deadline import free_port
from tests.product import eventually
from vigil.store.records.database import Database

ROLE, PASSWORD = "vigil", "of tests"
#: Debian keeps each version's programs apart, none of them on the PATH.
_DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder with the newest ``initdb`` and ``postgres``, None when there is none."""
    found = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda folder: folder.parent.name.zfill(4), default=None)


def release(folder: Path) -> str:
    """As ``PostgreSQL 15.18``."""
    said = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return f"PostgreSQL {said.split()[2]}"


class Postgres:
    """Started empty by ``Postgres()``. It forgets nothing when it is killed, but would in a power cut: it does not sync."""

    def __init__(self) -> None:
        folder = programs()
        assert folder is not None
        self._programs = folder
        self._user = _ordinary_user()
        self._folder = Path(tempfile.mkdtemp(prefix="vigil-postgres-"))
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers, self._free = count(1), list[str]()
        self.port = free_port()
        if self._user is not None:
            os.chown(self._folder, self._user, -1)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run("initdb", "--no-sync", "--username", ROLE, "--encoding", "UTF8", "--no-locale", *_asking(password))
        self.start()

    @property
    def version(self) -> str:
        with psycopg.connect(self.url("postgres")) as con:
            return str(con.info.parameter_status("server_version"))

    def url(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://{ROLE}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def database(self, *, migrated: bool = False) -> str:
        """The URL of an empty database; ``migrated``: with our tables, which takes a fifth of the time."""
        if migrated and self._free:
            return self._free.pop()
        name, template = f"records_{next(self._numbers)}", self._migrated if migrated else "template0"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def give_back(self, url: str) -> None:
        """For a database that was migrated by us and has kept its tables: the next test gets it as new. Making one means three
        hundred files, and so does deleting it."""
        with psycopg.connect(url) as con:
            con.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            con.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(url.rpartition("/")[2])))
            con.execute("SET session_replication_role = replica")  # no trigger, no reference is looked at
            for table in _tables(con):
                con.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            con.execute("SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences")
            for table, rows in self._first_rows.items():
                with con.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
        self._free.append(url)

    def folders(self, url: str) -> list[Path]:
        """Where this database is written, and the log of all of them."""
        with psycopg.connect(url) as con:
            number = con.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        assert number is not None
        return [self._data / "base" / str(number[0]), self._data / "pg_wal"]

    @cached_property
    def _migrated(self) -> str:
        url = self.database()
        Database(url).close()
        return url.rpartition("/")[2]

    @cached_property
    def _first_rows(self) -> dict[str, bytes]:
        """By table, what the migrations put in."""
        with psycopg.connect(self.url(self._migrated)) as con:
            found = {}
            for table in _tables(con):
                with con.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                    found[table] = b"".join(copy)
            return found

    def execute(self, statement: str, url: str = "") -> None:
        with psycopg.connect(url or self.url("postgres"), autocommit=True) as con:
            con.execute(sql.SQL(statement))  # of our own tests only

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 100,
            "shared_buffers": "16MB",
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *given]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=self._user, cwd="/")
        eventually(self._answers, 30, "PostgreSQL answers")

    def stop(self) -> None:
        """At once: what is under way is rolled back."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the server and to each of its processes, as a power cut would."""
        assert self._process is not None
        children = [int(pid) for pid in self._children()]
        for pid in (self._process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(30)
        self._process = None
        # The next start refuses while a process of the last one holds its memory.
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10, "its processes ended")

    def close(self) -> None:
        if self._process is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _children(self) -> list[str]:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        return False

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._data), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=self._user, cwd="/", timeout=60)


def _tables(con: psycopg.Connection[tuple[str]]) -> list[str]:
    return [row[0] for row in con.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def _asking(password: Path) -> list[str]:
    return ["--auth", "scram-sha-256", "--pwfile", str(password)]


def _ordinary_user() -> int | None:
    """Whom to become, None = stay who we are."""
    if os.getuid() != 0:
        return None
    return pwd.getpwnam("nobody").pw_uid
