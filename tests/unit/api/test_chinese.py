"""The server's words about an alert travel in both languages; what is older than its phrases travels in English alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from api import shape
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Alert, Evidence, Kind, Priority, Transition
from vigil.domain.lifecycle import Began, Finding, HandOver, Snooze, Stamp
from vigil.domain.news2 import News2Inputs, news2
from vigil.domain.phrases import english, phrase, tell
from vigil.domain.phrases.coverage import covered
from vigil.domain.risk import Contribution, ModelState, Prediction, Source
from vigil.domain.scores import CoverageState, Score, ScoreStatus
from vigil.domain.times import MINUTE, SECOND

IN_CHINESE = {"title": "血氧饱和度过低", "text": "血氧饱和度 84 %，低于 90 %，已持续 15 秒。信号良好。"}


@pytest.fixture
def told(site: Site) -> Transition:
    site.admit("p-1", "w-1")
    lasting = phrase("limit.low.lasting", vital="spo2", value=84.0, limit=90.0, lasted=15 * SECOND)
    words = tell(phrase("limit.low.title", vital="spo2"), lasting, phrase("signal.good"))
    evidence = Evidence(words.text, said=words.said)
    finding = Finding("p-1", "limit.spo2.low", Kind.PHYSIOLOGICAL, Priority.MEDIUM, words.title, evidence, START, "w-1")
    return site.happen(None, Began(Stamp("ordinal:1", START), finding))


def test_an_alert_has_its_words_in_chinese_wherever_it_is_read(site: Site, told: Transition) -> None:
    alert_id = told.after.alert_id
    (listed,) = site.get("/api/v1/alerts").json()["items"]
    one = site.get(f"/api/v1/alerts/{alert_id}").json()
    (of_patient,) = site.get("/api/v1/patients/p-1/alerts").json()["items"]
    (handed,) = site.get("/api/v1/handover?ward=north").json()["alerts"]["medium"]
    on_stream = shape.alert_event(told, names=False)["alert"]
    for row in (listed, one, of_patient, handed, on_stream):
        assert row["zh"] == IN_CHINESE
        assert (row["title"], row["text"]) == ("SpO2 low", "SpO2 84 %, below 90 % for 15 s. Good signal.")


def test_what_vigil_notes_in_the_log_is_told_in_chinese_and_what_a_person_writes_is_not(
    site: Site, told: Transition
) -> None:
    snoozed = site.happen(told.after, Snooze(Stamp("command:1", START, "Li Na"), 1, START + MINUTE, "shift ended"))
    site.happen(snoozed.after, HandOver(Stamp("deadline:1", START), ""))
    lines = site.get(f"/api/v1/alerts/{told.after.alert_id}").json()["history"]
    assert [(line["note"], line["zh"]) for line in lines[1:]] == [
        ("shift ended", None),
        ("shift ended", {"note": "班次结束"}),
    ]


def test_why_there_is_no_score_is_told_in_chinese(site: Site) -> None:
    site.admit("p-1")
    for age, pregnant in ((15, False), (30, True)):
        why = news2(News2Inputs(), age=age, pregnant=pregnant).why
        assert why is not None
        nothing = Score("news2", "p-1", START, ScoreStatus.NOT_APPLICABLE, None, None, None, None, False, ())
        site.readings.append_scores([replace(nothing, at=START + age, why=english(why), said=why)])
    found = site.readings.scores("p-1", START, START + MINUTE, 10)
    assert [(row["why"], row["zh"]) for row in map(shape.score, found)] == [
        ("NEWS2 is for adults: age 15", {"why": "NEWS2 仅适用于成人：年龄 15 岁"}),
        ("NEWS2 does not apply in pregnancy", {"why": "NEWS2 不适用于妊娠期"}),
    ]
    assert shape.score(nothing)["zh"] is None


def test_an_alert_of_before_there_were_phrases_is_read_and_has_no_chinese(
    site: Site, told: Transition, tmp_path: Path
) -> None:
    _forget_phrases(tmp_path / "records.db")
    (listed,) = site.get("/api/v1/alerts").json()["items"]
    assert (listed["title"], listed["zh"]) == ("SpO2 low", None)
    kept: Alert | None = site.records.alert(told.after.alert_id)
    assert kept is not None
    assert kept.evidence.said is None


def _forget_phrases(database: Path) -> None:
    """As an older Vigil has written the row."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as con:
        (document,) = con.execute(text("SELECT evidence FROM alerts")).one()
        row: dict[str, Any] = json.loads(document)
        assert row.pop("said")["title"] == {"key": "limit.low.title", "vital": "spo2"}
        con.execute(text("UPDATE alerts SET evidence = :row"), {"row": json.dumps(row)})
    engine.dispose()


def test_a_reason_of_a_model_is_told_in_chinese_where_it_is_known() -> None:
    ago = phrase("reason.ago", age_s=12 * MINUTE // SECOND)
    above = phrase("reason.above_usual", apart="6", other="18")
    said = phrase("reason", vital="resp_rate", value="24", more=[above, ago])
    reasons = Contribution("resp_rate", 0.8, "Breathing 24 a minute", said), Contribution("age", 0.1, "Age 78")
    made = Prediction(
        "p-1",
        "sepsis-home",
        "0" * 12,
        START,
        START,
        1,
        ModelState.ACTIVE,
        Source.MODEL,
        0.07,
        0.05,
        0.09,
        True,
        "",
        reasons,
    )
    known, old = (one["zh"] for one in shape.prediction(made)["contributions"])
    assert known == {"text": "呼吸频率 24/min，比该患者平时（18）高 6，12 分钟前测得"}
    assert old is None


def test_why_somebody_is_not_watched_is_told_in_chinese(site: Site) -> None:
    site.admit("p-1")
    (row,) = site.get("/api/v1/handover?ward=north").json()["not_watched"]
    assert (row["why"], row["zh"]) == ("no device is bound", {"why": "未绑定设备"})
    partly = phrase("coverage", parts=[phrase("coverage.no_vital", vital="spo2")])
    site.bus.board.put_coverage(covered("p-1", CoverageState.PARTLY, START, partly))
    (row,) = site.get("/api/v1/handover?ward=north").json()["not_watched"]
    assert (row["why"], row["zh"]) == ("no SpO2", {"why": "无血氧饱和度数据"})


def test_a_reason_that_a_person_wrote_is_not_translated(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.post("/api/v1/patients/p-1/pauses", {"minutes": 90, "reason": "takes a bath"})
    paused = covered("p-1", CoverageState.PAUSED, START, phrase("coverage.paused"), START + 90 * MINUTE)
    site.bus.board.put_coverage(paused)
    (row,) = site.get("/api/v1/handover?ward=north").json()["not_watched"]
    assert (row["why"], row["zh"]) == ("takes a bath", None)
