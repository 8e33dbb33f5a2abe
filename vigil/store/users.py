"""The records of people who log in, their sessions, and the tokens of machines, as protocols."""

from __future__ import annotations

from typing import Protocol

from vigil.domain.users import Accounts, MachineToken, Role, Session, User


class UserRecords(Protocol):
    """Every change keeps an admin who can log in, or raises ``InvalidInput``. Safe to use from several threads."""

    def add_user(self, user: User) -> None:
        """Raises ``InvalidInput``: the name is taken, in whatever capitals."""
        ...

    def change_user(self, user_id: str, display: str, role: Role, wards: frozenset[str] | None) -> User:
        """Another role or other wards end the sessions. Raises ``NotFound``."""
        ...

    def set_password(self, user_id: str, password_hash: str, after: str | None = None, keep: str | None = None) -> None:
        """Ends the sessions, but for the one of the hash ``keep``. Raises ``NotFound``; ``VersionConflict``: the hash before was
        not ``after``."""
        ...

    def disable_user(self, user_id: str, at: int) -> User:
        """Ends the sessions; again = no change. Raises ``NotFound``."""
        ...

    def enable_user(self, user_id: str) -> User:
        """Raises ``NotFound``."""
        ...


class SessionRecords(Protocol):
    def open_session(self, session: Session, user: User, instead_of: str | None = None) -> bool:
        """Ends the one of the hash ``instead_of``, those that are over, and the oldest of somebody with too many. False, and
        nothing is opened: the account is no longer what ``user`` says."""
        ...

    def touch_session(self, secret_hash: str, at: int) -> None:
        """``at`` 0 locks it. Nothing happens when there is none."""
        ...

    def end_session(self, secret_hash: str) -> None:
        """Nothing happens when there is none."""
        ...


class TokenRecords(Protocol):
    def add_token(self, token: MachineToken) -> None: ...

    def revoke_token(self, token_id: str, at: int) -> MachineToken:
        """Again = no change. Raises ``NotFound``."""
        ...

    def use_token(self, token_id: str, day: int) -> None: ...


class AccountRecords(UserRecords, SessionRecords, TokenRecords, Protocol):
    def revision(self) -> int:
        """Grows with every change but ``touch_session`` and ``use_token``: readers with a cache compare it."""
        ...

    def all(self) -> Accounts: ...
