"""The page: static files with exact types, nothing from outside, nothing cached that could be stale."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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


def script_bytes(directory: Path) -> int:
    """Gzipped bytes of all script that a browser loads, whatever is looked at; of the sentences, the larger language."""
    files = (path.read_bytes() for path in directory.rglob("*.js") if path != directory / _CATALOGUE)
    languages = by_language((directory / _CATALOGUE).read_text("utf-8")).values()
    return sum(map(_packed, files)) + max(map(_packed, languages))


def _packed(body: bytes) -> int:
    return len(gzip.compress(body, 9))


@dataclass(frozen=True, slots=True)
class _File:
    """As it was at the start; ``packed``: by gzip, or None where that gains nothing."""

    body: bytes
    packed: bytes | None
    etag: str

    @classmethod
    def of(cls, body: bytes) -> _File:
        packed = gzip.compress(body, 9, mtime=0) if len(body) > _WORTH_PACKING else body
        return cls(body, packed if len(packed) < len(body) else None, f'W/"{hashlib.sha256(body).hexdigest()[:32]}"')

    def answer(self, asked: Headers) -> Response:
        told = {"ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in [tag.strip() for tag in asked.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=told)
        if self.packed is None or "gzip" not in asked.get("accept-encoding", ""):
            return Response(self.body, headers=told)
        return Response(self.packed, headers=told | {"Content-Encoding": "gzip"})


class Page(StaticFiles):
    """``/`` is ``index.html``. A browser asks again each time whether a file has changed (ETag), and never keeps the index.

    Files are read once, at the start: the page asks for some 70 at once, and with worker threads that a busy core lets wait, each
    took several ms. So page and core are always of one version, also while an update is written over them.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True)
        paths = [path for path in directory.rglob("*") if path.is_file()]
        self._files = {str(path.relative_to(directory)): _File.of(path.read_bytes()) for path in paths}
        catalogue = (directory / _CATALOGUE).read_text("utf-8")
        self._files |= {name: _File.of(module) for name, module in by_language(catalogue).items()}

    async def get_response(self, path: str, scope: Scope) -> Response:
        file = self._files.get("index.html" if path == "." else path) if scope["method"] == "GET" else None
        response = await super().get_response(path, scope) if file is None else file.answer(Headers(scope=scope))
        suffix = Path(path).suffix
        kind = TYPES.get(suffix or ".html")
        if kind is not None and response.status_code == 200:
            response.headers["Content-Type"] = kind
        response.headers["Cache-Control"] = "no-store" if kind == TYPES[".html"] else "no-cache"
        return response
