"""A quantity as a search states it: ``gt5.4|http://unitsofmeasure.org|Cel``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from api.fhir.codes import UCUM
from api.fhir.query import refused

_FORM = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb|ap)?(?P<number>-?\d{1,15}(?:\.(?P<digits>\d{1,9}))?)"
    r"(?:\|(?P<system>[^|]*)\|(?P<code>[^|]*))?",
    re.ASCII,
)
#: Of the value itself, for "about" (R4 recommends a tenth).
_ABOUT = 0.1

#: Value, UCUM code, shown unit.
Shown = tuple[float, str, str]


def number_test(text: str) -> Callable[[Shown | None], bool]:
    """Equal is equal in the digits given: 5.40 means from 5.395 to below 5.405. Raises ``Problem``."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise refused("value-quantity", "not of the form number|system|code")
    asked, half = float(found["number"]), 0.5 * 10.0 ** -len(found["digits"] or "")
    prefix, system, code = found["prefix"] or "eq", found["system"], found["code"]

    def holds(shown: Shown | None) -> bool:
        if shown is None or (system and system != UCUM) or (code and code not in shown[1:]):
            return False
        return _compare(prefix, shown[0], asked, half)

    return holds


def _compare(prefix: str, value: float, asked: float, half: float) -> bool:
    match prefix:
        case "gt" | "sa":
            return value > asked
        case "lt" | "eb":
            return value < asked
        case "ge":
            return value >= asked
        case "le":
            return value <= asked
        case "ap":
            return math.isclose(value, asked, rel_tol=_ABOUT)
    near = asked - half <= value < asked + half
    return not near if prefix == "ne" else near
