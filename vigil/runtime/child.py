"""One supervised process: how it is described, started, tied to its supervisor, signalled and reaped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

_LEASH = Path(__file__).with_name("leash.py")
_LINE_LIMIT = 8192  # characters of one output line; the rest follows as another line
_OUTPUT_WAIT_S = 5.0  # for the last lines; the group is dead by then, so the end of the pipe is near


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """``env`` None: the supervisor's own. ``ready`` is asked every 0.05 s and must not block for long; None: at once."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    ready_timeout_s: float = 30.0


class EventKind(StrEnum):
    STARTED = "started"
    READY = "ready"
    NOT_READY = "not_ready"  # killed for it
    EXITED = "exited"
    RESTARTING = "restarting"  # after delay_s
    STOPPING = "stopping"
    KILLED = "killed"  # did not stop in time
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ChildEvent:
    kind: EventKind
    name: str
    at_us: int
    pid: int | None = None
    returncode: int | None = None  # negative: the signal that ended it
    delay_s: float | None = None


class BackOff:
    """Seconds to wait before the next start."""

    FIRST_S = 0.2
    LONGEST_S = 10.0
    GOOD_RUN_S = 60.0

    def __init__(self) -> None:
        self._next_s = self.FIRST_S

    def after(self, ran_for_s: float) -> float:
        if ran_for_s >= self.GOOD_RUN_S:
            self._next_s = self.FIRST_S
        delay, self._next_s = self._next_s, min(self._next_s * 2, self.LONGEST_S)
        return delay


class Leash(StrEnum):
    """How a child is tied to the supervisor; see leash.py."""

    PRCTL = "prctl"
    PIPE = "pipe"


class Phase(StrEnum):
    WAITING = "waiting"  # for its (next) start
    STARTING = "starting"
    RUNNING = "running"


class Child:
    """One spec and its current process, for ``Supervisor`` alone. Only the thread in ``_await_end`` reaps the process."""

    def __init__(
        self,
        spec: ChildSpec,
        leash: Leash,
        on_end: Callable[[subprocess.Popen[str]], None],
        on_line: Callable[[str, str], None],
        start_thread: Callable[[str, Callable[[], None]], threading.Thread],
    ) -> None:
        """``on_end`` and ``on_line`` are called from threads of the child's own and must not raise."""
        self.spec = spec
        self.phase = Phase.WAITING
        self.proven = False  # was ready at least once
        self.since_s = 0.0  # monotonic: when the phase began
        self.due_s = 0.0  # monotonic: when to start again, or when to be ready; 0 while waiting: not at all
        self.back_off = BackOff()
        self.process: subprocess.Popen[str] | None = None
        self._leash = leash
        self._on_end = on_end
        self._start_thread = start_thread
        self._leash_end: int | None = None
        self._on_line = on_line
        self._pump: threading.Thread | None = None
        self._reaping = threading.Lock()

    def start(self) -> int:
        argv, passed = self._leashed()
        try:
            process = subprocess.Popen(
                argv,
                env=None if self.spec.env is None else dict(self.spec.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C at the terminal reaches the supervisor alone
                pass_fds=passed,
            )
        finally:
            for descriptor in passed:
                os.close(descriptor)
        self.process = process
        assert process.stdout is not None
        output = process.stdout
        self._pump = self._start_thread(f"output of {self.spec.name}", lambda: self._forward(output))
        self._start_thread(f"end of {self.spec.name}", lambda: self._await_end(process))
        return process.pid

    def _leashed(self) -> tuple[list[str], tuple[int, ...]]:
        python = [sys.executable, "-I", "-S", str(_LEASH)]
        if self._leash is Leash.PRCTL:
            return [*python, "prctl", str(os.getpid()), *self.spec.argv], ()
        self._let_go()  # of the end that a failed start left
        theirs, self._leash_end = os.pipe()
        return [*python, "pipe", str(theirs), *self.spec.argv], (theirs,)

    def _forward(self, output: IO[str]) -> None:
        with output:
            while line := output.readline(_LINE_LIMIT):
                self._on_line(self.spec.name, line.rstrip("\n"))

    def _await_end(self, process: subprocess.Popen[str]) -> None:
        if hasattr(os, "waitid"):
            # Wait without reaping: until it is reaped nobody else can get its number, so the group is still its own.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS before Python 3.13
            process.wait()
        with self._reaping:
            _kill_group(process.pid)  # what the child started must not outlive it
            process.wait()
        self._on_end(process)

    def send(self, number: signal.Signals) -> None:
        with self._reaping:
            if self.process is not None and self.process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(self.process.pid, number)

    def kill(self) -> None:
        with self._reaping:
            if self.process is not None and self.process.returncode is None:
                _kill_group(self.process.pid)

    def ended(self) -> int:
        """Forget the process, with all its output forwarded; its exit code."""
        assert self.process is not None
        code = self.process.wait()
        if self._pump is not None:
            self._pump.join(_OUTPUT_WAIT_S)
        self._let_go()
        self.process = None
        return code

    def _let_go(self) -> None:
        if self._leash_end is not None:
            os.close(self._leash_end)
            self._leash_end = None


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(leader, signal.SIGKILL)
