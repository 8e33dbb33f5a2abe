"""The file of a backup: a tar archive in which every byte is checked.

First ``manifest.json`` and its SHA-256, then the parts in the order of the manifest. Headers, padding and end are exactly as
written here, so that a byte changed anywhere is found; any tar program can still open it.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from vigil.domain.errors import StoreError
from vigil.runtime.files import sync
from vigil.store.duck.copy import TableSum

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
FORMAT = 1
#: No manifest of ours comes near it.
MOST_MANIFEST_BYTES = 16 * 2**20
#: A part is one of ours: never absolute, never upwards, nothing hidden.
_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 2**20
_END = bytes(2 * _BLOCK)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``size`` in bytes; ``sha256`` in hex."""

    name: str
    size: int
    sha256: str


class AuditHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``head``: hash of the last entry, in hex. ``broken``: it was, when the backup was made."""

    entries: int
    head: str
    broken: bool


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``cut_at``: RFC 3339, the moment that all of it shows; ``pause_s``: for so long no reading could be committed.
    ``duckdb``: the version whose row hashes ``readings`` has."""

    format: int
    vigil: str
    duckdb: str
    cut_at: str
    running: bool
    pause_s: float
    parts: list[Part]
    readings: dict[str, TableSum]
    records: dict[str, TableSum]
    audit: AuditHead

    def has(self, name: str) -> bool:
        return any(part.name == name for part in self.parts)


def part_of(name: str, path: Path) -> Part:
    """Raises ``StoreError`` for a name that could not be restored."""
    if _NAME.fullmatch(name) is None:
        raise StoreError(f"{name} cannot be in a backup: rename it (letters, digits, . _ -)")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Part(name, file.tell(), digest.hexdigest())


def write(out: Path, manifest: Manifest, files: Mapping[str, Path]) -> None:
    """``out`` appears, mode 0600, when all of it is on disk. Raises ``OSError``; then nothing is left."""
    draft = out.with_name(f"{out.name}.part")
    draft.unlink(missing_ok=True)  # of a backup that was killed
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            document = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            _put(file, MANIFEST, [document], len(document))
            _put(file, SEAL, [hashlib.sha256(document).hexdigest().encode()], 64)
            for part in manifest.parts:
                with files[part.name].open("rb") as source:
                    _put(file, part.name, iter(lambda source=source: source.read(_CHUNK), b""), part.size)  # type: ignore[misc]
            file.write(_END)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(out)
        sync(out.parent)
    finally:
        draft.unlink(missing_ok=True)  # is gone already when all went well


def _put(file: IO[bytes], name: str, chunks: Sequence[bytes] | Iterator[bytes], size: int) -> None:
    file.write(_header(name, size))
    for chunk in chunks:
        file.write(chunk)
    file.write(_padding(size))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def read(archive: Path, into: Path | None = None) -> Manifest:
    """Checks every byte; with ``into`` (an empty folder), writes the parts there, mode 0600. Raises ``StoreError`` that names the
    damaged part; what lies in ``into`` then must be thrown away."""
    with _opened(archive) as file:
        manifest = _manifest(file)
        for part in manifest.parts:
            _Damaged.unless(file.read(len(_header(part.name, part.size))) == _header(part.name, part.size), part.name)
            with _target(into, part.name) as target:
                digest = _copy(file, target, part)
            same = digest == part.sha256 and file.read(-part.size % _BLOCK) == _padding(part.size)
            _Damaged.unless(same, part.name)
        _Damaged.unless(file.read(len(_END) + 1) == _END, "the end of the file")
    return manifest


class _Damaged(StoreError):
    @staticmethod
    def unless(whole: bool, what: str) -> None:
        if not whole:
            raise _Damaged(f"the backup is damaged: {what} is not what was written")


@contextmanager
def _opened(archive: Path) -> Iterator[IO[bytes]]:
    try:
        with archive.open("rb") as file:
            yield file
    except OSError as error:
        raise StoreError(f"{error.filename or archive}: {error.strerror}") from error


@contextmanager
def _target(into: Path | None, name: str) -> Iterator[IO[bytes] | None]:
    if into is None:
        yield None
        return
    path = into / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _copy(file: IO[bytes], target: IO[bytes] | None, part: Part) -> str:
    digest, left = hashlib.sha256(), part.size
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        _Damaged.unless(bool(chunk), part.name)
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
        left -= len(chunk)
    return digest.hexdigest()


def _manifest(file: IO[bytes]) -> Manifest:
    document = _small(file, MANIFEST)
    _Damaged.unless(_small(file, SEAL) == hashlib.sha256(document).hexdigest().encode(), MANIFEST)
    try:
        if msgspec.json.decode(document, type=dict)["format"] != FORMAT:
            raise StoreError(f"this backup has another format than {FORMAT}: use the Vigil that made it")
        manifest = msgspec.json.decode(document, type=Manifest)
    except (msgspec.MsgspecError, KeyError) as error:
        raise StoreError(f"this is no backup of Vigil: {MANIFEST}: {error}") from error
    names = [part.name for part in manifest.parts]
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise StoreError(f"this is no backup of Vigil: {MANIFEST} names a part that cannot be one")
    return manifest


def _small(file: IO[bytes], name: str) -> bytes:
    head = file.read(_BLOCK)
    try:
        size = tarfile.TarInfo.frombuf(head, "ascii", "strict").size
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise StoreError(f"this is no backup of Vigil, or its {name} is damaged") from error
    _Damaged.unless(head == _header(name, size) and 0 <= size <= MOST_MANIFEST_BYTES, name)
    content = file.read(size)
    _Damaged.unless(len(content) == size and file.read(-size % _BLOCK) == _padding(size), name)
    return content
