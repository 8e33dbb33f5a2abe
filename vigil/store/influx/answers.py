"""What an answer of InfluxDB to a write means, and what to do about it.

The texts of InfluxDB were read in its source (2.7.12) and from a running server. They may quote a line, and a line holds a
measurement of a person: only what is known to hold none is passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from vigil.domain.times import SECOND

#: A server may ask for a longer wait; nobody would understand why nothing comes (ours), seconds.
LONGEST_ASKED_S = 600.0


class Verdict(StrEnum):
    """Also the label of a metric."""

    WRITTEN = "written"
    #: Written but for points that are older than the bucket keeps.
    EXPIRED = "expired"
    #: Nothing is wrong with the lines: again, after a while.
    LATER = "later"
    #: Nothing is wrong with the lines: a person must change something here or there first.
    SETTINGS = "settings"
    #: At least one line was not taken; of the others it is not known.
    REFUSED = "refused"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Answer:
    """``why`` is empty when all is well. ``wait_s``: what the server asked for. ``dropped``: points that are too old for the
    bucket. ``gone``: there was no server, so that the one that comes back may have lost what it took last."""

    verdict: Verdict
    why: str = ""
    wait_s: float = 0.0
    dropped: int = 0
    gone: bool = False


WRITTEN = Answer(Verdict.WRITTEN)
#: The partial write that drops points by age and takes all others.
_TOO_OLD = re.compile(r"outside retention policy|beyond retention policy")
_DROPPED = re.compile(r"dropped[= ](\d+)")
_CONFLICT = re.compile(
    r'field type conflict: input field "\w+" on measurement "\w+" is type \w+, already exists as type \w+'
)
_PARSE = re.compile(r"unable to parse '.*': ([a-z ]{1,60})$", re.DOTALL)


def of_status(status: int, message: str, retry_after: str | None, now: int, where: str) -> Answer:
    """Of an HTTP status other than 2xx. ``message``: the server's; ``now`` in microseconds UTC; ``where``: org and bucket."""
    wait_s = asked_wait_s(retry_after, now)
    if status == 401:
        return Answer(
            Verdict.SETTINGS, "InfluxDB does not know the token: put a valid one into the file influx.token_file names"
        )
    if status == 403:
        return Answer(
            Verdict.SETTINGS, f"InfluxDB does not let the token write to {where}: give it that right, or another token"
        )
    if status == 404:
        return Answer(Verdict.SETTINGS, _missing(message, where))
    if status == 413:
        return Answer(Verdict.TOO_LARGE, "InfluxDB takes only smaller writes (413)")
    if status == 429:
        return Answer(Verdict.LATER, f"InfluxDB has enough for now (429){_asks(wait_s)}", wait_s)
    if status in (400, 422):
        return _refused(status, message)
    if 300 <= status < 400:
        return Answer(Verdict.SETTINGS, f"InfluxDB sends us elsewhere ({status}): name its own address in influx.url")
    return Answer(Verdict.LATER, f"InfluxDB cannot serve now ({status}){_asks(wait_s)}", wait_s)


def _refused(status: int, message: str) -> Answer:
    if _TOO_OLD.search(message):
        found = _DROPPED.search(message)
        return Answer(Verdict.EXPIRED, dropped=int(found.group(1)) if found else 0)
    conflict = _CONFLICT.search(message)
    if conflict:
        return Answer(Verdict.REFUSED, f"InfluxDB has a {conflict.group()}: give Vigil a bucket of its own")
    parse = _PARSE.search(message)
    if parse:
        return Answer(Verdict.REFUSED, f"InfluxDB cannot read a line: {parse.group(1)}")
    return Answer(Verdict.REFUSED, f"InfluxDB refuses points ({status}): its own log says why")


def _missing(message: str, where: str) -> str:
    if "bucket" in message:
        return f"InfluxDB has no bucket as in {where}: make it, or give a token that may"
    if "organization" in message:
        return f"InfluxDB has no organisation as in {where}: correct influx.org"
    return "no InfluxDB 2 is at influx.url, or it has a path too many (404)"


def _asks(wait_s: float) -> str:
    return f" and asks us to wait {wait_s:.0f} s" if wait_s else ""


def asked_wait_s(retry_after: str | None, now: int) -> float:
    """Of a ``Retry-After``, seconds or a date; 0 when it says nothing that can be read.

    >>> asked_wait_s("7", 0), asked_wait_s("Thu, 01 Jan 1970 00:01:00 GMT", 0), asked_wait_s("soon", 0), asked_wait_s("1e9", 0)
    (7.0, 60.0, 0.0, 0.0)
    """
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), LONGEST_ASKED_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    until = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return min(max(until - now / SECOND, 0.0), LONGEST_ASKED_S)
