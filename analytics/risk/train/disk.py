"""The run folder: what each step of training leaves on disk, so that a run that was cut short goes on where it was.

``OUT/<step>/`` holds the step's arrays (``.npy``), other files, and ``step.json``: from which inputs it came (``key``), what it
found, and the digest of each file. A step is written beside its place and moved there when it is whole; the pieces of a step
that takes long are kept from one start to the next. No time, path or name of a patient is written, so the same run gives the
same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vigil.domain.errors import ModelError

STEP_FILE = "step.json"
_PARTIAL = ".part"
#: Where our top packages lie.
_ROOT = Path(__file__).parents[3]
Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A step that is whole. ``digest``: of ``step.json``, hence of everything in it."""

    path: Path
    key: str
    digest: str
    found: Found

    def array(self, name: str) -> NDArray[Any]:
        """Memory-mapped, not to be written to."""
        array: NDArray[Any] = np.load(self.path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    def arrays(self, prefix: str = "") -> dict[str, NDArray[Any]]:
        paths = sorted(self.path.glob(f"{prefix}*.npy"))
        return {path.stem.removeprefix(prefix): self.array(path.stem) for path in paths}

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


class Bench:
    """Where a step is made before it is whole. A file that is there is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, name: str, array: NDArray[Any]) -> None:
        with _whole(self.path / f"{name}.npy") as file:
            np.save(file, array, allow_pickle=False)

    def write(self, name: str, content: bytes) -> None:
        with _whole(self.path / name) as file:
            file.write(content)

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file has its name only when all of it is there."""
    partial = path.with_name(path.name + _PARTIAL)
    with partial.open("wb") as file:
        yield file
    partial.replace(path)


class RunFolder:
    """``say`` gets one line for each step that is skipped. Raises ``ModelError`` when the folder cannot be read or written."""

    def __init__(self, out: Path, say: Callable[[str], None]) -> None:
        self.out, self._say = out, say

    def step(self, name: str, inputs: Mapping[str, str], work: Callable[[Bench], Found]) -> Done:
        """The finished step: the one on disk when it came from the same inputs and is undamaged, else made anew."""
        key = _digest(_json({"step": name, "inputs": dict(inputs)}))
        with _translated(self.out):
            there = _opened(self.out / name, key)
            if there is not None:
                self._say(f"{name}: skipped, nothing it comes from has changed (key {key[:12]})")
                return there
            bench = self._bench(name, key)
            found = work(bench)
            return self._finish(name, key, bench, found)

    def _bench(self, name: str, key: str) -> Bench:
        """Pieces of an earlier start are kept only when they came from the same inputs."""
        mine = self.out / f".{name}-{key[:12]}"
        for old in self.out.glob(f".{name}-*"):
            if old != mine:
                shutil.rmtree(old)
        mine.mkdir(parents=True, exist_ok=True)
        return Bench(mine)

    def _finish(self, name: str, key: str, bench: Bench, found: Found) -> Done:
        for partial in bench.path.rglob(f"*{_PARTIAL}"):
            partial.unlink()
        bench.write(STEP_FILE, _json({"step": name, "key": key, "found": found, "files": _files(bench.path)}))
        place = self.out / name
        if place.exists():
            shutil.rmtree(place)
        bench.path.replace(place)
        done = _opened(place, key)
        if done is None:
            raise ModelError(f"{name} could not be read back: is the disk full or failing?")
        return done


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder. Raises ``ModelError`` when it cannot be read."""
    with _translated(path):
        if not path.is_dir():
            return _digest_file(path)
        return _digest(_json({str(each.relative_to(path)): _digest_file(each) for each in _within(path)}))


def digest_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Of names, types, shapes and values; whatever file they were read from."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(_json([name, array.dtype.str, list(array.shape)]))
        found.update(array.data)
    return found.hexdigest()


def digest_of_sources(modules: tuple[str, ...]) -> str:
    """Of our own code: modules, and packages with all that is in them."""
    places = [_ROOT.joinpath(*module.split(".")) for module in modules]
    files = [each for place in places for each in (_within(place) if place.is_dir() else [place.with_suffix(".py")])]
    return _digest(_json({str(each.relative_to(_ROOT)): _digest_file(each) for each in files if each.suffix == ".py"}))


def _opened(path: Path, key: str) -> Done | None:
    """None unless it is there, from the same inputs, every file as it was written."""
    try:
        content = (path / STEP_FILE).read_bytes()
        document = json.loads(content)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("key") != key or document.get("files") != _files(path):
        return None
    return Done(path, key, _digest(content), document["found"])


def _files(path: Path) -> dict[str, str]:
    return {str(each.relative_to(path)): _digest_file(each) for each in _within(path) if each != path / STEP_FILE}


def _within(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file())


def _digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path.name}: {error.strerror or error}") from error
