"""``docker-compose.yml``: valid, whole, and with nothing open that need not be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.deploy.compose import ROOT, document, services, stages
from vigil.runtime.config import PREFIX, load

#: Of the Compose specification, Apache-2.0 (compose-spec.LICENSE.txt), as the package check-jsonschema 0.39.0 has it.
SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text("utf-8"))
COMPOSE = document()
NAMES = sorted(COMPOSE["services"])
#: Nothing to ask them: one ends after its work, the others only send; a silent watchdog is told by the core's check "self_test".
WITHOUT_HEALTH_CHECK = {"setup", "watchdog", "ward"}
EXACT = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?")


def mounts(service: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """(source, target, read-only)"""
    split = (each.split(":") for each in service.get("volumes", []))
    return [(parts[0], parts[1], parts[2:] == ["ro"]) for parts in split]


def test_the_schema_of_the_specification() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


def test_the_schema_would_find_a_mistake() -> None:
    broken = document()
    broken["services"]["core"]["read_onyl"] = True
    with pytest.raises(jsonschema.ValidationError, match="read_onyl"):
        jsonschema.Draft202012Validator(SCHEMA).validate(broken)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_can_do_little_harm(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "extra_hosts"} & service.keys()
    assert service.get("network_mode", "none") == "none"
    assert EXACT.fullmatch(service["image"])
    assert ("healthcheck" in service) == (name not in WITHOUT_HEALTH_CHECK)
    assert not any("docker.sock" in source for source, _, _ in mounts(service))


def test_only_tls_listens_outside_this_machine() -> None:
    published = {port for service in services().values() for port in service.get("ports", [])}
    assert published == {"8883:8883", "8884:8884", "127.0.0.1:8000:8000", "127.0.0.1:3000:3000"}
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert services()["postgres"]["networks"] == services()["influxdb"]["networks"] == ["back"]


def test_what_is_named_is_there() -> None:
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "secrets": set()}
    for service in services().values():
        used["networks"] |= set(service.get("networks", []))
        used["secrets"] |= set(service.get("secrets", []))
        for source, _, read_only in mounts(service):
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
                assert read_only, f"{source} could be written from a container"
            else:
                used["volumes"].add(source)
        assert set(service.get("depends_on", {})) <= set(NAMES)
    for kind, names in used.items():
        assert names == set(COMPOSE[kind]), kind


def test_secrets_come_by_file_and_none_has_a_default() -> None:
    made = (ROOT / "deploy" / "compose" / "secrets.sh").read_text("utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./deploy/compose/secrets/{name}"}
        assert f"keep {name} " in made
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|URL_FILE", key):
                assert re.fullmatch(r"/run/secrets/(\w+)", value), f"{name}: {key}"
            found = re.fullmatch(r"/run/secrets/(\w+)", str(value))
            assert found is None or found[1] in service["secrets"], f"{name}: {key}"
    assert "deploy/compose/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", ["setup", "core", "watchdog", "ward"])
def test_settings_are_those_that_there_are(name: str) -> None:
    """An unknown key would refuse to start."""
    environment = stages()["vigil"].environment | services()[name]["environment"]
    given = {key for key in environment if key.startswith(PREFIX)}
    chosen = load(ROOT / "deploy" / "compose" / "vigil.toml", environment)
    assert len(given) >= 4
    assert chosen.broker.trust is not None
    assert str(chosen.data_dir) == "/var/lib/vigil"


@pytest.mark.parametrize("stage", stages().values(), ids=lambda stage: str(stage.name))
def test_the_dockerfile_copies_what_is_there(stage: Any) -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert EXACT.fullmatch(stage.image)
    for rest in stage.all("COPY"):
        if rest.startswith("--from="):
            assert rest.removeprefix("--from=").split()[0] in stages()
            continue
        for source in rest.split()[:-1]:
            path = source.rstrip("/")
            assert (ROOT / path).exists(), source
            assert any(path == each or path.startswith(f"{each}/") for each in sent), (
                f"{source} is not sent to the builder"
            )
    for requirement in re.findall(r"-r (\S+)", " ".join(stage.all("RUN"))):
        assert (ROOT / requirement).is_file()


def test_every_package_is_in_the_image() -> None:
    found = re.search(r"^include = \[(.*)\]$", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    packages = {name.rstrip("*") for name in re.findall(r'"([^"]+)"', found[1])}
    copied = {rest.split()[0].rstrip("/") for rest in stages()["build"].all("COPY")}
    assert packages <= copied


def test_the_locked_files_agree() -> None:
    """The image is made from several of them at once: pip refuses two versions of one package."""
    pins: dict[str, set[frozenset[str]]] = {}
    for name in ("base", "influx", "postgres", "notify"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        found: dict[str, set[str]] = {}
        for package, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE):
            found.setdefault(package, set()).add(version)  # several where the versions of Python need different ones
        for package, versions in found.items():
            pins.setdefault(package, set()).add(frozenset(versions))
    assert {package: versions for package, versions in pins.items() if len(versions) > 1} == {}


def test_images_run_as_nobody_in_particular() -> None:
    for name in ("vigil", "broker"):
        stage = stages()[name]
        assert stage.all("USER") == ["10001:10001"]
        assert stage.instructions[-1][0] == "ENTRYPOINT"
    assert not re.search(r"gcc|build-essential|-dev\b", " ".join(rest for _, rest in stages()["vigil"].instructions))
