"""The supervisor with real processes."""

from __future__ import annotations

import fcntl
import http.server
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deadline import DEADLINE_S, free_port, until
from vigil.domain.errors import SupervisionError
from vigil.runtime.child import BackOff
from vigil.runtime.clock import SystemClock
from vigil.runtime.probes import http_ready, tcp_ready
from vigil.runtime.supervise import (
    ChildEvent,
    ChildSpec,
    EventKind,
    Leash,
    Supervisor,
    guard,
)

WAIT_FOR_EVER = "import threading; threading.Event().wait()"
IGNORE_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
#: Holds a lock as long as it lives, so that a test can see it die whoever its parent is by then.
HOLD_LOCK = "import fcntl, sys; held = open(sys.argv[1], 'w'); fcntl.flock(held, 2); print('held', flush=True);"


def python(name: str, code: str, *arguments: str, **more: object) -> ChildSpec:
    return ChildSpec(name, [sys.executable, "-c", code, *arguments], **more)  # type: ignore[arg-type]


class Watched:
    """A supervisor in a thread, with what it reported."""

    def __init__(self, *specs: ChildSpec, leash: Leash | None = None) -> None:
        self.events: list[ChildEvent] = []
        self.lines: list[tuple[str, str]] = []
        self.error: SupervisionError | None = None
        self.ready = threading.Event()
        self._changed = threading.Condition()
        self.supervisor = Supervisor(specs, SystemClock(), self._on_event, self._on_line, leash)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.supervisor.run(self.ready.set)
        except SupervisionError as error:
            self.error = error

    def _on_event(self, event: ChildEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def _on_line(self, name: str, line: str) -> None:
        with self._changed:
            self.lines.append((name, line))
            self._changed.notify_all()

    def start(self) -> None:
        self.thread.start()
        assert self.ready.wait(DEADLINE_S), (self.error, self.lines)

    def end(self) -> None:
        """Wait for ``run`` to return by itself."""
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()

    def stop(self) -> None:
        self.supervisor.request_stop()
        self.end()

    def wait(self, happened: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(happened, DEADLINE_S)

    def story(self) -> list[tuple[str, str]]:
        return [(event.name, event.kind.value) for event in self.events]

    def all(self, kind: EventKind) -> list[ChildEvent]:
        return [event for event in self.events if event.kind is kind]


@pytest.fixture
def watched() -> Iterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def make(*specs: ChildSpec, leash: Leash | None = None) -> Watched:
        made.append(Watched(*specs, leash=leash))
        return made[-1]

    yield make
    for one in made:
        if one.thread.is_alive():
            one.supervisor.request_stop()
            one.supervisor.request_stop()
            one.thread.join(DEADLINE_S)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def lockable(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_children_start_in_order_and_stop_in_reverse(watched: Callable[..., Watched], tmp_path: Path) -> None:
    flag = tmp_path / "up"
    first = python("a", f"open({str(flag)!r}, 'w').close(); {WAIT_FOR_EVER}", ready=flag.exists)
    run = watched(first, python("b", WAIT_FOR_EVER, ready=flag.exists))
    run.start()
    run.stop()
    assert run.story() == [
        ("a", "started"), ("a", "ready"), ("b", "started"), ("b", "ready"),
        ("b", "stopping"), ("b", "exited"), ("b", "stopped"),
        ("a", "stopping"), ("a", "exited"), ("a", "stopped"),
    ]  # fmt: skip
    assert [event.returncode for event in run.all(EventKind.EXITED)] == [-signal.SIGTERM, -signal.SIGTERM]


@pytest.mark.parametrize("leash", list(Leash))
def test_a_killed_child_comes_back_each_time_later(watched: Callable[..., Watched], leash: Leash) -> None:
    run = watched(python("a", WAIT_FOR_EVER), python("b", WAIT_FOR_EVER), leash=leash)
    run.start()
    for round_number in range(2):
        pid = [event for event in run.all(EventKind.READY) if event.name == "b"][-1].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert run.wait(lambda done=round_number: len(run.all(EventKind.READY)) == 3 + done)  # type: ignore[misc]
    assert [event.delay_s for event in run.all(EventKind.RESTARTING)] == [0.2, 0.4]
    assert [event.name for event in run.all(EventKind.EXITED)] == ["b", "b"]
    assert {event.returncode for event in run.all(EventKind.EXITED)} == {-signal.SIGKILL}
    run.stop()
    assert not any(alive(event.pid) for event in run.all(EventKind.STARTED) if event.pid)


def test_exit_code_0_is_also_an_end(watched: Callable[..., Watched]) -> None:
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('set', flush=True);"
    run = watched(python("a", code + WAIT_FOR_EVER))
    run.start()
    assert run.wait(lambda: bool(run.lines))
    pid = run.events[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert run.wait(lambda: len(run.all(EventKind.READY)) == 2)
    assert run.all(EventKind.EXITED)[0].returncode == 0


def test_a_child_that_ends_at_its_first_start_stops_everything(watched: Callable[..., Watched]) -> None:
    bad = python("bad", "print('port taken'); exit(2)", ready=lambda: False)
    run = watched(python("a", WAIT_FOR_EVER), bad, python("c", WAIT_FOR_EVER))
    run.thread.start()
    run.end()
    assert str(run.error) == "bad did not start: its last words are in the log"
    assert ("bad", "port taken") in run.lines
    assert "c" not in {event.name for event in run.events}
    assert run.story()[-3:] == [("a", "stopping"), ("a", "exited"), ("a", "stopped")]


def test_a_child_that_is_not_ready_in_time_is_killed(watched: Callable[..., Watched]) -> None:
    run = watched(python("a", WAIT_FOR_EVER, ready=lambda: False, ready_timeout_s=0.2))
    run.thread.start()
    run.end()
    assert run.story() == [("a", "started"), ("a", "not_ready"), ("a", "exited")]
    assert run.error is not None


def test_a_missing_program_is_named(watched: Callable[..., Watched]) -> None:
    run = watched(ChildSpec("a", ["no-such-program-here"], ready=lambda: False))
    run.thread.start()
    run.end()
    assert run.error is not None
    assert run.lines == [("a", "cannot start no-such-program-here: No such file or directory")]


def test_a_stop_while_starting_ends_at_once(watched: Callable[..., Watched]) -> None:
    run = watched(python("a", WAIT_FOR_EVER, ready=lambda: False))
    run.thread.start()
    assert run.wait(lambda: bool(run.events))
    run.stop()
    assert run.error is None
    assert run.story()[-1] == ("a", "stopped")


def test_a_deaf_child_is_killed_after_its_time(watched: Callable[..., Watched]) -> None:
    run = watched(python("a", IGNORE_SIGTERM + WAIT_FOR_EVER, stop_timeout_s=0.2))
    run.start()
    assert run.wait(lambda: bool(run.lines))
    run.stop()
    assert run.story()[-4:] == [("a", "stopping"), ("a", "killed"), ("a", "exited"), ("a", "stopped")]


def test_a_second_request_kills_at_once(watched: Callable[..., Watched]) -> None:
    run = watched(python("a", IGNORE_SIGTERM + WAIT_FOR_EVER, stop_timeout_s=1000.0))
    run.start()
    assert run.wait(lambda: bool(run.lines))
    run.supervisor.request_stop()
    assert run.wait(lambda: bool(run.all(EventKind.STOPPING)))
    run.stop()
    assert ("a", "killed") in run.story()


def test_the_stop_signal_is_the_one_asked_for(watched: Callable[..., Watched]) -> None:
    code = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); print('set', flush=True);"
    run = watched(python("a", code + WAIT_FOR_EVER, stop_signal=signal.SIGINT))
    run.start()
    assert run.wait(lambda: bool(run.lines))
    run.stop()
    assert run.all(EventKind.EXITED)[0].returncode == 7


def test_output_is_forwarded_line_by_line(watched: Callable[..., Watched]) -> None:
    code = (
        "import sys; sys.stdout.buffer.write(b'caf\\xff\\nout\\n'); sys.stdout.flush();"
        "sys.stderr.write('err\\n'); sys.stdout.write('x' * 10000 + '\\nno newline'); sys.stdout.flush();"
    )
    run = watched(python("a", code + WAIT_FOR_EVER))
    run.start()
    assert run.wait(lambda: len(run.lines) == 5)
    run.stop()
    lines = [line for _, line in run.lines]
    assert lines == ["caf�", "out", "err", "x" * 8192, "x" * (10000 - 8192), "no newline"]


def test_output_goes_to_the_log_with_the_name(caplog: pytest.LogCaptureFixture) -> None:
    events: list[ChildEvent] = []
    supervisor = Supervisor([python("a", "print('hello')", ready=lambda: False)], SystemClock(), events.append)
    with caplog.at_level(logging.INFO), pytest.raises(SupervisionError):
        supervisor.run()
    assert "a | hello" in caplog.messages


def test_a_listener_that_raises_does_not_stop_the_children(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("listener is broken")

    code = "print('one', flush=True); print('two', flush=True); open(__import__('sys').argv[1], 'w');"
    ready = threading.Event()
    supervisor = Supervisor([python("a", code + WAIT_FOR_EVER, os.devnull, ready=None)], SystemClock(), fail, fail)
    thread = threading.Thread(target=supervisor.run, args=(ready.set,))
    thread.start()
    assert ready.wait(DEADLINE_S)
    assert until(lambda: caplog.messages.count("a line of a could not be forwarded") == 2)
    supervisor.request_stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert "the listener for started of a failed" in caplog.messages


def test_a_probe_that_raises_is_logged_and_asked_again(
    watched: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[None] = []

    def probe() -> bool:
        asked.append(None)
        if len(asked) == 1:
            raise RuntimeError("probe is broken")
        return True

    run = watched(python("a", WAIT_FOR_EVER, ready=probe))
    run.start()
    run.stop()
    assert "the readiness probe of a failed" in caplog.messages


@pytest.mark.parametrize("leash", list(Leash))
def test_what_a_child_started_does_not_outlive_it(
    watched: Callable[..., Watched], tmp_path: Path, leash: Leash
) -> None:
    lock = tmp_path / "lock"
    code = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[2], sys.argv[1]], stdout=subprocess.PIPE);"
        "print(child.stdout.readline().decode(), flush=True);"
    )
    run = watched(python("a", code + WAIT_FOR_EVER, str(lock), HOLD_LOCK + WAIT_FOR_EVER), leash=leash)
    run.start()
    assert run.wait(lambda: ("a", "held") in run.lines)
    assert not lockable(lock)
    pid = run.events[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert run.wait(lambda: bool(run.all(EventKind.EXITED)))
    assert until(lambda: run.lines.count(("a", "held")) == 2), "the new child could not have the lock"
    run.stop()
    assert until(lambda: lockable(lock))


SUPERVISE = """
import signal, sys
from vigil.runtime.clock import SystemClock
from vigil.runtime.supervise import ChildSpec, Leash, Supervisor
how, lock, code = sys.argv[1:]
spec = ChildSpec("a", [sys.executable, "-c", code, lock])
show = lambda *words: print(*words, flush=True)
supervisor = Supervisor([spec], SystemClock(), lambda event: show(event.kind.value), show, Leash(how))
signal.signal(signal.SIGINT, lambda *_: supervisor.request_stop())
supervisor.run()
show("left in order")
"""


@pytest.mark.parametrize("leash", list(Leash))
def test_children_die_with_a_killed_supervisor(tmp_path: Path, leash: Leash) -> None:
    lock = tmp_path / "lock"
    argv = [sys.executable, "-c", SUPERVISE, leash.value, str(lock), HOLD_LOCK + IGNORE_SIGTERM + WAIT_FOR_EVER]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=with_path()) as supervisor:
        assert supervisor.stdout is not None
        assert any("deaf" in line for line in supervisor.stdout)
        assert not lockable(lock)
        supervisor.kill()
    assert until(lambda: lockable(lock))


def test_ctrl_c_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import signal; signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True));"
        + HOLD_LOCK
        + WAIT_FOR_EVER
    )
    argv = [sys.executable, "-c", SUPERVISE, Leash.PRCTL.value, str(lock), code]
    if sys.platform != "linux":
        argv[3] = Leash.PIPE.value
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env=with_path(), start_new_session=True
    ) as supervisor:
        assert supervisor.stdout is not None
        assert any("held" in line for line in supervisor.stdout)
        os.killpg(supervisor.pid, signal.SIGINT)  # what a terminal does
        rest = supervisor.stdout.read().splitlines()
    assert supervisor.returncode == 0
    assert rest[-4:] == ["stopping", "exited", "stopped", "left in order"]
    assert not any("interrupted" in line for line in rest)


def with_path() -> dict[str, str]:
    root = Path(__file__).parents[3]
    return {**os.environ, "PYTHONPATH": str(root)}


def test_back_off_doubles_to_its_limit_and_forgets_after_a_good_run() -> None:
    back_off = BackOff()
    delays = [back_off.after(1.0) for _ in range(8)]
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0])
    assert back_off.after(59.9) == 10.0
    assert back_off.after(60.0) == 0.2
    assert back_off.after(0.0) == 0.4


def test_guard_logs_and_reports_a_crash(caplog: pytest.LogCaptureFixture) -> None:
    crashes: list[tuple[str, Exception]] = []

    def fail() -> None:
        raise ValueError("broken")

    guard("worker", fail, lambda name, error: crashes.append((name, error)))()
    assert [(name, str(error)) for name, error in crashes] == [("worker", "broken")]
    assert caplog.records[0].exc_info is not None
    assert caplog.messages == ["thread worker crashed"]


def test_guard_survives_a_reporter_that_crashes_too(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise ValueError("broken")

    guard("worker", fail, fail)()
    assert caplog.messages == ["thread worker crashed", "reporting the crash of thread worker failed"]


def test_guard_is_silent_when_all_is_well_and_lets_an_exit_through() -> None:
    crashes: list[str] = []
    guard("worker", lambda: None, lambda name, _: crashes.append(name))()
    with pytest.raises(SystemExit):
        guard("worker", sys.exit, lambda name, _: crashes.append(name))()
    assert crashes == []


def test_tcp_probe() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert tcp_ready(port)()
    assert not tcp_ready(free_port())()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_http_probe() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        root = f"http://127.0.0.1:{server.server_port}"
        assert http_ready(f"{root}/readyz")()
        assert not http_ready(f"{root}/other")()
        server.shutdown()
        thread.join()
    assert not http_ready(f"{root}/readyz")()
