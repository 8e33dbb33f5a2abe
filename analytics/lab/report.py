"""The report: one self-contained page of HTML about the policies that were tried. No script, nothing loaded."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from analytics.lab import charts
from analytics.lab.report_tables import (
    by_group,
    by_scenario,
    changed,
    faults,
    main_figures,
    misses,
    with_interval,
)
from vigil.domain.errors import ConfigError

REPORT = "report.html"

Row = dict[str, Any]


def write_report(summary: Row, path: Path) -> None:
    """Raises ``ConfigError`` when it cannot be written."""
    try:
        path.write_text(report(summary), "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error


def report(summary: Row) -> str:
    parts = [_head(summary), _verdicts(summary), _ward("Figures", summary), _scenarios(summary)]
    if "with_faults" in summary:
        parts += [_ward("With device faults", summary["with_faults"]), faults(summary["faults"])]
    parts += [
        by_group(summary["policies"]),
        misses(summary["policies"]),
        changed(summary["comparisons"]),
        _published(summary),
    ]
    title, style = (
        "Alert policies tried on history",
        resources.files("analytics.lab").joinpath("report.css").read_text("utf-8"),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body>"
        f"<h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def _head(summary: Row) -> str:
    looks = summary.get("looks_at_this_test_seed")
    seen = (
        "This is a test seed; looked at so often: "
        + ", ".join(f"policy version {version}: {count}" for version, count in looks.items())
        if looks
        else "This is no test seed: what is read here may have been tuned on it."
    )
    return (
        f"<p>{escape(summary['origin'])}.</p>"
        f'<p class="soft">Judged by "How alert quality is measured", version {summary["page_version"]}: '
        f"{summary['patients']} patients, {summary['patient_days']:g} patient-days (days with at least one valid value), "
        f"nurses for ten patients: {summary['nurses_per_10_patients']:g}; the supposed nurse acknowledges after "
        f"{summary['nurse_response_s']:g} s. Intervals are 95 %, by bootstrap over patients. {seen}</p>"
    )


def _verdicts(summary: Row) -> str:
    """Each policy against the raw baseline."""
    parts = []
    for row in summary["comparisons"]:
        if row["against"] != "raw-news2":
            continue
        cards = [
            _card("alerts than raw", row["fewer_alerts"], _fewer),
            _card("interruptions than raw", row["fewer_interruptions"], _fewer),
        ]
        if summary["policies"][0]["events"]:
            word = "non-inferior" if row["non_inferior"] else "not shown to be non-inferior (2 points)"
            cards += [
                _card(
                    f"sensitivity against raw: {word}", row["sensitivity_difference"], points, good=row["non_inferior"]
                ),
                _card("median lead time against raw", row["lead_time_difference_s"], _lead),
                _worse(row["scenarios_worse"]),
            ]
        parts.append(
            f'<h2>{escape(row["policy"])} against raw thresholds</h2><ul class="verdicts">{"".join(cards)}</ul>'
        )
    return "".join(parts)


def _fewer(share: float) -> str:
    return f"{abs(share):.1%} {'fewer' if share >= 0 else 'more'}"


def points(value: float) -> str:
    """
    >>> points(0.031), points(-0.2)
    ('+3.1 points', '−20.0 points')
    """
    return f"{value * 100:+.1f} points".replace("-", "−")


def _lead(seconds: float) -> str:
    return ("+" if seconds >= 0 else "−") + charts.hours(abs(seconds))


def _card(what: str, figure: Row, shown: Any, good: bool | None = None) -> str:
    kind = "" if good is None else ' class="good"' if good else ' class="bad"'
    value, between = with_interval(figure, shown)
    return f'<li{kind}><b>{value}</b>{escape(what)}<br><span class="soft">{between}</span></li>'


def _worse(scenarios: Sequence[str]) -> str:
    kind, said = ("bad", ", ".join(scenarios)) if scenarios else ("good", "none")
    return f'<li class="{kind}"><b>{escape(said)}</b>scenarios worse than raw by more than 5 points</li>'


def _ward(title: str, summary: Row) -> str:
    rows = summary["policies"]
    figures = [
        _figure(
            "Alerts a patient-day",
            "Physiological ones by priority; the line is the interval of their sum. " + _priorities(),
            charts.burden(rows),
        ),
        _figure(
            "Who has the alerts",
            "Marks: the tenth of patients with the most. " + charts.legend(rows),
            charts.cumulative(rows),
        ),
    ]
    return f'<h2>{title}</h2>{main_figures(rows)}<div class="figures">{"".join(figures)}</div>'


def _priorities() -> str:
    return " ".join(
        f'<span class="kept"><span class="swatch {name}"></span> {name}</span>' for name in ("high", "medium", "low")
    )


def _figure(title: str, caption: str, drawn: str) -> str:
    return f"<figure><figcaption><b>{title}</b>{caption}</figcaption>{drawn}</figure>"


def _scenarios(summary: Row) -> str:
    rows = summary["policies"]
    if not rows[0]["events"]:
        return "<h2>Events</h2><p>Nothing is known of events in these readings: only the burden can be judged.</p>"
    figures = [
        _figure(
            "Events caught",
            "Tick: alerting at random as often as this policy. * left out of tuning. " + charts.legend(rows),
            charts.sensitivity(rows),
        ),
        _figure(
            "Median lead time",
            "Missed events rank last; no mark where most are missed. Tick: from onset to harm. " + charts.legend(rows),
            charts.lead_times(rows),
        ),
    ]
    return f'<h2>Events by scenario</h2><div class="figures">{"".join(figures)}</div>{by_scenario(rows)}'


_SETTING: tuple[str, ...] = (
    "WARD (surgical wards, wearables): 137 alerts a patient-day raw, 101 after artefacts were removed, 19 with delays and other "
    "limits: 86 % fewer than raw and 81 % fewer than without artefacts. It counts each parameter alone and gives no sensitivity.",
    "A tuned patch system: 0.49 alarms a patient-day, 11 of 18 events.",
    "Arrhythmia alarms in intensive care: 88.8 % false.",
    "What differs here: the people and their illnesses are simulated, or recorded elsewhere, and not those of these studies; "
    "the nurse always answers after the same time; the limits, the vitals and the spacing of values are others.",
)


def _published(summary: Row) -> str:
    raw = summary["raw_by_parameter_per_patient_day"]
    own = ", ".join(f"{escape(name)} {value:.1f}" for name, value in raw.items() if value is not None)
    items = "".join(f"<li>{text}</li>" for text in _SETTING)
    counted = f"<p>Each parameter alone, as WARD counted, a patient-day: {own or 'none'}.</p>"
    return f"<h2>Beside published figures</h2>{counted}<ul>{items}</ul>"
