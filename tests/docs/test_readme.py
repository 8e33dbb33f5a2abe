"""Every command of the README is run as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import find
from tests.product import Product, clean_environment, eventually

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line]
#: These two run this very test; ``.ci/run`` runs them in a fresh clone.
BY_CI = {"make test", "make check"}


def run(command: str, data_dir: Path, timeout_s: float = 120, cwd: Path = ROOT) -> str:
    """As a person would in the root of the repository (``cwd``), with the data directory named by the environment."""
    environment = {**clean_environment(), "VIGIL_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        ["sh", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not (ROOT / ".venv" / "bin" / "vigil").exists():
        pytest.skip("needs the .venv that make makes")


def test_no_command_is_left_out() -> None:
    here = {
        "make up",
        ".venv/bin/vigil doctor",
        ".venv/bin/vigil replay bidmc ../shared/data/bidmc --speed 30",
        ".venv/bin/vigil demo-token nurse",
        ".venv/bin/vigil replay bidmc ../shared/data/bidmc --to bidmc.parquet",
        ".venv/bin/vigil backtest --input bidmc.parquet --out backtest",
        ".venv/bin/vigil backtest --ward 14 --days 2 --seed 1 --policy default --policy bedside --policy raw-news2 --out lab",
        "sh docs/examples/first-reading.sh",
        "sh docs/examples/read-alerts.sh",
    }
    assert set(COMMANDS) == here | BY_CI
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert all(command in ci for command in BY_CI)


@pytest.mark.timeout(180)
def test_make_up(tmp_path: Path) -> None:
    arguments = f"UP_ARGS=--no-browser --port 0 --broker-port 0 --data-dir {tmp_path / 'data'}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(["make", "up", arguments], cwd=ROOT, env=clean_environment(), stdout=log, stderr=log)
    try:
        text = eventually(lambda: found_page((tmp_path / "log").read_text()), 120, "the address of the page")
        assert re.search(r"http://127\.0\.0\.1:\d+/#key=\S{20,}", text)
        running = json.loads((tmp_path / "data" / "run.json").read_text())
    finally:
        eventually(lambda: stop(process, tmp_path / "data"), 60, "everything has stopped")
    assert running["tenant"] == "home"


def found_page(log: str) -> str:
    return log if "Page:" in log else ""


def stop(process: subprocess.Popen[bytes], data_dir: Path) -> bool:
    """Ctrl-C reaches ``vigil up`` itself, as at a terminal."""
    if process.poll() is None and (data_dir / "run.json").exists():
        subprocess.run(["kill", "-INT", str(json.loads((data_dir / "run.json").read_text())["pid"])], check=False)
    return process.poll() is not None


def test_doctor_and_token(product: Product) -> None:
    assert "reachable" in run(".venv/bin/vigil doctor", product.data_dir)
    assert run(".venv/bin/vigil demo-token nurse", product.data_dir).count(".") == 2


@pytest.mark.recordings
def test_replay(product: Product) -> None:
    said = run(".venv/bin/vigil replay bidmc ../shared/data/bidmc --speed 30", product.data_dir, 200)
    assert re.search(r"missing \(sent - stored - refused\)\s*│\s*0 ", said), said


@pytest.mark.recordings
def test_back_test(tmp_path: Path) -> None:
    """In a folder beside: the commands leave files where they run."""
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "shared").symlink_to(ROOT.parent / "shared")
    for command in COMMANDS:
        if "bidmc.parquet" in command:
            said = run(command, tmp_path / "data", cwd=tmp_path / "main")
    assert re.search(r"readings\s*│\s*51547 ", said)
    written = {path.name for path in (tmp_path / "main" / "backtest").iterdir()}
    assert written >= {"episodes.jsonl", "notices.jsonl", "scores.parquet", "summary.json"}


def test_policies_on_a_simulated_ward(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (command,) = (command for command in COMMANDS if "--ward" in command)
    said = run(command, tmp_path / "data", 300, cwd=tmp_path)
    assert re.search(r"default\s*┃\s*bedside\s*┃\s*raw-news2", said)
    summary = json.loads((tmp_path / "lab" / "summary.json").read_text())
    home, bed, raw = (each["physiological_alerts_per_patient_day"] for each in summary["policies"][:3])
    assert home < bed < raw
    assert (tmp_path / "lab" / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.mosquitto
@pytest.mark.skipif(find("curl") is None, reason="needs curl")
def test_examples(product: Product) -> None:
    said = run("sh docs/examples/first-reading.sh", product.data_dir)
    answer = json.loads(said.strip().splitlines()[-1])
    assert answer["streams"][0]["raw"][0]["value"] == 72
    assert "items" in json.loads(run("sh docs/examples/read-alerts.sh", product.data_dir).strip().splitlines()[-1])
