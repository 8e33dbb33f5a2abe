"""Detectors, one file each; a module here with a ``DETECTOR`` is found by itself."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable

from analytics.detectors.contract import Detector


def detectors(path: Iterable[str] | None = None, package: str = __name__) -> tuple[Detector, ...]:
    """Every detector there is a file for, by the name of the file. ``path`` and ``package``: another folder of detectors."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__ if path is None else path))
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    return tuple(module.DETECTOR for module in modules if hasattr(module, "DETECTOR"))


def version() -> str:
    """Names the detectors with their starting values and their code: episodes of one version can be compared."""
    digest = hashlib.sha256()
    for each in detectors():
        digest.update(repr((each, inspect.getsource(each.judge))).encode())
    return digest.hexdigest()[:12]
