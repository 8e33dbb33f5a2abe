"""``vigil sbom``: what a wheel of Vigil is made of, from its own metadata and the locked requirements, as CycloneDX 1.6."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from vigil.domain.errors import ConfigError

ROOT = "vigil-rpm"
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)(?: *; *(?P<marker>[^\\]+?))? *\\?$")
_HASH = re.compile(r"^ +--hash=sha256:(?P<digest>[0-9a-f]{64})")
_VIA = re.compile(r"^ +# +(?:via +)?(?P<name>[A-Za-z0-9._-]+)(?: \(pyproject\.toml\))?$")


@dataclass(frozen=True, slots=True)
class Locked:
    """One requirement: ``files`` are SHA-256 of those that may be installed, ``wanted_by`` the names of who needs it."""

    name: str
    version: str
    marker: str
    files: tuple[str, ...]
    wanted_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(path: Path) -> list[Locked]:
    """As ``uv pip compile --generate-hashes`` writes them. Raises ``ConfigError``."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from error
    found = list(_locked(text))
    if not found or any(not one.files for one in found):
        raise ConfigError(f"{path} is no list of requirements locked by hash")
    return found


def _locked(text: str) -> Iterator[Locked]:
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        first, *rest = block.splitlines() or [""]
        pin = _PIN.match(first)
        if pin is not None:
            files = [found["digest"] for line in rest if (found := _HASH.match(line)) is not None]
            wanted_by = [
                found["name"] for line in rest if (found := _VIA.match(line)) is not None and found["name"] != "via"
            ]
            yield Locked(pin["name"], pin["version"], pin["marker"] or "", tuple(files), tuple(wanted_by))


def document(wheel: Path, requirements: list[Locked]) -> dict[str, Any]:
    """The same wheel and requirements give the same document, so it holds no time. Raises ``ConfigError``."""
    about = _metadata(wheel)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    root = f"pkg:pypi/{about['Name']}@{about['Version']}"
    wants: dict[str, list[str]] = {root: [], **{one.purl: [] for one in requirements}}
    for one in requirements:
        for name in one.wanted_by:
            # One name may be locked twice, for an older and a newer Python.
            for purl in [other.purl for other in requirements if other.name == name] or [root] * (name == ROOT):
                wants[purl].append(one.purl)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest + ''.join(sorted(wants)))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": about["Name"],
                "version": about["Version"],
                "description": about["Summary"],
                "purl": root,
                "hashes": [{"alg": "SHA-256", "content": digest}],
                **_licences(about),
            }
        },
        "components": [_component(one) for one in requirements],
        "dependencies": [{"ref": purl, "dependsOn": sorted(set(needed))} for purl, needed in sorted(wants.items())],
    }


def _metadata(wheel: Path) -> Message:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            about = Parser().parsestr(archive.read(name).decode())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{wheel} is no wheel: {type(error).__name__}") from error
    if about["Name"] != ROOT:
        raise ConfigError(f"{wheel} is no wheel of Vigil")
    return about


def _component(one: Locked) -> dict[str, Any]:
    """The hashes are of every file that may be installed: one for each platform, and the source."""
    files = [{"alg": "SHA-256", "content": digest} for digest in one.files]
    try:
        known = metadata(one.name)
        licences = _licences(known) if known["Version"] == one.version else {}  # type: ignore[arg-type]  # a Message too
    except PackageNotFoundError:
        licences = {}
    return {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "scope": "optional" if one.marker else "required",
        **({"properties": [{"name": "vigil:installed-if", "value": one.marker}]} if one.marker else {}),
        "externalReferences": [{"type": "distribution", "url": one.purl, "hashes": files}],
        **licences,
    }


def _licences(about: Message) -> dict[str, Any]:
    """In the words of the package: an SPDX expression, or the older field where it is a name and not the whole text."""
    if about["License-Expression"]:
        return {"licenses": [{"expression": about["License-Expression"]}]}
    named = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License :: ")]
    said = about["License"] or ""
    names = named or ([said] if 0 < len(said) <= 60 and "\n" not in said else [])
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def sbom(
    wheel: Annotated[Path, typer.Argument(help="A built wheel of Vigil.")],
    requirements: Annotated[Path, typer.Option("--locked", help="The locked requirements, as requirements/base.txt.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write, CycloneDX 1.6 as JSON.")],
) -> None:
    """Write down what a wheel is made of: each package with version, hashes, licence where it is installed, and who needs it."""
    made = document(wheel, locked(requirements))
    try:
        out.write_text(json.dumps(made, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    typer.echo(f"{out}: {len(made['components'])} components")


def register(app: typer.Typer) -> None:
    app.command("sbom")(sbom)
