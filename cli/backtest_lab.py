"""The replay lab on the command line: several policies on a ward with labels, a table or the store, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from analytics.backtest.run import Source
from analytics.backtest.write import SUMMARY
from analytics.lab.faults import fault_rows
from analytics.lab.lab import LabPlan, Tables, Tried, try_policies
from analytics.lab.labels import Labels, write_labels
from analytics.lab.report import REPORT, write_report
from cli.backtest_ward import FIRST_TEST_SEED, made_ward
from simulators.lab_ward import WardPlan
from vigil.domain.policy import Policy

LABELS, LOOKS = "labels.json", "looks.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every comparison has: where to, which policies, how the ward answers."""

    out: Path
    tried: Sequence[Tried]
    own: dict[str, Policy]
    response_s: float
    workers: int
    nurses_per_10: float

    def plan(self, source: Source, labels: Labels, out: Path) -> LabPlan:
        return LabPlan(source, labels, out, self.tried, self.own, self.response_s, self.workers, self.nurses_per_10)


def on_ward(asked: Asked, ward: WardPlan, *, faults: bool) -> None:
    """Without faults, and with ``faults`` the same people with faults as well."""
    with _progress() as progress:
        bars = _Bars(progress)
        sound = _one(asked, ward, bars, faulty=False)
        faulty = _one(asked, ward, bars, faulty=True) if faults else None
    summary = sound.summary
    if faulty is not None:
        summary = {**summary, "with_faults": faulty.summary, "faults": fault_rows(sound, faulty)}
    if ward.seed >= FIRST_TEST_SEED:
        summary["looks_at_this_test_seed"] = _looked(asked, ward)
    _finish(asked, summary)


def _one(asked: Asked, ward: WardPlan, bars: _Bars, *, faulty: bool) -> Tables:
    word = "faulty" if faulty else "sound"
    made = made_ward(
        ward,
        asked.out,
        faulty=faulty,
        workers=asked.workers,
        progress=lambda done, all_: bars(f"making: {word}", done, all_),
    )
    out = asked.out / word
    found = try_policies(
        asked.plan(made.source, made.labels, out), lambda what, done, all_: bars(f"{word}: {what}", done, all_)
    )
    write_labels(made.labels, out / LABELS)
    return found


def on_source(asked: Asked, source: Source, labels: Labels) -> None:
    """A table or the store, with labels or without."""
    with _progress() as progress:
        found = try_policies(asked.plan(source, labels, asked.out), _Bars(progress))
    _finish(asked, found.summary)


class _Bars:
    """A bar for each thing that takes long."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}

    def __call__(self, what: str, done: int, everybody: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=everybody)
        self._progress.update(self._tasks[what], completed=done, total=everybody)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _looked(asked: Asked, ward: WardPlan) -> dict[str, int]:
    """How often each version of a policy has been judged on this test seed in this folder, this time included."""
    path = asked.out / LOOKS
    looks: dict[str, dict[str, int]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    of_seed = looks.setdefault(str(ward.seed), {})
    for each in asked.tried:
        of_seed[each.policy.version] = of_seed.get(each.policy.version, 0) + 1
    path.write_text(json.dumps(looks, indent=1) + "\n", "utf-8")
    return of_seed


def _finish(asked: Asked, summary: dict[str, Any]) -> None:
    (asked.out / SUMMARY).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", "utf-8")
    write_report(summary, asked.out / REPORT)
    console = Console()
    console.print(_table("Policies", summary))
    if "with_faults" in summary:
        console.print(_table("Policies, with device faults", summary["with_faults"]))
    console.print(f"{REPORT} and {SUMMARY} are in {asked.out}", soft_wrap=True)


_SHOWN = (
    ("physiological alerts a patient-day", "physiological_alerts_per_patient_day"),
    ("interruptions a patient-day", "interruptions_per_patient_day"),
    ("unverified critical values a patient-day", "unverified_alerts_per_patient_day"),
    ("technical alerts a patient-day", "technical_alerts_per_patient_day"),
    ("events", "events"),
    ("missed", "missed"),
    ("sensitivity", "sensitivity"),
    ("median lead time, s", "lead_time_median_s"),
)


def _table(title: str, summary: dict[str, Any]) -> Table:
    rows = summary["policies"]
    table = Table("figure", *(row["policy"] for row in rows), title=title)
    for label, name in _SHOWN:
        table.add_row(label, *("–" if row[name] is None else f"{row[name]:g}" for row in rows))
    return table
