"""What an operator types: bad settings, taken ports, doctor, tokens, replay; and a second start."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from tests.e2e.publishers import enrol
from tests.product import Product, eventually, vigil


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up", "--no-browser", "--port", "{taken}", "--data-dir", "{dir}"), "taken by another program"),
        (
            ("up", "--no-browser", "--port", "0", "--broker-port", "{taken}", "--data-dir", "{dir}"),
            "taken by another program",
        ),
        (("up", "--no-browser", "--config", "{dir}/bad.toml"), "setting brokr"),
        (("up", "--no-browser", "--config", "{dir}/missing.toml"), "missing.toml"),
        (("replay", "bidmc", "{dir}", "--data-dir", "{dir}"), "start it with vigil up"),
        (("demo-token", "nurse", "--data-dir", "{dir}"), "holds no Vigil installation"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "bad.toml").write_text("[brokr]\nport = 1\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        filled = [a.format(taken=server.getsockname()[1], dir=tmp_path) for a in arguments]
        done = vigil(*filled, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_an_unknown_environment_variable_refuses_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vigil.domain.errors import ConfigError
    from vigil.runtime.config import load

    with pytest.raises(ConfigError, match="prot"):
        load(None, {"VIGIL_BROKER__PROT": "1"})
    assert load(None, {"VIGIL_BROKER__PORT": "1884"}).broker.port == 1884


def test_doctor_and_tokens(product: Product) -> None:
    done = vigil("doctor", "--data-dir", str(product.data_dir))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reachable" in done.stdout
    url = vigil("doctor", "--url", "--data-dir", str(product.data_dir)).stdout.strip()
    assert url == product.url
    token = vigil("demo-token", "auditor", "--data-dir", str(product.data_dir)).stdout.strip()
    assert token.count(".") == 2
    assert product.secret not in done.stdout


def test_a_second_up_in_the_same_directory_is_refused(product: Product) -> None:
    done = vigil("up", "--no-browser", "--data-dir", str(product.data_dir))
    assert done.returncode == 2
    assert "already runs" in done.stderr


@pytest.mark.timeout(180)
def test_the_simulated_ward_comes_alive_and_again_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with Product.started(tmp_path, patients=4) as product, product.client("nurse") as api:

            def live() -> bool:
                items = api.get("/api/v1/patients").json()["items"]
                return len(items) == 4 and all(card["vitals"].get("heart_rate") for card in items)

            eventually(live, 30, "all four have a heart rate")


@pytest.mark.recordings
@pytest.mark.timeout(240)
@pytest.mark.parametrize("via", ["mqtt", "gateway"])
def test_replay_of_real_patients_accounts_for_every_value(product: Product, recordings: Path, via: str) -> None:
    folder = recordings / "bidmc"
    arguments = ("--data-dir", str(product.data_dir), "--speed", "60", "--joined", "4", "--via", via)
    done = vigil("replay", "bidmc", str(folder), *arguments, timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        line.split("│")[1].strip(): line.split("│")[2].strip()
        for line in done.stdout.splitlines()
        if line.startswith("│")
    }
    assert int(rows["sent"]) == 51327 + 220, "as counted in the files: values, and tries without one"
    assert rows["stored"] == rows["sent"]
    assert rows["missing (sent - stored - refused)"] == "0"


@pytest.mark.timeout(120)
def test_the_gateway_takes_json_lines_from_standard_input(product: Product) -> None:
    with product.client() as api:
        device = enrol(api, 900)
    line = (
        f'{{"device":"{device.device_id}","at":{time.time():.3f},"values":{{"hr":66,"spo2":{{"value":96,"q":1}}}}}}\n'
    )
    done = vigil(
        "run", "gateway", device.device_id, "--stdin", "--name", "test", "--data-dir", str(product.data_dir),
        stdin=line + "not json\n", timeout_s=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    assert [answer["ok"] for answer in answers] == [True, False]
    assert answers[0]["seq"] == 0
    with product.client() as api:
        series = api.get(f"/api/v1/patients/{device.patient_id}/vitals", params={"vital": "heart_rate"}).json()
    assert [point["value"] for point in series["streams"][0]["raw"]] == [66]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("via", ["mqtt", "gateway"])
def test_the_latency_bench_sees_every_alert_and_may_be_repeated(product: Product, via: str) -> None:
    done = vigil(
        "bench", "latency", "--patients", "4", "--via", via, "--data-dir", str(product.data_dir), timeout_s=150
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 / 4" in done.stdout
