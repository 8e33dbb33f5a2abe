"""The model card as one self-contained page that a clinician can read in three minutes: what it is and is not for, how good it
is, whom it fails, and what happens when it does. No script, nothing loaded, the same bytes for the same card and report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources

from analytics.lab.report_tables import folded, table
from analytics.lab.svg import line, tag
from analytics.risk.card import plots, tables
from analytics.risk.card.card import ModelCard
from analytics.risk.card.verdicts import verdicts
from analytics.risk.evaluate.intervals import NOTHING
from analytics.risk.evaluate.report import Report
from analytics.risk.evaluate.subgroups import CROSSED, OBSERVED_EXPECTED, Group


def html(card: ModelCard, report: Report) -> str:
    style = resources.files("analytics.risk.card").joinpath("card.css").read_text("utf-8")
    sections = (
        _head(card, report), _whom(card), _good(report), _honest(card, report), _groups(card, report),
        _fails(card), _use(card), _watch(card), _details(card, report),
    )  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(card.title)}: model card</title><style>{style}</style></head><body>{''.join(sections)}</body></html>\n"
    )


def _head(card: ModelCard, report: Report) -> str:
    signed = (
        "Signed off; see the end."
        if card.approvals
        else "Not signed off: no clinician has approved this model for use."
    )
    judged = (
        f"Judged on {tables.count(report.hours)} {report.setting.row}s of {tables.count(report.stays)} patients whom it had not "
        f"learned from, {tables.count(report.events)} of them with the event. Small print: 95 % intervals."
    )
    return (
        f'<h1>{escape(card.title)}</h1><p class="label">Predicts: <b>{escape(card.label)}</b></p>'
        f'<p class="state"><b>{escape(signed)}</b> Validate again by {escape(card.revalidate_by)}. '
        "Decision support, not diagnosis: a person decides.</p>"
        f'{verdicts(report)}<p class="soft">{escape(judged)}</p>'
    )


def _whom(card: ModelCard) -> str:
    return (
        '<div class="sides"><section><h2>For whom</h2>'
        f"{_text(card.patients)}{_text(card.setting)}<p><b>Who uses it:</b> {escape(card.users)}</p>"
        f"<p><b>What it helps decide:</b> {escape(card.decision)}</p></section>"
        f"<section><h2>Not for</h2>{_list(card.out_of_scope)}</section></div>"
    )


def _good(report: Report) -> str:
    name, row = report.baseline_name, report.setting.row
    lines = _legend(("p1", "model"), ("g1", name))
    figures = [
        _figure("Does it rank rightly?", f"Dotted: chance. Marks: as it alerts. {lines}", plots.roc(report)),
        _figure("How often is an alert right?", f"Dotted: chance. {lines}", plots.precision_recall(report)),
    ]
    elsewhere = ""
    if report.elsewhere:
        elsewhere = (
            "<h3>On patients unlike those it learned from</h3>"
            f"<p>What counts most where it will be used.</p>{tables.elsewhere(report.elsewhere)}"
        )
    when = (
        f"In time: from {report.setting.early} {row}s before to {report.setting.late} {row}s after the onset. "
        f"Labelled {row}s: from {report.setting.lead} {row}s before the onset on."
    )
    return (
        f'<h2>How good is it?</h2><div class="figures">{"".join(figures)}</div>{tables.compared(report)}'
        f'<p class="soft">{escape(when)}</p>'
        f"<h3>Alert burden when it finds as much as {escape(name)}</h3>{tables.at_same_sensitivity(report)}{elsewhere}"
    )


def _honest(card: ModelCard, report: Report) -> str:
    hidden = sum(each.observed.value is None for each in report.calibration.curve)
    left_out = f" {hidden} of the bins had too few patients with the event to be shown." if hidden else ""
    name = report.baseline_name
    levels = f"{name.split(' ')[0]}, each level with its own risk"
    curve = _legend(("p1", "model"), ("g1 dashed", name), ("g1", levels), ("g2 dotted", "everybody"))
    figures = [
        _figure(
            "Is the risk honest?",
            f"On the dotted line it is. Below: how many predictions are how high.{left_out}",
            plots.reliability(report),
        ),
        _figure(
            "Is acting on it worth it?",
            f"Higher is better; 0 is acting on nobody. At 5 %, you would accept 19 false alerts for a true one. {curve}",
            plots.decision(report.decision),
        ),
    ]
    found = report.calibration
    words = (
        ("slope (1 is honest, below: too extreme)", found.slope),
        ("intercept (0 is honest, above: too low)", found.intercept),
        ("events for each one predicted", found.observed_expected),
        ("mean squared error (Brier)", found.brier),
    )
    rows = [(name, tables.cell(figure, tables.decimals)) for name, figure in words]
    return (
        f'<h2>Can its numbers be believed?</h2><div class="figures">{"".join(figures)}</div>'
        f"{table(('calibration', 'model'), rows)}"
        f"<p><b>It alerts from a risk of {plots.percent(card.threshold)} on.</b> {escape(card.threshold_why)}</p>"
    )


_FLAGGED = (
    "Flagged when the whole interval lies beyond a bound: 5 points of sensitivity, 1.5 times the alert hours, 0.8 to 1.25 events "
    "for each one predicted, 10 points of scored hours. No flag is no proof of fairness: small groups have wide intervals. "
    "Groups with fewer than 10 patients with the event (crossed groups: 50) show nothing."
)


def _groups(card: ModelCard, report: Report) -> str:
    flagged = [group for group in report.groups if group.flags]
    everything = folded("All groups with all figures", tables.groups(report.groups)) if report.groups else ""
    return (
        f"<h2>Whom does it fail?</h2>{_flags(flagged, report.groups)}"
        f'<div class="figures">{"".join(_forests(report))}</div>{everything}<p class="soft">{_FLAGGED}</p>'
        f"<p><b>Not evaluated:</b> {escape(card.groups_not_evaluated)}</p>"
    )


def _forests(report: Report) -> Iterator[str]:
    single = [group for group in report.groups if group.kind != CROSSED]
    row = report.setting.row
    for title, caption, metric, number, limits in (
        ("Finds them in time", "Share of patients with the event.", "sensitivity_stays", plots.percent, None),
        ("Calls", f"Alert {row}s a patient-day.", "alert_hours_per_day", plain, None),
        ("Honest risk", "Events for each one predicted; bounds in red.", "observed_expected", plain, OBSERVED_EXPECTED),
        ("Ranks rightly", f"AUROC by {row}.", "auroc", plain, None),
    ):
        drawn = plots.forest(single, metric, report.compared.model.get(metric, NOTHING), number, limits)
        if drawn:
            yield _figure(title, f"{caption} Dashed: everybody. ◆ flagged.", drawn)


def plain(value: float) -> str:
    """
    >>> plain(0.5), plain(10.0)
    ('0.5', '10')
    """
    return f"{value:.3g}"


def _flags(flagged: Sequence[Group], groups: Sequence[Group]) -> str:
    if not groups:
        return "<p><b>Not known:</b> the data do not say who the patients were.</p>"
    if not flagged:
        return "<p>No group differs by more than the bounds below with certainty.</p>"
    return _list(
        (f"{group.kind}, {group.name}: {'; '.join(group.flags)}." for group in flagged if group.kind != CROSSED),
    ) + _crossed([group for group in flagged if group.kind == CROSSED])


def _crossed(flagged: Sequence[Group]) -> str:
    if not flagged:
        return ""
    return f"<p>By age and sex together: {escape('; '.join(group.name for group in flagged))} are flagged in the table.</p>"


def _fails(card: ModelCard) -> str:
    return (
        f'<div class="sides"><section><h2>How it fails</h2>{_list(card.failure_modes)}</section>'
        f"<section><h2>When inputs are missing</h2>{_text(card.missing_input)}{tables.inputs(card)}</section></div>"
    )


def _use(card: ModelCard) -> str:
    return "<h2>How to use it</h2>" + _facts(
        ("Who decides", card.oversight),
        ("Alert budget", card.alert_budget),
        ("Why it says so", card.explanation),
        ("What that cannot tell", card.explanation_limits),
    )


def _watch(card: ModelCard) -> str:
    signed = tables.approvals(card) if card.approvals else "<p><b>Not signed off.</b></p>"
    return (
        f"<h2>Watching it</h2>{tables.drift(card)}"
        + _facts(("Way back", card.rollback), ("Validate again by", card.revalidate_by))
        + f"<h3>Approvals</h3>{signed}"
    )


def _details(card: ModelCard, report: Report) -> str:
    return (
        f'<h2>Ethics and caveats</h2><div class="sides">{_list(card.ethics)}{_list(card.caveats)}</div><h2>Details</h2>'
        + _facts(
            ("Name, version, date", f"{card.name}, {card.version}, {card.dated}"),
            ("Kind of model", card.kind),
            ("Learned from", card.training_data),
            ("Who was included", card.inclusion),
            ("Who they were", card.demographics),
            ("How the label was made", card.label_made),
            ("Judged on", card.evaluation_data),
            ("Intervals", f"{card.interval_method} {report.draws} draws, seed {report.seed}."),
            ("Groups", card.groups),
            ("Devices", card.devices),
            ("Places", card.environments),
            ("Licence of the data", card.data_licence),
            ("Licence of the model", card.licence),
            ("Owner, contact", f"{card.owner}, {card.contact}"),
            ("Training run", card.training_run),
            ("Made with", card.components),
            ("Definitions", f"How alert quality is measured, version {report.definitions}"),
        )
    )


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(items: Iterable[str]) -> str:
    return f'<ul class="plain">{"".join(f"<li>{escape(item)}</li>" for item in items)}</ul>'


def _facts(*facts: tuple[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in facts)}</dl>"


def _figure(title: str, caption: str, drawn: str) -> str:
    """``caption``: markup."""
    return f"<figure><figcaption><b>{escape(title)}</b>{caption}</figcaption>{drawn}</figure>"


def _legend(*lines: tuple[str, str]) -> str:
    """``lines``: style and name of each."""
    items = []
    for kind, name in lines:
        drawn = tag("svg", line(0, 7, 32, 7, f"{kind} path"), viewBox="0 0 32 14", class_="key", aria_hidden="true")
        items.append(f"<li>{drawn} {escape(name)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'
