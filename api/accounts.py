"""Who is logged in by cookie, and which machine's token is good: looked up in memory; a change is seen within a second."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from api.auth import Principal, Right
from api.deps import SessionTimes
from vigil.domain.errors import StoreError
from vigil.domain.times import DAY, MINUTE
from vigil.domain.users import TOKEN_PREFIX, Accounts, MachineToken, Session, User, csrf_of, folded, secret_hash
from vigil.runtime.clock import Clock
from vigil.store.users import AccountRecords

log = logging.getLogger("vigil.api.accounts")

#: Between two looks whether another process, such as ``vigil users``, has changed an account (ours).
LOOK_S = 0.5
#: A request waits so long for such a look, and not at all while the database does not answer: what was known holds (ours).
MOST_LOOK_S = 5.0
#: A touch is written down so often: a restart makes a session older by this at most (ours).
TOUCH_US = MINUTE
#: 256 random bits as ``secrets.token_urlsafe`` writes them.
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visit:
    """A session as it is at this moment, and who is there."""

    session: Session
    user: User
    principal: Principal
    csrf: str = field(repr=False)


class AccountBook:
    """Safe to use from several threads. Raises ``StoreError`` when it is made and where accounts are changed."""

    def __init__(self, records: AccountRecords, clock: Clock, times: SessionTimes) -> None:
        self._records, self._clock, self._times = records, clock, times
        self._lock = threading.Lock()
        self._touched: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._days: dict[str, int] = {}
        self._looking: asyncio.Task[None] | None = None
        self._failing = False
        self._known = Accounts(-1, {}, {}, {})
        self._by_id: dict[str, User] = {}
        self._looked = clock.monotonic()
        self.reload()

    @property
    def exist(self) -> bool:
        """From the first account on the access key opens nothing."""
        return bool(self._known.users)

    @property
    def idle_s(self) -> int:
        return self._times.idle_us // 1_000_000

    def user(self, name: str) -> User | None:
        """``name`` as somebody typed it."""
        return self._known.users.get(folded(name))

    def users(self) -> list[User]:
        return sorted(self._by_id.values(), key=lambda one: one.user_id)

    def machines(self) -> list[MachineToken]:
        """As they are in the records, newest first: the day of the last use is not looked for all the time."""
        return sorted(self._records.all().tokens.values(), key=lambda one: (-one.made_at, one.token_id))

    def visit(self, secret: str) -> Visit | None:
        """``secret``: the cookie's value, whatever it may be."""
        return self._visit(secret_hash(secret), csrf_of(secret)) if _SECRET.fullmatch(secret) else None

    def again(self, visit: Visit) -> Visit | None:
        """As it is now."""
        return self._visit(visit.session.secret_hash, visit.csrf)

    def _visit(self, key: str, csrf: str) -> Visit | None:
        session = self._known.sessions.get(key)
        user = None if session is None else self._by_id.get(session.user_id)
        now = self._clock.now_us()
        if session is None or user is None or not user.enabled or now >= session.expires_at:
            return None
        principal = Principal(
            user.user_id, user.role, session.expires_at, user.wards, locked=self._is_locked(session, now)
        )
        return Visit(session, user, principal, csrf)

    def _is_locked(self, session: Session, now: int) -> bool:
        key = session.secret_hash
        locked = now - self._touched.setdefault(key, session.touched_at) >= self._times.idle_us
        if locked:
            self._touched[key] = 0  # stays so, whatever becomes of the clock
        return locked

    def machine(self, token: str) -> tuple[MachineToken, Principal] | None:
        """``token``: what a bearer sent, whatever it may be."""
        fits = token.startswith(TOKEN_PREFIX) and _SECRET.fullmatch(token[len(TOKEN_PREFIX) :])
        found = self._known.tokens.get(secret_hash(token)) if fits else None
        if found is None or found.revoked_at is not None or self._clock.now_us() >= found.expires_at:
            return None
        rights = None if found.rights is None else frozenset(one for one in Right if one.value in found.rights)
        # No person's name has a slash: a token cannot be taken for somebody.
        return found, Principal(f"token/{found.name}", found.role, found.expires_at, found.wards, rights)

    async def fresh(self, *, now: bool = False) -> None:
        """Looks whether another process has changed anything, unless it was looked a moment ago. ``now``: also then."""
        now = now and not self._failing
        if not now and self._clock.monotonic() - self._looked < LOOK_S:
            return
        if now or self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(self._look), name="accounts")
        if not self._failing:
            done, _ = await asyncio.wait([self._looking], timeout=MOST_LOOK_S)
            for one in done:
                one.result()

    def _look(self) -> None:
        at = self._clock.monotonic()
        try:
            if self._records.revision() != self._known.revision:
                self.reload()
        except StoreError as error:
            if not self._failing:
                log.error("accounts cannot be read: what was known of them holds", exc_info=error)
            self._failing = True
            return
        self._looked, self._failing = at, False

    def reload(self) -> None:
        with self._lock:
            known = self._records.all()
            self._by_id = {one.user_id: one for one in known.users.values()}
            self._known = known
            for times in (self._touched, self._written):
                for key in [one for one in list(times) if one not in known.sessions]:
                    times.pop(key, None)

    @contextmanager
    def changing(self) -> Iterator[AccountRecords]:
        """What is changed in the block holds for every request that comes after it."""
        yield self._records
        self.reload()

    def open(self, user: User, instead_of: Visit | None) -> tuple[str, Visit] | None:
        """A new session, always with a secret of our own making. None: the account has changed meanwhile."""
        secret, now = secrets.token_urlsafe(32), self._clock.now_us()
        session = Session(secret_hash(secret), user.user_id, now, now, now + self._times.life_us)
        old = None if instead_of is None else instead_of.session.secret_hash
        with self.changing() as records:
            if not records.open_session(session, user, old):
                return None
        visit = self.visit(secret)
        return None if visit is None else (secret, visit)

    async def touch(self, visit: Visit) -> None:
        """A person did something in a session that is not locked."""
        key, now = visit.session.secret_hash, self._clock.now_us()
        self._touched[key] = now
        if now - self._written.get(key, visit.session.touched_at) >= TOUCH_US:
            self._written[key] = now
            await self._note(self._records.touch_session, key, now)

    async def used(self, token: MachineToken) -> None:
        """The day of its last use is kept."""
        day = self._clock.now_us() // DAY
        if self._days.get(token.token_id, token.last_day) != day:
            self._days[token.token_id] = day
            await self._note(self._records.use_token, token.token_id, day)

    async def _note(self, write: Callable[[str, int], None], key: str, value: int) -> None:
        try:
            await asyncio.to_thread(write, key, value)
        except StoreError as error:  # no reason to refuse what was asked for
            log.warning("the use of an account could not be noted: %s", error)

    def lock(self, visit: Visit) -> None:
        self._touched[visit.session.secret_hash] = 0
        self._records.touch_session(visit.session.secret_hash, 0)

    def unlock(self, visit: Visit) -> None:
        """The caller has checked the password."""
        key, now = visit.session.secret_hash, self._clock.now_us()
        self._records.touch_session(key, now)
        self._touched[key] = self._written[key] = now
