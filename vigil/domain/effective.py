"""The policy that holds for somebody: the starting policy, then the documents of the programme, the ward and the patient.

Each document says only what differs. Value by value the narrower one wins, also over what a wider one says for some hours of the
day: a patient's own limit holds at night although the programme has another one for nights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from vigil.domain.errors import PolicyError
from vigil.domain.policy import (
    NO_LIMIT,
    Policy,
    in_force,
    longest_name,
    policy_problems,
    scheduled,
    values_of,
    with_values,
    without_number,
)
from vigil.domain.schedules import DAYS, Schedule, clock, held_at, next_turn, turning_points

_STARTING = "starting value"


class Scope(StrEnum):
    """For whom a document holds, from wide to narrow."""

    PROGRAMME = "programme"
    WARD = "ward"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One version of a document. ``name``: of the programme (empty = everybody), the ward, or the patient's id. ``content``: as
    ``policy_file.read`` gives it. ``signed_off_by``: empty = not signed off. ``at``: microseconds UTC. ``number``: 1, 2, … of
    this scope and name, given by the store."""

    scope: Scope
    name: str
    content: dict[str, Any]
    author: str
    reason: str = ""
    signed_off_by: str = ""
    at: int = 0
    number: int = 0

    @property
    def key(self) -> tuple[Scope, str]:
        return self.scope, self.name

    @property
    def words(self) -> str:
        """Whose it is, without naming a patient."""
        return "the patient's own" if self.scope is Scope.PATIENT else f"{self.scope.value} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from; ``document`` None = a starting value. ``schedule``: at which times, empty = always."""

    document: PolicyDocument | None
    schedule: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """``policy`` with its schedules; ``origin``: of values by path, absent = a starting value; ``scheduled_by``: the document
    of each schedule."""

    policy: Policy
    origin: dict[str, PolicyDocument]
    scheduled_by: tuple[PolicyDocument, ...]

    def sources(self, at: int) -> dict[str, Source]:
        """Of every value in force at a moment, microseconds UTC."""
        found = {path: Source(self.origin.get(path)) for path in values_of(in_force(self.policy, at))}
        for schedule in held_at(self.policy.schedules, self.policy.timezone, at):
            found |= {path: Source(by, schedule.words) for path, by in self.setters((schedule,)).items()}
        return found

    def setters(self, held: Sequence[Schedule]) -> dict[str, PolicyDocument]:
        """Whose document sets each path that these schedules set."""
        pairs = zip(self.policy.schedules, self.scheduled_by, strict=True)
        return {path: by for schedule, by in pairs if schedule in held for path in schedule.values}


def chain(newest: Mapping[tuple[Scope, str], PolicyDocument], ward: str, patient_id: str = "") -> list[PolicyDocument]:
    """The documents that hold for a patient, wide to narrow; for a ward as a whole without ``patient_id``."""
    local = [newest.get((Scope.WARD, ward)), newest.get((Scope.PATIENT, patient_id))]
    narrow = [each for each in local if each is not None]
    named = _programme_named(narrow)
    wide = [newest.get((Scope.PROGRAMME, name)) for name in ("", named)[: 1 + bool(named)]]
    return [*(each for each in wide if each is not None), *narrow]


def held_since(
    default: Policy, versions: Sequence[PolicyDocument], ward: str, patient_id: str, start: int, end: int
) -> Iterator[tuple[int, Merged]]:
    """What held for a patient from ``start``, and from each later moment before ``end`` at which that may have changed.
    ``versions``: all of the documents that may count. Microseconds UTC."""
    changes = sorted({each.at for each in versions if start < each.at < end})
    for since, until in pairwise([start, *changes, end]):
        then = {each.key: each for each in sorted(versions, key=lambda one: one.number) if each.at <= since}
        whole = merged(default, chain(then, ward, patient_id))
        at: int | None = since
        while at is not None and at < until:
            yield at, whole
            at = next_turn(whole.policy.schedules, whole.policy.timezone, at)


def programmes(documents: Sequence[PolicyDocument]) -> list[str]:
    """The programmes that these documents name, in their order."""
    return [str(document.content["programme"]) for document in documents if "programme" in document.content]


def _programme_named(documents: Sequence[PolicyDocument]) -> str:
    """The programme that the narrowest of the documents names; empty = none."""
    named = programmes(documents)
    return named[-1] if named else ""


def merged(default: Policy, documents: Sequence[PolicyDocument], without: Collection[str] = ()) -> Merged:
    """``documents``: wide to narrow. ``without``: rules that are left as they were. Raises ``PolicyError`` for a limit that would
    have no number."""
    values: dict[str, Any] = {}
    origin: dict[str, PolicyDocument] = {}
    schedules: list[tuple[Schedule, PolicyDocument]] = []
    for document in documents:
        said = _values(document.content, document.author)
        own = {path: value for path, value in said if path.rpartition(".")[0] not in without}
        own |= _narrower(own, [*values, *(f"findings.{name}" for name in default.findings)])
        values |= own
        origin |= dict.fromkeys(own, document)
        schedules = [(left, by) for each, by in schedules if (left := _without(each, own)) is not None]
        schedules += [(each, document) for each in _schedules(document)]
    policy = with_values(default, values)
    policy = replace(policy, schedules=tuple(each for each, _ in schedules))
    return Merged(policy, origin, tuple(by for _, by in schedules))


def _narrower(own: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """What ``own`` says of a finding holds for its parts that are ``known`` from wider documents and that it leaves out:
    who switches ``rate.heart_rate`` off means rises as well, whatever the starting policy calls them."""
    said = {path: longest_name(path, own) for path in known if path.startswith("findings.")}
    return {path: own[name] for path, name in said.items() if name}


def effective(default: Policy, documents: Sequence[PolicyDocument], at: int) -> Policy:
    """What holds at a moment, microseconds UTC, under ``documents``, wide to narrow."""
    return in_force(merged(default, documents).policy, at)


def document_problems(default: Policy, documents: Sequence[PolicyDocument]) -> list[str]:
    """Every reason why these documents cannot hold together, at any time of the week; each value with whose it is."""
    lost = without_number(default, {path: None for each in documents for path, _ in _values(each.content, "")})
    whole = merged(default, documents, lost)

    def by(path: str) -> str:
        document = whole.origin.get(path)
        return f" ({_STARTING if document is None else document.words})"

    always = policy_problems(whole.policy, by)
    found = [*_misplaced(documents), *(f"{name}: {NO_LIMIT}" for name in lost), *always]
    for held, moment in _weekly(whole.policy.schedules):
        found += [f"{moment}: {each}" for each in _problems_then(whole, held, by) if each not in always]
    return found


def _misplaced(documents: Sequence[PolicyDocument]) -> list[str]:
    found = [
        f"{each.words}: timezone can be set for everybody only"
        for each in documents
        if "timezone" in each.content and each.key != (Scope.PROGRAMME, "")
    ]
    wrong = [each for each in documents if "programme" in each.content and each.scope is Scope.PROGRAMME]
    return found + [f"{each.words}: only a ward or a patient takes part in a programme" for each in wrong]


def _problems_then(whole: Merged, held: tuple[Schedule, ...], by: Callable[[str], str]) -> list[str]:
    try:
        then = scheduled(whole.policy, held)
    except PolicyError as error:
        return error.reasons
    names = whole.setters(held)
    return policy_problems(then, lambda path: f" ({names[path].words})" if path in names else by(path))


def _weekly(schedules: Sequence[Schedule]) -> Iterator[tuple[tuple[Schedule, ...], str]]:
    """Each set of schedules that hold together at some time of the week, with the first such time in words."""
    seen: list[tuple[Schedule, ...]] = [()]
    for day, minute in turning_points(schedules):
        held = tuple(each for each in schedules if each.holds(day, minute))
        if held not in seen:
            seen.append(held)
            yield held, f"{DAYS[day]} {clock(minute)}"


def _values(content: Mapping[str, Any], author: str) -> Iterator[tuple[str, Any]]:
    """The values of a document by path; those of its schedules left out."""
    for key, value in content.items():
        if key == "limit":
            yield from _limit_values(value, author)
        elif isinstance(value, Mapping):
            yield from ((f"{key}.{name}", each) for name, each in value.items())
        elif key not in ("schedule", "programme"):
            yield key, value


def _limit_values(limits: Sequence[Mapping[str, Any]], author: str) -> Iterator[tuple[str, Any]]:
    for limit in limits:
        rule = f"limit.{limit['vital']}.{limit['side']}"
        for name, value in {"set_by": author, **limit}.items():
            if name not in ("vital", "side"):
                yield f"{rule}.{name}", value


def _schedules(document: PolicyDocument) -> Iterator[Schedule]:
    for each in document.content.get("schedule", ()):
        days = tuple(sorted({DAYS.index(day) for day in each["days"]}))
        values = dict(_limit_values(each["limit"], document.author))
        yield Schedule(_minute(each["from"]), _minute(each["to"]), days, values)


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return 60 * int(hours) + int(minutes)


def _without(schedule: Schedule, own: Mapping[str, Any]) -> Schedule | None:
    """What a narrower document leaves of a wider one's schedule; None = nothing."""
    left = {path: value for path, value in schedule.values.items() if path not in own}
    said = any(not path.endswith(".set_by") for path in left)
    return replace(schedule, values=left) if said else None
