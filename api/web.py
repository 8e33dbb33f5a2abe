"""The page: static files with exact types, nothing from outside, nothing cached that could be stale."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

#: Types are fixed here, because the machine's own table may be wrong or empty.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}

#: Only our own files; no inline script or style, no outside address.
CONTENT_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
#: A smaller one fits into one packet of a network as it is.
_WORTH_PACKING = 1000


#: The catalogue of the page's sentences, and the order of the languages in it. A browser loads one of them.
_CATALOGUE, _LANGUAGES = "strings.js", ("en", "zh")


def by_language(catalogue: str) -> dict[str, bytes]:
    """File name -> module with the sentences of one language, from the text of the catalogue of all."""
    rows = json.loads(catalogue.partition("export const STRINGS = ")[2].rstrip().rstrip(";"))
    return {
        f"strings.{language}.js": f"export const WORDS = {json.dumps(words, ensure_ascii=False)};\n".encode()
        for number, language in enumerate(_LANGUAGES)
        for words in [{key: row[number] for key, row in rows.items()}]
    }


#: A comment that has its lines to itself.
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*)$", re.M)


def without_comments(script: str) -> str:
    """What a browser needs of a module; each line stays at its number.

    >>> without_comments("/** Said\\n * why. */\\nlet a = 1; // not this\\n  // this\\nb();")
    '\\n\\nlet a = 1; // not this\\n\\nb();'
    """
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), script)


def scripts(directory: Path) -> dict[str, bytes]:
    """The modules as they are sent: ours without comments, the vendored ones byte for byte."""
    texts = {path.relative_to(directory): path.read_text("utf-8") for path in directory.rglob("*.js")}
    return {
        str(name): (text if name.parts[0] == "vendor" else without_comments(text)).encode()
        for name, text in texts.items()
    }


def script_bytes(directory: Path) -> int:
    """Gzipped bytes of all script that a browser loads, whatever is looked at; of the sentences, the larger language."""
    files = (body for name, body in scripts(directory).items() if name != _CATALOGUE)
    languages = by_language((directory / _CATALOGUE).read_text("utf-8")).values()
    return sum(map(_packed, files)) + max(map(_packed, languages))


def _packed(body: bytes) -> int:
    return len(gzip.compress(body, 9))


_STYLE = re.compile(r'\s*<link rel="stylesheet" href="([^"]+)">')
_STYLES = "all.css"


def in_one(directory: Path) -> dict[str, bytes]:
    """The index as it is sent, and the style sheets that it names as one: a browser asks for six files at a time, and the modules
    wait behind them."""
    index = (directory / "index.html").read_text("utf-8")
    sheets = [directory / name for name in _STYLE.findall(index)]
    if not sheets:
        return {}
    first, *rest = _STYLE.split(index)[::2]
    index = f'{first}\n    <link rel="stylesheet" href="{_STYLES}">{"".join(rest)}'
    return {"index.html": index.encode(), _STYLES: b"".join(sheet.read_bytes() for sheet in sheets)}


@dataclass(frozen=True, slots=True)
class _File:
    """As it was at the start; ``packed``: by gzip, or None where that gains nothing."""

    body: bytes
    packed: bytes | None
    told: dict[str, str]

    @classmethod
    def of(cls, name: str, body: bytes) -> _File:
        packed = gzip.compress(body, 9, mtime=0) if len(body) > _WORTH_PACKING else body
        kind = TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        caching = "no-store" if kind == TYPES[".html"] else "no-cache"
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        told = {"Content-Type": kind, "Cache-Control": caching, "ETag": etag, "Vary": "Accept-Encoding"}
        return cls(body, packed if len(packed) < len(body) else None, told)

    def answer(self, asked: Headers) -> Response:
        if self.told["ETag"] in [tag.strip() for tag in asked.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=self.told)
        if self.packed is None or "gzip" not in asked.get("accept-encoding", ""):
            return Response(self.body, headers=self.told)
        return Response(self.packed, headers=self.told | {"Content-Encoding": "gzip"})


class Page:
    """``/`` is ``index.html``. A browser asks again each time whether a file has changed (ETag), and never keeps the index.

    Files are read once, at the start: the page asks for some 70 at once, and with worker threads that a busy core lets wait, each
    took several ms. So page and core are always of one version, also while an update is written over them.
    """

    def __init__(self, directory: Path) -> None:
        paths = [path for path in directory.rglob("*") if path.is_file()]
        files = {str(path.relative_to(directory)): path.read_bytes() for path in paths}
        files |= scripts(directory) | in_one(directory) | by_language((directory / _CATALOGUE).read_text("utf-8"))
        self._files = {f"/{name}": _File.of(name, body) for name, body in files.items()}

    def answer(self, path: str, asked: Headers) -> Response | None:
        """None: no file of the page."""
        file = self._files.get(path + "index.html" if path.endswith("/") else path)
        if file is None:
            return RedirectResponse(f"{path}/") if f"{path}/index.html" in self._files else None
        return file.answer(asked)


class PageFirst:
    """Answers with the page's files before any route is looked at: to find none of 181 took 18 times as long as to answer."""

    def __init__(self, app: ASGIApp, page: Page) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            app = self._page.answer(scope["path"], Headers(scope=scope)) or app
        await app(scope, receive, send)
