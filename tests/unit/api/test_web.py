"""The page's files: types, caching, and what a browser may load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.web import CONTENT_POLICY, in_one, scripts
from tests.unit.api.site import Site, open_site

LONG = "export const words = [" + "'the same again', " * 200 + "];"
CATALOGUE = """// [English, Chinese]
export const STRINGS = {
  "nav.ward": ["Ward", "病区"],
  "n": [{"one": "{n} call", "other": "{n} calls"}, "{n} 次"]
};
"""
FILES = {
    "index.html": ("<!doctype html><title>Vigil</title>", "text/html; charset=utf-8", "no-store"),
    "app.js": ("export {};", "text/javascript; charset=utf-8", "no-cache"),
    "long.js": (LONG, "text/javascript; charset=utf-8", "no-cache"),
    "app.css": ("body {}", "text/css; charset=utf-8", "no-cache"),
    "vendor/some.mjs": ("export {};", "text/javascript; charset=utf-8", "no-cache"),
    "vendor.json": ("{}", "application/json", "no-cache"),
    "icon.svg": ("<svg/>", "image/svg+xml", "no-cache"),
}


@pytest.fixture
def paged(tmp_path: Path) -> Iterator[Site]:
    root = tmp_path / "web"
    for name, (text, _, _) in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "strings.js").write_text(CATALOGUE, "utf-8")
    (tmp_path / "secret.txt").write_text("not for the web")
    site = open_site(tmp_path, root)
    yield site
    site.close()


@pytest.mark.parametrize("name", FILES)
def test_files_have_their_type_and_are_asked_for_again(paged: Site, name: str) -> None:
    text, kind, caching = FILES[name]
    answer = paged.get(f"/{name}", None)
    assert (answer.text, answer.headers["content-type"], answer.headers["cache-control"]) == (text, kind, caching)
    again = paged.get(f"/{name}", None, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_browser_loads_one_language(paged: Site) -> None:
    english, chinese = (paged.get(f"/strings.{language}.js", None) for language in ("en", "zh"))
    assert english.text == (
        'export const WORDS = {"nav.ward": "Ward", "n": {"one": "{n} call", "other": "{n} calls"}};\n'
    )
    assert chinese.text == 'export const WORDS = {"nav.ward": "病区", "n": "{n} 次"};\n'
    assert chinese.headers["content-type"] == "text/javascript; charset=utf-8"


def test_comments_stay_at_home_and_each_line_at_its_number(tmp_path: Path) -> None:
    text = "// What it is.\nlet a = 1; // said behind\n/** Of two\n * lines. */\n  // Why.\nlet b = '//';\n"
    for name in ("own.js", "vendor/foreign.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    sent = scripts(tmp_path)
    assert sent["own.js"].decode() == "\nlet a = 1; // said behind\n\n\n\nlet b = '//';\n"
    assert sent["vendor/foreign.js"].decode() == text, "byte for byte, with its licence"


def test_the_style_sheets_of_the_index_are_sent_as_one(tmp_path: Path) -> None:
    sheet = '<link rel="stylesheet" href="{}">'
    index = f'<head>\n  {sheet.format("b.css")}\n  {sheet.format("a.css")}\n  <script src="app.js"></script></head>'
    (tmp_path / "index.html").write_text(index)
    for name in "ab":
        (tmp_path / f"{name}.css").write_text(f"{name} {{}}\n")
    files = in_one(tmp_path)
    assert (
        files["index.html"].decode().split()
        == f'<head> {sheet.format("all.css")} <script src="app.js"></script></head>'.split()
    )
    assert files["all.css"] == b"b {}\na {}\n", "in their order: what comes later counts"


def test_the_page_is_read_and_nothing_else(paged: Site) -> None:
    assert paged.call("HEAD", "/app.js", None).headers["content-type"] == "text/javascript; charset=utf-8"
    assert paged.call("POST", "/app.js", None).status_code == 404


def test_long_files_are_sent_compressed_to_who_can_read_that(paged: Site) -> None:
    plain, packed = (
        paged.get("/long.js", None, headers={"Accept-Encoding": names}) for names in ("identity", "gzip, br")
    )
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert plain.text == packed.text == LONG
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in paged.get("/app.js", None).headers, "too short to gain anything"


def test_what_was_there_at_the_start_is_served_until_the_next(paged: Site, tmp_path: Path) -> None:
    (tmp_path / "web" / "app.js").write_text("export const newer = 1;")
    assert paged.get("/app.js", None).text == FILES["app.js"][0]


def test_the_root_is_the_page_and_everything_else_stays_where_it_is(paged: Site) -> None:
    answer = paged.get("/", None)
    assert answer.text == FILES["index.html"][0]
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("text/html; charset=utf-8", "no-store")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/vendor/../../secret.txt", "/vendor", "/none.js"):
        assert paged.get(path, None).status_code == 404, path
    assert paged.get("/healthz", None).json() == {"status": "alive"}
    assert paged.get("/api/v1/me", None).status_code == 401


@pytest.mark.parametrize("path", ["/", "/app.js", "/none", "/api/v1/patients", "/healthz"])
def test_every_answer_carries_the_security_headers(paged: Site, path: str) -> None:
    for role in (None, "nurse"):
        headers = paged.get(path, role).headers
        assert headers["content-security-policy"] == CONTENT_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] in ("no-store", "no-cache")


def test_nothing_of_the_api_is_cached(paged: Site) -> None:
    for path in ("/api/v1/patients", "/api/v1/alerts", "/api/v1/me", "/healthz", "/openapi.json"):
        assert paged.get(path).headers["cache-control"] == "no-store", path


def test_the_page_may_load_nothing_inline_and_nothing_from_outside() -> None:
    assert CONTENT_POLICY.split("; ")[0] == "default-src 'self'"
    assert "unsafe" not in CONTENT_POLICY
    assert "http" not in CONTENT_POLICY
