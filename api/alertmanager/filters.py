"""Matchers in ``filter``, as ``amtool`` and Grafana write them: ``priority="high"``, ``rule=~limit.*``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from api.errors import Problem
from api.prometheus.parse import Matcher, compiled
from api.prometheus.refusal import PromError

#: Matchers in one request, and characters in one (ours).
MOST, LONGEST = 50, 1000
_FORM = re.compile(r"\s*\{?\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*\}?\s*", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def parsed(texts: Sequence[str]) -> list[Matcher]:
    """Raises ``Problem`` (400)."""
    if len(texts) > MOST:
        raise _refused(f"at most {MOST} matchers")
    return [_parsed(text) for text in texts]


def _parsed(text: str) -> Matcher:
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise _refused('not like name="value"')
    name, sign, value = found.groups()
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        value = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    elif '"' in value:
        raise _refused("its quotes do not match")
    regex = sign in ("=~", "!~")
    if regex:
        try:
            compiled(value)
        except PromError as error:
            raise _refused(str(error)) from error
    return Matcher(name, value, regex, sign in ("=", "=~"))


def _refused(why: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"filter: {why}")
