"""The loops around the detectors, written from their descriptions: a new detector is in them without a word here.

``stack_of`` is the gate and all detectors in one pass over a batch: the memory of a slot, one row, comes near once. Only its
compiled version is used. Until that is ready a batch goes through ``rows_of`` each detector, uncompiled, which can be switched
off alone when it raises. Both call the same functions, so both give the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from analytics.detectors.contract import BEYOND, Detector, Judge
from analytics.engine.touch import ask_for
from analytics.quality import BAD, COUNTS, GATE_FRESH, GATE_PARAM, gate_of

Loop = Callable[..., None]

#: The memory of so many readings further on is asked for, and the place of their scores: fewer come too late where it is in no
#: cache, more push out one another.
_AHEAD = 8

_ROWS = """
def {name}(slot, at, since, value, weight, gate, state, param, profile, score, code):
    for i in range(slot.size):
        s = slot[i]
        p = profile[s]
        if gate[i] > {most} or param[p, 0] == 0.0:
            score[i] = nan
            code[i] = 0
            continue
        said = judge(value[i], float(at[i]), since[i], weight[i], gate[i], {state}, {param})
        score[i] = said[0]
        code[i] = said[1]
        {keep}
"""

_STACK = """
def {name}(slot, at, value, quality, record, profile, param, given_to, gate, weight, score, code, busy, rows, count):
    found, beyond = 0, 0
    for i in range(min({ahead}, slot.size)):
        ask_for(record, slot[i])
    for i in range(slot.size):
        if i + {ahead} < slot.size:
            ask_for(record, slot[i + {ahead}])
            ask_for(score, i + {ahead})
        s = slot[i]
        memory = record[s]
        p = profile[s]
        given = param[p]
        scores = score[i]
        codes = code[i]
        x = value[i]
        t = float(at[i])
        g, w, since, kept = gate_of(x, t, quality[i], {state}, {param})
        {keep}
        gate[i] = g
        weight[i] = w
        judges, odd = given_to[p, g], 0
{detectors}
        if (odd & {beyond}) != 0:
            busy[s] = True
            for number in range(codes.size):
                beyond += (codes[number] & {beyond}) != 0
        rows[found] = i
        if busy[s]:
            found += 1
    count[0] = found
    count[1] = beyond
"""

_DETECTOR = """
        if (judges & {bit}) != 0:
            said{number} = judge{number}(x, t, since, w, g, {state}, {param})
            {keep}
            scores[{number}] = said{number}[0]
            codes[{number}] = said{number}[1]
            odd |= said{number}[1]
        else:
            scores[{number}] = nan
            codes[{number}] = 0
"""


def rows_of(detector: Detector) -> Loop:
    """One detector over columns: ``rows(slot, at, since, value, weight, gate, state, param, profile, score, code)``, each (n,)
    but ``state`` f64 (slots, columns), ``param`` f64 (profiles, 1 + parameters) and ``profile`` u32 (slots,)."""
    return _rows(detector.judge, len(detector.state), len(detector.parameters), most_of(detector))


@cache
def _rows(judge: Judge, columns: int, parameters: int, most: int) -> Loop:
    text = {
        "most": most,
        "state": _row("state[s, {}]", range(columns)),
        "param": _row("param[p, {}]", range(1, 1 + parameters)),
        "keep": _kept("state[s, {}]", 0, columns, "said[2]"),
    }
    return _made("rows", _ROWS, text, {"judge": judge, "nan": float("nan")})


def stack_of(detectors: Sequence[Detector]) -> Loop:
    """``stack(slot, at, value, quality, record, profile, param, given_to, gate, weight, score, code, busy, rows, count)``: fills
    ``gate`` and ``weight`` (n,), ``score`` and ``code`` (n, detectors), and does what ``candidate_kernel`` does to the last
    three. ``record`` f64 (slots, columns): memory of the gate, then of each detector; ``param`` f64 (profiles, …): likewise;
    ``given_to`` i64 (profiles, gates): the detectors that are given such a reading, see ``Profiles.table``."""
    return _stack(tuple((each.judge, len(each.state), len(each.parameters)) for each in detectors))


@cache
def _stack(detectors: tuple[tuple[Judge, int, int], ...]) -> Loop:
    column, place = len(GATE_FRESH), GATE_PARAM
    parts, known = list[str](), dict[str, Any]()
    for number, (judge, columns, parameters) in enumerate(detectors):
        text = {
            "state": _row("memory[{}]", range(column, column + columns)),
            "param": _row("given[{}]", range(place + 1, place + 1 + parameters)),
            "keep": _kept("memory[{}]", column, columns, f"said{number}[2]", 12),
        }
        parts.append(_DETECTOR.format(number=number, bit=1 << number, **text))
        column, place = column + columns, place + 1 + parameters
        known[f"judge{number}"] = judge
    whole = {
        "ahead": _AHEAD,
        "beyond": BEYOND,
        "state": _row("memory[{}]", range(len(GATE_FRESH))),
        "param": _row("given[{}]", range(GATE_PARAM)),
        "keep": _kept("memory[{}]", 0, len(GATE_FRESH), "kept"),
        "detectors": "".join(parts),
    }
    return _made("stack", _STACK, whole, {**known, "gate_of": gate_of, "ask_for": ask_for, "nan": float("nan")})


def most_of(detector: Detector) -> int:
    """The worst gate that it is given."""
    return BAD if detector.of_gated else COUNTS


def _row(item: str, places: range) -> str:
    return f"({''.join(item.format(place) + ', ' for place in places)})"


def _kept(item: str, start: int, columns: int, row: str, indent: int = 8) -> str:
    lines: Iterator[str] = (f"{item.format(start + each)} = {row}[{each}]" for each in range(columns))
    return f"\n{' ' * indent}".join(lines) or "pass"


def _made(name: str, template: str, text: dict[str, Any], known: dict[str, Any]) -> Loop:
    """The function, under a name that no other text has: numba keeps machine code by file and name. Its file is this one, because
    numba looks whether a file has changed."""
    functions = ",".join(
        f"{name}={each.__module__}.{each.__qualname__}" for name, each in known.items() if callable(each)
    )
    digest = hashlib.blake2b(f"{template}{sorted(text.items())}{functions}".encode(), digest_size=8).hexdigest()
    name = f"{name}_{digest}"
    known["__name__"] = __name__  # where numba looks when it loads kept code
    exec(compile(template.format(name=name, **text), __file__, "exec"), known)
    loop: Loop = known[name]
    return loop


def rows_signature(types: Any) -> Any:
    """Given ``numba.types``. Slots and profiles have no sign: so no machine code asks whether an index counts from the end."""
    t = types
    column, bits = t.Array(t.float64, 1, "C"), t.Array(t.uint8, 1, "C")
    slots, profiles = t.Array(t.uint64, 1, "C"), t.Array(t.uint32, 1, "C")
    whole, single = t.Array(t.int64, 1, "C"), t.Array(t.float32, 1, "C")
    table = t.Array(t.float64, 2, "C")
    return t.void(slots, whole, column, column, column, bits, table, table, profiles, single, bits)


def stack_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    t = types
    slots, profiles, marks = t.Array(t.uint64, 1, "C"), t.Array(t.uint32, 1, "C"), t.Array(t.uint16, 1, "C")
    whole, column, bits = t.Array(t.int64, 1, "C"), t.Array(t.float64, 1, "C"), t.Array(t.uint8, 1, "C")
    table, scores, codes = t.Array(t.float64, 2, "C"), t.Array(t.float32, 2, "C"), t.Array(t.uint8, 2, "C")
    found = t.Array(t.boolean, 1, "C"), whole, whole
    memory = table, profiles, table, t.Array(t.int64, 2, "C")
    return t.void(slots, whole, column, marks, *memory, bits, column, scores, codes, *found)
