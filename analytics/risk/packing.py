"""Files of a model folder that depend on their content alone: no dates, no addresses, no pickles."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vigil.domain.errors import ModelError

#: The date of every entry: the first that the format knows.
EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(members: Mapping[str, bytes]) -> bytes:
    """A zip file that depends on the members alone: sorted, with one date, without the machine's rights and system."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            target.writestr(info, members[name])
    return buffer.getvalue()


def arrays_to_bytes(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    members = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    return packed(members)


def arrays_from_bytes(content: bytes) -> dict[str, NDArray[Any]]:
    """Raises ``ModelError`` for what is not a file of plain arrays."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as source:
            return {name: source[name] for name in source.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, AttributeError) as error:
        raise ModelError(f"arrays that cannot be read: {error}") from error
