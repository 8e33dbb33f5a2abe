"""The figures of the report, each from the rows of ``summary.json``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from textwrap import wrap
from typing import Any

from analytics.lab import svg
from analytics.lab.svg import WIDTH

Row = dict[str, Any]

#: Where the names end and the plot begins; the plot leaves room at its right end for a number.
_LEFT, _RIGHT = 128.0, WIDTH - 40.0
_TOP = 10.0
_PRIORITIES = ("high", "medium", "low")


def series(rows: Sequence[Row]) -> dict[str, str]:
    """The style class of each policy: baselines are grey, policies have hues."""
    hues, greys = iter(("p1", "p2", "p3", "p4")), iter(("g1", "g2"))
    return {row["policy"]: next(greys if row["policy"].startswith("raw-") else hues, "p4") for row in rows}


def legend(rows: Sequence[Row]) -> str:
    """The marks of the policies, as HTML."""
    items = []
    for place, (name, kind) in enumerate(series(rows).items()):
        drawn = svg.tag("svg", svg.mark(place, 7, 7, kind, name), viewBox="0 0 14 14", class_="key", aria_hidden="true")
        items.append(svg.tag("li", f"{drawn} {escape(name)}"))
    return svg.tag("ul", "".join(items), class_="legend")


def burden(rows: Sequence[Row]) -> str:
    """Physiological alerts a patient-day by priority, with the interval of their sum."""
    high = [row["intervals"]["physiological_alerts_per_patient_day"]["high"] or 0.0 for row in rows]
    scale = _linear(max([*high, 0.1]))
    parts, y = [], _TOP
    for row in rows:
        parts.append(svg.words(row["policy"], 0, y + 10))
        y += 16
        x = 0.0
        for name in _PRIORITIES:
            value = row[f"physiological_alerts_{name}_per_patient_day"] or 0.0
            width = scale(x + value, 0.0) - scale(x, 0.0)
            parts.append(
                svg.bar(scale(x, 0.0), y, max(width - 1, 0), 14, f"bar {name}", f"{name}: {value:.2f} a patient-day")
            )
            x += value
        total = row["intervals"]["physiological_alerts_per_patient_day"]
        parts += _whisker(total, lambda value: scale(value, 0.0), y + 7, "whisker")
        end = scale(max(total["high"] or x, x), 0.0)
        parts.append(svg.words(f"{x:.1f}" if x >= 10 else f"{x:.2f}", end + 5, y + 11, "value"))
        y += 24
    parts += [svg.line(0, y, _RIGHT, y, "axis"), *_axis(max([*high, 0.1]), lambda value: scale(value, 0.0), y)]
    return svg.figure(parts, y + 32, "Physiological alerts a patient-day, by priority")


def _linear(most: float) -> Callable[[float, float], float]:
    return lambda value, left: left + value / most * (_RIGHT - left)


def _axis(most: float, place: Callable[[float], float], y: float) -> list[str]:
    parts = []
    for tick in svg.ticks(most):
        parts += [
            svg.line(place(tick), y, place(tick), y + 4, "axis"),
            svg.words(f"{tick:g}", place(tick), y + 16, "tick", "middle"),
        ]
    return [*parts, svg.words("a patient-day", _RIGHT, y + 28, "tick", "end")]


def _whisker(figure: dict[str, float | None], place: Callable[[float], float], y: float, kind: str) -> list[str]:
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return []
    return [svg.line(place(low), y, place(high), y, kind)]


def sensitivity(rows: Sequence[Row]) -> str:
    """By scenario: share of events caught, with intervals; the tick is what chance would catch at the policy's burden."""

    def place(value: float) -> float:
        return _LEFT + value * (_RIGHT - _LEFT)

    def one(found: Row, place_of: int, kind: str, y: float) -> list[str]:
        figure, by_chance = found["sensitivity"], found["chance_sensitivity"]
        parts = _whisker(figure, place, y, f"{kind} whisker")
        if by_chance is not None:
            parts.append(svg.line(place(by_chance), y - 4, place(by_chance), y + 4, "chance"))
        if figure["value"] is not None:
            said = f"{found['events'] - found['missed']} of {found['events']} caught"
            parts.append(svg.mark(place_of, place(figure["value"]), y, kind, said))
        return parts

    scale = [(value / 100, f"{value} %") for value in (0, 25, 50, 75, 100)]
    return _by_scenario(rows, one, place, scale, "Events caught by scenario, and what chance would catch")


#: Lead times are shown on this scale, hours.
_LEADS = ((1 / 60, "1 min"), (0.25, "15 min"), (1.0, "1 h"), (6.0, "6 h"), (24.0, "1 d"), (168.0, "7 d"))


def lead_times(rows: Sequence[Row]) -> str:
    """By scenario: median lead time, missed events last, with intervals; the tick is the median time from onset to harm."""
    first, last = math.log(_LEADS[0][0]), math.log(_LEADS[-1][0] * 2)

    def place(seconds: float) -> float:
        share = (math.log(max(seconds / 3600, _LEADS[0][0])) - first) / (last - first)
        return _LEFT + min(share, 1.0) * (_RIGHT - _LEFT)

    def one(found: Row, place_of: int, kind: str, y: float) -> list[str]:
        figure, window = found["lead_time_median_s"], found["window_median_s"]
        parts = _whisker(figure, place, y, f"{kind} whisker")
        if window is not None:
            parts.append(svg.line(place(window), y - 4, place(window), y + 4, "chance"))
        if figure["value"] is not None:
            parts.append(svg.mark(place_of, place(figure["value"]), y, kind, hours(figure["value"])))
        return parts

    scale = [(value * 3600, name) for value, name in _LEADS]
    return _by_scenario(rows, one, place, scale, "Median lead time by scenario, and the time from onset to harm")


def hours(seconds: float) -> str:
    """
    >>> hours(90.0), hours(5400.0), hours(200_000.0)
    ('2 min', '1.5 h', '55.6 h')
    """
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


_Drawn = Callable[[Row, int, str, float], list[str]]


def _by_scenario(
    rows: Sequence[Row], one: _Drawn, place: Callable[[float], float], scale: Sequence[tuple[float, str]], title: str
) -> str:
    """A band for each scenario with a line for each policy."""
    kinds, parts, y = series(rows), list[str](), _TOP
    names = sorted({name for row in rows for name in row["by_scenario"]})
    bottom = _TOP + len(names) * (len(rows) * 11 + 10)
    parts += [svg.line(place(value), _TOP - 6, place(value), bottom, "grid") for value, _ in scale]
    for name in names:
        left_out = any(row["by_scenario"][name]["left_out_of_tuning"] for row in rows)
        parts += _name(name.replace("_", " ") + (" *" if left_out else ""), y + len(rows) * 5.5 + 4)
        for number, row in enumerate(rows):
            parts += one(row["by_scenario"][name], number, kinds[row["policy"]], y + 5.5 + number * 11)
        y += len(rows) * 11 + 10
    parts.append(svg.line(_LEFT, bottom, _RIGHT, bottom, "axis"))
    parts += [svg.words(text, place(value), bottom + 14, "tick", "middle") for value, text in scale]
    return svg.figure(parts, bottom + 20, title)


def _name(text: str, y: float) -> list[str]:
    """In lines around ``y``: a long name must not run into the plot."""
    lines = wrap(text, 20)
    return [svg.words(each, 0, y + 12 * (number - (len(lines) - 1) / 2)) for number, each in enumerate(lines)]


def cumulative(rows: Sequence[Row]) -> str:
    """Which share of the alerts the patients with the most of them have."""
    left, bottom, top = 40.0, 220.0, 10.0

    def at(share: float, value: float) -> tuple[float, float]:
        return left + share * (_RIGHT - left), bottom - value * (bottom - top)

    parts = [svg.line(left, at(0, value)[1], _RIGHT, at(0, value)[1], "grid") for value in (0.25, 0.5, 0.75, 1.0)]
    parts += [
        svg.words(f"{value:.0%}", left - 6, at(0, value)[1] + 4, "tick", "end") for value in (0, 0.25, 0.5, 0.75, 1)
    ]
    parts += [svg.words(f"{share:.0%}", at(share, 0)[0], bottom + 16, "tick", "middle") for share in (0, 0.1, 0.5, 1)]
    parts += [svg.line(*at(0.1, 0), *at(0.1, 1), "grid"), svg.line(*at(0, 0), *at(1, 0), "axis")]
    parts.append(svg.words("of the patients, those with the most alerts first", _RIGHT, bottom + 32, "tick", "end"))
    for number, row in enumerate(rows):
        kind = series(rows)[row["policy"]]
        shares = row["cumulative_share"]
        if shares:
            parts.append(svg.path([at(place / 20, value) for place, value in enumerate(shares)], kind))
            parts.append(svg.mark(number, *at(0.1, shares[2]), kind, f"{row['policy']}: {shares[2]:.0%} of its alerts"))
    return svg.figure(parts, bottom + 38, "Share of all alerts by share of patients")
