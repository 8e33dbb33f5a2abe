"""``docker-compose.yml`` and ``Dockerfile`` as a container engine would read them, as far as the tests need it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
SITE = "localhost"
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::\?[^}]*)?\}")


def document(site: str = SITE) -> dict[str, Any]:
    """With its variables filled in. There may be one only, and it has no default: nobody starts with somebody else's."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert set(_VARIABLE.findall(text)) == {"SITE_NAME"}
    found: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(site, text).replace("$$", "$"))
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["services"]
    return found


@dataclass
class Stage:
    """One ``FROM`` of the Dockerfile with its instructions: (keyword, rest of the line)."""

    name: str
    image: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        return [rest for found, rest in self.instructions if found == keyword]

    @property
    def entrypoint(self) -> list[str]:
        return [str(part) for part in json.loads(self.all("ENTRYPOINT")[-1])]

    @property
    def environment(self) -> dict[str, str]:
        pairs = (pair.partition("=") for rest in self.all("ENV") for pair in rest.split())
        return {key: value for key, _, value in pairs}


def stages() -> dict[str, Stage]:
    lines = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    found: dict[str, Stage] = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            image, _, name = rest.partition(" AS ")
            stage = found[name] = Stage(name, image)
        else:
            stage.instructions.append((keyword, rest.strip()))
    return found
