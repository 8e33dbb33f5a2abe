"""The parameters of a request: from the address and, with POST, from a form; times and durations as Prometheus writes them."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl

import promql_parser
from fastapi import Depends, Request

from api.prometheus.refusal import impossible, misunderstood
from api.shape import moment
from vigil.domain.times import SECOND

#: As in Prometheus.
MOST_POINTS = 11_000
#: Times of evaluation lie between 1970 and 2262, what a count of nanoseconds can hold.
LATEST_S = 9_223_372_036
FORM = "application/x-www-form-urlencoded"
#: Names and values in one request (ours).
MOST_FIELDS = 1000


class Asked:
    """``name: [value, …]``; what came in the address stands after what came in the body, as in Go."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in pairs:
            self._fields.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        return self._fields.get(name, [])

    def one(self, name: str) -> str | None:
        """The first that is not empty: Grafana sends some parameters without a value."""
        return next((value for value in self._fields.get(name, ()) if value), None)

    def needed(self, name: str) -> str:
        found = self.one(name)
        if found is None:
            raise misunderstood(f'invalid parameter "{name}": it is missing')
        return found

    def time(self, name: str) -> int | None:
        """Microseconds UTC; None when it was not sent."""
        text = self.one(name)
        if text is None:
            return None
        found = _seconds(text)
        if found is None or not 0 <= found <= LATEST_S:
            raise misunderstood(f'invalid parameter "{name}": not Unix seconds or an RFC 3339 time from 1970 to 2262')
        return round(found * SECOND)

    def bound(self, name: str, default: int) -> int:
        """A time that only narrows a list: one that is further out than any data, which clients send for "all", is the bound."""
        text = self.one(name)
        found = None if text is None else _seconds(text)
        if text is not None and found is None:
            raise misunderstood(f'invalid parameter "{name}": not Unix seconds or an RFC 3339 time')
        return default if found is None else round(min(max(found, 0.0), LATEST_S) * SECOND)

    def step(self) -> int:
        found = duration(self.needed("step"), "step")
        if found < 1000:
            raise misunderstood('invalid parameter "step": it must be at least 1 ms')
        return found

    def limit(self) -> int | None:
        """None = no limit."""
        text = self.one("limit")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise misunderstood('invalid parameter "limit": not a whole number from 0 up')
        return int(text) or None

    def check_timeout(self) -> None:
        """Understood and not used: a query is bounded by what it may load, not by time."""
        if (text := self.one("timeout")) is not None:
            duration(text, "timeout")


def steps(start: int, end: int, step: int) -> int:
    """How many points lie on start, start + step, … up to ``end``."""
    if end < start:
        raise misunderstood('invalid parameter "end": it lies before the start')
    count = (end - start) // step + 1
    if count > MOST_POINTS:
        raise impossible(f"{count} points per series: at most {MOST_POINTS}; ask with a longer step")
    return count


def duration(text: str, name: str) -> int:
    """Microseconds of ``15``, ``0.5`` or ``1m30s``."""
    try:
        seconds = _finite(text)
        if seconds is None:
            return promql_parser.parse_duration(text) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise misunderstood(f'invalid parameter "{name}": not seconds or a duration like 1m30s') from error
    if not 0 <= seconds <= LATEST_S:
        raise misunderstood(f'invalid parameter "{name}": out of range')
    return round(seconds * SECOND)


def _finite(text: str) -> float | None:
    """None when it is not written as a number. Raises ``ValueError`` when it is one, but infinite or none at all."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or "_" in text:
        raise ValueError("not finite")
    return number


def _seconds(text: str) -> float | None:
    try:
        seconds = _finite(text)
        return moment(text) / SECOND if seconds is None else seconds
    except (ValueError, OverflowError):
        return None


async def _asked(request: Request) -> Asked:
    pairs = list(request.query_params.multi_items())
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip() == FORM:
        pairs = _form(await request.body()) + pairs
    return Asked(pairs)


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise misunderstood("the form cannot be read") from error


Question = Annotated[Asked, Depends(_asked)]
