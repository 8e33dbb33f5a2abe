"""Which model may do what, since when, who said so and why: ``DATA_DIR/models/states.json``, in which nothing is ever taken
away."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vigil.domain.errors import ModelError
from vigil.domain.risk import ModelState
from vigil.runtime.files import whole

FILE = "states.json"
_LOCK = "states.lock"


class StateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``hash``: of the folder that the decision is about. ``at``: server time, microseconds UTC."""

    state: ModelState
    hash: str
    by: str
    reason: str
    at: int


History = Mapping[str, tuple[StateChange, ...]]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    models: dict[str, tuple[StateChange, ...]]


def read(folder: Path) -> History:
    """Every decision by model, the oldest first; empty when there was none. Raises ``ModelError`` for a file that is damaged."""
    path = folder / FILE
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{FILE} cannot be read, so no model is in use: restore it from a backup ({error})") from error
    if document.format != 1 or not all(document.models.values()):
        raise ModelError(f"{FILE} is not written as this program writes it, so no model is in use")
    return document.models


def append(folder: Path, name: str, change: StateChange) -> None:
    """All or nothing, also when the power fails. Raises ``ModelError`` when it cannot be written or another is writing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / _LOCK):
            before = read(folder)
            models = {**before, name: (*before.get(name, ()), change)}
            with whole(folder / FILE) as file:
                file.write(msgspec.json.format(msgspec.json.encode(_File(1, models)), indent=1) + b"\n")
    except OSError as error:
        raise ModelError(f"{FILE} cannot be written: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two decisions at once would each write what the other had not seen."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise ModelError(
            f"another command is changing the models; if none runs, remove {path.name} and repeat"
        ) from None
    try:
        yield
    finally:
        path.unlink()
