"""The files of the page, read as text: what can be checked without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

WEB = Path(__file__).parents[3] / "api" / "web"


def own_scripts() -> dict[str, str]:
    """Path inside the page -> text, without vendored files."""
    found = sorted(WEB.rglob("*.js"))
    return {
        path.relative_to(WEB).as_posix(): path.read_text("utf-8")
        for path in found
        if path.relative_to(WEB).parts[0] != "vendor"
    }


def strings() -> dict[str, list[Any]]:
    """The catalogue: key -> [English, Chinese]; fails when a key is given twice."""

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), sorted(key for key in set(keys) if keys.count(key) > 1)
        return dict(pairs)

    text = (WEB / "strings.js").read_text("utf-8")
    start = text.index("export const STRINGS = ") + len("export const STRINGS = ")
    found: dict[str, list[Any]] = json.loads(text[start:].rstrip().rstrip(";"), object_pairs_hook=no_twins)
    return found


def tokens(dark: bool) -> dict[str, str]:
    """Colour tokens of one theme, as the cascade gives them: name -> #RRGGBB."""
    text = (WEB / "tokens.css").read_text("utf-8")
    light_block, dark_block = re.findall(r":root \{\n(.*?)\}", text, re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-F]{6});", light_block))
    if dark:
        found |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-F]{6});", dark_block))
    return found
