"""Where machine code is kept: a folder for each state of our sources.

numba keeps code beside the file of a kernel and looks at nothing but that file. A constant that a kernel takes from another file
(``GATED`` of ``vigil.domain.quality``) is part of the code as well: after an upgrade the old code would go on with the old
constant, and compiled and uncompiled kernels would not agree any more.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import vigil.domain

_LOG = logging.getLogger(__name__)

_OURS = "kernels-"
_SOURCES = (Path(__file__).parents[1], Path(vigil.domain.__file__).parent)


def digest_of(folders: Iterable[Path]) -> str:
    """Of every Python file below these folders: names and contents."""
    found = hashlib.blake2b(digest_size=8)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            found.update(f"{path.relative_to(folder)}\0".encode() + hashlib.blake2b(path.read_bytes()).digest())
    return found.hexdigest()


def cache_folder(homes: Iterable[Path] | None = None, sources: Iterable[Path] = _SOURCES) -> Path | None:
    """The folder for the sources as they are, in the first of ``homes`` that can be written; those of other sources go.

    None: code cannot be kept, and each start compiles anew.
    """
    name = f"{_OURS}{digest_of(sources)}"
    for home in homes or (_SOURCES[0] / "__pycache__", Path.home() / ".cache" / "vigil"):
        folder = home / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            _forget_others(home, name)
            return folder
    _LOG.info("machine code cannot be kept anywhere: each start compiles anew")
    return None


def _forget_others(home: Path, name: str) -> None:
    for other in home.glob(f"{_OURS}*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)
