"""Two policies side by side: what each comes to, and which alerts vanish, appear or are shown at another time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from api.trials import Change, Side, Told
from vigil.domain.times import MINUTE

#: The same alert, shown so much earlier or later, is a change (ours).
SHIFT_US = MINUTE
_NEVER = 2**62


def side(alerts: Iterable[Told]) -> Side:
    """Silence of different length is one rule."""
    by_priority, by_rule, calls = Counter[str](), Counter[str](), 0
    for one in alerts:
        by_priority[one.priority.value] += 1
        by_rule[one.rule.partition(".")[0] if "no_data" in one.rule else one.rule] += 1
        calls += one.calls
    return Side(dict(by_priority), dict(by_rule), calls)


def compared(before: Sequence[Told], after: Sequence[Told]) -> tuple[int, list[Change]]:
    """How many alerts of one patient are the same, and the others. The same: of one rule, with an episode in common."""
    pairs: list[Change] = []
    for old, new in _by_rule(before, after):
        pairs += _paired(old, new)
    changes = [one for one in pairs if not _same(one)]
    return len(pairs) - len(changes), sorted(changes, key=lambda one: (one.told.shown_at, one.told.rule))


def together(one: Told, other: Told) -> bool:
    """Is there a moment at which both episodes last?"""
    return one.onset_at <= (other.over_at or _NEVER) and other.onset_at <= (one.over_at or _NEVER)


def _by_rule(before: Sequence[Told], after: Sequence[Told]) -> Iterable[tuple[list[Told], list[Told]]]:
    rules: dict[str, tuple[list[Told], list[Told]]] = defaultdict(lambda: ([], []))
    for place, alerts in enumerate((before, after)):
        for one in sorted(alerts, key=lambda each: each.onset_at):
            rules[one.rule][place].append(one)
    return rules.values()


def _paired(old: list[Told], new: list[Told]) -> Iterable[Change]:
    """Each with the first one of the other side that it has a moment in common with, and that nobody else has."""
    left = list(new)
    for one in old:
        same = next((other for other in left if together(one, other)), None)
        if same is not None:
            left.remove(same)
        yield Change(one, same)
    yield from (Change(None, one) for one in left)


def _same(change: Change) -> bool:
    one, other = change.before, change.after
    if one is None or other is None:
        return False
    return one.priority is other.priority and abs(one.shown_at - other.shown_at) < SHIFT_US
