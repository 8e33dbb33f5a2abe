"""What PostgreSQL needs beside SQLite: how sessions are set up, how writers take turns, what its errors ask of the operator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from vigil.domain.errors import StoreError

#: What a URL may begin with.
DRIVERS = ("postgresql", "postgres", "postgresql+psycopg")
#: The oldest that is tried by tests, and the oldest that its makers still mend.
LEAST_VERSION = 15
#: ``pg_advisory_xact_lock``: one writer at a time in the whole database, as SQLite has it; "vigil" in ASCII. Taken by the first
#: statement of a writer, so that every later one sees all that was committed before, and numbers are seen in their order.
WRITERS_TURN = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'vigil')})"
#: A reader's first statement: shows a lost connection before anything was asked, and fixes the state that is read.
READERS_START = "SELECT 1"

#: A server that vanished is noticed within half a minute, not after hours (seconds; milliseconds the last; ours).
_CONNECTING = {
    "application_name": "vigil",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
# A commit is on the disk when it returns, whatever is usual on this server; a stronger setting stays. A writer waits 10 s for its
# turn, as with SQLite, and one whose machine vanished gives it back.
_SESSION = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')",
    "SELECT set_config('lock_timeout', '10s', false) WHERE current_setting('lock_timeout') = '0'",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)

#: By SQLSTATE, or the first two letters of it: what happened, and what to do.
_TODO = {
    "08": "the connection to PostgreSQL was lost: is the server running, and the network up?",
    "57P": "PostgreSQL was stopped or restarted: this works again when it is back",
    "53100": "the disk of PostgreSQL is full: make room there",
    "53300": "PostgreSQL takes no more connections: raise max_connections (one core needs up to 32)",
    "55P03": "another process has been writing all the time: stop it, or wait until its migration has ended",
    "25006": "the server takes no changes, as a standby does: name the primary in the URL",
    "42501": "the role may not do this: make it the owner of the database (ALTER DATABASE … OWNER TO …)",
    "0A000": "the server cannot do this: is it really PostgreSQL?",
}
#: Before there is a session libpq gives no SQLSTATE: by words of the server, as it says them in English.
_REFUSALS = {
    "password authentication failed": "the password or the role is wrong: look at the URL of the records database",
    "no password supplied": "the URL of the records database has no password",
    "does not exist": "create it on the server: CREATE ROLE …; CREATE DATABASE … OWNER … TEMPLATE template0 ENCODING 'UTF8'",
    "no pg_hba.conf entry": "let this machine in: add a line to pg_hba.conf of the server and reload it",
    "certificate": "the server's certificate is not trusted: look at sslrootcert in the URL, and at the date of the certificate",
    "SSL": "server and URL do not agree on TLS: look at sslmode in the URL",
}
#: The same, of a server that need only be waited for.
_BUSY = {
    "starting up": "PostgreSQL is starting: this works when it is ready",
    "shutting down": "PostgreSQL is being stopped: this works again when it is back",
    "too many clients": _TODO["53300"],
    "connection slots": _TODO["53300"],
}
#: Of a commit whose answer was lost.
UNSURE = "What was to be written is there whole or not at all: look before you repeat it"
_ABSENT = "PostgreSQL does not answer: is it running, and are host and port of the URL right?"


def connecting(url: URL) -> dict[str, str]:
    """Options of the driver, of those that the URL does not say itself."""
    return {name: value for name, value in _CONNECTING.items() if name not in url.query}


def set_up(connection: Any, _record: Any) -> None:
    """On a new connection of psycopg, outside of a transaction."""
    connection.adapters.register_dumper(str, _without_nul())
    connection.autocommit = True
    for statement in _SESSION:
        connection.execute(statement)
    connection.autocommit = False


@cache
def _without_nul() -> type:
    from psycopg.types.string import StrDumper  # here: whoever has the records in SQLite need not install it

    class WithoutNul(StrDumper):
        """PostgreSQL holds no NUL in a text. One that was typed is kept as the sign for what cannot be shown."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    return WithoutNul


def check(con: Connection) -> None:
    """Raises ``StoreError`` for a server or a database that cannot hold the records."""
    say = {name: con.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("server_version", "server_encoding")}
    require(
        int(con.exec_driver_sql("SHOW server_version_num").scalar_one()), say["server_version"], say["server_encoding"]
    )


def require(number: int, version: str, encoding: str) -> None:
    """``number`` as in ``server_version_num``: 150012 is 15.12."""
    if number // 10_000 < LEAST_VERSION:
        raise StoreError(f"PostgreSQL {version} is too old: Vigil needs {LEAST_VERSION} or newer")
    if encoding != "UTF8":
        raise StoreError(
            f"the database is encoded in {encoding}: create it anew with ENCODING 'UTF8' TEMPLATE template0"
        )


def away(error: DBAPIError) -> bool:
    """Is it the server that is missing, so that waiting may help? Not when it refuses us."""
    state = _state(error)
    if state is None:
        return isinstance(error, OperationalError) and _said(error, _REFUSALS) is None
    return error.connection_invalidated or state.startswith(("08", "57P")) or state == "53300"


def todo(error: DBAPIError) -> str:
    """What happened and what the operator should do; empty when nothing more is known than the server says."""
    state = _state(error)
    if state is None:
        known = _said(error, _REFUSALS) or _said(error, _BUSY) or _ABSENT
        return known if isinstance(error, OperationalError) else ""
    return next((words for start, words in _TODO.items() if state.startswith(start)), "")


def _state(error: DBAPIError) -> str | None:
    found: str | None = getattr(error.orig, "sqlstate", None)
    return found


def _said(error: DBAPIError, signs: Mapping[str, str]) -> str | None:
    said = str(error.orig)
    return next((words for sign, words in signs.items() if sign in said), None)
