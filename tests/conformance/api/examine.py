"""Every operation of an OpenAPI document, asked by schemathesis inside this process, with all its checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from fastapi import FastAPI
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python.asgi import shutdown_lifespans


@dataclass
class Examined:
    """``cases`` by phase, ``checks`` by name, ``statuses`` by operation, ``failures`` by check and operation: the words of the
    first, and the request."""

    cases: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def never_done(self) -> list[str]:
        """Operations of which no request succeeded: what they answer then was not compared with the document."""
        return sorted(one for one, found in self.statuses.items() if not any(200 <= status < 300 for status in found))

    def summary(self) -> str:
        """For people: what was asked, and every failure with its request."""
        lines = [
            f"{len(self.statuses)} operations, {sum(self.cases.values())} requests ({_counted(self.cases)})",
            f"checks: {_counted(self.checks)}",
            f"answers: {_counted(sum(self.statuses.values(), Counter()))}",
            f"never done: {', '.join(self.never_done) or 'none'}",
            f"{len(self.failures)} failures, {len(self.errors)} errors",
        ]
        return "\n".join([*lines, *(f"{check}: {where}: {what}" for (check, where), what in self.failures.items())])


def _counted(found: Counter[Any]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(found.items()))


def examine(app: FastAPI, settings: dict[str, Any], between: Callable[[], None] = lambda: None) -> Examined:
    """``settings`` as in ``schemathesis.toml``; ``between`` is called after each operation of each phase. One thread, so that the
    same seed asks the same."""
    config = schemathesis.Config.from_dict({"workers": 1, "continue-on-failure": True, **settings})
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    found = Examined()
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                _note(found, event.phase.value, event.recorder)
                between()
            elif isinstance(event, events.NonFatalError):
                found.errors.append(f"{event.label}: {event.value!r}")
            elif isinstance(event, events.FatalError):
                raise event.exception
    finally:
        shutdown_lifespans()
    return found


def _note(found: Examined, phase: str, recorder: ScenarioRecorder) -> None:
    for case_id, node in recorder.cases.items():
        label = node.value.operation.label
        found.cases[phase] += 1
        asked = recorder.interactions.get(case_id)
        if asked is not None and asked.response is not None:
            found.statuses.setdefault(label, Counter())[int(asked.response.status_code)] += 1
        for check in recorder.checks.get(case_id, ()):
            found.checks[check.name] += 1
            if check.status is not Status.SUCCESS:
                told = check.failure_info
                what = "the check broke" if told is None else f"{told.failure}\n{told.code_sample}"
                found.failures.setdefault((check.name, label), what)
