"""``docs/operations.md`` says of every check, alert of the platform and error line what to do, and invents no figure."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from analytics.calling import unanswered
from ingest.overload import FLOOD_RULE, OVERLOAD_RULE
from vigil.domain import wearing, whose
from vigil.domain.self_test import MISSING_RULE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
PACKAGES = ("vigil", "gateway", "ingest", "analytics", "api", "cli")
#: Figures that are printed or made by tools for developers are no business of the operator's.
LEFT_OUT = ("cli/bench/",)


def rows(heading: str) -> list[str]:
    """First cells of the table whose head begins so."""
    _, _, after = PAGE.partition(f"| {heading} |")
    lines = after.partition("\n\n")[0].splitlines()[2:]
    return [line.split(" | ")[0].removeprefix("| ") for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def calls() -> list[ast.Call]:
    """Every call of a method in the product."""
    return [
        node
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(LEFT_OUT)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]


def error_lines() -> set[str]:
    """What loggers can say at level error, with … for each blank; also where the level is chosen at run time."""
    found = set()
    for call in calls():
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr in LEVELS and ast.unparse(call.func.value) in ("logger", "_LOG"):
            text = call.args[LEVELS[call.func.attr]]
            assert isinstance(text, ast.Constant), ast.unparse(call)
            found.add(re.sub(r"%(?:\.\d)?[sdf]", "…", str(text.value)))
    return found


#: Method to the place of its text.
LEVELS = {"error": 0, "exception": 0, "critical": 0, "log": 1}


def metric_names() -> set[str]:
    return {
        str(call.args[0].value)
        for call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("counter", "gauge", "histogram")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def check_names() -> set[str]:
    """Keys of the table of checks in ``cli/core.py``, and those that ``api`` adds."""
    tree = ast.parse((ROOT / "cli" / "core.py").read_text("utf-8"))
    (table,) = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_checks")
    keys = [key for node in ast.walk(table) if isinstance(node, ast.Dict) for key in node.keys if key is not None]
    return {str(key.value) for key in keys if isinstance(key, ast.Constant)} | {"live", "sound"}


def test_every_check_is_explained() -> None:
    assert len(check_names()) >= 9
    explained = [named(cell)[0] for cell in rows("check")]
    assert len(explained) == len(set(explained))
    assert set(explained) == check_names()


def test_every_alert_of_the_platform_is_explained() -> None:
    rules = {MISSING_RULE, OVERLOAD_RULE, FLOOD_RULE, unanswered.RULE, whose.RULE, wearing.RULE}
    assert {named(cell)[0] for cell in rows("alert of the platform")} == rules


def test_every_error_line_is_explained() -> None:
    explained = [line for cell in rows("line") for line in named(cell)]
    assert len(explained) == len(set(explained))
    assert set(explained) == error_lines()


def test_every_figure_is_there() -> None:
    told = set(re.findall(r"`((?:ingest|analytics|api|store|gateway)_[a-z_]+)`", PAGE)) - {OVERLOAD_RULE, FLOOD_RULE}
    assert len(told) >= 8
    assert told <= metric_names()


def test_every_figure_of_its_size_stands_in_its_decision() -> None:
    for name in re.findall(r"\| (\d{4}) \|$", PAGE, re.MULTILINE):
        assert list((ROOT / "docs" / "decisions").glob(f"{name}-*.md")), name


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([\w./-]+)\)", PAGE + (ROOT / "docs" / "tls.md").read_text("utf-8")):
        assert (ROOT / "docs" / target).exists(), target
