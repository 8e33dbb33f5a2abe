"""Kernels run as plain Python until their compiled versions are ready, so that a start never waits for a compiler.

numba is imported and compiles in a thread of its own; machine code is cached on disk (``code_cache``), so that only the first
start of a version compiles. Both versions give bit-equal results (``tests/conformance/detectors``), so it does not matter at
which batch a kernel is replaced.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from analytics.engine.code_cache import cache_folder
from analytics.engine.touch import know_ask_for

_LOG = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])
#: Given ``numba.types``, the compiled signature of a kernel.
Signature = Callable[[Any], Any]

#: What a kernel calls becomes part of it, and makes no array either.
_BARE = {"forceinline": True, "_nrt": False}

_HELPERS: list[Callable[..., Any]] = []


def helper(function: Function) -> Function:
    """Mark a function that kernels of the same file call. It stays plain Python for Python."""
    _HELPERS.append(function)
    return function


@dataclass(frozen=True, slots=True)
class Kernel:
    """``parts``: functions of other files that it calls. ``bare``: it makes no array, not even a slice that is assigned to; so
    numba need not count who uses one, which costs more than to step a condition."""

    function: Callable[..., Any]
    signature: Signature
    parts: Sequence[Callable[..., Any]] = ()
    bare: bool = False


class Kernels:
    """The version of each kernel to call now."""

    def __init__(self) -> None:
        self._compiled: dict[Callable[..., Any], Callable[..., Any]] = {}
        self.ready = threading.Event()

    def __call__(self, function: Function) -> Function:
        return self._compiled.get(function, function)  # type: ignore[return-value]

    def compile(self, kernels: list[Kernel]) -> None:
        """Compile, or load from the cache on disk, now; each kernel is in use as soon as it is ready."""
        import numba

        folder = cache_folder()
        numba.config.CACHE_DIR = "" if folder is None else str(folder)  # type: ignore[attr-defined]
        know_ask_for()
        for function in _HELPERS:
            numba.extending.register_jitable(**_BARE)(function)
        for part in {part for kernel in kernels for part in kernel.parts}:
            numba.extending.register_jitable(**_BARE)(part)
        for kernel in kernels:
            if kernel.function not in self._compiled:
                signature, kept = kernel.signature(numba.types), folder is not None
                how: dict[str, Any] = {"nogil": True, "cache": kept, "error_model": "numpy", "_nrt": not kernel.bare}
                make = numba.njit(signature, **how)
                self._compiled[kernel.function] = make(kernel.function)
        self.ready.set()

    def compile_in_background(self, kernels: list[Kernel]) -> threading.Thread:
        thread = threading.Thread(target=self.compile, args=(kernels,), name="compile", daemon=True)
        thread.start()
        return thread
