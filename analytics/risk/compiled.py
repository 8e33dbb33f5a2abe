"""Kernels as machine code: plain functions over arrays, which others run uncompiled and which give the same either way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from analytics.engine.code_cache import cache_folder


@cache
def compiled(kernel: Callable[..., None], *helpers: Callable[..., None]) -> Callable[..., None]:
    """``helpers``: functions that the kernel calls. numba is imported when the first table is scored, not at start. Machine code
    is kept by the state of all our sources, because numba would look at the kernel's own file alone."""
    import numba

    folder = cache_folder()
    numba.config.CACHE_DIR = "" if folder is None else str(folder)  # type: ignore[attr-defined]
    for function in helpers:
        numba.extending.register_jitable(function)
    made: Any = numba.njit(nogil=True, cache=folder is not None, error_model="numpy")(kernel)
    return made  # type: ignore[no-any-return]
