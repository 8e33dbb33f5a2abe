"""``reading_stores`` and ``record_stores``: one parametrised opener each, which closes what a test leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from tests.conformance.stores.factories import READING_STORES, RECORD_STORES
from vigil.store import ReadingStore, RecordStore

Store = TypeVar("Store", ReadingStore, RecordStore)


class Opener(Generic[Store]):
    def __init__(self, name: str, make: Callable[[Path], Any], folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._make: Callable[[Path], Store] = make
        self._open: list[Store] = []
        self._fresh = 0

    def open(self) -> Store:
        """Opens what is in the folder; again only after ``close``."""
        store: Store = self._make(self.folder)
        self._open.append(store)
        return store

    def fresh(self) -> Store:
        """An empty store in a folder of its own."""
        self._fresh += 1
        self.folder = self.folder / f"fresh-{self._fresh}"
        self.folder.mkdir()
        return self.open()

    def reopen(self) -> Store:
        self.close()
        return self.open()

    def now_and_later(self, store: Store) -> Iterator[Store]:
        """The store as it is, then as it is after a restart."""
        yield store
        yield self.reopen()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


@pytest.fixture(params=sorted(READING_STORES))
def reading_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener[ReadingStore]]:
    opener = Opener[ReadingStore](request.param, READING_STORES[request.param], tmp_path)
    yield opener
    opener.close()


@pytest.fixture(params=sorted(RECORD_STORES))
def record_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener[RecordStore]]:
    opener = Opener[RecordStore](request.param, RECORD_STORES[request.param], tmp_path)
    yield opener
    opener.close()
