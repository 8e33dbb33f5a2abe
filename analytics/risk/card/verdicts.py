"""The figures that a reader sees first, in words and natural frequencies, with what the baseline does beside them.

Green and red are given by the interval of the paired difference only; where it contains no difference, neither.
"""

from __future__ import annotations

from html import escape

from analytics.risk.card.tables import NOTHING, SHOWN, between_words, decimals, rate, share
from analytics.risk.evaluate.calibration import Calibration
from analytics.risk.evaluate.intervals import Figure
from analytics.risk.evaluate.report import Report
from analytics.risk.evaluate.subgroups import OBSERVED_EXPECTED

#: A slope in this range counts as honest (the project's own bound).
SLOPE = (0.9, 1.1)


def verdicts(report: Report) -> str:
    row = report.setting.row
    cards = [
        _against(
            report, "auroc", f"ranking of {row}s before an event above others (AUROC; 0.5 is chance, 1 is perfect)"
        ),
        _against(report, "sensitivity_stays", "of the patients with the event are alerted in time"),
        _against(report, "new_alerts_per_day", "alerts begin in a patient-day", more_is_better=False),
        _against(
            report,
            "ppv_hours",
            f"of the {row}s with an alert lie in the {report.setting.lead} {row}s before the event or later",
        ),
        _burden(report),
        _honest(report.calibration),
    ]
    return f'<ul class="verdicts">{"".join(cards)}</ul>'


def _against(report: Report, name: str, what: str, *, more_is_better: bool = True) -> str:
    both, shown = report.compared, SHOWN[name]
    mine, theirs = both.model[name], both.baseline[name]
    than = f"{report.baseline_name}: {NOTHING if theirs.value is None else shown(theirs.value)}"
    between = between_words(mine, shown)
    return _card(
        NOTHING if mine.value is None else shown(mine.value),
        what,
        f"{between} · {than}" if between else than,
        _better(both.gain[name], more_is_better),
    )


def _better(gain: Figure, more_is_better: bool) -> bool | None:
    if gain.low is None or gain.high is None or gain.low <= 0 <= gain.high:
        return None
    return (gain.low > 0) == more_is_better


def _burden(report: Report) -> str:
    found, row = report.by_hours.ratio, report.setting.row
    good = None
    if found.low is not None and found.high is not None and not found.low <= 1 <= found.high:
        good = found.high < 1
    return _card(
        NOTHING if found.value is None else share(found.value),
        f"of the alert {row}s of {report.baseline_name}, at its sensitivity",
        between_words(found, share),
        good,
    )


def _honest(found: Calibration) -> str:
    slope, observed = found.slope.value, found.observed_expected.value
    good = None
    if slope is not None and observed is not None:
        good = SLOPE[0] <= slope <= SLOPE[1] and OBSERVED_EXPECTED[0] <= observed <= OBSERVED_EXPECTED[1]
    return _card(
        NOTHING if observed is None else rate(observed),
        "events for each one predicted (1 is honest)",
        f"{between_words(found.observed_expected, rate)} · slope {NOTHING if slope is None else decimals(slope)}",
        good,
    )


def _card(value: str, what: str, than: str, good: bool | None) -> str:
    kind = "" if good is None else ' class="good"' if good else ' class="bad"'
    return f'<li{kind}><b>{escape(value)}</b>{escape(what)}<span class="than">{escape(than)}</span></li>'
