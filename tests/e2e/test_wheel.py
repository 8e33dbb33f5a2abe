"""The built wheel, in an environment that holds it, its locked requirements, and nothing else.

The requirements are not downloaded again: the new environment gets links to the files of those distributions that
``requirements/base.txt`` names, out of the environment that runs the tests. What is only there for the tests is not linked, so
that a dependency which nobody declared is missed here as on a new machine.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cli.sbom import Locked, document, locked
from tests.product import clean_environment, eventually
from vigil.domain.errors import ConfigError

ROOT = Path(__file__).parents[2]
BASE = ROOT / "requirements" / "base.txt"
PACKAGES = ("vigil", "cli", "simulators", "gateway", "ingest", "analytics", "api")
BUILD = "import sys, setuptools.build_meta as made; print(made.build_wheel(sys.argv[1]))"


def tracked(*under: str) -> set[str]:
    """What a clone holds, and what will be added to it."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *under]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in said.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what a clone holds, by the locked setuptools."""
    clone, out = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheel")
    for name in tracked(*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, clone / name)
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=clone, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return out / built.stdout.splitlines()[-1]


def files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    assert files_of(wheel) == tracked(*PACKAGES)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())


def test_its_names_clash_with_nothing_that_is_installed(wheel: Path) -> None:
    """Names as plain as ``api`` and ``cli`` would be overwritten by, or overwrite, another distribution's."""
    names = {name.partition("/")[0] for name in files_of(wheel)}
    assert names == set(PACKAGES)
    owners = packages_distributions()
    assert {name: others for name in names if (others := set(owners.get(name, ())) - {"vigil-rpm"})} == {}
    assert names.isdisjoint(sys.stdlib_module_names)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    there = list({one.name: one for one in installed(locked(BASE))}.values())
    shared = Counter(top for one in there for top in tops_of(one))
    for one in there:
        link(one, site, {top for top in tops_of(one) if shared[top] > 1})
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "install", "--no-index", "--no-deps", "--quiet", str(wheel)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def installed(requirements: list[Locked]) -> Iterator[Distribution]:
    for one in requirements:
        try:
            yield distribution(one.name)
        except PackageNotFoundError:
            assert one.marker, f"{one.name} is locked and not installed"


def tops_of(found: Distribution) -> set[str]:
    return {path.parts[0] for path in found.files or () if ".." not in path.parts} - {"__pycache__"}


def link(found: Distribution, site: Path, shared: set[str]) -> None:
    """By folder, but file by file where several distributions share one."""
    source = Path(str(found.locate_file("")))
    for top in tops_of(found) - shared:
        (site / top).symlink_to(source / top)
    for path in (path for path in found.files or () if path.parts[0] in shared):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).symlink_to(source / path)


def run(environment: Path, folder: Path, *command: str) -> str:
    variables = {name: value for name, value in clean_environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.timeout(120)
def test_it_starts_in_an_empty_folder_and_serves_the_page(environment: Path, wheel: Path, tmp_path: Path) -> None:
    python, script = environment / "bin" / "python", environment / "bin" / "vigil"
    asked = "import importlib.util, vigil; print(vigil.__file__, importlib.util.find_spec('pytest'))"
    where, of_the_tests = run(environment, tmp_path, str(python), "-c", asked).split()
    assert Path(where).is_relative_to(environment)
    assert of_the_tests == "None"
    command = [str(script), "up", "--no-browser", "--port", "0", "--broker-port", "0", "--patients", "2"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=clean_environment(), stdout=log, stderr=log)
    try:
        url = eventually(lambda: ready(tmp_path, process), 90, "vigil up is ready")
        with httpx.Client(base_url=url, timeout=20) as client:
            page = sorted(name.removeprefix("api/web/") for name in files_of(wheel) if name.startswith("api/web/"))
            answers = {name: client.get(f"/{name}").status_code for name in ("", *page)}
        assert {name: status for name, status in answers.items() if status != 200} == {}
    finally:
        process.terminate()
        assert process.wait(60) == 0, (tmp_path / "log").read_text(errors="replace")[-4000:]
    assert {path.name for path in tmp_path.iterdir()} == {"log", ".vigil"}


def ready(folder: Path, process: subprocess.Popen[bytes]) -> str:
    assert process.poll() is None, (folder / "log").read_text(errors="replace")[-4000:]
    try:
        url = str(json.loads((folder / ".vigil" / "run.json").read_text())["http_url"])
        return url if httpx.get(f"{url}/readyz", timeout=5).status_code == 200 else ""
    except (OSError, ValueError, httpx.HTTPError):
        return ""


@pytest.fixture(scope="module")
def bill(wheel: Path) -> Mapping[str, Any]:
    return document(wheel, locked(BASE))


def test_the_bill_of_materials_is_valid_and_the_same_each_time(bill: Mapping[str, Any], wheel: Path) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    assert document(wheel, locked(BASE)) == bill
    broken = {**bill, "components": [{**bill["components"][0], "type": "thing"}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_the_bill_of_materials_names_all_that_is_locked_and_who_needs_it(bill: Mapping[str, Any], wheel: Path) -> None:
    lines = [line for line in BASE.read_text().splitlines() if line[0].isalnum()]
    assert [one["name"] for one in bill["components"]] == [line.partition("==")[0].partition("[")[0] for line in lines]
    hashes = sum(len(one["externalReferences"][0]["hashes"]) for one in bill["components"])
    assert hashes == BASE.read_text().count("--hash=sha256:")
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    direct = {purl.partition("@")[0].removeprefix("pkg:pypi/") for purl in needs[bill["metadata"]["component"]["purl"]]}
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        said = [line.partition(": ") for line in archive.read(name).decode().splitlines()]
    wanted = {
        re.split(r"[^\w.-]", line)[0] for field, _, line in said if field == "Requires-Dist" and "extra ==" not in line
    }
    assert direct == wanted
    # Nothing stands there that nobody needs.
    assert {purl for many in needs.values() for purl in many} == {one["purl"] for one in bill["components"]}
    licensed = sum("licenses" in one for one in bill["components"])
    assert licensed > len(lines) * 0.8


def test_something_else_is_no_wheel_and_no_list(tmp_path: Path, wheel: Path) -> None:
    other = tmp_path / "other.txt"
    for text in ("", "numpy==2.0\n", "no list at all"):
        other.write_text(text)
        with pytest.raises(ConfigError, match="locked by hash"):
            locked(other)
        with pytest.raises(ConfigError, match="no wheel"):
            document(other, [])
    with pytest.raises(ConfigError, match="cannot be read"):
        locked(tmp_path / "none.txt")
