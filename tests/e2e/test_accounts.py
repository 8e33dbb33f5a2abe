"""Accounts of the running product: made beside it by command, good over a kill, and out within a second when disabled."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from tests.product import Product, eventually, vigil

PASSWORD = "Marker-Password of hers"


def users(product: Product, *more: str) -> str:
    done = vigil("users", *more, "--data-dir", str(product.data_dir), stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def log_in(product: Product, name: str) -> httpx.Client:
    client = httpx.Client(base_url=product.url, timeout=20, trust_env=False)
    answer = client.post("/api/v1/auth/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-Vigil-CSRF"] = answer.json()["csrf"]
    return client


def status(client: httpx.Client) -> int:
    """0 = no answer."""
    try:
        return client.get("/api/v1/me").status_code
    except httpx.HTTPError:
        return 0


def test_a_nurse_made_by_command_stays_in_over_a_kill_and_is_out_when_disabled(tmp_path: Path) -> None:
    with Product.started(tmp_path) as product:
        door = httpx.get(f"{product.url}/api/v1/auth", timeout=20)
        assert door.json() == {"accounts": False}
        users(product, "add", "zoe", "--role", "admin", "--all-wards")
        users(product, "add", "Li Na", "--role", "nurse", "--all-wards")
        nurse = log_in(product, "li na")
        key = {"secret": "whatever it is", "role": "admin", "name": "x"}
        assert httpx.post(f"{product.url}/api/v1/auth/token", json=key, timeout=20).status_code == 401
        assert 'api_log_ins_total{outcome="opened"} 1.0' in httpx.get(f"{product.url}/metrics", timeout=20).text
        product.kill("run core")
        eventually(lambda: status(nurse) == 200, 60, "the session is good after the kill")
        assert nurse.post("/api/v1/auth/active").status_code == 204
        with nurse.stream("GET", "/api/v1/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: snapshot"
            users(product, "disable", "li na")
            start = time.monotonic()
            assert list(lines)[-1:] == [""]
            assert time.monotonic() - start < 5
        assert status(nurse) == 401
        nurse.close()
        assert "disabled since" in users(product, "list")
    wrote = product.log_path.read_text("utf-8")
    assert "Marker-Password" not in wrote
