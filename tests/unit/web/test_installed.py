"""The page as an installed app: its manifest, its icons, and what the service worker keeps."""

from __future__ import annotations

import hashlib
import json
import re
import struct

from tests.unit.web.page import WEB, tokens
from tests.unit.web.test_files import Inline

WORKER = (WEB / "service_worker.js").read_text("utf-8")
KEPT = json.loads(re.search(r"const FILES = (\[.*\]);", WORKER)[1])  # type: ignore[index]
#: No picture of an app needs more (ours).
MOST_ICON_BYTES = 10_000


def test_the_manifest_names_icons_that_are_there() -> None:
    manifest = json.loads((WEB / "manifest.webmanifest").read_text("utf-8"))
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("./", "./", "standalone")
    sizes = set()
    for icon in manifest["icons"]:
        data = (WEB / icon["src"]).read_bytes()
        assert len(data) < MOST_ICON_BYTES, icon["src"]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", data[16:24])
            assert icon["sizes"] == f"{width}x{height}"
            sizes.add(width)
    assert sizes == {192, 512}
    assert manifest["theme_color"] in tokens(dark=False).values()
    assert '<link rel="manifest" href="manifest.webmanifest">' in (WEB / "index.html").read_text("utf-8")


def test_the_worker_keeps_only_what_says_that_there_is_no_connection() -> None:
    assert set(KEPT) == {"offline.html", "offline.css", "favicon.svg"}
    assert re.findall(r"\.(?:put|add|addAll)\((\w+)\)", WORKER) == ["FILES"]


def test_what_is_kept_is_named_by_what_it_holds() -> None:
    held = hashlib.sha256(b"".join((WEB / name).read_bytes() for name in KEPT)).hexdigest()[:8]
    assert f'const KEPT = "vigil-{held}";' in WORKER


def test_the_page_without_a_connection_stands_alone_in_both_languages() -> None:
    text = (WEB / "offline.html").read_text("utf-8")
    parser = Inline()
    parser.feed(text)
    assert parser.blocked == []
    assert "<script" not in text
    assert set(re.findall(r'(?:href|src)="([^"]+)"', text)) == {"favicon.svg", "offline.css", "./"}
    # Without an address the browser would only jump to the part after "#" of the one that was asked for.
    assert '<meta http-equiv="refresh" content="5; url=./">' in text
    assert re.search(r'lang="zh-Hans">\s*<h1>[\u4e00-\u9fff]', text)
    colours = set(re.findall(r"#[0-9A-F]{6}", (WEB / "offline.css").read_text("utf-8")))
    assert colours <= {*tokens(dark=False).values(), *tokens(dark=True).values()}
