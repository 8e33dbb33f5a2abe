"""The audit log: who did what to whose record, and the chain that shows whether an entry was changed afterwards.

The hash of an entry is SHA-256 over the hash of the one before and over the entry's own canonical form, which holds its number:
so one changed byte, a missing, an added and a moved entry all show. Whoever can write the file could make the whole chain anew;
a hash that was noted elsewhere (``expect``) tells that, and tells a log whose end was cut off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vigil.domain.people import is_test

#: What the first entry stands on.
ROOT = bytes(32)
#: ``Entry.patient_id`` of an answer that may have shown everybody: a list, a search, an event stream.
MANY = "*"
#: Stands for an identifier that is none of ours: a stranger may type anything, a name too.
UNKNOWN = "?"
#: The longest reason that is kept; no request takes a longer one.
LONGEST_REASON = 500


class Step(StrEnum):
    """A read is one entry, ``answered``. A change is two: ``asked``, written before anything is changed, and ``answered``. An
    event stream is two: ``opened`` and ``ended``."""

    ASKED = "asked"
    ANSWERED = "answered"
    OPENED = "opened"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request did. ``at``: server time, microseconds UTC. ``request`` is the same for both entries of one request.

    ``who`` is empty for a stranger; ``route`` is the template of the path (empty: there is no such route), and ``objects`` the
    identifiers in it by name, never anything else that was typed. ``patient_id``: whom it is about, empty for nobody; ``MANY``
    where the store finds no one else.
    ``reason``: why, in the person's own words; it may hold a name. ``status``: of the answer, 0 = not answered yet.
    ``times``: equal requests of one second are one entry.
    """

    at: int
    step: Step
    request: str
    who: str
    role: str
    address: str
    method: str
    route: str
    objects: Mapping[str, str] = field(default_factory=dict)
    patient_id: str = ""
    reason: str = ""
    status: int = 0
    times: int = 1

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 400


#: In the order of the canonical form, which can never change.
FIELDS = (
    "at",
    "step",
    "request",
    "who",
    "role",
    "address",
    "method",
    "route",
    "objects",
    "patient_id",
    "reason",
    "status",
    "times",
)

Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it stands in the log: ``number`` counts from 1 without a gap."""

    number: int
    entry: Entry
    hash: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """Which entries; None = any. ``lists``: with ``patient_id``, also what may have shown everybody. [since, until) in
    microseconds UTC; ``before``: a number, for the next page."""

    who: str | None = None
    route: str | None = None
    patient_id: str | None = None
    lists: bool = False
    since: int | None = None
    until: int | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """``number``: of the first entry concerned."""

    number: int
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``count``: entries looked at; ``head``: hash of the last one, in hex; ``found_at``: the number of the expected hash."""

    count: int
    last: int
    head: str
    faults: tuple[Fault, ...]
    found_at: int | None = None


def kept(entry: Entry) -> bool:
    """The self-test's patient is nobody, and asked for every minute: left out, unless it was refused.

    >>> from dataclasses import replace
    >>> about = Entry(0, Step.ANSWERED, "", "up", "", "", "POST", "", patient_id="self-test.up", status=200)
    >>> kept(about), kept(replace(about, status=403)), kept(replace(about, patient_id="p-1"))
    (False, True, True)
    """
    return not is_test(entry.patient_id) or entry.status >= 400


def values_of(entry: Entry) -> Values:
    """As they stand in the columns ``FIELDS``: numbers and text."""
    return (
        entry.at,
        entry.step.value,
        entry.request,
        entry.who,
        entry.role,
        entry.address,
        entry.method,
        entry.route,
        written(entry.objects),
        entry.patient_id,
        entry.reason,
        entry.status,
        entry.times,
    )


def written(objects: Mapping[str, str]) -> str:
    return json.dumps(dict(objects), sort_keys=True, separators=(",", ":"))


def chained(before: bytes, number: int, values: Values) -> bytes:
    """The hash of an entry. What a database gives back instead of a number or text, after somebody has changed it, counts too."""
    text = json.dumps([number, *values], separators=(",", ":"), default=repr)
    return hashlib.sha256(before + text.encode("ascii")).digest()


def verify(
    rows: Iterable[tuple[int, Values, bytes]],
    *,
    start: tuple[int, bytes] = (0, ROOT),
    given: int | None = None,
    expect: str | None = None,
) -> Verdict:
    """Follows the chain over (number, values, hash) in order of number. ``start``: number and hash of the entry before them;
    ``given``: the greatest number that the database ever gave; ``expect``: a hash in hex that must be in it."""
    faults: list[Fault] = []
    (last, before), count, found_at = start, 0, None
    for number, values, stored in rows:
        if number != last + 1:
            faults.append(_missing(last + 1, number - 1))
        elif chained(before, number, values) != stored:
            faults.append(Fault(number, f"entry {number} is not what was written: changed, put in, or moved"))
        last, before, count = number, stored, count + 1
        if expect is not None and stored.hex() == expect.lower():
            found_at = number
    if given is not None and given > last:
        faults.append(_missing(last + 1, given))
    if expect is not None and found_at is None:
        faults.append(
            Fault(last, f"no entry up to {last} has the expected hash: the end was cut off, or all made anew")
        )
    return Verdict(count, last, before.hex(), tuple(faults), found_at)


def _missing(first: int, last: int) -> Fault:
    what = f"entry {first} is" if first == last else f"entries {first} to {last} are"
    return Fault(first, f"{what} missing")
