"""A search as it was asked: which parameters are known, what was used, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from api.errors import Problem
from api.fhir.dates import FIRST, LAST, DateTest, date_test
from api.fhir.ids import is_id
from api.fhir.parameters import RESULT, Parameter

#: Resources a page: unless asked, and at most (ours).
COUNT, MOST = 100, 1000
#: What is sent back with a page, and never filters.
CURSOR = "_cursor"
#: Values in one parameter, parameters in one search, and values in all of them: each may be a look into the store (ours).
MOST_VALUES, MOST_PARAMETERS, MOST_ALTOGETHER = 50, 50, 200

_SPLIT = re.compile(r"(?<!\\),")
_FORMATS = ("json", "application/json", "application/fhir+json", "application/fhir json")

Pairs = Sequence[tuple[str, str]]


def refused(name: str, why: str) -> Problem:
    """A parameter that cannot be answered. The value is not repeated: it may hold a name."""
    return Problem(HTTPStatus.BAD_REQUEST, f"{name}: {why}", {"code": "value", "expression": f"http.{name}"})


@dataclass(frozen=True, slots=True)
class Query:
    """``used``: the parameters that count, as sent, for the ``self`` link. ``count`` 0 = only the total is wanted."""

    used: tuple[tuple[str, str], ...]
    count: int
    total: bool
    cursor: str | None
    ignored: tuple[str, ...]
    now: int

    def sized(self, count: int) -> Query:
        return replace(self, count=count)

    def given(self, *names: str) -> list[list[str]]:
        """Each occurrence of the parameters; inside one, any of its values will do."""
        return [_values(value) for name, value in self.used if name.partition(":")[0] in names]

    def dates(self, name: str) -> list[list[DateTest]]:
        """Raises ``Problem``."""
        try:
            return [[date_test(value, self.now) for value in values] for values in self.given(name)]
        except ValueError as error:
            raise refused(name, str(error)) from error

    def references(self, kind: str, *names: str) -> set[str] | None:
        """Ids that all occurrences allow; None when there is none. Two different subjects allow nobody."""
        given = self.given(*names)
        if not given:
            return None
        allowed = [{_reference(kind, names[0], value) for value in values} for values in given]
        return set.intersection(*allowed)


def parse(pairs: Pairs, known: Iterable[Parameter], now: int, *, strict: bool, sort: str = "") -> Query:
    """``sort``: the one order that there is. ``strict``: an unknown parameter is refused (``Prefer: handling=strict``), else
    it is left out of ``self``.

    Raises ``Problem`` for what is wrong in either case: a modifier that is not understood, a value that means nothing.
    """
    if len(pairs) > MOST_PARAMETERS:
        raise refused("search", f"at most {MOST_PARAMETERS} parameters")
    if sum(len(_SPLIT.split(value)) for _, value in pairs) > MOST_ALTOGETHER:
        raise refused("search", f"at most {MOST_ALTOGETHER} values in all parameters together")
    table = {one.name: one for one in (*known, *RESULT)}
    used, ignored = [], []
    for name, value in pairs:
        bare, _, modifier = name.partition(":")
        if bare == CURSOR:
            continue
        if bare not in table or value == "" or (bare == "_sort" and value != sort):
            ignored.append(bare)
        elif modifier and modifier not in table[bare].modifiers:
            raise refused(bare, "this modifier is not understood")
        else:
            used.append((name, value))
    if strict and ignored:
        raise Problem(HTTPStatus.BAD_REQUEST, f"not understood: {_listed(ignored)}", {"code": "not-supported"})
    cursor = next((value for name, value in pairs if name == CURSOR), None)
    return _shaped(used, ignored, cursor, now, strict)


def _listed(names: Sequence[str]) -> str:
    """Names of parameters only, and only such as could be one: anything else may be somebody's."""
    return ", ".join(name if re.fullmatch(r"[A-Za-z_$-]{1,40}", name) else "?" for name in names[:10])


def _shaped(used: list[tuple[str, str]], ignored: list[str], cursor: str | None, now: int, strict: bool) -> Query:
    single = dict(used)
    if single.get("_format", "json") not in _FORMATS:
        raise Problem(HTTPStatus.NOT_ACCEPTABLE, "_format: only json is served")
    summary, total = single.get("_summary", "false"), single.get("_total", "none")
    if summary not in ("count", "false") or total not in ("none", "accurate", "estimate"):
        if strict:
            raise refused("_summary", "only count and false; of _total only none and accurate")
        used = [one for one in used if one[0] not in ("_summary", "_total")]
        summary, total = "false", "none"
    count = _count(single.get("_count"))
    only_total = summary == "count" or count == 0
    return Query(tuple(used), 0 if only_total else count, only_total or total != "none", cursor, tuple(ignored), now)


def _count(text: str | None) -> int:
    if text is None:
        return COUNT
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise refused("_count", "must be a whole number from 0")
    return min(int(text), MOST)


def _values(text: str) -> list[str]:
    found = [re.sub(r"\\(.)", r"\1", value) for value in _SPLIT.split(text)]
    if len(found) > MOST_VALUES:
        raise refused("search", f"at most {MOST_VALUES} values in one parameter")
    return found


def _reference(kind: str, name: str, value: str) -> str:
    """The id in ``1``, ``Patient/1`` or ``http://…/Patient/1``."""
    before, _, found = value.rpartition("/")
    if before and before.rpartition("/")[2] != kind:
        raise refused(name, f"must be a reference to {kind}")
    if not is_id(found):
        raise refused(name, "not an id")
    return found


def token_test(given: list[list[str]]) -> Callable[[Iterable[tuple[str, str]]], bool]:
    """Does a resource with these (system, code) fit: ``code``, ``system|code``, ``|code`` (no system), ``system|``."""
    tests = [[_token(value) for value in values] for values in given]

    def holds(codes: Iterable[tuple[str, str]]) -> bool:
        own = list(codes)
        return all(any(_fits(asked, one) for asked in either for one in own) for either in tests)

    return holds


def _token(value: str) -> tuple[str | None, str | None]:
    system, bar, code = value.rpartition("|")
    return (system if bar else None), code or None


def _fits(asked: tuple[str | None, str | None], one: tuple[str, str]) -> bool:
    system, code = asked
    return (system is None or system == one[0]) and (code is None or code == one[1])


def dates_hold(tests: list[list[DateTest]], at: int | None) -> bool:
    return all(at is not None and any(test.holds(at) for test in either) for either in tests)


def outer_bounds(tests: list[list[DateTest]]) -> tuple[int, int]:
    """[start, end) outside of which no time can hold."""
    start, end = FIRST, LAST
    for either in tests:
        bounds = [test.bounds for test in either]
        start = max(start, min(low for low, _ in bounds))
        end = min(end, max(high for _, high in bounds))
    return start, end
