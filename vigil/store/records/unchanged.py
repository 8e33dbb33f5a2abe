"""Has anything been committed to the file of records since the last look? Two microseconds, where a question takes a hundred.

SQLite counts for each connection the commits of all others, of other processes too. On a server nothing is known.
"""

from __future__ import annotations

import sqlite3
import threading


class Commits:
    """Safe to use from several threads. ``path``: of the file; None = a server."""

    def __init__(self, path: str | None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._con: sqlite3.Connection | None = None
        self._closed = path is None

    def seen(self) -> int | None:
        """Another number than last time: something was committed. None: nobody knows. To be asked before what it is kept with."""
        with self._lock:
            if self._closed or self._path is None:
                return None
            try:
                if self._con is None:
                    self._con = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
                return int(self._con.execute("PRAGMA data_version").fetchall()[0][0])
            except sqlite3.Error:
                return None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._con is not None:
                self._con.close()
