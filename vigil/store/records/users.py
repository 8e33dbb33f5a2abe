"""People who log in, their sessions, and the tokens of machines. Every change moves the revision in its own transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from vigil.domain.errors import InvalidInput, NotFound, VersionConflict
from vigil.domain.users import MOST_SESSIONS, Accounts, MachineToken, Role, Session, User, folded, require_admin
from vigil.store.records.database import Database
from vigil.store.records.tables import Tables


class SqlAccounts:
    """The protocol ``AccountRecords``; each call is a transaction of its own."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._t, self._counters = tables.accounts, tables.counters

    def revision(self) -> int:
        with self._database.read() as con:
            return self._revision(con)

    def all(self) -> Accounts:
        with self._database.read() as con:
            sessions = con.execute(select(self._t.sessions)).all()
            tokens = con.execute(select(self._t.tokens)).all()
            return Accounts(
                self._revision(con),
                {folded(one.user_id): one for one in self._users(con)},
                {row.secret_hash: Session(**row._asdict()) for row in sessions},
                {row.secret_hash: _token(row._asdict()) for row in tokens},
            )

    def add_user(self, user: User) -> None:
        t = self._t.users
        with self._change() as con:
            if con.execute(select(t.c.user_id).filter_by(folded=folded(user.user_id))).first() is not None:
                raise InvalidInput("there is an account of this name already")
            row = {**asdict(user), "role": user.role.value, "wards": _list(user.wards), "folded": folded(user.user_id)}
            con.execute(insert(t).values(row))
            require_admin(self._users(con))

    def change_user(self, user_id: str, display: str, role: Role, wards: frozenset[str] | None) -> User:
        with self._change() as con:
            before = self._user(con, user_id)
            if (before.role, before.wards) != (role, wards):
                self._end_sessions(con, user_id)
            return self._set(con, user_id, display=display, role=role.value, wards=_list(wards))

    def set_password(self, user_id: str, password_hash: str, after: str | None = None, keep: str | None = None) -> None:
        with self._change() as con:
            before = self._user(con, user_id)
            if after is not None and before.password_hash != after:
                raise VersionConflict("the password was changed meanwhile")
            self._end_sessions(con, user_id, keep)
            self._set(con, user_id, password_hash=password_hash)

    def disable_user(self, user_id: str, at: int) -> User:
        with self._change() as con:
            before = self._user(con, user_id)
            if not before.enabled:
                return before
            self._end_sessions(con, user_id)
            return self._set(con, user_id, disabled_at=at)

    def enable_user(self, user_id: str) -> User:
        with self._change() as con:
            self._user(con, user_id)
            return self._set(con, user_id, disabled_at=None)

    def open_session(self, session: Session, user: User, instead_of: str | None = None) -> bool:
        t = self._t.sessions
        with self._change() as con:
            if not user.enabled or self._user(con, user.user_id) != user:
                return False
            con.execute(delete(t).where((t.c.expires_at <= session.made_at) | (t.c.secret_hash == instead_of)))
            newest = select(t.c.secret_hash).where(t.c.user_id == user.user_id).order_by(t.c.made_at.desc())
            old = con.execute(newest.offset(MOST_SESSIONS - 1)).scalars().all()
            con.execute(delete(t).where(t.c.secret_hash.in_(old)))
            con.execute(insert(t).values(asdict(session)))
            return True

    def touch_session(self, secret_hash: str, at: int) -> None:
        with self._database.write() as con:
            con.execute(update(self._t.sessions).filter_by(secret_hash=secret_hash).values(touched_at=at))

    def end_session(self, secret_hash: str) -> None:
        with self._change() as con:
            con.execute(delete(self._t.sessions).filter_by(secret_hash=secret_hash))

    def add_token(self, token: MachineToken) -> None:
        row = {**asdict(token), "role": token.role.value, "rights": _list(token.rights), "wards": _list(token.wards)}
        with self._change() as con:
            con.execute(insert(self._t.tokens).values(row))

    def revoke_token(self, token_id: str, at: int) -> MachineToken:
        t = self._t.tokens
        with self._change() as con:
            con.execute(update(t).where(t.c.token_id == token_id, t.c.revoked_at.is_(None)).values(revoked_at=at))
            row = con.execute(select(t).filter_by(token_id=token_id)).one_or_none()
            if row is None:
                raise NotFound("no such token")
            return _token(row._asdict())

    def use_token(self, token_id: str, day: int) -> None:
        with self._database.write() as con:
            con.execute(update(self._t.tokens).filter_by(token_id=token_id).values(last_day=day))

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """The counter first: where several may write at once, its row makes them wait for one another."""
        c = self._counters
        with self._database.write() as con:
            con.execute(update(c).where(c.c.name == "accounts").values(value=c.c.value + 1))
            yield con

    def _revision(self, con: Connection) -> int:
        return int(con.execute(select(self._counters.c.value).filter_by(name="accounts")).scalar_one())

    def _users(self, con: Connection) -> list[User]:
        t = self._t.users
        return [_user(row._asdict()) for row in con.execute(select(t).order_by(t.c.user_id))]

    def _user(self, con: Connection, user_id: str) -> User:
        row = con.execute(select(self._t.users).filter_by(user_id=user_id)).one_or_none()
        if row is None:
            raise NotFound("no such account")
        return _user(row._asdict())

    def _set(self, con: Connection, user_id: str, **values: Any) -> User:
        con.execute(update(self._t.users).filter_by(user_id=user_id).values(values))
        require_admin(self._users(con))
        return self._user(con, user_id)

    def _end_sessions(self, con: Connection, user_id: str, keep: str | None = None) -> None:
        t = self._t.sessions
        con.execute(delete(t).where(t.c.user_id == user_id, t.c.secret_hash != (keep or "")))


def _list(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _set_of(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _user(row: dict[str, Any]) -> User:
    del row["folded"]
    return User(**{**row, "role": Role(row["role"]), "wards": _set_of(row["wards"])})


def _token(row: dict[str, Any]) -> MachineToken:
    sets = {name: _set_of(row[name]) for name in ("rights", "wards")}
    return MachineToken(**{**row, **sets, "role": Role(row["role"])})
