"""The pictures of a model card, drawn as SVG whose colours come from the page, so that they follow its light or dark theme.

The same report gives the same bytes: there is no date, no random name and no font in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from analytics.lab import svg
from analytics.lab.svg import WIDTH
from analytics.risk.evaluate.calibration import Bin
from analytics.risk.evaluate.decision_curve import DecisionCurve
from analytics.risk.evaluate.intervals import Figure
from analytics.risk.evaluate.report import HISTOGRAM, Report
from analytics.risk.evaluate.subgroups import Group

Point = tuple[float, float]
Scale = Callable[[float], float]

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, WIDTH - 12.0, 12.0, 272.0
_CAPTIONS = 40.0
#: Ticks of probabilities on a logarithmic scale.
_RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
#: Precision is drawn from this sensitivity on.
_LUCK = 0.01


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a value lies in the picture: shares 0..1 from the scales to the plot area."""

    across: Scale
    up: Scale
    bottom: float = _BOTTOM

    def at(self, x: float, y: float) -> Point:
        return (
            _LEFT + self.across(x) * (_RIGHT - _LEFT),
            self.bottom - self.up(y) * (self.bottom - _TOP),
        )

    def axes(
        self, xs: Iterable[float], ys: Iterable[float], x_name: str, y_name: str, number: Callable[[float], str]
    ) -> list[str]:
        left, right, top, bottom = _LEFT, _RIGHT, _TOP, self.bottom
        parts = []
        for y in ys:
            height = self.at(0, y)[1]
            parts.append(svg.line(left, height, right, height, "grid"))
            parts.append(svg.words(number(y), left - 6, height + 4, "tick", "end"))
        for x in xs:
            place = self.at(x, 0)[0] if x else left
            parts.append(svg.line(place, bottom, place, bottom + 4, "axis"))
            parts.append(svg.words(number(x), place, bottom + 17, "tick", "middle"))
        parts += [svg.line(left, bottom, right, bottom, "axis"), svg.line(left, top, left, bottom, "axis")]
        return [
            *parts,
            svg.words(x_name, right, bottom + 34, "tick", "end"),
            svg.words(y_name, left + 6, top + 6, "tick"),
        ]


def _linear(low: float, high: float) -> Scale:
    return lambda value: min(max((value - low) / (high - low), 0.0), 1.0)


def _logarithmic(low: float, high: float) -> Scale:
    return lambda value: min(max(math.log(max(value, low) / low) / math.log(high / low), 0.0), 1.0)


def percent(value: float) -> str:
    """
    >>> percent(0.005), percent(0.2)
    ('0.5 %', '20 %')
    """
    return f"{100 * value:.3g} %"


def roc(report: Report) -> str:
    """Sensitivity by false alerts; the mark is the model at its threshold."""
    frame, tenths = _Frame(_linear(0, 1), _linear(0, 1)), (0.0, 0.25, 0.5, 0.75, 1.0)
    row = report.setting.row
    parts = frame.axes(
        tenths, tenths, f"share of the other {row}s that alert", f"share of the labelled {row}s that alert", percent
    )
    parts.append(svg.path([frame.at(0, 0), frame.at(1, 1)], "chance"))
    for curve, kind in ((report.baseline_roc, "g1"), (report.model_roc, "p1")):
        if curve.x:
            parts.append(svg.path([frame.at(*each) for each in zip(curve.x, curve.y, strict=True)], kind))
    for place, (figures, kind, name) in enumerate(
        ((report.compared.model, "p1", "model"), (report.compared.baseline, "g1", report.baseline_name))
    ):
        working = _working_point(figures, report)
        if working is not None:
            parts.append(svg.mark(place, *frame.at(*working), kind, f"{name} as it alerts"))
    return svg.figure(parts, _BOTTOM + _CAPTIONS, "Receiver operating characteristic of the model and of the baseline")


def _working_point(figures: dict[str, Figure], report: Report) -> Point | None:
    """False alert share and sensitivity of the alerts themselves."""
    found, rate = figures["sensitivity_hours"].value, figures["alert_hours_per_day"].value
    if found is None or rate is None or not 0 < report.prevalence < 1:
        return None
    alerts = rate * report.setting.row_h / 24
    return max(alerts - found * report.prevalence, 0.0) / (1 - report.prevalence), found


def precision_recall(report: Report) -> str:
    """Precision by sensitivity; the dashed line is chance."""
    curves = (report.baseline_pr, "g1"), (report.model_pr, "p1")
    # The first few alerts of a ranking are luck, and would set the scale.
    drawn = [
        ([each for each in zip(curve.x, curve.y, strict=True) if each[0] >= _LUCK], kind) for curve, kind in curves
    ]
    most = max([y for points, _ in drawn for _, y in points] or [1.0])
    top = min(max(1.1 * most, 2 * report.prevalence), 1.0)
    frame = _Frame(_linear(0, 1), _linear(0, top))
    row = report.setting.row
    parts = frame.axes(
        (0.0, 0.25, 0.5, 0.75, 1.0),
        svg.ticks(top),
        f"share of the labelled {row}s that alert",
        f"share of the alert {row}s that are labelled",
        percent,
    )
    parts.append(svg.path([frame.at(0, report.prevalence), frame.at(1, report.prevalence)], "chance"))
    parts += [svg.path([frame.at(*each) for each in points], kind) for points, kind in drawn if points]
    return svg.figure(parts, _BOTTOM + _CAPTIONS, "Precision and recall of the model and of the baseline")


def reliability(report: Report) -> str:
    """Observed against predicted on logarithmic scales, and below how many predictions are how high."""
    bins = [each for each in report.calibration.curve if each.observed.value]
    low, high = _span(bins)
    frame = _Frame(_logarithmic(low, high), _logarithmic(low, high), 222.0)
    risks = [each for each in _RISKS if low <= each <= high]
    parts = frame.axes(risks, risks, "predicted", "observed", percent)
    parts.append(svg.path([frame.at(low, low), frame.at(high, high)], "chance"))
    for each in bins:
        parts += _bin(each, frame, report.setting.row)
    parts += _histogram(report, frame)
    return svg.figure(parts, 322, "Observed by predicted risk, with the number of predictions")


def _bin(one: Bin, frame: _Frame, row: str) -> list[str]:
    observed, said = one.observed, f"predicted {percent(one.predicted)}, {one.hours} {row}s"
    parts = [svg.mark(0, *frame.at(one.predicted, observed.value or 0.0), "p1", said)]
    if observed.low and observed.high:
        parts.insert(
            0, svg.line(*frame.at(one.predicted, observed.low), *frame.at(one.predicted, observed.high), "p1 whisker")
        )
    return parts


def _span(bins: Sequence[Bin]) -> Point:
    values = [value for each in bins for value in (each.predicted, each.observed.low, each.observed.high) if value]
    if not values:
        return _RISKS[0], _RISKS[-1]
    low = max((each for each in _RISKS if each <= min(values)), default=_RISKS[0])
    return low, min(each for each in _RISKS if each >= min(max(values), 1.0))


def _histogram(report: Report, frame: _Frame) -> list[str]:
    floor, room = 316.0, 46.0
    most = max(*report.histogram, 1e-9)
    parts = [svg.line(_LEFT, floor, _RIGHT, floor, "axis")]
    for low, high, share in zip(HISTOGRAM[:-1], HISTOGRAM[1:], report.histogram, strict=True):
        left, right = frame.at(low, 0)[0], frame.at(high, 0)[0]
        if share and right > left:
            height = room * share / most
            said = f"{percent(share)} of the predictions are {percent(low)} to {percent(high)}"
            parts.append(svg.bar(left + 0.5, floor - height, right - left - 1, height, "quiet", said))
    return parts


def decision(curve: DecisionCurve) -> str:
    """Net benefit by threshold probability."""
    top = max(*curve.model, *curve.baseline_risk, 0.1) * 1.1
    bottom = -0.25 * top
    frame = _Frame(_logarithmic(curve.thresholds[0], curve.thresholds[-1]), _linear(bottom, top))
    parts = frame.axes(
        [each for each in _RISKS if curve.thresholds[0] <= each <= curve.thresholds[-1]],
        (), "threshold: risk from which you would act", "net benefit per 1,000 hours", percent,
    )  # fmt: skip
    for tick in svg.ticks(top):
        height = frame.at(1, tick)[1]
        parts += [svg.line(_LEFT, height, _RIGHT, height, "grid" if tick else "axis")]
        parts += [svg.words(f"{tick:g}", _LEFT - 6, height + 4, "tick", "end")]
    for values, kind in (
        (curve.everybody, "g2 dotted"), (curve.baseline, "g1 dashed"), (curve.baseline_risk, "g1"), (curve.model, "p1"),
    ):  # fmt: skip
        points = _above(list(zip(map(frame.across, curve.thresholds), values, strict=True)), bottom)
        if len(points) > 1:
            parts.append(svg.path([(_LEFT + x * (_RIGHT - _LEFT), frame.at(1, y)[1]) for x, y in points], kind))
    return svg.figure(parts, _BOTTOM + _CAPTIONS, "Decision curve: net benefit of acting on the model")


def _above(points: Sequence[Point], bottom: float) -> list[Point]:
    """The line up to where it leaves the picture below.

    >>> _above([(0.0, 1.0), (1.0, -1.0), (2.0, -2.0)], 0.0)
    [(0.0, 1.0), (0.5, 0.0)]
    """
    kept: list[Point] = []
    for x, y in points:
        if y < bottom:
            if kept:
                (before, height) = kept[-1]
                kept.append((before + (x - before) * (height - bottom) / (height - y), bottom))
            break
        kept.append((x, y))
    return kept


def forest(
    groups: Sequence[Group], metric: str, whole: Figure, number: Callable[[float], str], limits: Point | None = None
) -> str:
    """One line a group with its interval; the dashed line is everybody, ``limits`` the bounds of fairness."""
    shown = [group for group in groups if group.enough and group.figures.get(metric, Figure(None)).value is not None]
    if not shown:
        return ""
    left, right = 150.0, WIDTH - 14.0
    edges = [
        value
        for group in shown
        for value in (group.figures[metric].low, group.figures[metric].high)
        if value is not None
    ]
    edges += [*(limits or ()), whole.value or 0.0]
    scale = _linear(max(min(edges) - 0.05 * (max(edges) - min(edges)), 0.0), max(edges) * 1.03)

    def place(value: float) -> float:
        return left + scale(value) * (right - left)

    bottom = _TOP + 18.0 * (len(shown) + len({group.kind for group in shown})) + 4
    parts = [svg.line(place(each), _TOP - 6, place(each), bottom, "bound") for each in limits or ()]
    if whole.value is not None:
        parts.append(svg.line(place(whole.value), _TOP - 6, place(whole.value), bottom, "whole"))
    y, kind = _TOP, ""
    for group in shown:
        if group.kind != kind:
            kind = group.kind
            parts.append(svg.words(kind, 0, y + 10, "kind"))
            y += 18
        parts += _row(group, metric, place, y + 6, number)
        y += 18
    parts.append(svg.line(left, bottom, right, bottom, "axis"))
    parts += [
        svg.words(number(tick), place(tick), bottom + 15, "tick", "middle")
        for tick in svg.ticks(max(edges), 8)
        if 0 < scale(tick) < 1
    ]
    return svg.figure(parts, bottom + 22, f"{metric} by group")


def _row(group: Group, metric: str, place: Scale, y: float, number: Callable[[float], str]) -> list[str]:
    figure = group.figures[metric]
    parts = [svg.words(group.name, 10, y + 4)]
    style = "p2" if group.flags else "p1"
    if figure.low is not None and figure.high is not None:
        parts.append(svg.line(place(figure.low), y, place(figure.high), y, f"{style} whisker"))
    value = figure.value or 0.0
    return [*parts, svg.mark(2 if group.flags else 0, place(value), y, style, f"{group.name}: {number(value)}")]
