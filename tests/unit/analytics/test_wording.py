"""Every phrase that a rule says is in the catalogue with its values, and every one of the catalogue is said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from analytics.detectors import detectors
from analytics.directory import SCHEDULE
from analytics.lapses import DETECTOR_FAILED, DEVICE_UNBOUND, LIMIT_CHANGED, PATIENT_DISCHARGED
from analytics.limit_alerts import CONFIRMED_ELSEWHERE, CONTRADICTED, LIMIT, UNVERIFIED
from analytics.missing import PAUSED
from analytics.risk.stream.rule import NOT_ACTIVE
from tests.unit.analytics.ward import Ward
from vigil.domain.alerts import Alert
from vigil.domain.phrases import chinese, english
from vigil.domain.phrases.catalogue import CATALOGUE
from vigil.domain.phrases.names import CHINESE_WORDS
from vigil.domain.phrases.render import pieces
from vigil.domain.risk_words import foretold

ROOT = Path(__file__).parents[3]
SOURCES = [
    path
    for stage in ("analytics", "ingest", "api", "cli", "vigil/domain", "vigil/store")
    for path in sorted((ROOT / stage).rglob("*.py"))
]


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in SOURCES:
        for node in nodes(path):
            if isinstance(node, ast.Call) and _name(node.func) in {"phrase", "say", "_say"}:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def patterns(node: ast.expr) -> list[str]:
    """What a key that is written here can be."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            pieces_ = [re.escape(str(one.value)) if isinstance(one, ast.Constant) else "[a-z]+" for one in part.values]
            found.append("".join(pieces_))
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.append(re.escape(part.value))
    return found


def test_each_call_names_a_phrase_with_all_its_values() -> None:
    seen = 0
    for where, call in calls():
        key = call.args[0]
        if isinstance(key, ast.Constant) and all(keyword.arg for keyword in call.keywords):
            wanted = {name for _, name, _ in pieces(CATALOGUE[key.value][0]) if name}  # type: ignore[index]
            needed = {keyword.arg for keyword in call.keywords if keyword.arg != "vital"}
            assert wanted - {"vital"} == needed, where
            seen += 1
    assert seen > 40


def test_no_phrase_is_left_over() -> None:
    """A key is written whole where it is said, in a table beside it, or with a hole for a side or a kind."""
    written = {literal for path in SOURCES if not path.name.endswith("catalogue.py") for literal in _literals(path)}
    said = [re.compile(pattern) for _, call in calls() for pattern in patterns(call.args[0])]
    left = {key for key in CATALOGUE if key not in written and not any(one.fullmatch(key) for one in said)}
    assert left == set()


def _literals(path: Path) -> set[str]:
    return {node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_what_rules_say_in_fixed_words_has_its_chinese() -> None:
    reasons = {
        SCHEDULE, LIMIT_CHANGED, DEVICE_UNBOUND, PATIENT_DISCHARGED, DETECTOR_FAILED, PAUSED, NOT_ACTIVE,
        CONFIRMED_ELSEWHERE, CONTRADICTED,
    }  # fmt: skip
    called = {f"{one.title[0].lower()}{one.title[1:]}" for one in detectors() if one.name not in (LIMIT, UNVERIFIED)}
    models = [foretold(name) for name in ("sepsis-home", "sepsis-hospital", "hypotension")]
    words = {word for one in models for word in (one.event, one.went_on)}
    assert reasons | called | words <= CHINESE_WORDS.keys()


def test_the_kept_phrases_are_the_english_that_was_told(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.run(0, [97] * 5 + [84] * 16 + [70] * 5)
    for second in range(30, 900, 30):
        ward.tick(second)
    told = [line.after for line in ward.records.log]
    assert {alert.rule.partition(".")[0] for alert in told} >= {"limit", "signal_lost", "no_data"}
    for alert in told:
        said = _said(alert)
        assert english(said["title"]) == alert.title
        assert english(*said["text"]) == alert.evidence.text
        in_chinese = chinese(alert)
        assert in_chinese is not None
        assert re.search(r"[\u4e00-\u9fff]", in_chinese.title)


def _said(alert: Alert) -> dict[str, Any]:
    assert alert.evidence.said is not None
    return alert.evidence.said
