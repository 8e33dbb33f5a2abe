"""The account files as the embedded broker sees them: held in memory, read again when they change."""

from __future__ import annotations

import logging
from pathlib import Path

from vigil.domain.errors import BrokerError
from vigil.runtime.broker.accounts import Accounts, read_hashes, verify_password
from vigil.runtime.broker.acl import Acl, parse_acl

_LOG = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


class Rights:
    """Passwords and rights of one ``Accounts`` directory. A damaged or missing file lets nobody in."""

    def __init__(self, accounts: Accounts) -> None:
        self._paths = (accounts.passwd_path, accounts.acl_path)
        self._stamps: tuple[_Stamp | None, ...] = ()
        self._hashes: dict[str, str] = {}
        self.acl = Acl()
        self.refresh()

    def refresh(self) -> bool:
        """Read the files again if they were replaced; True if so."""
        stamps = tuple(_stamp(path) for path in self._paths)
        if stamps == self._stamps:
            return False
        passwd_path, acl_path = self._paths
        try:
            self._hashes, self.acl = read_hashes(passwd_path), parse_acl(acl_path.read_text())
        except (OSError, BrokerError) as error:
            _LOG.error("nobody can use the broker until its account files are mended: %s", error)
            self._hashes, self.acl = {}, Acl()
        self._stamps = stamps
        return True

    def admits(self, user: str, password: str) -> bool:
        """Also looks for new files, so that a password works from the moment it was issued."""
        self.refresh()
        hashed = self._hashes.get(user)
        return hashed is not None and verify_password(hashed, password)

    def hash_of(self, user: str) -> str | None:
        """None = no such account. Another one than before = its password was replaced."""
        return self._hashes.get(user)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
