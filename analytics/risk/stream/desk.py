"""The risk models' own thread: what is due is put on the desk, what was decided is fetched from it; nobody waits for anybody.

The desk has room for one job: a newer one takes the place of one that has not begun, because old decisions help nobody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.risk.drift import Drift, DriftWatch
from analytics.risk.recall import Recall
from analytics.risk.stream.decide import Decided, Job, decide, usable
from analytics.risk.stream.numbers import number_of
from vigil.domain.errors import ModelError
from vigil.domain.risk import ModelState, Prediction
from vigil.domain.times import HOUR
from vigil.runtime.clock import Clock
from vigil.runtime.supervise import attempt
from vigil.store import PredictionStore

if TYPE_CHECKING:
    from analytics.risk.folder import Model

_LOG = logging.getLogger(__name__)
_DRIFT = "drift."


class Models(Protocol):
    """The registry, as far as the stream asks it."""

    @property
    def refused(self) -> Mapping[str, str]:
        """By name why a model is not among those in use, as of the last ``in_use``."""
        ...

    def in_use(self) -> list[tuple[Model, ModelState]]: ...


@dataclass(frozen=True, slots=True)
class InUse:
    """``thresholds``: of each model in use. ``refused``: by name, why."""

    models: tuple[tuple[Model, ModelState], ...]
    refused: Mapping[str, str]

    @property
    def thresholds(self) -> dict[str, float]:
        return {model.name: model.predictor.threshold for model, _ in self.models}

    @property
    def active(self) -> frozenset[str]:
        return frozenset(model.name for model, state in self.models if state is ModelState.ACTIVE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job: predictions by model, and what has drifted as of now."""

    at: int
    by_model: Mapping[str, list[Prediction]]
    drifted: Mapping[str, Sequence[Drift]]


@dataclass(slots=True)
class _Watched:
    """``hash``: of the model that the watch belongs to."""

    hash: str
    watch: DriftWatch
    found: list[Drift] = field(default_factory=list)


class Desk:
    """``look`` and ``put`` return at once; ``take`` gives what is finished. ``write``: keeps a snapshot, called in the desk's
    thread."""

    def __init__(
        self,
        make: Callable[[], Models],
        store: PredictionStore,
        executor: Executor,
        clock: Clock,
        write: Callable[[Saved], None],
    ) -> None:
        self._make = make
        self._store = store
        self._executor = executor
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()
        self._waiting: tuple[Job, Saved | None] | None = None
        self._outcomes: list[Outcome] = []
        self._since: float | None = None
        #: None = nobody has looked yet.
        self.in_use: InUse | None = None
        self.dropped = 0
        self.took_s = 0.0
        # Only of the desk's thread:
        self._models: Models | None = None
        self._failed: dict[str, str] = {}
        self._watched: dict[str, _Watched] = {}
        #: By hash, of the models in use alone.
        self._recalls: dict[str, Recall] = {}
        self._kept: Mapping[str, NDArray[Any]] = {}

    @property
    def age_s(self) -> float:
        """How long the oldest job that is not finished has been on the desk, seconds; 0 = none is."""
        since = self._since
        return 0.0 if since is None else self._clock.monotonic() - since

    def restore(self, kept: Mapping[str, NDArray[Any]]) -> None:
        """What the drift monitors had counted, from a snapshot; before the first ``look``."""
        self._kept = kept

    def look(self) -> None:
        """Which models are in use now?"""
        self._executor.submit(attempt, "looking at the risk models", self._look)

    def put(self, job: Job, grid: Saved | None) -> None:
        """``grid``: to be kept after the decision; None = not this time."""
        with self._lock:
            self.dropped += self._waiting is not None
            self._waiting = job, grid
            self._since = self._clock.monotonic() if self._since is None else self._since
        self._executor.submit(self._work)

    def take(self) -> list[Outcome]:
        with self._lock:
            found, self._outcomes = self._outcomes, []
        return found

    def close(self, grid: Saved) -> None:
        """Finishes what is on the desk, and keeps the grid."""
        self._executor.shutdown(wait=True)
        self._keep(grid)

    # --- in the desk's thread ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """A model that failed stays out until its folder is another one, or the next start."""
        if self._models is None:
            self._models = self._make()
        refused: dict[str, str] = {}
        models = []
        for model, state in self._models.in_use():
            try:
                usable(model.predictor)
                if model.hash in self._failed:
                    raise ModelError(self._failed[model.hash])
            except ModelError as error:
                refused[model.name] = f"model {model.name}: {error}"
            else:
                models.append((model, state))
        self.in_use = InUse(tuple(models), {**self._models.refused, **refused})
        self._recalls = {model.hash: self._recalls.get(model.hash, Recall()) for model, _ in models}

    def _work(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return  # a newer job took its place, and is done
        job, grid = waiting
        begun = self._clock.monotonic()
        found: dict[str, list[Prediction]] = {}
        for model, state in () if self.in_use is None else self.in_use.models:
            error = attempt(f"model {model.name}", lambda: self._decide(job, model, state, found))  # noqa: B023 - at once
            if error is not None:
                self._failed[model.hash] = f"it failed on {len(job.hours.ids)} people: {type(error).__name__}"
        together = [each for predictions in found.values() for each in predictions]
        attempt("storing predictions", lambda: self._store.append_predictions(together))
        drifted = {name: watched.found for name, watched in self._watched.items()}
        with self._lock:
            self._outcomes.append(Outcome(job.at, found, drifted))
            self._since = None if self._waiting is None else self._since
        self.took_s = self._clock.monotonic() - begun
        if grid is not None:
            self._keep(grid)

    def _decide(self, job: Job, model: Model, state: ModelState, found: dict[str, list[Prediction]]) -> None:
        decided = decide(job, model, state, self._recalls[model.hash])
        found[model.name] = decided.predictions
        self._watch(job, model, decided)

    def _watch(self, job: Job, model: Model, decided: Decided) -> None:
        """Drift, looked for once an hour: more often would find the same."""
        watched = self._watched.get(model.name)
        if watched is None or watched.hash != model.hash:
            watched = self._watched[model.name] = self._new_watch(model)
        alert = np.array([each.alert for each in decided.predictions], np.bool_)[decided.answered]
        people = np.array([number_of(each) for each in job.hours.ids], np.int64)[decided.answered]
        watched.watch.note(decided.matrix, decided.probability, alert, people, job.at)
        if job.at % HOUR == 0:
            watched.found = watched.watch.found()

    def _new_watch(self, model: Model) -> _Watched:
        watch = DriftWatch(model.name, model.reference)
        prefix = f"{_DRIFT}{model.hash}."
        kept = {name.removeprefix(prefix): array for name, array in self._kept.items() if name.startswith(prefix)}
        if kept:
            try:
                watch.restore(kept)
            except ModelError as error:
                _LOG.warning("%s: counting begins anew", error)
        return _Watched(model.hash, watch, watch.found())

    def _keep(self, grid: Saved) -> None:
        attempt("keeping the grid of the risk models", lambda: self._write({**grid, **self._counted()}))

    def _counted(self) -> Saved:
        return {
            f"{_DRIFT}{watched.hash}.{name}": array
            for watched in self._watched.values()
            for name, array in watched.watch.snapshot().items()
        }
