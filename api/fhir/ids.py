"""Ids of resources. FHIR allows letters, digits, ``-`` and ``.``; an id of ours that does not fit gets a digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_FITS = re.compile(r"[A-Za-z0-9.-]{1,64}")


def fhir_id(text: str) -> str:
    """
    >>> fhir_id("p-0412"), fhir_id("w_1")
    ('p-0412', 'h-b2d6fd161a8c51ddbc9f')
    """
    return text if is_id(text) else f"h-{short(text)}"


def is_id(text: str) -> bool:
    return _FITS.fullmatch(text) is not None


def short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def found_in(ids: Iterable[str], asked: str) -> str | None:
    """Our id of the resource ``asked``, None when there is none."""
    return next((one for one in ids if fhir_id(one) == asked), None)
