"""influxdb-client's writes against VictoriaMetrics (Debian's package): a real server that is killed and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conformance.stores.given import T0
from tests.integration.influx_site import SERIES, copying
from tests.product import Product, eventually
from tests.servers.influx import VictoriaMetrics

pytestmark = pytest.mark.victoriametrics


@pytest.fixture
def victoria() -> Iterator[VictoriaMetrics]:
    server = VictoriaMetrics()
    yield server
    server.close()


def ordinals(server: VictoriaMetrics) -> set[int]:
    return {int(value) for _, _, values in server.exported("reading_ordinal") for value in values}


def test_a_server_killed_in_the_middle_has_every_reading_once_in_the_end(
    victoria: VictoriaMetrics, tmp_path: Path
) -> None:
    with copying(tmp_path, victoria.server("vigil")) as site:
        for _ in range(20):
            site.add(500)
        site.caught_up()
        victoria.kill()
        for _ in range(20):
            site.add(500)
        eventually(lambda: "cannot be reached" in site.forwarder.standing().words, 20, "the outage is told")
        assert not site.forwarder.standing().ok
        victoria.start()
        for _ in range(10):
            site.add(100)
        site.caught_up()
        every = set(range(1, site.journal.head() + 1))
        assert len(every) == 21_000
        eventually(lambda: ordinals(victoria) == every, 20, "all are there")
    series = victoria.exported("reading_value")
    assert len(series) == SERIES
    assert {labels["device"] for labels, _, _ in series} == {"w-1"}
    assert sum(len(values) for _, _, values in series) == 21_000  # none twice
    for _, times, values in series:
        assert values == [float((at - T0 // 1000) % 100) for at in times]


def test_the_core_copies_and_serves_on_without_the_server(victoria: VictoriaMetrics, tmp_path: Path) -> None:
    chosen = victoria.settings("vigil")
    settings = tmp_path / "vigil.toml"
    settings.write_text(f'[influx]\nurl = "{chosen.url}"\ntoken_file = "{chosen.token_file}"\n')
    with Product.started(tmp_path, patients=2, arguments=("--config", str(settings))) as product:
        with product.client("technician") as client:

            def copy() -> dict[str, object]:
                checks = client.get("/api/v1/health").json()["checks"]
                found: dict[str, object] = next(one for one in checks if one["name"] == "influx")
                return found

            eventually(lambda: ordinals(victoria), 30, "readings arrive")
            assert copy()["ok"]
            victoria.kill()
            eventually(lambda: "cannot be reached" in str(copy()["detail"]), 30, "the outage is told")
            assert not copy()["ok"]
        assert httpx.get(f"{product.url}/readyz", timeout=5).status_code == 200
