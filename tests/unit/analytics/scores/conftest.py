"""The kernels of the scores, compiled once for the whole run."""

from __future__ import annotations

import pytest

from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel


@pytest.fixture(scope="session")
def compiled() -> Kernels:
    ours = [kernel for kernel in every_kernel() if kernel.function.__module__.startswith("analytics.scores.")]
    kernels = Kernels()
    kernels.compile(ours)
    assert len(ours) == 9
    for kernel in ours:
        assert kernels(kernel.function) is not kernel.function
    return kernels
