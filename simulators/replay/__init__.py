"""Recordings of real patients, one file a dataset.

A dataset is a module here with ``TITLE`` (one line) and ``load(folder) -> tuple[Recording, ...]``; adding the file is all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from simulators.recording import Recording
from vigil.domain.errors import ScenarioError

Loader = Callable[[Path], tuple[Recording, ...]]


def dataset_names() -> tuple[str, ...]:
    """Every dataset there is a file for."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def datasets() -> dict[str, Loader]:
    """The loader of each dataset by name."""
    return {name: importlib.import_module(f"{__name__}.{name}").load for name in dataset_names()}


def load_recordings(dataset: str, folder: Path) -> tuple[Recording, ...]:
    """All recordings of a dataset; ``ScenarioError`` when there is none of that name or the folder does not hold it."""
    loaders = datasets()
    if dataset not in loaders:
        raise ScenarioError(f"no dataset {dataset!r}; there are: {', '.join(loaders)}")
    return loaders[dataset](folder)
