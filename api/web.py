"""The page: static files with exact types, nothing from outside, nothing cached that could be stale."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

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

_IMPORT_MAP = re.compile(r'<script\s+type="importmap"\s*>(.*?)</script>', re.DOTALL)


def content_policy(web_root: Path | None) -> str:
    """Only our own files. An import map has to stand inside the page: it is allowed by the hash of its text, which changes
    with it; any other inline script or style stays forbidden."""
    hashes = ""
    index = web_root / "index.html" if web_root is not None else None
    if index is not None and index.is_file():
        for found in _IMPORT_MAP.finditer(index.read_text("utf-8")):
            digest = hashlib.sha256(found.group(1).encode()).digest()
            hashes += f" 'sha256-{base64.b64encode(digest).decode()}'"
    return (
        f"default-src 'self'; script-src 'self'{hashes}; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


class Page(StaticFiles):
    """``/`` is ``index.html``. A browser asks again each time whether a file has changed (ETag), and never keeps the index."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        suffix = Path(path).suffix
        kind = TYPES.get(suffix or ".html")
        if kind is not None and response.status_code == 200:
            response.headers["Content-Type"] = kind
        response.headers["Cache-Control"] = "no-store" if kind == TYPES[".html"] else "no-cache"
        return response
