"""The services of ``docker-compose.yml`` as processes of this machine: their exact command lines and environments, with only the
places of a container (paths, ports, host names) exchanged for those of here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.deadline import free_port, listening
from tests.deploy.compose import ROOT, SITE, services, stages
from tests.product import clean_environment, eventually

START_S, STOP_S = 60.0, 20.0


class Local:
    """``database``: URL of the records, None = a file in the data directory, where there is no PostgreSQL."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.http, self.mqtt, self.certificates = free_port(), free_port(), free_port()
        self._database = database
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        secrets = folder / "secrets"
        secrets.mkdir()
        (secrets / "records_url").write_text(database or "")
        (secrets / "influxdb_token").write_text("of-tests")
        self._here = {
            "/var/lib/vigil": str(self.data),
            "/etc/vigil/": f"{ROOT / 'deploy' / 'compose'}/",
            "/opt/vigil/": f"{ROOT / 'deploy' / 'mosquitto'}/",
            "/run/secrets/": f"{secrets}/",
            "http://influxdb:8086": f"http://{SITE}:{free_port()}",  # nobody answers there: it is away the whole time
            "http://core:": f"http://{SITE}:",
            "0.0.0.0": "127.0.0.1",
            "8000": str(self.http),
            "8883": str(self.mqtt),
            "8884": str(self.certificates),
        }

    def setup(self) -> str:
        """Runs to its end; what it said. mosquitto must then listen on the loopback only, as everything in a test."""
        done = subprocess.run(
            self._command("setup"),
            env=self._environment("setup"),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        config = self.data / "broker" / "mosquitto.conf"
        lines = config.read_text().splitlines()
        config.write_text(
            "".join(f"{line} 127.0.0.1\n" if line.startswith("listener ") else f"{line}\n" for line in lines)
        )
        return done.stdout

    def start(self, name: str) -> int:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._command(name), env=self._environment(name), stdout=log, stderr=log, cwd=self.folder
            )
        return self._running[name].pid

    def healthy(self, name: str) -> bool:
        """By its own health check."""
        test = services()[name]["healthcheck"]["test"]
        assert test[0] == "CMD"
        return subprocess.run(
            self._exchange(test[1:]), env=self._environment(name), capture_output=True, timeout=START_S, check=False
        ).returncode == 0  # fmt: skip

    def wait_healthy(self, name: str) -> None:
        """The check is asked when something listens: until then it would only take the processor from what is starting."""
        port = {"core": self.http, "mosquitto": self.mqtt}[name]

        def well() -> bool:
            return self._running[name].poll() is not None or (listening(port) and self.healthy(name))

        try:
            eventually(well, START_S)
        except AssertionError:
            raise AssertionError(f"{name} is not healthy:\n{self.log(name)}") from None
        assert self._running[name].poll() is None, self.log(name)

    def kill(self, name: str) -> None:
        """As a power cut would; for mosquitto also the program that its script has started."""
        process = self._running.pop(name)
        for pid in (process.pid, *children(process.pid)):
            os.kill(pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """In the reverse order; each must end by itself with code 0."""
        codes = {}
        for name, process in reversed(self._running.items()):
            process.terminate()
            try:
                codes[name] = process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill_all()
                raise AssertionError(f"{name} did not stop:\n{self.log(name)}") from None
        assert not any(codes.values()), codes

    def kill_all(self) -> None:
        for name in list(self._running):
            if self._running[name].poll() is None:
                self.kill(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-6000:]

    def _command(self, name: str) -> list[str]:
        service = services()[name]
        stage = stages()[service["build"]["target"]]
        return self._exchange([*service.get("entrypoint", stage.entrypoint), *service.get("command", [])])

    def _exchange(self, command: list[str]) -> list[str]:
        programs = {"vigil": [sys.executable, "-m", "cli.main"], "python": [sys.executable]}
        found = [self._local(part) for part in command]
        return [*programs.get(found[0], [found[0]]), *found[1:]]

    def _environment(self, name: str) -> dict[str, str]:
        service = services()[name]
        given = stages()[service["build"]["target"]].environment | service.get("environment", {})
        if self._database is None:
            given.pop("VIGIL_RECORDS__URL_FILE", None)
        given.pop("PATH", None)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return clean_environment() | {key: self._local(str(value)) for key, value in given.items()} | {"PATH": path}

    def _local(self, text: str) -> str:
        for there, here in self._here.items():
            text = text.replace(there, here)
        return text


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in found]
