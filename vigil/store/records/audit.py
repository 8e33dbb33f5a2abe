"""The audit log in the records database: appending with the chain, asking, and checking a file without opening it to write."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Column, ColumnElement, Connection, insert, select

from vigil.domain.audit import (
    FIELDS,
    MANY,
    ROOT,
    UNKNOWN,
    Entry,
    Fault,
    Line,
    Question,
    Step,
    Values,
    Verdict,
    chained,
    kept,
    values_of,
    verify,
)
from vigil.domain.errors import StoreError
from vigil.store.records.tables import Tables


class AuditBook:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def append(self, con: Connection, entries: Sequence[Entry]) -> None:
        number, before = self.head(con)
        ours = _Ours(con, self._t, entries)
        rows = []
        for entry in map(ours.only, entries):
            if kept(entry):
                number, values = number + 1, values_of(entry)
                before = chained(before, number, values)
                rows.append({"number": number, **dict(zip(FIELDS, values, strict=True)), "hash": before})
        if rows:
            con.execute(insert(self._t.audit_log), rows)

    def head(self, con: Connection) -> tuple[int, bytes]:
        t = self._t.audit_log
        row = con.execute(select(t.c.number, t.c.hash).order_by(t.c.number.desc()).limit(1)).one_or_none()
        return (0, ROOT) if row is None else (row.number, _bytes(row.hash))

    def find(self, con: Connection, question: Question) -> list[Line]:
        """Newest first."""
        t = self._t.audit_log
        asked = select(t).where(*self._where(question)).order_by(t.c.number.desc()).limit(question.limit)
        return [_line(row.number, tuple(row)[1:-1], _bytes(row.hash)) for row in con.execute(asked)]

    def _where(self, question: Question) -> Iterator[ColumnElement[bool]]:
        c = self._t.audit_log.c
        if question.who is not None:
            yield c.who == question.who
        if question.route is not None:
            yield c.route == question.route
        if question.patient_id is not None:
            yield c.patient_id.in_([question.patient_id, *([MANY] if question.lists else [])])
        if question.since is not None:
            yield c.at >= question.since
        if question.until is not None:
            yield c.at < question.until
        if question.before is not None:
            yield c.number < question.before


class _Ours:
    """Tells our identifiers from whatever else was typed; one look a kind for all entries."""

    def __init__(self, con: Connection, tables: Tables, entries: Sequence[Entry]) -> None:
        typed = defaultdict[str, set[str]](set)
        for entry in entries:
            for kind, value in entry.objects.items():
                typed[kind].add(value)
        self._known = {kind: _known(con, tables, kind, values) for kind, values in typed.items()}

    def only(self, entry: Entry) -> Entry:
        if not entry.objects:
            return entry
        found = {kind: self._known[kind].get(value) for kind, value in entry.objects.items()}
        objects = {kind: UNKNOWN if found[kind] is None else value for kind, value in entry.objects.items()}
        named = [one for kind in ("patient_id", "alert_id") if (one := found.get(kind)) is not None]
        return replace(entry, objects=objects, patient_id=named[0] if named else entry.patient_id)


def _known(con: Connection, t: Tables, kind: str, values: Collection[str]) -> dict[str, str]:
    """Those of ``values`` that are ours, and what each stands for: an alert for its patient, all others for themselves."""
    columns: dict[str, tuple[Column[str], Column[str]]] = {
        "patient_id": (t.patients.c.patient_id, t.patients.c.patient_id),
        "alert_id": (t.alerts.c.alert_id, t.alerts.c.patient_id),
        "device_id": (t.devices.c.device_id, t.devices.c.device_id),
        "gateway_id": (t.enrolments.c.account, t.enrolments.c.account),
        "account": (t.enrolments.c.account, t.enrolments.c.account),
        "team_id": (t.teams.c.team_id, t.teams.c.team_id),
        "ward": (t.patients.c.ward, t.patients.c.ward),
        "name": (t.policies.c.name, t.policies.c.name),
        "user_id": (t.accounts.users.c.user_id, t.accounts.users.c.user_id),
        "token_id": (t.accounts.tokens.c.token_id, t.accounts.tokens.c.token_id),
    }
    if kind not in columns:
        return {}
    column, meant = columns[kind]
    return {str(one[0]): str(one[1]) for one in con.execute(select(column, meant).where(column.in_(values)).distinct())}


def _line(number: int, values: Values, hashed: bytes) -> Line:
    found = dict(zip(FIELDS, values, strict=True))
    found |= {"step": Step(str(found["step"])), "objects": json.loads(str(found["objects"]))}
    return Line(number, Entry(**found), hashed)  # type: ignore[arg-type]  # the columns have the types of the fields


def verify_file(path: Path, last: int | None = None, expect: str | None = None) -> Verdict:
    """Follows the chain of the SQLite file of an installation that runs or does not; nothing is written. ``last``: only so
    many entries at the end. Raises ``StoreError`` for a file that cannot be read as a records database."""
    # Without a file of changes nobody has it open: then not even a lock is left beside it.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as con:
            con.text_factory = _text
            con.execute("BEGIN")  # one state of the log, whatever is added meanwhile
            return _verified(con, last, expect)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter when SQLite's own words quote a broken letter
        raise StoreError(f"the audit log in {path.name} cannot be read: {error}") from error


def _verified(con: sqlite3.Connection, last: int | None, expect: str | None) -> Verdict:
    given = con.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit_log'").fetchone()
    asked = "SELECT number, hash FROM audit_log ORDER BY number DESC LIMIT 1 OFFSET ?"
    start = None if last is None else con.execute(asked, [last]).fetchone()
    number, before = (start[0], _bytes(start[1])) if start else (0, ROOT)
    columns = ", ".join(FIELDS)
    rows = con.execute(f"SELECT number, hash, {columns} FROM audit_log WHERE number > ? ORDER BY number", [number])
    told = ((row[0], row[2:], _bytes(row[1])) for row in rows)
    verdict = verify(told, start=(number, before), given=given[0] if given else 0, expect=expect)
    return verdict if last is not None else replace(verdict, faults=(*verdict.faults, *_indexes(con)))


def _indexes(con: sqlite3.Connection) -> Iterator[Fault]:
    """An index that leaves an entry out hides it from whoever asks."""
    said = [str(row[0]) for row in con.execute("PRAGMA integrity_check(audit_log)")]
    return (Fault(0, f"the file is damaged: {words}") for words in said if words != "ok")


def _text(raw: bytes) -> str:
    """A letter that somebody broke is a finding, not a failure."""
    return raw.decode("utf-8", "surrogateescape")


def _bytes(found: object) -> bytes:
    """A hash that somebody replaced by text is no hash."""
    return found if isinstance(found, bytes) else b""
