"""Waiting in tests: for something to happen, with a deadline and without a fixed sleep."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

DEADLINE_S = 20.0


def until(happened: Callable[[], bool], deadline_s: float = DEADLINE_S, step_s: float = 0.02) -> bool:
    """True as soon as it happened, False at the deadline."""
    pause = threading.Event()
    for _ in range(int(deadline_s / step_s)):
        if happened():
            return True
        pause.wait(step_s)
    return happened()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
