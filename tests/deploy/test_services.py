"""What ``docker-compose.yml`` starts, started here: broker with TLS, core, watchdog and simulated ward, each killed once."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.deadline import DEADLINE_S
from tests.deploy.compose import ROOT, SITE
from tests.deploy.local import Local
from tests.integration.tls_site import publish
from tests.product import eventually, vigil
from tests.servers.postgres import Postgres, programs

pytestmark = [pytest.mark.mosquitto, pytest.mark.timeout(240)]


@pytest.fixture
def database() -> Iterator[str | None]:
    if programs() is None:
        yield None
        return
    server = Postgres()
    try:
        yield server.database()
    finally:
        server.close()


@pytest.fixture
def local(tmp_path: Path, database: str | None) -> Iterator[Local]:
    local = Local(tmp_path, database)
    try:
        yield local
    finally:
        local.kill_all()


def client(local: Local) -> httpx.Client:
    token = vigil("demo-token", "admin", "--data-dir", str(local.data)).stdout.strip()
    return httpx.Client(
        base_url=f"http://127.0.0.1:{local.http}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
        trust_env=False,
    )


def stored(api: httpx.Client) -> int:
    """Readings so far; 0 while the core is away."""
    try:
        checks = {each["name"]: each for each in api.get("/api/v1/health").json()["checks"]}
    except httpx.HTTPError:
        return 0
    return int(str(checks["store"]["detail"]).split()[0]) if checks["store"]["ok"] else 0


def test_the_services_work_together_and_survive_one_another(local: Local, capsys: pytest.CaptureFixture[str]) -> None:
    local.setup()
    keys = (local.data / "keys.json").read_bytes()
    certificate = (local.data / "broker" / "server.crt").read_bytes()
    local.setup()  # at each start: it must change nothing that is there
    assert (local.data / "keys.json").read_bytes() == keys
    assert (local.data / "broker" / "server.crt").read_bytes() == certificate
    for name in ("mosquitto", "core"):
        local.start(name)
        local.wait_healthy(name)
    with client(local) as api:
        for name in ("watchdog", "ward"):
            local.start(name)
        eventually(lambda: stored(api) > 12, 60, "readings of the ward are stored")
        nobody_gets_in(local)
        local.kill("mosquitto")
        eventually(lambda: not local.healthy("core"), DEADLINE_S, "the core says that its broker is away")
        before = stored(api)
        local.start("mosquitto")
        local.wait_healthy("mosquitto")
        local.wait_healthy("core")
        eventually(lambda: stored(api) > before + 12, 60, "readings go on after the broker")
        before = stored(api)
        local.kill("core")
        local.start("core")
        local.wait_healthy("core")
        eventually(lambda: stored(api) > before + 12, 60, "readings go on after the core")
        rotated(local)
        with capsys.disabled():
            print(f"\n  {stored(api)} readings through mosquitto and core, each killed once; checks:", end="")
            for check in api.get("/api/v1/health").json()["checks"]:
                print(f"\n    {check['name']:10} {'ok' if check['ok'] else 'NOT OK'}: {check['detail']}", end="")
    local.stop()


def test_a_broker_that_is_told_of_a_change_while_it_starts_goes_on(tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\nkill -HUP $$\necho started\n")  # mosquitto catches the signal last of all
    program.chmod(0o755)
    script = ["/bin/sh", str(ROOT / "deploy" / "mosquitto" / "run.sh"), str(tmp_path)]
    ran = subprocess.run(script, env={"PATH": f"{tmp_path}:/bin"}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "started\n")


def nobody_gets_in(local: Local) -> None:
    """Without credentials no port takes or tells anything about a patient."""
    ca = ("--cafile", str(local.data / "broker" / "ca.crt"))
    assert publish(local.mqtt).code != 0
    assert publish(local.mqtt, *ca).code == 5
    assert publish(local.certificates).code != 0
    assert publish(local.certificates, *ca).code != 0
    with httpx.Client(base_url=f"http://127.0.0.1:{local.http}", trust_env=False) as stranger:
        for path in ("/api/v1/patients", "/api/v1/alerts", "/api/v1/stream", "/fhir/R4/Patient", "/prom/api/v1/labels"):
            assert stranger.get(path).status_code == httpx.codes.UNAUTHORIZED, path


def rotated(local: Local) -> None:
    """A new certificate while everything runs: the script of the broker notices the file by itself."""
    before = shown(local)
    done = vigil("tls", "server", "--name", SITE, "--data-dir", str(local.data))
    assert done.returncode == 0, done.stderr
    eventually(lambda: shown(local) != before, DEADLINE_S, "the new certificate is shown")


def shown(local: Local) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", local.mqtt), timeout=DEADLINE_S)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number
