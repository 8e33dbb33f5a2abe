"""The tables of a model card."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from analytics.lab.report_tables import folded, table
from analytics.risk.card.card import ModelCard
from analytics.risk.evaluate.alert_hours import AlertHours
from analytics.risk.evaluate.intervals import Figure
from analytics.risk.evaluate.measures import MEANING
from analytics.risk.evaluate.privacy import LEAST
from analytics.risk.evaluate.report import Elsewhere, Report
from analytics.risk.evaluate.subgroups import Group

Shown = Callable[[float], str]

NOTHING = "–"


def share(value: float) -> str:
    """
    >>> share(0.614), share(0.0321)
    ('61 %', '3.2 %')
    """
    return f"{100 * value:.0f} %" if abs(value) >= 0.1 else f"{100 * value:.1f} %"


def points(value: float) -> str:
    """
    >>> points(-0.054)
    '−5.4 points'
    """
    return signed(100 * value, ".1f") + " points"


def signed(value: float, form: str) -> str:
    return f"{value:+{form}}".replace("-", "−")


def decimals(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def rate(value: float) -> str:
    """
    >>> rate(38.91), rate(0.869)
    ('39', '0.87')
    """
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def hours(value: float) -> str:
    return f"{value:.1f} h".replace("-", "−")


#: How each metric is written.
SHOWN: dict[str, Shown] = {
    **dict.fromkeys(("auroc", "auprc", "utility", "brier"), decimals),
    **dict.fromkeys(
        ("sensitivity_stays", "sensitivity_new", "sensitivity_hours", "ppv_hours", "ppv_new", "scored"), share
    ),
    **dict.fromkeys(
        ("alert_hours_per_day", "new_alerts_per_day", "false_per_event", "observed_expected", "slope"), rate
    ),
    "lead_h": hours,
}
#: How a difference of two of them is written.
_CHANGED: dict[str, Shown] = {
    **{name: lambda value: signed(value, ".3f") for name in ("auroc", "auprc", "utility")},
    **dict.fromkeys(("sensitivity_stays", "sensitivity_new", "sensitivity_hours", "ppv_hours", "ppv_new"), points),
    **{
        name: lambda value: signed(value, ".2f")
        for name in ("alert_hours_per_day", "new_alerts_per_day", "false_per_event")
    },
    "lead_h": lambda value: signed(value, ".1f") + " h",
}


def cell(figure: Figure | None, shown: Shown) -> str:
    """The value with its interval beneath; a dash where it is not defined."""
    if figure is None or figure.value is None:
        return NOTHING
    between = f" <small>{between_words(figure, shown)}</small>" if figure.low is not None else ""
    return shown(figure.value) + between


def between_words(figure: Figure, shown: Shown) -> str:
    """The interval with its unit said once, or nothing.

    >>> between_words(Figure(0.6, 0.55, 0.65), share)
    '55 to 65 %'
    """
    if figure.low is None or figure.high is None:
        return ""
    low, high = shown(figure.low), shown(figure.high)
    unit = high[high.find(" ") :] if " " in high else ""
    return f"{low.removesuffix(unit)} to {high}"


def count(number: int | None) -> str:
    """
    >>> count(790215), count(None)
    ('790,215', 'fewer than 10')
    """
    return f"fewer than {LEAST}" if number is None else f"{number:,}"


#: What is not folded.
_FIRST = (
    "auroc", "utility", "sensitivity_stays", "sensitivity_hours", "ppv_new", "alert_hours_per_day", "new_alerts_per_day",
    "lead_h",
)  # fmt: skip


def compared(report: Report) -> str:
    """Every metric of the model beside the baseline's; the lesser ones are folded."""
    first = [_compared(name, report) for name in MEANING if name in _FIRST and name in report.compared.model]
    rest = [_compared(name, report) for name in MEANING if name not in _FIRST and name in report.compared.model]
    heads = ("", "model", report.baseline_name, "difference")
    return table(heads, first) + folded("More figures", table(heads, rest))


def _compared(name: str, report: Report) -> tuple[str, ...]:
    both, meaning = report.compared, MEANING[name].format(row=report.setting.row)
    return (
        escape(meaning[:1].upper() + meaning[1:]),
        cell(both.model[name], SHOWN[name]),
        cell(both.baseline.get(name), SHOWN[name]),
        cell(both.gain.get(name), _CHANGED.get(name, decimals)),
    )


def at_same_sensitivity(report: Report) -> str:
    row = report.setting.row
    ways = (
        (f"the same share of labelled {row}s alerts (this one counts)", report.by_hours),
        ("the same share of patients with the event is alerted in time", report.by_stays),
    )
    heads = (
        "where …",
        "sensitivity",
        f"{report.baseline_name}: {row}s that alert",
        f"model: {row}s that alert",
        "model / baseline",
    )
    return table(heads, [_same(name, found) for name, found in ways])


def _same(name: str, found: AlertHours) -> tuple[str, ...]:
    return (
        escape(name),
        *(cell(each, share) for each in (found.sensitivity, found.baseline, found.model)),
        cell(found.ratio, rate),
    )


def elsewhere(tests: Iterable[Elsewhere]) -> str:
    names = ("auroc", "utility", "sensitivity_hours", "ppv_hours", "alert_hours_per_day", "observed_expected", "slope")
    heads = ("learned and judged on", "patients", "with event", "AUROC", "utility", "labelled hours found", "alert hours right",
             "alert hours a patient-day", "observed / predicted", "slope")  # fmt: skip
    return table(
        heads,
        [
            (
                escape(test.name),
                count(test.stays),
                count(test.events),
                *(cell(test.figures.get(name), SHOWN[name]) for name in names),
            )
            for test in tests
        ],
    )


_GROUP_FIGURES = (
    ("alerted in time", "sensitivity_stays"), ("alerts right", "ppv_new"), ("alert hours right", "ppv_hours"),
    ("alert hours a patient-day", "alert_hours_per_day"), ("observed / predicted", "observed_expected"), ("slope", "slope"),
    ("AUROC", "auroc"), ("AUPRC", "auprc"), ("lead time", "lead_h"), ("scored", "scored"),
)  # fmt: skip


def groups(found: Iterable[Group]) -> str:
    """Every group with its figures, or that there is not enough data."""
    heads = (
        "group",
        "patients",
        "with event",
        *(head for head, _ in _GROUP_FIGURES),
        "against largest",
        "against best",
    )
    return table(heads, [_group(group) for group in found])


def _group(group: Group) -> tuple[str, ...]:
    name = f"{escape(group.kind)}: {escape(group.name)}"
    if not group.enough:
        return (name, count(group.stays), "not enough data", *[NOTHING] * (len(_GROUP_FIGURES) + 2))
    if group.flags:
        name = f'<span class="flag" title="{escape("; ".join(group.flags))}">⚑ {name}</span>'
    return (
        name,
        count(group.stays),
        count(group.events),
        *(cell(group.figures.get(metric), SHOWN[metric]) for _, metric in _GROUP_FIGURES),
        cell(group.gaps.get("sensitivity to largest"), points),
        cell(group.gaps.get("sensitivity to best"), points),
    )


def inputs(card: ModelCard) -> str:
    rows = [(escape(each.name.replace("_", " ")), escape(each.unit), _age(each.stale_after_h)) for each in card.inputs]
    return table(("input", "unit", "too old after"), rows)


def _age(hours: float | None) -> str:
    return "never" if hours is None else f"{hours:g} h"


def drift(card: ModelCard) -> str:
    return table(
        ("watched", "look at", "act at"), [(escape(e.signal), escape(e.look), escape(e.act)) for e in card.drift_plan]
    )


def approvals(card: ModelCard) -> str:
    rows = [(escape(each.who), escape(each.role), escape(each.on), escape(each.decision)) for each in card.approvals]
    return table(("who", "role", "date", "decision"), rows)
