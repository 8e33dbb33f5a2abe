"""Rules of the tree that no linter knows. Imports between stages are checked by import-linter in ``make check``."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAGES = ("simulators", "gateway", "ingest", "analytics", "api")
PACKAGES = (*STAGES, "vigil", "cli")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CLOCK_CALLS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
}
LONGEST_MODULE = 400


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=where)
def test_source_rules(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    relative = where(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and relative != "vigil/runtime/clock.py":
            called = name_of(node.func)
            assert not any(called == c or called.endswith(f".{c}") for c in CLOCK_CALLS), (
                f"{relative}:{node.lineno} reads the time"
            )
        if isinstance(node, ast.ExceptHandler) and relative != "vigil/runtime/supervise.py":
            caught = name_of(node.type) if node.type is not None else "everything"
            assert caught not in ("Exception", "BaseException", "everything"), (
                f"{relative}:{node.lineno} catches {caught}"
            )
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE, f"{relative} holds too much"


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_says_what_goes_in_and_out_and_the_readme_agrees(stage: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / stage / "__init__.py").read_text("utf-8"))) or ""
    for word in ("In:", "Out:", "Next:"):
        assert re.search(rf"^{word} \S", docstring, re.MULTILINE), f"{stage}: no line '{word}'"
    assert re.search(rf"^\| `{stage}/` ", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)


def test_no_machine_path_registry_or_generated_file_is_committed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    forbidden = re.compile(
        r"(?<![\w.])/" + r"(work|root|home)/[a-z.]|pypi\." + r"org|registry\." + r"npmjs|files\.python" + "hosted"
    )
    for name in tracked:
        path = ROOT / name
        if not path.is_file() or path.suffix in (".png", ".woff2"):
            continue
        assert name != "uv.lock"
        assert path.stat().st_size < 1_000_000, f"{name} is larger than 1 MB"
        found = forbidden.search(path.read_text("utf-8", errors="replace"))
        assert found is None, f"{name}: {found and found.group()}"


def test_requirements_are_locked_with_hashes_and_without_addresses() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text("utf-8")
        assert "://" not in text
        pins = re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE | re.IGNORECASE)
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_requirements_can_be_installed_together() -> None:
    """Whoever adds an extra to an installation must not be told that its locks contradict each other."""
    pins: dict[tuple[str, str], set[str]] = {}
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text("utf-8")
        for name, version, where in re.findall(r"^([\w.-]+)==([^ ]+)( ; .+)? \\$", text, re.MULTILINE):
            pins.setdefault((name, where), set()).add(version)
    assert {of: versions for of, versions in pins.items() if len(versions) > 1} == {}
