"""Starts processes in order, keeps them running, stops them in reverse order; and keeps threads from dying silently.

Policy: a child that ends or is not ready in time at its first start is an error; those already started are stopped
again, and ``SupervisionError`` says which one failed (its output is in the log). A child that was ready once and ends,
for whatever reason and with whatever exit code, is started again, after 0.2 s doubling to 10 s; 60 s of running resets
that (numbers ours). If it is then not ready in time, it is killed and counts as ended.

``except Exception`` is allowed here and nowhere else.
"""

from __future__ import annotations

import logging
import platform
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from vigil.domain.errors import SupervisionError
from vigil.runtime.child import Child, ChildEvent, ChildSpec, EventKind, Leash, Phase
from vigil.runtime.clock import Clock

__all__ = ["ChildEvent", "ChildSpec", "EventKind", "Leash", "Supervisor", "attempt", "guard", "log_line"]

_LOG = logging.getLogger(__name__)
_READY_POLL_S = 0.05
_IDLE_POLL_S = 60.0
_KILL_WAIT_S = 5.0  # after SIGKILL only a process stuck in the kernel stays


class _StopRequest:
    pass


_Inbox = queue.SimpleQueue["subprocess.Popen[str] | _StopRequest"]


class Supervisor:
    """Runs its children from the thread that calls ``run``, which must be one that lives until they are stopped.

    Events and output lines are reported from that thread and from the output threads respectively.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        clock: Clock,
        on_event: Callable[[ChildEvent], None],
        on_line: Callable[[str, str], None] | None = None,
        leash: Leash | None = None,
    ) -> None:
        if leash is None:
            leash = Leash.PRCTL if platform.system() == "Linux" else Leash.PIPE
        self._clock = clock
        self._on_event = on_event
        self._inbox: _Inbox = queue.SimpleQueue()
        safe_line = _never_raising(on_line or log_line)
        self._children = [Child(spec, leash, self._inbox.put, safe_line, _start_thread) for spec in specs]
        self._stop_requests = 0
        self._stopping = False

    def request_stop(self) -> None:
        """Make ``run`` stop the children and return; a second call makes it kill them. Safe in a signal handler."""
        self._inbox.put(_StopRequest())  # SimpleQueue.put may interrupt itself; Event.set could deadlock

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Start all in order, call ``on_ready``, watch until a stop is requested, stop all.

        Raises ``SupervisionError`` if one does not start; then, too, nothing is left running.
        """
        try:
            for child in self._children:
                self._start_first(child)
                if self._stop_requests:
                    return
            if on_ready is not None:
                on_ready()
            while not self._stop_requests:
                self._step()
        finally:
            self._stopping = True
            for child in reversed(self._children):
                self._stop(child)

    # --- the life of a child -----------------------------------------------------------------------------------

    def _start_first(self, child: Child) -> None:
        try:
            self._start(child)
        except OSError as error:
            raise SupervisionError(f"cannot start {child.spec.name}: {error.strerror}") from error
        while child.phase is Phase.STARTING and not self._stop_requests:
            self._step()
        if child.phase is Phase.WAITING:
            raise SupervisionError(f"{child.spec.name} did not start: its last words are in the log")

    def _start(self, child: Child) -> None:
        now = self._clock.monotonic()
        pid = child.start()
        child.phase, child.since_s, child.due_s = Phase.STARTING, now, now + child.spec.ready_timeout_s
        self._report(EventKind.STARTED, child, pid=pid)

    def _step(self) -> None:
        """Wait for the next thing to happen, and do what is due."""
        try:
            item = self._inbox.get(timeout=self._patience_s())
        except queue.Empty:
            pass
        else:
            self._take(item)
        for child in self._children:
            if child.phase is Phase.STARTING:
                self._check_ready(child)
            elif child.phase is Phase.WAITING and 0 < child.due_s <= self._clock.monotonic():
                self._start_again(child)

    def _start_again(self, child: Child) -> None:
        try:
            self._start(child)
        except OSError:  # no memory, no process numbers: may pass
            _LOG.exception("cannot start %s now", child.spec.name)
            child.due_s = self._clock.monotonic() + child.back_off.after(0.0)

    def _patience_s(self) -> float:
        if any(child.phase is Phase.STARTING for child in self._children):
            return _READY_POLL_S
        due = [child.due_s for child in self._children if child.phase is Phase.WAITING and child.due_s > 0]
        return max(0.0, min(due, default=_IDLE_POLL_S + self._clock.monotonic()) - self._clock.monotonic())

    def _take(self, item: subprocess.Popen[str] | _StopRequest) -> None:
        if isinstance(item, _StopRequest):
            self._stop_requests += 1
            return
        for child in self._children:
            if child.process is item:
                self._take_end(child)

    def _take_end(self, child: Child) -> None:
        pid = child.process.pid if child.process is not None else None
        code = child.ended()
        now = self._clock.monotonic()
        delay = child.back_off.after(now - child.since_s if child.phase is Phase.RUNNING else 0.0)
        again = child.proven and not self._stopping
        child.phase, child.since_s, child.due_s = Phase.WAITING, now, now + delay if again else 0.0
        self._report(EventKind.EXITED, child, pid=pid, returncode=code)
        if again:
            self._report(EventKind.RESTARTING, child, delay_s=delay)

    def _check_ready(self, child: Child) -> None:
        # A probe may see somebody else's open port while this child has already failed: ask the process as well.
        if self._probe(child) and child.process is not None and child.process.returncode is None:
            child.phase, child.since_s, child.proven = Phase.RUNNING, self._clock.monotonic(), True
            self._report(EventKind.READY, child, pid=child.process.pid)
        elif self._clock.monotonic() >= child.due_s:
            child.due_s = float("inf")
            self._report(EventKind.NOT_READY, child)
            child.kill()

    def _probe(self, child: Child) -> bool:
        try:
            return child.spec.ready is None or child.spec.ready()
        except Exception:
            _LOG.exception("the readiness probe of %s failed", child.spec.name)
            return False

    def _stop(self, child: Child) -> None:
        child.due_s = 0.0
        if child.process is None:
            return
        self._report(EventKind.STOPPING, child, pid=child.process.pid)
        impatience = self._stop_requests
        child.send(child.spec.stop_signal)
        if not self._ends_within(child, child.spec.stop_timeout_s, impatience):
            self._report(EventKind.KILLED, child, pid=child.process.pid)
            child.kill()
            if not self._ends_within(child, _KILL_WAIT_S, impatience=None):
                _LOG.error("%s (process %d) survives SIGKILL", child.spec.name, child.process.pid)
                return
        self._report(EventKind.STOPPED, child)

    def _ends_within(self, child: Child, timeout_s: float, impatience: int | None) -> bool:
        """False at the time-out, or when a further stop is requested (not if ``impatience`` is None)."""
        deadline = self._clock.monotonic() + timeout_s
        while child.process is not None:
            left = deadline - self._clock.monotonic()
            if left <= 0 or (impatience is not None and self._stop_requests > max(impatience, 1)):
                return False
            with suppress(queue.Empty):
                self._take(self._inbox.get(timeout=left))
        return True

    def _report(
        self,
        kind: EventKind,
        child: Child,
        pid: int | None = None,
        returncode: int | None = None,
        delay_s: float | None = None,
    ) -> None:
        event = ChildEvent(kind, child.spec.name, self._clock.now_us(), pid, returncode, delay_s)
        try:
            self._on_event(event)
        except Exception:
            _LOG.exception("the listener for %s of %s failed", kind.value, child.spec.name)


def log_line(name: str, line: str) -> None:
    _LOG.info("%s | %s", name, line)


def guard(name: str, run: Callable[[], None], on_crash: Callable[[str, Exception], None]) -> Callable[[], None]:
    """The main function for a thread: an unexpected exception is logged with its traceback and reported, never lost.

    ``on_crash`` runs in the same thread; it should tell the process to end, so that the supervisor restarts it.
    """

    def guarded() -> None:
        try:
            run()
        except Exception as error:
            _LOG.exception("thread %s crashed", name)
            try:
                on_crash(name, error)
            except Exception:
                _LOG.exception("reporting the crash of thread %s failed", name)

    return guarded


def attempt(name: str, run: Callable[[], None]) -> Exception | None:
    """Run something whose failure must not stop the caller: what it raised is logged with its traceback and returned."""
    try:
        run()
    except Exception as error:
        _LOG.exception("%s failed", name)
        return error
    return None


def _start_thread(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=guard(name, run, lambda _name, _error: None), name=name, daemon=True)
    thread.start()
    return thread


def _never_raising(on_line: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def forward(name: str, line: str) -> None:
        try:
            on_line(name, line)
        except Exception:  # or nobody would read the child's output any more, and it would stand still
            _LOG.exception("a line of %s could not be forwarded", name)

    return forward
