"""Where a page ended, as an opaque signed word: it fits one search of one server, for a day."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from api.errors import Problem
from vigil.domain.times import DAY

#: A client that reads on after a longer pause starts anew (ours).
CURSOR_LIFE_US = DAY
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """``after``: the key of the last resource of the page. ``head``: newest ordinal when the search began; what arrives later
    is not in it, so that no page moves."""

    after: tuple[Any, ...]
    head: int


class Cursors:
    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"fhir cursor", "sha256")

    def word(self, place: Place, search: str, now: int) -> str:
        """``search``: all that the place depends on; the same must be given to ``place``."""
        said = json.dumps([list(place.after), place.head, now + CURSOR_LIFE_US], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(said, search) + said).decode().rstrip("=")

    def place(self, word: str, search: str, now: int) -> Place:
        """Raises ``Problem``: 400 for what is not of this search, 410 for what is too old."""
        try:
            raw = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        except (ValueError, binascii.Error) as error:
            raise _foreign() from error
        mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(said, search)):
            raise _foreign()
        after, head, expires = json.loads(said)
        if now > expires:
            raise Problem(HTTPStatus.GONE, "this page is too old: search again", {"code": "expired"})
        return Place(tuple(after), head)

    def _mac(self, said: bytes, search: str) -> bytes:
        return hmac.digest(self._key, hashlib.sha256(search.encode()).digest() + said, "sha256")[:_MAC_BYTES]


def _foreign() -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST, "_cursor: not a link that this server gave for this search", {"code": "value"}
    )
