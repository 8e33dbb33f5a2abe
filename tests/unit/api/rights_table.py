"""The table of routes by roles, from the running app: ``python -m tests.unit.api.rights_table`` prints it as Markdown.

A cell says what the door answers: ``401``, ``403``, ``404``; ``·`` lets in. The last two columns are people of one ward who ask
for another ward's things: ``own`` means that they get only what is of their own ward, or of themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
from fastapi.routing import APIRoute

from api.auth import Role
from api.care import CHECKS
from tests.unit.api.all_routes import ROUTES, parameters
from tests.unit.api.test_care import lists, told
from tests.unit.api.two_wards import MARK, Ask, Headers, TwoWards, open_two_wards

IN, OWN_ONLY = "·", "own"
#: What no patient, device or account is called here, so that nothing is changed by asking.
NOBODY = "nobody"
#: Changes who asks: logs out, locks.
ONESELF = "/api/v1/auth"
COLUMNS = ("no token", *(role.value for role in Role), "nurse of another ward", "admin of another ward")


def rows(both: TwoWards) -> Iterator[tuple[str, ...]]:
    """Route and cells, in the order of ``COLUMNS``."""
    asked = [one for one in ROUTES if not one[2].path.endswith("/stream")]  # which would not end
    unknown = [Ask(method, _path(route.path, {})) for _, method, route in asked]
    named = [Ask(method, _path(route.path, both.other.named())) for _, method, route in asked]
    everybodys = [both.all(unknown, {}), *(both.all(unknown, both.bearer(role)) for role in Role)]
    limited = [_limited(both, [*zip(asked, named, strict=True)], who) for who in (both.nurse, both.admin)]
    for place, (name, _, _) in enumerate(asked):
        yield name, *(_door(answers[place]) for answers in everybodys), *(cells[place] for cells in limited)


def _limited(both: TwoWards, asked: Sequence[tuple[tuple[str, str, APIRoute], Ask]], who: Headers) -> list[str]:
    """What somebody of one ward gets of another one's things."""
    full, cut = _showing(both, both.whole), _showing(both, who)
    others = [one for _, one in asked if not one.path.startswith(ONESELF)]
    answers = dict(zip(map(id, others), both.all(others, who), strict=True))
    cells = []
    for (name, _, route), one in asked:
        answer = answers.get(id(one))
        names = bool(parameters(route) & {*CHECKS, "resource_id"})
        if answer is None or (name in full and name not in cut and answer.status_code not in (401, 403)):
            cells.append(OWN_ONLY)
        else:
            cells.append("404" if names and answer.status_code == 404 else _door(answer))
    return cells


def _showing(both: TwoWards, who: Headers) -> set[str]:
    """Lists in which something of the other ward is."""
    asked = lists(both)
    answers = both.all([one for _, one in asked], who)
    return {name for (name, _), answer in zip(asked, answers, strict=True) if MARK in told(answer)}


def _path(template: str, named: dict[str, str]) -> str:
    names = {part.partition("}")[0] for part in template.split("{")[1:]}
    return template.format(**{name: named.get(name, NOBODY) for name in names})


def _door(answer: httpx.Response) -> str:
    return str(answer.status_code) if answer.status_code in (401, 403) else IN


def markdown(table: Sequence[tuple[str, ...]]) -> str:
    lines = [("route", *COLUMNS), ("---",) * (len(COLUMNS) + 1), *table]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        both = open_two_wards(Path(folder))
        print(markdown(sorted(rows(both), key=lambda row: row[0].split()[::-1])), end="")
        both.site.close()


if __name__ == "__main__":
    main()
