"""The hand-over note of a ward whose facts are known: each stands in it, in JSON and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.handover_text import markdown, matters
from tests.unit.api.site import START, Site, open_site
from tests.unit.api.test_teams import document
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.lifecycle import (
    Acknowledge,
    Amended,
    Began,
    DeadlineReached,
    Ended,
    Finding,
    HandOver,
    Snooze,
    Stamp,
    Suppress,
)
from vigil.domain.phrases import Language, phrase, tell
from vigil.domain.scores import Band, Coverage, CoverageState, Score, ScoreStatus
from vigil.domain.self_test import MISSING_RULE, PLATFORM
from vigil.domain.times import HOUR, MINUTE, to_iso

#: 06:30 in Berlin, half an hour before the change of shift.
NOW = START + 5 * HOUR + 30 * MINUTE

NOTE = Path(__file__).with_name("handover_note.md")
NOTE_ZH = Path(__file__).with_name("handover_note_zh.md")


def moment(text: str) -> int:
    """A time of that night in Berlin."""
    hours, minutes = text.split(":")
    return START + (int(hours) - 1) * HOUR + int(minutes) * MINUTE


def score(
    patient_id: str, at: str, lower: int, upper: int, missing: tuple[str, ...] = (), single_3: bool = False
) -> Score:
    status = ScoreStatus.PARTIAL if missing else ScoreStatus.COMPLETE
    total = None if missing else lower
    return Score("news2", patient_id, moment(at), status, total, lower, upper, Band.LOW, single_3, (), missing)


class Night:
    """The ward of the note, told in the order in which it happened."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._cause = 0

    def stamp(self, at: str, actor: str = "vigil") -> Stamp:
        self._cause += 1
        self.site.clock.jump_to(moment(at))
        return Stamp(f"command:{self._cause}", moment(at), actor)

    def open(
        self,
        patient_id: str,
        rule: str,
        at: str,
        title: str,
        text: str,
        priority: Priority,
        kind: Kind = Kind.PHYSIOLOGICAL,
    ) -> Alert:
        finding = Finding(patient_id, rule, kind, priority, title, Evidence(text), moment(at))
        return self.site.happen(None, Began(self.stamp(at), finding)).after

    def people(self) -> None:
        site = self.site
        site.call("PUT", "/api/v1/teams", "clinician", json={"team": document(), "reason": "rota"})
        for patient_id, family, given, device in (
            ("p-1", "Bauer", "Rosa", "w-1"),
            ("p-2", "Okafor", "Ben", "w-2"),
            ("p-3", "Sato", "Yui", "w-3"),
            ("p-4", "Łukasz", "Jan", None),
        ):
            site.admit(patient_id, device, family=family, given=given)
        site.admit("p-5", "w-5", ward="south", family="Elsewhere")

    def alerts(self) -> None:
        happen = self.site.happen
        south = self.open("p-5", "news2", "02:00", "NEWS2 7", "NEWS2 is 7.", Priority.HIGH)
        happen(south, DeadlineReached(self.stamp("02:13"), south.deadline_at or 0))
        spo2 = self.open("p-1", "limit.spo2.low", "02:14", "SpO2 low", "SpO2 84 %, below 90 % for 15 s.", Priority.HIGH)
        breath = self.open(
            "p-1", "limit.resp_rate.high", "02:14", "Breathing fast", "25/min, above 24 for 30 s.", Priority.LOW
        )
        happen(breath, Suppress(self.stamp("02:14"), spo2.alert_id))
        for at in ("02:17", "02:20"):
            stamp = self.stamp(at)
            spo2 = happen(spo2, DeadlineReached(stamp, spo2.deadline_at or 0)).after
        pulse = self.open(
            "p-2", "limit.heart_rate.high", "03:00", "Pulse high", "Pulse 136, above 130 for 10 s.", Priority.MEDIUM
        )
        fever = self.open("p-2", "limit.body_temp.high", "03:00", "Fever", "39.4 °C, above 39 °C.", Priority.MEDIUM)
        faint = self.open(
            "p-3", "limit.bp_sys.low", "03:30", "Pressure low", "88 mmHg, below 91 mmHg.", Priority.MEDIUM
        )
        pulse = happen(pulse, Acknowledge(self.stamp("03:05", "chen"), pulse.version, "calls at seven")).after
        fever = happen(fever, Acknowledge(self.stamp("03:06", "chen"), fever.version)).after
        faint = happen(faint, Acknowledge(self.stamp("03:40", "chen"), faint.version)).after
        happen(faint, Ended(self.stamp("03:50"), moment("03:50")))
        self.end_unseen(breath)
        stamp = self.stamp("06:20", "chen")
        happen(pulse, Snooze(stamp, pulse.version, moment("06:45"), "climbs stairs *now*"))
        text = "No self-test for 90 s."
        self.open(PLATFORM, MISSING_RULE, "06:25", "The self-test is missing", text, Priority.LOW, Kind.TECHNICAL)
        happen(fever, HandOver(self.stamp("06:30"), "Li Na"))

    def end_unseen(self, alert: Alert) -> None:
        """A low alert that had been worse: its end latches."""
        now = self.site.records.alert(alert.alert_id)
        line = self.site.records.transitions(alert_id=alert.alert_id)[-1]
        after = replace(now, peak_priority=Priority.MEDIUM, version=now.version + 1)
        assert self.site.records.record(replace(line, cause="command:peak", after=after)) is not None
        self.site.happen(after, Ended(self.stamp("04:00"), moment("04:00")))

    def values(self) -> None:
        site = self.site
        site.store("w-2", "spo2", [95.0], start=moment("04:00") - 120_000)
        site.clock.jump_to(NOW)
        site.store("w-1", "spo2", [84.0])
        stored = [
            score("p-1", "01:00", 2, 2),
            score("p-1", "06:00", 5, 5),
            score("p-2", "01:00", 4, 4),
            score("p-3", "05:00", 1, 4, ("consciousness",)),
        ]
        site.readings.append_scores(stored)
        site.bus.board.put_score(score("p-1", "06:30", 6, 6, single_3=True))
        site.bus.board.put_score(score("p-2", "06:30", 3, 8, ("consciousness",)))
        for one, state, since, why in (
            ("p-1", CoverageState.WATCHED, "01:00", ""),
            ("p-2", CoverageState.NOT_WATCHED, "04:00", "No data from the patch"),
            ("p-3", CoverageState.WATCHED, "01:00", ""),
            ("p-4", CoverageState.NO_DEVICE, "05:00", "No device is bound"),
        ):
            site.bus.board.put_coverage(Coverage(one, state, moment(since), why))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One ward for all questions, which change nothing."""
    site = open_site(Path(tmp_path_factory.mktemp("night")))
    told = Night(site)
    told.people()
    told.alerts()
    told.values()
    yield site
    site.close()


def facts(site: Site, role: str = "nurse") -> Any:
    answer = site.get("/api/v1/handover?ward=north", role)
    assert answer.status_code == 200, answer.text
    return answer.json()


def page(site: Site, role: str = "nurse", ward: str = "north") -> str:
    answer = site.get(f"/api/v1/handover?ward={ward}", role, headers={"Accept": "text/markdown"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    return answer.text


def test_the_whole_note(night: Site) -> None:
    assert page(night) == NOTE.read_text("utf-8")


def test_the_whole_note_in_chinese(night: Site) -> None:
    headers = {"Accept": "text/markdown", "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    answer = night.get("/api/v1/handover?ward=north", headers=headers)
    assert (answer.headers["content-language"], answer.text) == ("zh", NOTE_ZH.read_text("utf-8"))


def test_who_has_an_account_is_called_by_the_name_that_others_see(night: Site) -> None:
    row = {**facts(night), "notes": []}
    assert "Nurse Chen has it since 03:05. Snoozed until 06:45 by Nurse Chen: climbs" in markdown(
        row, Language.ENGLISH, {"chen": "Nurse Chen"}
    )


def test_what_cannot_be_compared_matters_only_where_it_may_have_risen() -> None:
    def row(lower: int, upper: int) -> dict[str, Any]:
        now = {"lower": lower, "upper": upper, "single_3": False, "missing": []}
        return {"now": now, "first": {"lower": 3, "upper": 8}, "course": "unclear"}

    assert (matters(row(3, 3)), matters(row(4, 4)), matters(row(2, 4))) == (False, True, True)


def test_the_same_facts_as_json(night: Site) -> None:
    found = facts(night)
    assert (found["at"], found["since_at"]) == (to_iso(NOW), "2025-12-31T18:00:00.000Z")
    assert found["next"]["at"] == "2026-01-01T06:00:00.000Z"
    assert ([one["id"] for one in found["on_call"]], found["filled"], found["patients"]) == (["chen"], False, 4)
    assert {lane: len(rows) for lane, rows in found["alerts"].items()} == {
        "high": 1,
        "medium": 2,
        "low": 1,
        "technical": 1,
    }
    assert found["happened"] == {"opened": 5, "resolved": 1, "escalated": 1, "unanswered": 1}
    assert [(one["patient"]["id"], one["course"]) for one in found["news2"]] == [
        ("p-1", "up"), ("p-2", "unclear"), ("p-3", "steady"), ("p-4", None),
    ]  # fmt: skip
    assert [(one["device_id"], one["last_heard_at"]) for one in found["silent_devices"]] == [
        ("w-2", to_iso(moment("04:00"))),
        ("w-3", None),
    ]
    assert found["alerts"]["technical"][0]["patient"] is None


def test_what_late_data_changed_is_marked(site: Site) -> None:
    site.admit("p-1")
    words = tell(phrase("limit.low.title", vital="spo2"), phrase("signal.good"))
    evidence = Evidence(words.text, said=words.said)
    finding = Finding("p-1", "limit.spo2.low", Kind.PHYSIOLOGICAL, Priority.MEDIUM, words.title, evidence, START)
    alert = site.happen(None, Began(Stamp("ordinal:1", START), finding)).after
    (before,) = facts(site)["alerts"]["medium"]
    site.happen(alert, Amended(Stamp("ordinal:2", START + MINUTE), "It was not so."))
    (after,) = facts(site)["alerts"]["medium"]
    assert (before["amended"], after["amended"], after["retrospective"]) == (False, True, False)


@pytest.mark.parametrize("role", ["auditor", "research"])
def test_without_the_right_to_names_there_are_none(night: Site, role: str) -> None:
    for text in (page(night, role), str(facts(night, role))):
        assert "p-1" in text
        for mark in ("Bauer", "Rosa", "Okafor", "Łukasz", "climbs stairs", "calls at seven"):
            assert mark not in text, mark


def test_a_quiet_ward_says_none(site: Site) -> None:
    site.admit("p-1", ward="east & <west>")
    found = page(site, ward="east %26 %3Cwest%3E")
    assert found.startswith("# Hand-over: east & \\<west\\>\n\nThursday 2026-01-01, 00:00 (UTC).\n")
    assert "No team is set for this ward: each call goes to the page, for everybody." in found
    assert "**Open: 0 high, 0 medium, 0 low, 0 technical. Nobody has 0 of them." in found
    assert (
        "## Open alerts\n\nNone.\n\n## Since Wednesday 12:00\n\nOpened 0, resolved 0, escalated 0, unanswered 0."
        in found
    )
    assert found.endswith("## Silent devices\n\nNone.\n")


def test_a_note_in_the_first_hour_is_about_the_shift_before(night: Site) -> None:
    later = NOW + HOUR
    night.clock.jump_to(later)
    found = facts(night)
    night.clock.jump_to(NOW)
    assert [one["id"] for one in found["on_call"]] == ["Li Na"]
    assert (found["at"], found["since_at"]) == (to_iso(later), "2025-12-31T18:00:00.000Z")


def test_an_unknown_ward_has_no_note(night: Site) -> None:
    assert night.get("/api/v1/handover?ward=west").status_code == 404
    assert night.get("/api/v1/handover").status_code == 422
    assert night.get("/api/v1/handover?ward=north", "technician").status_code == 403


def test_only_what_happened_since_the_shift_began_is_counted(site: Site) -> None:
    site.call("PUT", "/api/v1/teams", "clinician", json={"team": document(), "reason": "rota"})
    site.admit("p-1")
    for number in range(40):
        site.raise_alert("p-1", f"rule.{number}")
        site.clock.advance(900)  # until 10:00Z, four hours into the day shift
    assert facts(site)["happened"]["opened"] == 16


@pytest.mark.parametrize(
    ("since", "role", "told"),
    [
        ("02:00", "nurse", {"opened": 7, "escalated": 2, "resolved": 1, "taken": [{"by": "chen", "alerts": 3}]}),
        ("03:05", "nurse", {"opened": 2, "escalated": 0, "resolved": 1, "taken": [{"by": "chen", "alerts": 3}]}),
        ("03:05", "research", {"opened": 2, "escalated": 0, "resolved": 1, "taken": [{"by": None, "alerts": 3}]}),
        ("06:26", "nurse", {"opened": 0, "escalated": 0, "resolved": 0, "taken": []}),
    ],
)
def test_what_happened_while_somebody_was_away(night: Site, since: str, role: str, told: dict[str, Any]) -> None:
    begin = to_iso(moment(since))
    answer = night.get(f"/api/v1/away?since={begin}", role).json()
    assert answer == {"since_at": begin, "at": to_iso(NOW), **told}


def test_longer_than_a_day_is_not_told(night: Site) -> None:
    answer = night.get("/api/v1/away?since=2025-12-01T00:00:00Z").json()
    assert answer["since_at"] == to_iso(NOW - 24 * HOUR)
    assert night.get("/api/v1/away?since=yesterday").status_code == 422
