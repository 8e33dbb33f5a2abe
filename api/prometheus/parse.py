"""A query in text becomes a tree of ``promql_parser``, whose types it has checked; what is too large is refused before.

The parser takes time that grows with the square of a query, ends the process on one of 5,000 operators (its stack overflows), and
panics on a length of time like 1e99, so all that is looked at first. Regular expressions run in RE2, in time that grows with
the text only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import promql_parser as ast
import re2

from api.prometheus.refusal import impossible, misunderstood, unsupported

#: A variable of Grafana that names a whole ward is a long regular expression (ours).
LONGEST = 16_384
#: Names, numbers, strings and signs; the parser reads so many in less than 0.1 s (ours).
MOST_TOKENS = 300
#: Operators inside operators (ours): far below what Python's stack bears.
DEEPEST = 50
#: Bytes that one compiled regular expression may take (ours); RE2 refuses what needs more.
_REGEX_MEMORY = 1 << 20

_compile: Callable[[str, Any], Any] = re2.compile
#: The length of a range or an offset: as far back as there are times.
LONGEST_SPAN = timedelta(days=366 * 50)
_NUMBER = re.compile(r"[0-9.]|nan|inf", re.IGNORECASE)
_ONE_LENGTH = r"(?:\d{1,12}(?:\.\d{1,9})?|(?:\d{1,9}m?s|\d{1,6}[mhdw]|\d{1,4}y)+)"
_LENGTH = re.compile(rf"{_ONE_LENGTH}(?::(?:{_ONE_LENGTH})?)?", re.ASCII)
_TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`|[\w:.]+|\S""", re.ASCII)


def parse(text: str) -> Any:
    """The root of the tree. Raises ``PromError``."""
    if len(text) > LONGEST:
        raise impossible(f"the query has {len(text)} characters: at most {LONGEST}")
    tokens = [one for one in _TOKEN.findall(text) if not one.startswith("#")]
    if len(tokens) > MOST_TOKENS:
        raise impossible(f"the query has more than {MOST_TOKENS} words and signs")
    _check_lengths(tokens)
    try:
        tree = ast.parse(text)
    except (ValueError, OverflowError) as error:
        raise misunderstood(f'invalid parameter "query": {error}') from error
    _check_depth(tree, DEEPEST)
    return tree


def parse_selector(text: str) -> Selector:
    """Of ``match[]``."""
    tree = parse(text)
    if not isinstance(tree, ast.VectorSelector):
        raise misunderstood('invalid parameter "match[]": not a selector of series')
    return selector(tree)


def span(length: timedelta | None) -> int:
    """Microseconds of a range or an offset; None = 0."""
    if length is None:
        return 0
    if abs(length) > LONGEST_SPAN:
        raise impossible(f"a range or an offset is longer than {LONGEST_SPAN.days} days")
    return length // timedelta(microseconds=1)


def _check_lengths(tokens: Sequence[str]) -> None:
    before, last = "", ""
    for token in tokens:
        due = last in ("[", ":") or last.lower() == "offset" or (last in ("+", "-") and before.lower() == "offset")
        if due and _NUMBER.match(token) and not _LENGTH.fullmatch(token):
            raise misunderstood('invalid parameter "query": not a length of time like 5m or 90')
        before, last = last, token


def bare(node: Any) -> Any:
    """Without the parentheses around it."""
    while isinstance(node, ast.ParenExpr):
        node = node.expr
    return node


def children(node: Any) -> Iterator[Any]:
    if isinstance(node, ast.BinaryExpr):
        yield from (node.lhs, node.rhs)
    elif isinstance(node, ast.Call):
        yield from node.args
    elif isinstance(node, (ast.ParenExpr, ast.UnaryExpr, ast.SubqueryExpr)):
        yield node.expr
    elif isinstance(node, ast.AggregateExpr):
        yield node.expr
        if node.param is not None:
            yield node.param


def _check_depth(node: Any, left: int) -> None:
    if not left:
        raise impossible(f"the query nests more than {DEEPEST} deep")
    for child in children(node):
        _check_depth(child, left - 1)


@dataclass(frozen=True)
class Matcher:
    """One condition on a label; a label that a series lacks counts as empty. Regular expressions match the whole value."""

    name: str
    value: str
    regex: bool
    wanted: bool

    def __call__(self, value: str) -> bool:
        found = self._pattern.fullmatch(value) is not None if self.regex else value == self.value
        return found is self.wanted

    @cached_property
    def _pattern(self) -> Any:
        return compiled(self.value)


@dataclass(frozen=True, slots=True)
class Selector:
    """Which series. ``offset``: so many microseconds earlier."""

    matchers: tuple[Matcher, ...]
    offset: int = 0

    def of(self, name: str) -> tuple[Matcher, ...]:
        return tuple(one for one in self.matchers if one.name == name)

    def equals(self, name: str) -> str | None:
        """The one value of the label that is possible, if the selector says so."""
        return next((one.value for one in self.of(name) if one.wanted and not one.regex), None)

    def takes(self, labels: dict[str, str]) -> bool:
        return all(one(labels.get(one.name, "")) for one in self.matchers)


def selector(node: ast.VectorSelector) -> Selector:
    if node.at is not None:
        raise unsupported("the modifier @")
    if node.matchers.or_matchers:
        raise unsupported("or between matchers")
    found = [_matcher(one) for one in node.matchers.matchers]
    if node.name:
        found.insert(0, Matcher("__name__", node.name, regex=False, wanted=True))
    return Selector(tuple(found), span(node.offset))


def compiled(pattern: str) -> Any:
    """Raises ``PromError`` for one that RE2 does not take, or that would need too much memory."""
    options = re2.Options()
    options.max_mem = _REGEX_MEMORY
    options.log_errors = False
    try:
        return _compile(pattern, options)
    except re2.error as error:
        raise misunderstood("a regular expression is not one of RE2, or too large") from error


def _matcher(one: ast.Matcher) -> Matcher:
    regex = one.op in (ast.MatchOp.Re, ast.MatchOp.NotRe)
    if regex:
        compiled(one.value)  # refused even where no series has the label
    return Matcher(one.name, one.value, regex, one.op in (ast.MatchOp.Equal, ast.MatchOp.Re))
