"""A device from its claim code to its revocation, through the running product and its broker."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.mqtt_probe import Probe
from tests.product import Product, eventually
from vigil.runtime.broker.takeovers import TIMES


def knock(login: dict[str, Any]) -> tuple[Probe, str]:
    """A client, and what the broker says to it."""
    probe = Probe(login["port"], login["username"], login["password"])
    return probe, probe.connect()


def connected(login: dict[str, Any]) -> Probe:
    """The broker may need a moment to know a new account, and Debian's sometimes falls over a changed one and is started again
    (decision 0005): a device tries again."""

    def tried() -> Probe | None:
        probe = Probe(login["port"], login["username"], login["password"])
        try:
            if probe.knock() == "Success":
                return probe
        except ConnectionRefusedError:
            pass
        probe.close()
        return None

    probe = eventually(tried, what="let in")
    assert probe is not None
    return probe


def enrolled(product: Product, api: httpx.Client, device_id: str) -> dict[str, Any]:
    """Where and as whom it connects; the code comes from a technician, the device itself has no token."""
    code = api.post(f"/api/v1/devices/{device_id}/claim").raise_for_status().json()["code"]
    answer = httpx.post(f"{product.url}/api/v1/enrol", json={"code": code, "device_id": device_id}).raise_for_status()
    assert httpx.post(f"{product.url}/api/v1/enrol", json={"code": code}).status_code == 404
    login: dict[str, Any] = answer.json()["mqtt"]
    return login


def shown(api: httpx.Client, device_id: str) -> dict[str, Any]:
    items = api.get("/api/v1/devices").raise_for_status().json()["items"]
    found: dict[str, Any] = next(one for one in items if one["id"] == device_id)
    return found


def test_claimed_copied_renewed_and_revoked(product: Product) -> None:
    with product.client("technician") as api:
        api.post("/api/v1/devices", json={"id": "w-claimed", "model": "m"}).raise_for_status()
        login = enrolled(product, api, "w-claimed")
        twins = [connected(login) for _ in range(TIMES)]

        def copied() -> dict[str, Any] | None:
            """A broker that fell has forgotten whom one of them would have pushed out."""
            twins.append(connected(login))
            one = shown(api, "w-claimed")
            return one if one["taken_over_at"] else None

        found = eventually(copied, what="seen as copied")
        assert found is not None
        assert found["taken_over_times"] >= 1
        metrics = api.get("/metrics").text
        assert "\napi_shared_accounts_total " in metrics
        assert "\napi_shared_accounts_total 0.0" not in metrics
        assert 'api_claim_codes_total{outcome="enrolled"}' in metrics

        renewed = enrolled(product, api, "w-claimed")
        assert twins[-1].wait(lambda: twins[-1].disconnects == 1), "the copied password ends"
        assert shown(api, "w-claimed")["taken_over_at"] is None
        device = connected(renewed)

        api.delete("/api/v1/devices/w-claimed/credentials").raise_for_status()
        assert device.wait(lambda: device.disconnects == 1), "a revoked device is cut off"
        thief, answer = knock(renewed)
        assert answer == "Not authorized"
        log = api.get("/api/v1/devices/w-claimed/enrolments").json()["items"]
        assert [line["outcome"] for line in log] == [
            "revoked",
            "used",
            "enrolled",
            "code_made",
            "taken_over",
            "used",
            "enrolled",
            "code_made",
            "issued",
        ]
        for probe in (*twins, device, thief):
            probe.close()
    said = product.log_path.read_text(errors="replace")
    assert "two clients use the broker account w-claimed" in said
    assert renewed["password"] not in said
