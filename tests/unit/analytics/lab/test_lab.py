"""A whole comparison on a small table: files, figures, the kept baseline and the report."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analytics.backtest.run import Source
from analytics.lab.baseline import FILE, RAW, RAW_CLEAN, baselines
from analytics.lab.lab import LabPlan, Tables, Tried, try_policies
from analytics.lab.labels import Event, Labels, read_labels, write_labels
from analytics.lab.report import report, write_report
from tests.unit.analytics.lab.given import at
from vigil.domain.errors import TableError
from vigil.domain.policy import DEFAULT_POLICY, with_limits
from vigil.domain.quality import Quality
from vigil.domain.times import to_iso

#: SpO2 is 84 from minute 60 to 90; one artefact at minute 10.
EVENT = Event("e-1", "p-1", "desaturation", at(55), at(90), fault="")
WIDE = with_limits(DEFAULT_POLICY, [{"vital": "spo2", "side": "low", "limit": 82}], "a test")


def table(path: Path) -> Path:
    rows = ["patient,vital,measured_at,value,quality,device"]
    for minute in range(150):
        for patient in ("p-1", "p-2"):
            low = patient == "p-1" and 60 <= minute < 90
            artefact = patient == "p-2" and minute == 10
            value, quality = (70, int(Quality.MOTION)) if artefact else (84 if low else 97, 0)
            rows.append(f"{patient},spo2,{to_iso(at(minute))},{value},{quality},w-{patient}")
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("lab")
    labels = Labels("a test", (EVENT,), {"p-1": {"sex": "F"}, "p-2": {"sex": "M"}}, left_out=("desaturation",))
    tried = [Tried("default", DEFAULT_POLICY), Tried("wide", WIDE)]
    return try_policies(LabPlan(Source(table(folder / "t.csv")), labels, folder / "out", tried), lambda *_: None)


def test_policies_come_as_asked_and_the_baselines_last(tables: Tables) -> None:
    assert [row["policy"] for row in tables.summary["policies"]] == ["default", "wide", RAW, RAW_CLEAN]
    assert [row["patient_days"] for row in tables.summary["policies"]] == [2] * 4
    assert len(tables.summary["comparisons"]) == 6


def test_each_is_judged_on_the_same_event(tables: Tables) -> None:
    rows = {row["policy"]: row for row in tables.summary["policies"]}
    assert {name: row["missed"] for name, row in rows.items()} == {"default": 0, "wide": 1, RAW: 0, RAW_CLEAN: 0}
    assert rows[RAW]["physiological_alerts_per_patient_day"] == 1  # the fall and the artefact, in two patient-days
    assert rows[RAW_CLEAN]["physiological_alerts_per_patient_day"] == 0.5
    assert rows[RAW]["lead_time_median_s"] == 30 * 60
    (lost,) = [row["lost"] for row in tables.summary["comparisons"] if (row["policy"], row["against"]) == ("wide", RAW)]
    assert [(each["event"], each["other_rule"]) for each in lost] == [("e-1", RAW)]


def test_the_baseline_is_kept_for_the_same_input_only(tmp_path: Path) -> None:
    source, asked = Source(table(tmp_path / "t.csv")), list[int]()
    first = baselines(source, tmp_path, lambda done, _: asked.append(done))
    assert baselines(source, tmp_path, lambda done, _: asked.append(done)) == first
    assert asked == [2]
    (tmp_path / FILE).write_text("{", "utf-8")
    assert baselines(source, tmp_path, lambda done, _: asked.append(done)) == first
    assert asked == [2, 2]


class _Page(HTMLParser):
    """Every tag is closed, and nothing is loaded."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_whole_page_that_loads_nothing(tables: Tables, tmp_path: Path) -> None:
    write_report(tables.summary, tmp_path / "report.html")
    text, page = (tmp_path / "report.html").read_text("utf-8"), _Page()
    page.feed(text)
    assert page.open == []
    assert page.addresses == []
    assert "script" not in page.seen
    assert "url(" not in text
    assert page.seen.count("svg") >= 4
    assert all(name in text for name in ("default", "wide", "prefers-color-scheme", "@media print", "WARD"))
    assert re.search(r"\bnan\b|None|inf\b", re.sub(r"<style>.*</style>|>None\.<", "", text)) is None


def test_names_cannot_break_the_page(tables: Tables) -> None:
    summary = json.loads(json.dumps(tables.summary).replace("wide", "<b>wide&"))
    text, page = report(summary), _Page()
    page.feed(text)
    assert page.open == []
    assert "<b>wide" not in text


def test_labels_survive_a_file(tmp_path: Path) -> None:
    labels = Labels("a test", (EVENT,), {"p-1": {"sex": "F"}}, left_out=("x",))
    write_labels(labels, tmp_path / "labels.json")
    assert read_labels(tmp_path / "labels.json") == labels


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"origin": "x", "events": [{"a": 1}], "groups": {}, "spans": [], "left_out": []}']
)
def test_a_file_without_labels_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(text, "utf-8")
    with pytest.raises(TableError, match=r"labels\.json"):
        read_labels(path)
