"""What a search found, page by page: lists that are short enough to be read whole, in an order that data cannot shift."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from api.fhir.resources import Resource

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """``key`` orders entries of one kind, greatest first, and is never shared by two."""

    key: Key
    make: Callable[[], Resource]


@dataclass(frozen=True, slots=True)
class Page:
    """``after``: the key where the next page goes on; None = this was the last. ``total`` None = not counted."""

    resources: list[Resource]
    after: Key | None
    total: int | None = None


def paged(entries: Iterable[Entry], after: Key | None, count: int, total: bool) -> Page:
    ordered = sorted(entries, key=_key, reverse=True)
    left = [one for one in ordered if after is None or one.key < after]
    taken = left[:count]
    more = bool(taken) and len(left) > count
    return Page([one.make() for one in taken], taken[-1].key if more else None, len(ordered) if total else None)


def _key(entry: Entry) -> Key:
    return entry.key
