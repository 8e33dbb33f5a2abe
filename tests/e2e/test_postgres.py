"""``vigil up`` with its records in a PostgreSQL that goes away for a while: readings wait, alarms go on, each is there once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.publishers import Device, Publisher, enrol
from tests.product import Product, eventually
from tests.servers.postgres import PASSWORD, Postgres

pytestmark = pytest.mark.postgresql
RULE = "limit.spo2.low"


@pytest.fixture
def server() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


def settings(folder: Path, url: str) -> str:
    secret, path = folder / "records.url", folder / "vigil.toml"
    secret.write_text(f"{url}\n")
    secret.chmod(0o600)
    path.write_text(f'[records]\nurl_file = "{secret}"\n')
    return str(path)


def alerts_of(product: Product, device: Device) -> int:
    with product.client("nurse") as api:
        answer = api.get(f"/api/v1/patients/{device.patient_id}/alerts")
    items = answer.json()["items"] if answer.is_success else []
    return sum(one["rule"] == RULE for one in items)


def store_check(product: Product) -> str:
    """What the core says of its stores while it is not ready, empty when it is."""
    answer = httpx.get(f"{product.url}/readyz", timeout=20)
    return "" if answer.is_success else answer.text


@pytest.mark.timeout(180)
def test_a_server_that_is_away_for_a_while(tmp_path: Path, server: Postgres) -> None:
    config = settings(tmp_path, server.database())
    with Product.started(tmp_path, arguments=("--config", config)) as product:
        with product.client() as api:
            devices = [enrol(api, number) for number in range(3)]
        nurse, (core,) = product.client("nurse"), product.children("run core")
        for number, device in enumerate(devices):
            if number == 1:
                server.stop()
                said = eventually(lambda: store_check(product), 20, "the core says that the records are away")
                assert "no alarm can be recorded" in said
                assert "does not answer: is it running" in said
                answer = nurse.get(f"/api/v1/patients/{device.patient_id}")
                assert (answer.status_code, "does not answer" in answer.text) == (503, True)
            with Publisher(device) as publisher:
                publisher.publish(device.pack(0, {"n": "spo2", "v": 75}))
                if number == 1:
                    assert publisher.acks == []  # the device keeps its copy
                    server.start()
                eventually(lambda publisher=publisher: publisher.acks, 30, "stored")  # type: ignore[misc]
            eventually(lambda device=device: alerts_of(product, device), 30, f"the alert of device {number}")  # type: ignore[misc]
        assert [alerts_of(product, device) for device in devices] == [1, 1, 1]
        assert product.children("run core") == [core]  # it waited; nothing had to be started anew
        nurse.close()
        server.stop()  # and it ends without it
    assert not (product.data_dir / "records.sqlite3").exists()
    said = product.log_path.read_text()
    assert "the records database is away" in said
    assert PASSWORD not in said
    assert PASSWORD.replace(" ", "%20") not in said
