"""The real product as a test sees it: ``vigil up`` in its own process, spoken to by its ports only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

START_S = 90.0
STOP_S = 40.0


def eventually(question: Callable[[], T], timeout_s: float = 40.0, what: str = "") -> T:
    """The first true answer; fails with ``what`` when none came in time. For other processes, which have their own clock."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what or question}")
        time.sleep(0.05)


def clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("VIGIL_")}


def vigil(
    *arguments: str, timeout_s: float = 120, cwd: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        input=stdin,
        text=True,
        timeout=timeout_s,
        env={**clean_environment(), "PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=cwd,
        check=False,
    )


@dataclass
class Product:
    data_dir: Path
    log_path: Path
    process: subprocess.Popen[bytes]
    running: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    @contextmanager
    def started(folder: Path, *, patients: int = 0, arguments: tuple[str, ...] = ()) -> Iterator[Product]:
        product = Product.start(folder, patients=patients, arguments=arguments)
        try:
            yield product
        finally:
            product.stop()

    @staticmethod
    def start(folder: Path, *, patients: int = 0, arguments: tuple[str, ...] = (), again: bool = True) -> Product:
        """``again``: another program may take a port before our servers listen on it; then it is started once more."""
        data_dir = folder / "data"
        log_path = folder / "up.log"
        command = [sys.executable, "-m", "cli.main", "up", "--no-browser", "--data-dir", str(data_dir)]
        command += ["--port", "0", "--broker-port", "0", "--patients", str(patients), *arguments]
        with log_path.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment())
        product = Product(data_dir, log_path, process)
        try:
            eventually(product._is_up, START_S, "vigil up is ready")
        except AssertionError:
            product.stop()
            if again and "address already in use" in product.log().lower():
                return Product.start(folder, patients=patients, arguments=arguments, again=False)
            raise AssertionError(f"vigil up did not start:\n{product.log()}") from None
        return product

    def _is_up(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError("it ended")
        try:
            self.running = json.loads((self.data_dir / "run.json").read_text())
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except (OSError, ValueError, httpx.HTTPError):
            return False

    def stop(self) -> int:
        """As Ctrl-C would; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"vigil up did not stop:\n{self.log()}") from None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")[-8000:]

    @property
    def url(self) -> str:
        return str(self.running["http_url"])

    @property
    def broker_port(self) -> int:
        return int(self.running["broker_port"])

    @property
    def secret(self) -> str:
        return str(json.loads((self.data_dir / "keys.json").read_text())["first_run_secret"])

    def client(self, role: str = "admin") -> httpx.Client:
        answer = httpx.post(
            f"{self.url}/api/v1/auth/token", json={"secret": self.secret, "role": role, "name": f"test {role}"}
        )
        answer.raise_for_status()
        token = answer.json()["access_token"]
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)

    @contextmanager
    def background(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command of ours beside it, ended with the block."""
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=clean_environment(),
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def children(self, name: str) -> list[int]:
        """Process ids of ``vigil up``'s children whose command line holds ``name``."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == self.process.pid and name in command:
                found.append(int(entry.name))
        return found

    def kill(self, name: str) -> int:
        """SIGKILL to one child, as a power cut would, until it is gone; returns its process id."""
        (pid,) = self.children(name)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: pid not in self.children(name), what=f"{name} is gone")
        return pid
