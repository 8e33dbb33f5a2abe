"""How far the copy has come, in a file that is there whole or not at all. Without it all is copied again: nothing is lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from vigil.domain.errors import StoreError
from vigil.runtime.files import whole

_LOG = logging.getLogger(__name__)
#: Spans that are set aside; of more than these the nearest neighbours become one (ours).
MOST_SPANS = 100


@dataclass(frozen=True, slots=True)
class Aside:
    """Readings ``first`` to ``last`` by ordinal of which ``count`` were not taken, and why. ``at``: last try, µs UTC."""

    first: int
    last: int
    count: int
    why: str
    at: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to ordinal ``position`` is in ``target``, but for what is set aside."""

    target: str
    position: int = 0
    aside: tuple[Aside, ...] = field(default=())

    def moved(self, position: int) -> Checkpoint:
        return self if position <= self.position else replace(self, position=position)

    def without(self, span: Aside) -> Checkpoint:
        return replace(self, aside=tuple(one for one in self.aside if one != span))

    def with_aside(self, span: Aside) -> Checkpoint:
        return replace(self, aside=_joined([*self.aside, span]))


def load(path: Path, target: str, head: int) -> Checkpoint:
    """From nothing where there is no file, or one about another target, or one that cannot be read. ``head``: of the journal,
    which may be an older one that was restored: what comes next has ordinals that were used before."""
    try:
        document = json.loads(path.read_text("utf-8"))
        aside = tuple(Aside(**one) for one in document["aside"])
        found = Checkpoint(str(document["target"]), int(document["position"]), aside)
    except FileNotFoundError:
        return Checkpoint(target)
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning(
            "%s cannot be read (%s): all readings are copied to InfluxDB again", path.name, type(error).__name__
        )
        return Checkpoint(target)
    if found.target != target or found.position > head:
        _LOG.info("%s is about another InfluxDB or another journal: all readings are copied", path.name)
        return Checkpoint(target)
    return found


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Raises ``StoreError``; then the old one stands."""
    try:
        with whole(path) as file:
            file.write(json.dumps(asdict(checkpoint), indent=1).encode())
    except OSError as error:
        raise StoreError(f"{path.name} cannot be written: {error.strerror}") from error


def _joined(spans: Sequence[Aside]) -> tuple[Aside, ...]:
    """In order; those that touch for one reason become one, and the nearest two while there are too many."""
    made: list[Aside] = []
    for span in sorted(spans, key=lambda one: (one.first, one.last)):
        if made and made[-1].why == span.why and span.first <= made[-1].last + 1:
            made[-1] = _both(made[-1], span)
        else:
            made.append(span)
    while len(made) > MOST_SPANS:
        near = min(range(len(made) - 1), key=lambda place: made[place + 1].first - made[place].last)
        made[near : near + 2] = [_both(made[near], made[near + 1])]
    return tuple(made)


def _both(one: Aside, other: Aside) -> Aside:
    return Aside(one.first, max(one.last, other.last), one.count + other.count, other.why, max(one.at, other.at))
