"""Vendored files are the ones that are named; the page loads nothing from outside and stays small."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from posixpath import normpath
from typing import Any

import pytest

from api.web import script_bytes
from tests.unit.web.page import WEB, own_scripts

MANIFEST: dict[str, Any] = json.loads((WEB / "vendor.json").read_text("utf-8"))
FILES = [(package, file) for package in MANIFEST["packages"] for file in package["files"]]

#: Gzipped bytes of all script, own and vendored.
BUDGET = 150_000
#: Modules that the page needs before it shows anybody (ours).
FIRST_LOOK = 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("package", "file"), FILES, ids=[file["path"] for _, file in FILES])
def test_vendored_file_is_upstream_plus_its_listed_patches(package: dict[str, Any], file: dict[str, Any]) -> None:
    data = (WEB / file["path"]).read_bytes()
    assert sha256(data) == file["sha256"]
    text = data.decode()
    for patch in reversed(file.get("patches", [])):
        if patch["to"]:
            assert text.count(patch["to"]) == patch["times"]
            text = text.replace(patch["to"], patch["from"])
        else:  # something at the end of the file was removed
            assert patch["times"] == 1
            end = "\n" if text.endswith("\n") else ""
            text = text.removesuffix("\n") + patch["from"] + end
    assert sha256(text.encode()) == file["upstream_sha256"]


@pytest.mark.parametrize("package", MANIFEST["packages"], ids=[package["name"] for package in MANIFEST["packages"]])
def test_each_package_brings_its_licence(package: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    assert package["licence"] in ("MIT", "Apache-2.0")
    assert sha256((WEB / package["licence_file"]).read_bytes()) == package["licence_sha256"]


def test_nothing_is_vendored_that_is_not_named() -> None:
    named = {file["path"] for _, file in FILES} | {package["licence_file"] for package in MANIFEST["packages"]}
    there = {path.relative_to(WEB).as_posix() for path in (WEB / "vendor").iterdir()}
    assert there == named


def test_own_and_vendored_script_is_small() -> None:
    assert script_bytes(WEB) < BUDGET


def test_no_file_names_an_outside_address() -> None:
    for name, text in own_scripts().items():
        assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text) == [], name
    for path in [*WEB.glob("*.css"), WEB / "index.html"]:
        assert re.findall(r"https?://|url\(", path.read_text("utf-8")) == [], path.name


def test_imports_are_relative_and_lead_to_files() -> None:
    for path in WEB.rglob("*.js"):
        for target in re.findall(
            r"""(?:^(?:import|export)[^;"']*?from\s*|import\()["']([^"']+)["']""", path.read_text("utf-8"), re.M
        ):
            assert target.startswith("."), f"{path.name}: {target}"
            assert (path.parent / target).is_file(), f"{path.name}: {target}"


def test_a_first_look_waits_for_few_modules() -> None:
    """A browser asks for six at a time, and each is an answer of a core that has other things to do."""
    found = ["app.js"]
    for name in found:  # which grows meanwhile
        text = (WEB / name).read_text("utf-8")
        paths = (normpath(f"{name}/../{target}") for target in re.findall(r'\bfrom\s*"(\.[^"]+)"', text))
        found += [path for path in dict.fromkeys(paths) if path not in found]
    assert "vendor/signals-core.js" in found, "the deepest is found"
    assert len(found) <= FIRST_LOOK
    assert "import {" not in (WEB / "page" / "early.js").read_text("utf-8"), "it runs before all others are here"


class Inline(HTMLParser):
    """Collects what a strict content policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._script = tag == "script"
        if tag == "style" or "style" in named or any(name.startswith("on") for name in named):
            self.blocked.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.blocked.append(data)


def test_index_needs_no_inline_script_or_style() -> None:
    parser = Inline()
    parser.feed((WEB / "index.html").read_text("utf-8"))
    assert parser.blocked == []


def test_no_script_turns_text_into_markup_or_code() -> None:
    risky = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(|new Function"
    )
    for name, text in own_scripts().items():
        assert risky.findall(text) == [], name


def test_modules_stay_short() -> None:
    for name, text in own_scripts().items():
        if name != "strings.js":
            assert text.count("\n") <= 400, name
