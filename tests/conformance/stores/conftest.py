"""``reading_stores`` and ``record_stores``: one parametrised opener each, which closes what a test leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from tests.conformance.stores.copied import SETTINGS_FILE
from tests.conformance.stores.factories import INFLUXDB, POSTGRESQL, READING_STORES, RECORD_STORES, URL_FILE
from tests.servers.influx import Influxd
from tests.servers.postgres import Postgres
from vigil.store import ReadingStore, RecordStore

Store = TypeVar("Store", ReadingStore, RecordStore)


def nothing(folder: Path) -> None:
    """What most stores need of a folder before they open it."""


class Opener(Generic[Store]):
    """``written``: where the store writes, if not into the folder."""

    def __init__(
        self,
        name: str,
        make: Callable[[Path], Any],
        folder: Path,
        prepare: Callable[[Path], None] = nothing,
        written: Callable[[Path], Sequence[Path]] = lambda folder: [folder],
    ) -> None:
        prepare(folder)
        self._prepare = prepare
        self._written = written
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
        self._prepare(self.folder)
        return self.open()

    def reopen(self) -> Store:
        self.close()
        return self.open()

    def now_and_later(self, store: Store) -> Iterator[Store]:
        """The store as it is, then as it is after a restart."""
        yield store
        yield self.reopen()

    def files(self) -> dict[Path, bytes]:
        """All that stands on the disk now."""
        paths = [path for folder in self._written(self.folder) for path in folder.rglob("*")]
        return {path: path.read_bytes() for path in paths if path.is_file()}

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.influxd] if name == INFLUXDB else []) for name in sorted(READING_STORES)
    ]
)
def reading_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener[ReadingStore]]:
    name, make = request.param, READING_STORES[request.param]
    if name == INFLUXDB and "whole_commits" in request.node.name:
        pytest.skip("a write is not one transaction there: only the journal shows whole commits")
    prepare = own_bucket(request.getfixturevalue("influx")) if name == INFLUXDB else nothing
    opener = Opener[ReadingStore](name, make, tmp_path, prepare)
    yield opener
    opener.close()


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.postgresql] if name == POSTGRESQL else [])
        for name in sorted(RECORD_STORES)
    ]
)
def record_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener[RecordStore]]:
    name, make = request.param, RECORD_STORES[request.param]
    if name == POSTGRESQL:
        server: Postgres = request.getfixturevalue("postgres")
        opener = Opener[RecordStore](name, make, tmp_path, own_database(server), written(server))
    else:
        opener = Opener[RecordStore](name, make, tmp_path)
    yield opener
    opener.close()
    for file in tmp_path.rglob(URL_FILE):
        request.getfixturevalue("postgres").give_back(file.read_text("utf-8"))


def own_bucket(server: Influxd) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / SETTINGS_FILE).write_text(server.settings().model_dump_json(), "utf-8")

    return prepare


def own_database(server: Postgres) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / URL_FILE).write_text(server.database(migrated=True), "utf-8")

    return prepare


def written(server: Postgres) -> Callable[[Path], Sequence[Path]]:
    return lambda folder: server.folders((folder / URL_FILE).read_text("utf-8"))
