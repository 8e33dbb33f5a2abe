"""The grid's own snapshot, written once an hour: rebuilding it from the store means reading four days of everybody."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path

import numpy as np

from analytics.columns import Saved
from vigil.runtime.files import whole
from vigil.store import ReadingHistory

_LOG = logging.getLogger(__name__)
#: Raise it with any change to what the file holds or means.
VERSION = 1
_FORMAT = "format"


def write(path: Path, arrays: Saved) -> None:
    """Whole or not at all. Raises ``OSError``."""
    with whole(path) as file:
        np.savez(file, allow_pickle=False, **{_FORMAT: np.array([VERSION], np.int64)}, **arrays)


def read(path: Path, readings: ReadingHistory) -> Saved | None:
    """None when there is none that can be used: it is damaged, of another version, or of another store."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
        if int(arrays[_FORMAT][0]) == VERSION and int(arrays["position"][0]) <= readings.head():
            return arrays
        _LOG.warning("the grid of the risk models does not fit: rebuilding")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile) as error:
        _LOG.warning("the grid of the risk models is damaged (%s): rebuilding", type(error).__name__)
    return None
