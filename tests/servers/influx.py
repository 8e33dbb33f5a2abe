"""InfluxDB 2 and VictoriaMetrics, each in a folder of its own, and the settings to reach them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.deadline import free_port
from tests.product import eventually
from vigil.runtime.clock import SystemClock
from vigil.runtime.influx import InfluxSettings
from vigil.store.influx.server import InfluxServer

ORG, TOKEN = "vigil", "token-of-tests"


def influxd() -> str | None:
    """No package has it: ``docs/decisions/0030-influxdb.md`` says how it was built here."""
    return shutil.which("influxd")


def influx_release() -> str | None:
    """One built from source calls itself ``dev``."""
    program = influxd()
    if program is None:
        return None
    said = subprocess.run([program, "version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return " ".join(said.split()[:2])


def victoria_metrics() -> str | None:
    return shutil.which("victoria-metrics", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class _Process:
    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"vigil-{name}-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    def _start(self, command: list[str], ready: str) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        eventually(self._answers(ready), 60, f"{command[0]} answers")

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        self._process = None

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self, bucket: str = "", **changes: Any) -> InfluxSettings:
        token = self.folder / "token"
        token.write_text(TOKEN)
        chosen = {"url": self.url, "org": ORG, "bucket": bucket or f"b{next(self._numbers)}", "token_file": token}
        return InfluxSettings(**{**chosen, **changes})

    def server(self, bucket: str = "", timeout_s: float | None = None, **changes: Any) -> InfluxServer:
        return InfluxServer(self.settings(bucket, **changes), SystemClock(), timeout_s)

    def _answers(self, path: str) -> Callable[[], bool]:
        def ask() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
            try:
                return httpx.get(self.url + path, timeout=2).status_code == 200
            except httpx.HTTPError:
                return False

        return ask


class Influxd(_Process):
    """With an organisation and an all-powerful token."""

    def __init__(self) -> None:
        super().__init__("influxd")
        self.start()
        setup = {"username": "tests", "password": TOKEN, "org": ORG, "bucket": "first", "token": TOKEN}
        httpx.post(f"{self.url}/api/v2/setup", json=setup, timeout=30).raise_for_status()

    @property
    def version(self) -> str:
        return str(httpx.get(f"{self.url}/health", timeout=5).json()["version"])

    def start(self) -> None:
        program = influxd()
        assert program is not None
        places = ["--bolt-path", "bolt", "--engine-path", "engine", "--sqlite-path", "sqlite"]
        self._start(
            [program, *places, "--http-bind-address", f"127.0.0.1:{self.port}", "--reporting-disabled"], "/health"
        )

    def flux(self, query: str, *, annotated: bool = False) -> str:
        """The answer as CSV."""
        headers = {"Authorization": f"Token {TOKEN}", "Accept": "application/csv"}
        dialect = {"annotations": ["datatype", "group", "default"] if annotated else []}
        asked = {"query": query, "dialect": dialect}
        url = f"{self.url}/api/v2/query"
        answer = httpx.post(url, params={"org": ORG}, json=asked, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.text

    def write(self, bucket: str, lines: str) -> None:
        """By somebody else."""
        headers = {"Authorization": f"Token {TOKEN}"}
        params = {"org": ORG, "bucket": bucket}
        httpx.post(f"{self.url}/api/v2/write", params=params, content=lines, headers=headers).raise_for_status()

    def token(self, *permissions: dict[str, Any]) -> str:
        headers = {"Authorization": f"Token {TOKEN}"}
        orgs = httpx.get(f"{self.url}/api/v2/orgs", params={"org": ORG}, headers=headers).json()["orgs"]
        asked = {"orgID": orgs[0]["id"], "permissions": list(permissions)}
        answer = httpx.post(f"{self.url}/api/v2/authorizations", json=asked, headers=headers)
        return str(answer.raise_for_status().json()["token"])


class VictoriaMetrics(_Process):
    """Keeps milliseconds, and knows neither buckets nor Flux. What it took last it forgets when it is killed."""

    def __init__(self) -> None:
        super().__init__("victoria")
        self.start()

    def start(self) -> None:
        program = victoria_metrics()
        assert program is not None
        options = {
            "storageDataPath": self.folder / "data",
            "httpListenAddr": f"127.0.0.1:{self.port}",
            "retentionPeriod": "100y",
            "dedup.minScrapeInterval": "1ms",
        }
        self._start([program, *(f"-{name}={value}" for name, value in options.items())], "/health")

    def exported(self, metric: str) -> list[tuple[dict[str, str], list[int], list[float]]]:
        """(labels, times in milliseconds, values) of each series that begins so."""
        query = {"match[]": f'{{__name__=~"{metric}"}}'}
        answer = httpx.get(f"{self.url}/api/v1/export", params=query, timeout=60)
        answer.raise_for_status()
        parsed = [json.loads(line) for line in answer.text.splitlines()]
        return [(one["metric"], one["timestamps"], one["values"]) for one in parsed]
