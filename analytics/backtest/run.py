"""A whole back-test: patients in groups, one process a group, finished groups kept so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.backtest.arrange import PSEUDO_PREFIX, taken
from analytics.backtest.counts import Counts, from_row, to_row
from analytics.backtest.fold import fold
from analytics.backtest.refused import EXAMPLES, RowReason
from analytics.backtest.replay import RESPONSE_S, replay
from analytics.backtest.risk import RiskCounts, decisions, judged, prediction_columns
from analytics.backtest.table import Table, from_store, read_patients, read_table
from analytics.backtest.world import History, World, unknown_adult
from analytics.backtest.write import (
    EPISODES,
    NOTICES,
    PREDICTIONS,
    SCORES,
    SUMMARY,
    Columns,
    episode_lines,
    join_rows,
    notice_lines,
    patient_days,
    score_columns,
    write_predictions,
    write_scores,
)
from analytics.detectors import version
from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from analytics.risk.stream.decide import usable
from vigil.domain.errors import ConfigError
from vigil.domain.people import Binding, Patient, is_test
from vigil.domain.policy import DEFAULT_POLICY, Policy

if TYPE_CHECKING:
    from analytics.risk.folder import Model

PARTS = "parts"
#: Patients a group: small enough that a column of a month at five values a minute stays under 32 MiB, above which every array is
#: new memory from the system (20 took three times as long to sort), large enough that reading the file again costs little.
GROUP = 10
#: Raise it with any change to what a part holds.
_FORMAT = 3
#: Reasons why nobody can tell whose row it is: every group meets these rows, the first one counts them.
_NOBODYS = (RowReason.UNREADABLE_LINE, RowReason.BAD_NAME, RowReason.PATIENT_MISSING, RowReason.NO_PATIENT)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the readings are: a CSV or Parquet file, or the store of an installation with its ``people`` and ``bindings``.
    ``first`` and ``last``: measured times in [first, last), microseconds UTC."""

    path: Path
    is_store: bool = False
    people: tuple[Patient, ...] = ()
    bindings: tuple[Binding, ...] = ()
    patients: tuple[str, ...] | None = None
    first: int | None = None
    last: int | None = None
    strict: bool = False

    def all_patients(self) -> list[str]:
        """Without the self-test, which is nobody. Raises ``TableError``."""
        found = sorted({each.patient_id for each in self.bindings}) if self.is_store else read_patients(self.path)
        return [each for each in found if not is_test(each) and (self.patients is None or each in self.patients)]

    def read(self, patients: Sequence[str], kernels: Kernels) -> Table:
        """Raises ``TableError`` or ``StoreError``."""
        first, last = self.first, self.last
        if self.is_store:
            return from_store(self.path, self.bindings, first=first, last=last, patients=patients, kernels=kernels)
        return read_table(self.path, strict=self.strict, first=first, last=last, patients=patients, kernels=kernels)


@dataclass(frozen=True, slots=True)
class Plan:
    """``policies``: of patients with their own; the others have ``policy``. ``models``: folder and hash of each risk model
    that is asked as well."""

    source: Source
    out: Path
    policy: Policy = DEFAULT_POLICY
    policy_name: str = "default"
    policies: dict[str, Policy] = field(default_factory=dict)
    response_s: float = RESPONSE_S
    workers: int = 1
    models: tuple[tuple[Path, str], ...] = ()

    def fingerprint(self, size: int) -> str:
        """Names everything that a part depends on: the file by its size and time of change; ``size``: patients a group."""
        stat = self.source.path.stat()
        what = [
            _FORMAT, version(), stat.st_size, stat.st_mtime_ns, self.source.first, self.source.last, self.source.strict,
            self.source.patients, self.policy.version, sorted((who, own.version) for who, own in self.policies.items()),
            self.response_s, size, repr(self.source.people), repr(self.source.bindings),
            [digest for _, digest in self.models],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Group:
    plan: Plan
    number: int
    patients: tuple[str, ...]
    fingerprint: str

    def part(self, suffix: str) -> Path:
        return self.plan.out / PARTS / f"{self.number:05d}.{suffix}"


def run(plan: Plan, progress: Callable[[int, int], None] = lambda _done, _all: None) -> dict[str, Any]:
    """Writes the four files into ``plan.out``; returns the summary. ``progress(done, all)`` counts patients.

    Raises ``TableError`` or ``StoreError`` when the input cannot be read, ``ConfigError`` when there can be no such folder.
    """
    everybody = plan.source.all_patients()
    try:
        (plan.out / PARTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write into {plan.out}: {error.strerror}") from error
    size = GROUP if plan.source.path.suffix == ".parquet" else max(GROUP, -(-len(everybody) // plan.workers))
    name = plan.fingerprint(size)
    groups = [
        Group(plan, number, tuple(everybody[start : start + size]), name)
        for number, start in enumerate(range(0, len(everybody), size))
    ]
    done = 0
    for group in _carried_out(plan, groups):
        done += len(group.patients)
        progress(done, len(everybody))
    return _joined(plan, groups)


def _carried_out(plan: Plan, groups: list[Group]) -> Iterator[Group]:
    waiting = [group for group in groups if _finished(group) is None]
    yield from (group for group in groups if group not in waiting)
    if plan.workers == 1 or len(waiting) < 2:
        for group in waiting:
            judge_group(group)
            yield group
        return
    with pool(plan.workers) as processes:
        running = {processes.submit(judge_group, group): group for group in waiting}
        for future in as_completed(running):
            future.result()
            yield running[future]


def pool(workers: int) -> ProcessPoolExecutor:
    """Processes that end with whoever started them, be it killed: nobody waits for their work then."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


@cache
def _kernels() -> Kernels:
    kernels = Kernels()
    kernels.compile(every_kernel())
    return kernels


@cache
def _opened(path: Path, digest: str) -> Model:
    """Raises ``ModelError`` when the folder is another one by now, or the stream cannot ask the model."""
    from analytics.risk.folder import open_folder  # with the libraries that models need

    model = open_folder(path, digest)
    usable(model.predictor)
    return model


def judge_group(group: Group) -> None:
    """Judges some patients and writes their part of each file; the JSON of the part comes last and says that it is whole."""
    plan = group.plan
    group.part(SUMMARY).unlink(missing_ok=True)  # of another run: a part that is being overwritten is nobody's
    table = plan.source.read(group.patients, _kernels())
    counts, scores = Counts(), list[Columns]()
    known = {patient.patient_id for patient in plan.source.people}
    models = [_opened(*each) for each in plan.models]
    risks, foretold = {model.name: RiskCounts() for model in models}, list[Columns]()
    with (
        group.part(EPISODES).open("w", encoding="utf-8") as log,
        group.part(NOTICES).open("w", encoding="utf-8") as notices,
    ):
        for history in histories(plan, table):
            world = World(history)
            folded = fold(world, _kernels())
            log.writelines(episode_lines(history.patient.patient_id, folded))
            transitions = replay(world, folded, _kernels(), plan.response_s)
            notices.writelines(notice_lines(transitions))
            scores.append(score_columns(history.patient.patient_id, folded))
            asked = decisions(world, folded, _kernels()) if models else None
            for model in models if asked is not None and asked.at.size else ():
                assert asked is not None
                said, found, opened = judged(world, history.patient.patient_id in known, asked, model)
                foretold.append(prediction_columns(history.patient.patient_id, model, asked, said, opened))
                risks[model.name].add(found)
            counts.add_patient(folded, patient_days(folded.batch.measured_at[folded.counts]), transitions)
    if scores:
        write_scores(scores, group.part(SCORES))
    if foretold:
        write_predictions(foretold, group.part(PREDICTIONS))
    whole = {
        "fingerprint": group.fingerprint,
        "counts": to_row(counts),
        "input": _input(table, group.number == 0),
        "scores": bool(scores),
        "predictions": bool(foretold),
        "risk": {name: asdict(each) for name, each in risks.items()},
    }
    group.part(SUMMARY).write_text(json.dumps(whole), "utf-8")


def histories(plan: Plan, table: Table) -> Iterator[History]:
    known = {patient.patient_id: patient for patient in plan.source.people}
    owner = table.patient_of_stream[table.readings.stream] if len(table.readings) else table.patient_of_stream[:0]
    bounds = np.searchsorted(owner, np.arange(len(table.patients) + 1))  # readings are sorted by patient
    for place, patient_id in enumerate(table.patients):
        own = [stream for stream in table.streams if table.patient_of_stream[stream.stream] == place]
        streams = [replace(stream, device_id=_device(stream.device_id, place)) for stream in own]
        batch = taken(table.readings, slice(bounds[place], bounds[place + 1]))
        # Counted by patient, so that the alerts' ids do not depend on who else is in the group.
        batch = replace(batch, ordinal=np.arange(1, len(batch) + 1, dtype=np.uint64))
        patient = known.get(patient_id) or unknown_adult(patient_id)
        yield History(replace(patient, discharged_at=None), streams, batch, plan.policies.get(patient_id, plan.policy))


def _device(device_id: str, place: int) -> str:
    """Without the patient's place in the table: whoever else is in the group must not show in the names of rules and alerts."""
    pseudo = f"{PSEUDO_PREFIX}{place}"
    return PSEUDO_PREFIX.rstrip(".") if device_id == pseudo else device_id.removesuffix(f"#{place}")


def _input(table: Table, first: bool) -> dict[str, Any]:
    counted = {reason: number for reason, number in table.refused.counts.items() if first or reason not in _NOBODYS}
    examples = [each for each in table.refused.examples if each.reason in counted]
    return {
        "duplicates": table.duplicates,
        "refused": {reason.value: number for reason, number in counted.items()},
        "examples": [[each.row, str(each)] for each in examples],
    }


def _finished(group: Group) -> dict[str, Any] | None:
    """What a finished part says; None when it is not there, not whole, or of another run."""
    try:
        found: dict[str, Any] = json.loads(group.part(SUMMARY).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if found["fingerprint"] == group.fingerprint else None


def _joined(plan: Plan, groups: list[Group]) -> dict[str, Any]:
    """Groups are in order of patient, so that joining them keeps the order."""
    for name in (EPISODES, NOTICES):
        with (plan.out / name).open("wb") as target:
            for group in groups:
                with group.part(name).open("rb") as part:
                    shutil.copyfileobj(part, target)
    counts, duplicates, refused, scored = Counts(), 0, Counter[str](), list[Path]()
    examples: list[tuple[int, str]] = []
    foretold, risks = list[Path](), dict[str, RiskCounts]()
    for group in groups:
        whole = _finished(group)
        assert whole is not None
        counts.add(from_row(whole["counts"]))
        duplicates += whole["input"]["duplicates"]
        refused.update(whole["input"]["refused"])
        examples += [(row, text) for row, text in whole["input"]["examples"]]
        scored += [group.part(SCORES)] if whole["scores"] else []
        foretold += [group.part(PREDICTIONS)] if whole["predictions"] else []
        for name, row in whole["risk"].items():
            risks.setdefault(name, RiskCounts()).add(RiskCounts(**row))
    for parts, name in ((scored, SCORES), (foretold, PREDICTIONS)):
        if parts:
            join_rows(parts, plan.out / name)
    summary = {
        "input": {
            "file": plan.source.path.name,
            "duplicates": duplicates,
            "refused": dict(sorted(refused.items())),
            "refused_examples": [text for _, text in sorted(examples)[:EXAMPLES]],
        },
        "detectors": version(),
        "nurse_response_s": plan.response_s,
        "policies": [{"policy": plan.policy_name, "version": plan.policy.version, **counts.row()}],
    }
    if risks:
        summary["models"] = [{"model": name, **each.row()} for name, each in risks.items()]
    (plan.out / SUMMARY).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return summary
