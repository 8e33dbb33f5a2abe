"""All five steps in order; each reads from disk what the one before it left there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from analytics.risk.folder import versions
from analytics.risk.train.collect import collect, data_of
from analytics.risk.train.deploy import deploy
from analytics.risk.train.disk import Bench, Done, Found, RunFolder, digest_of, digest_of_sources
from analytics.risk.train.evaluate import evaluate, report_of
from analytics.risk.train.features import features, table_of
from analytics.risk.train.learn import one_thread
from analytics.risk.train.select import select
from analytics.risk.train.task import Task

COLLECT, FEATURES, SELECT, EVALUATE, DEPLOY = STEPS = ("1-collect", "2-features", "3-select", "4-evaluate", "5-deploy")

#: Our code that decides what each step gives, beside ``Task.sources`` and that of the steps before.
_CODE = {
    COLLECT: ("hours", "train.task", "train.collect", "train.disk"),
    FEATURES: ("train.features",),
    SELECT: (
        *("predictor", "steady", "quick", "trees", "line", "skops_file", "packing", "evaluate"),
        *("train.calibrate", "train.choose", "train.compare", "train.folds", "train.learn", "train.select"),
    ),
    EVALUATE: ("train.evaluate",),
    DEPLOY: (
        "card",
        "drift_tests",
        "folder",
        "reference",
        "self_check",
        "train.bands",
        "train.deploy",
        "train.sepsis_card",
    ),
}


class Progress(Protocol):
    """Told of each step as it begins, of how much of it is done, and of what was skipped."""

    def begins(self, step: str) -> None: ...

    def advances(self, step: str, done: int, total: int) -> None: ...

    def tells(self, step: str, what: str) -> None: ...

    def says(self, line: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Trained:
    """The five finished steps. ``model``: the model folder."""

    collected: Done
    featured: Done
    selected: Done
    evaluated: Done
    deployed: Done

    @property
    def model(self) -> Path:
        return self.deployed.path / str(self.deployed.found["model"])


def train(task: Task, source: Path, out: Path, seed: int, dated: str, progress: Progress) -> Trained:
    """Train ``task`` on ``source`` into the run folder ``out``; goes on where an earlier run was cut short. ``dated``: ISO date
    for the card. Same data, seed and date: same bytes. Raises ``TableError`` for data that cannot be read, ``ModelError``."""
    with one_thread():
        return _trained(task, source, RunFolder(out, progress.says), seed, dated, progress)


def _trained(task: Task, source: Path, folder: RunFolder, seed: int, dated: str, progress: Progress) -> Trained:
    inputs = {"task": task.name, **versions()}

    def step(name: str, work: Callable[[Bench], Found]) -> Done:
        progress.begins(name)
        modules = tuple(f"analytics.risk.{module}" for module in _CODE[name])
        inputs[f"{name} code"] = digest_of_sources((*modules, *task.sources) if name == COLLECT else modules)
        done = folder.step(name, inputs, work)
        inputs[name] = done.digest
        return done

    inputs["source"] = digest_of(source)
    collected = step(COLLECT, lambda bench: collect(bench, task, source))
    data = data_of(collected)
    featured = step(FEATURES, lambda bench: features(bench, task, data))
    table = table_of(featured)
    inputs["seed"] = str(seed)
    selected = step(
        SELECT,
        lambda bench: select(bench, task, data, table, seed, lambda done, of: progress.advances(SELECT, done, of)),
    )
    evaluated = step(
        EVALUATE,
        lambda bench: evaluate(bench, task, data, table, selected, seed, lambda what: progress.tells(EVALUATE, what)),
    )
    inputs["dated"] = dated
    deployed = step(
        DEPLOY,
        lambda bench: deploy(bench, task, data, table, collected, selected, report_of(evaluated), seed, dated),
    )
    return Trained(collected, featured, selected, evaluated, deployed)
