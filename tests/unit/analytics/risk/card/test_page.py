"""The page that a clinician reads: complete, honest about gaps, self-contained, the same every time, and readable on a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

from analytics.risk.card import plots
from analytics.risk.card.card import Approval
from analytics.risk.card.page import html
from analytics.risk.evaluate.intervals import Figure
from analytics.risk.evaluate.report import judge
from tests.unit.analytics.risk.card.cards import CARD, report
from tests.unit.analytics.risk.evaluate.tables import ward

_VOID = {"meta", "br", "!doctype"}


class _Nesting(HTMLParser):
    """Which tags are open, and which were closed though they were not."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))


@pytest.fixture(scope="module")
def page() -> str:
    return html(CARD, report())


def test_every_sentence_of_the_card_is_on_the_page(page: str) -> None:
    text = words(page)
    sentences = [
        CARD.title, CARD.label, CARD.users, CARD.setting, CARD.patients, CARD.decision, CARD.groups_not_evaluated,
        CARD.threshold_why, CARD.missing_input, CARD.alert_budget, CARD.oversight, CARD.explanation, CARD.explanation_limits,
        CARD.rollback, CARD.revalidate_by, CARD.kind, CARD.training_data, CARD.label_made, CARD.devices, CARD.contact,
        *CARD.out_of_scope, *CARD.failure_modes, *CARD.caveats, CARD.drift_plan[0].signal,
    ]  # fmt: skip

    assert [sentence for sentence in sentences if sentence not in text] == []


def test_the_figures_stand_beside_the_baselines(page: str) -> None:
    text, both = words(page), report().compared

    for found in (both.model["auroc"], both.baseline["auroc"]):
        assert f"{found.value:.3f}" in text
    assert "NEWS2 ≥ 5" in text
    assert "men on women" in text  # the test on other patients


def test_unsigned_says_so_and_signed_says_who(page: str) -> None:
    assert "Not signed off" in page
    signed = html(
        replace(CARD, approvals=(Approval("A. Physician", "safety owner", "2026-02-01", "shadow"),)), report()
    )

    assert "Not signed off" not in signed
    assert "A. Physician" in signed


def test_it_loads_nothing_and_runs_nothing(page: str) -> None:
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://|\son\w+=", page)


def test_its_tags_are_nested(page: str) -> None:
    parser = _Nesting()
    parser.feed(page)

    assert (parser.wrong, parser.open) == ([], [])


def test_what_people_wrote_is_never_markup() -> None:
    hostile = "<b>5 & 6</b>"
    written = replace(
        CARD, title=hostile, users=hostile, failure_modes=(hostile,), owner=hostile, threshold_why=hostile
    )

    page = html(written, replace(report(), baseline_name=hostile))

    assert hostile not in page
    assert "&lt;b&gt;5 &amp; 6&lt;/b&gt;" in page


def test_the_same_card_gives_the_same_bytes(page: str) -> None:
    hours, y, risk = ward(400)
    again = replace(judge(y, risk, risk >= 0.3, hours, 1, draws=20), elsewhere=report().elsewhere)

    assert html(CARD, again) == page


def test_pictures_are_well_formed_and_have_words_for_those_who_do_not_see_them(page: str) -> None:
    pictures = re.findall(r'<svg viewBox="0 0 400.*?</svg>', page, flags=re.DOTALL)

    assert len(pictures) == 8
    for picture in pictures:
        assert ElementTree.fromstring(picture).find("title") is not None


def test_flagged_groups_are_named_before_the_table() -> None:
    flagged = tuple(replace(group, flags=("finds fewer",) if group.name == "men" else ()) for group in report().groups)

    text = words(html(CARD, replace(report(), groups=flagged)))

    assert "sex, men: finds fewer." in text
    assert "No group differs" in words(
        html(CARD, replace(report(), groups=tuple(replace(g, flags=()) for g in flagged)))
    )


def test_a_small_group_says_not_enough_data_and_no_number() -> None:
    group = replace(
        report().groups[0], stays=None, events=None, hours=None, enough=False, figures={}, gaps={}, flags=()
    )

    text = words(html(CARD, replace(report(), groups=(group,))))

    assert f"age: {group.name} fewer than 10 not enough data – –" in text


def test_without_groups_it_says_that_nobody_knows() -> None:
    assert "Not known: the data do not say who the patients were" in words(html(CARD, replace(report(), groups=())))


def test_a_judgement_of_hardly_anybody_still_makes_a_page() -> None:
    hours, y, risk = ward(12)
    page = html(CARD, judge(y * 0, risk, risk > 0.3, hours, 1, draws=5))

    assert "nan" not in words(page).split()
    assert "None" not in words(page)


def test_a_difference_is_green_or_red_only_when_its_interval_says_so() -> None:
    def first(gain: Figure) -> str:
        both = report().compared
        page = html(CARD, replace(report(), compared=replace(both, gain={**both.gain, "auroc": gain})))
        return page.split('<ul class="verdicts">')[1][:20]

    assert first(Figure(0.1, 0.05, 0.15)).startswith('<li class="good">')
    assert first(Figure(-0.1, -0.15, -0.05)).startswith('<li class="bad">')
    assert first(Figure(0.1, -0.05, 0.25)).startswith("<li><b>")


def test_the_mark_on_the_roc_lies_where_the_alerts_are() -> None:
    """Its false alert share from alert hours, sensitivity and prevalence is the one counted."""
    _, y, risk = ward(400)
    alerts = risk >= 0.3
    x = 46 + alerts[y == 0].mean() * (400 - 12 - 46)

    assert f"translate({x:.1f}"[:-1] in plots.roc(report())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer: while Playwright runs, this thread has an event loop, and ``asyncio.run`` in other tests fails."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(
    browser: Browser, page: str, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    file = tmp_path / "card.html"
    file.write_text(page, "utf-8")
    with browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme) as shown:
        shown.goto(file.as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        too_wide = shown.evaluate("document.documentElement.scrollWidth - innerWidth")
        paper = shown.evaluate("getComputedStyle(document.body).backgroundColor")

    assert too_wide <= 0
    brightness = np.mean([int(part) for part in re.findall(r"\d+", paper)])
    assert (brightness > 200) == (scheme == "light")
