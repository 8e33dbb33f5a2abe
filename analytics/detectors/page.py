"""The reference page of the detectors, made from their descriptions."""

from __future__ import annotations

import math
from collections.abc import Iterator

from analytics.detectors import detectors
from analytics.detectors.contract import Detector
from vigil.domain.vitals import BY_NAME

_HEAD = """# Detectors

Each detector is one file in `analytics/detectors`. It judges every reading that counts, in order of measured time, and its
finding becomes a condition when it holds for the delay. Its rules are called `<detector>.<vital>.<low|high>`, without the side
where there is none. Every starting value that is "ours" needs clinical sign-off. Generated from the descriptions in the code.
"""


def page() -> str:
    found = detectors()
    lines = [_HEAD, "| detector | kind | what it tells | what it cannot see |", "|---|---|---|---|"]
    lines += [f"| [{each.title}](#{each.name}) | {each.kind} | {each.what} | {each.blind_to} |" for each in found]
    for each in found:
        lines += _section(each)
    return "\n".join(lines) + "\n"


def _section(detector: Detector) -> Iterator[str]:
    yield from ("", f"## {detector.name}", "", f"{detector.title}. {detector.what}", "", f"Source: {detector.source}.")
    memory = ", ".join(f"`{name}`" for name, _ in detector.state) or "nothing"
    yield from (
        "",
        f"Remembers of each slot: {memory}.",
        "",
        "| parameter | unit | meaning | source |",
        "|---|---|---|---|",
    )
    for each in detector.parameters:
        yield f"| `{each.name}` | {each.unit} | {each.meaning} | {each.source} |"
    names = [each.name for each in detector.parameters]
    yield from ("", "Starting values (– = none on that side):", "")
    yield f"| vital | unit | delay s | {' | '.join(names)} |"
    yield "|---" * (len(names) + 3) + "|"
    for vital, values in detector.vitals.items():
        unit = BY_NAME[vital].display_unit
        shown = " | ".join(_shown(values[name]) for name in names)
        yield f"| `{vital}` | {unit} | {detector.delay_s.get(vital, 0.0):g} | {shown} |"


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.10g}"
