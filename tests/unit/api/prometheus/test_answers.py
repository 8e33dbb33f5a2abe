"""The API as a client sees it: envelopes, forms, limits, lists, and what is not answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.prometheus.names import METRICS, VITAL_METRICS
from api.prometheus.samples import MOST_SAMPLES, Budget
from tests.unit.api.site import START, Site, open_site
from vigil.domain.errors import StoreError
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND
from vigil.domain.vitals import VITALS

PROM = "/prom/api/v1"
T0 = START // SECOND


def ask(site: Site, query: str, **more: Any) -> Any:
    """The result of an instant query, now unless ``time`` is given."""
    answer = site.get(f"{PROM}/query", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


def refused(answer: httpx.Response, status: int, kind: str = "bad_data") -> str:
    body = answer.json()
    assert (answer.status_code, set(body)) == (status, {"status", "errorType", "error"}), answer.text
    assert (body["status"], body["errorType"]) == ("error", kind)
    return str(body["error"])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all questions that are refused."""
    opened = open_site(tmp_path_factory.mktemp("empty"))
    yield opened
    opened.close()


@pytest.fixture
def worn(site: Site) -> Site:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95, 94, 93], start=START)
    site.clock.advance(2)
    return site


def test_the_health_check_of_grafana(worn: Site) -> None:
    for answer in (worn.get(f"{PROM}/query?query=1%2B1"), worn.call("POST", f"{PROM}/query", data={"query": "1+1"})):
        assert answer.json() == {"status": "success", "data": {"resultType": "scalar", "result": [T0 + 2, "2"]}}
    info = worn.get(f"{PROM}/status/buildinfo").json()["data"]
    assert "features" not in info
    assert info["version"] == "2.42.0"


def test_a_value_its_labels_and_its_time(worn: Site) -> None:
    (found,) = ask(worn, "vital_spo2_percent")
    assert found == {
        "metric": {"__name__": "vital_spo2_percent", "device": "w-1", "patient": "p-1", "ward": "north"},
        "value": [T0 + 2, "93"],
    }
    (earlier,) = ask(worn, "vital_spo2_percent", time="2026-01-01T00:00:01Z")
    assert earlier["value"] == [T0 + 1, "94"]
    assert ask(worn, "vital_spo2_percent", time=T0 - 1) == []


def test_a_range_has_points_exactly_on_its_steps(worn: Site) -> None:
    asked = {"query": "vital_spo2_percent", "start": T0 - 0.5, "end": T0 + 2, "step": "0.5"}
    for answer in (
        worn.get(f"{PROM}/query_range", params=asked),
        worn.call("POST", f"{PROM}/query_range", data=asked),
    ):
        (found,) = answer.json()["data"]["result"]
        assert found["values"] == [
            [T0, "95"],
            [T0 + 0.5, "95"],
            [T0 + 1, "94"],
            [T0 + 1.5, "94"],
            [T0 + 2, "93"],
        ]


def test_what_came_in_the_form_goes_before_the_address(worn: Site) -> None:
    answer = worn.call("POST", f"{PROM}/query?query=1&time={T0}", data={"query": "2", "time": ""})
    assert answer.json()["data"]["result"] == [T0, "2"]


def test_words_and_samples_can_be_asked_for_at_one_time_only(worn: Site) -> None:
    assert ask(worn, '"vital signs"') == [T0 + 2, "vital signs"]
    (found,) = ask(worn, "(vital_spo2_percent[2s])")
    assert found["values"] == [[T0 + 1, "94"], [T0 + 2, "93"]]
    for query in ('"vital signs"', "vital_spo2_percent[2s]"):
        asked = {"query": query, "start": T0, "end": T0, "step": 1}
        assert "for a range" in refused(worn.get(f"{PROM}/query_range", params=asked), 400)


@pytest.mark.parametrize(
    ("path", "asked", "status", "kind", "said"),
    [
        ("query", {}, 400, "bad_data", '"query": it is missing'),
        ("query", {"query": "x["}, 400, "bad_data", "unexpected end"),
        ("query", {"query": "1", "time": "now"}, 400, "bad_data", '"time"'),
        ("query", {"query": "1", "time": "-5"}, 400, "bad_data", '"time"'),
        ("query", {"query": "1", "time": "1e300"}, 400, "bad_data", '"time"'),
        ("query", {"query": "1", "time": "NaN"}, 400, "bad_data", '"time"'),
        ("query", {"query": "1", "timeout": "soon"}, 400, "bad_data", '"timeout"'),
        ("query", {"query": "1", "limit": "-1"}, 400, "bad_data", '"limit"'),
        ("query", {"query": "1", "limit": "²"}, 400, "bad_data", '"limit"'),
        ("query", {"query": 'label_join(x, "a", "b", "c")'}, 422, "bad_data", "the function label_join"),
        ("query", {"query": "histogram_quantile(0.9, x)"}, 422, "bad_data", "the function histogram_quantile"),
        ("query", {"query": 'count_values("a", x)'}, 422, "bad_data", "the aggregation count_values"),
        ("query", {"query": "x[5m:1m]"}, 422, "bad_data", "a subquery"),
        ("query", {"query": "rate(x[5m:1m])"}, 422, "bad_data", "a subquery"),
        ("query", {"query": "x @ 5"}, 422, "bad_data", "@"),
        ("query", {"query": "x + on(a) group_left y"}, 422, "bad_data", "group_left"),
        ("query", {"query": "x + fill(1) y"}, 422, "bad_data", "fill"),
        ("query", {"query": "topk(NaN, vector(1))"}, 422, "execution", "topk"),
        ("query_range", {"query": "1", "start": 0, "end": 1}, 400, "bad_data", '"step"'),
        ("query_range", {"query": "1", "end": 1, "step": 1}, 400, "bad_data", '"start"'),
        ("query_range", {"query": "1", "start": 5, "end": 1, "step": 1}, 400, "bad_data", '"end"'),
        ("query_range", {"query": "1", "start": 0, "end": 1, "step": 0}, 400, "bad_data", '"step"'),
        ("query_range", {"query": "1", "start": 0, "end": 1, "step": "-1m"}, 400, "bad_data", '"step"'),
        ("query_range", {"query": "1", "start": 0, "end": 1e9, "step": 1}, 422, "execution", "at most 11000"),
        ("series", {}, 400, "bad_data", "match[]"),
        ("series", {"match[]": "sum(x)"}, 400, "bad_data", "match[]"),
        ("series", {"match[]": ["x"] * 51}, 400, "bad_data", "at most 50"),
        ("labels", {"start": "yesterday"}, 400, "bad_data", '"start"'),
        ("label/1a/values", {}, 400, "bad_data", "label name"),
        ("format_query", {"query": ")"}, 400, "bad_data", "query"),
    ],
)
def test_what_is_not_answered(empty: Site, path: str, asked: dict[str, Any], status: int, kind: str, said: str) -> None:
    assert said in refused(empty.get(f"{PROM}/{path}", params=asked), status, kind)


def test_a_form_that_cannot_be_read(empty: Site) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"query=%ff", b"\xff", b"a=1&" * 1001):
        refused(empty.call("POST", f"{PROM}/query", content=body, headers=headers), 400)
    headers = {"Content-Type": "application/json"}
    refused(empty.call("POST", f"{PROM}/query", content=b'{"query": "1"}', headers=headers), 400)


def test_more_than_a_query_may_load(worn: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.prometheus.routes.Budget", lambda: Budget(2))
    answer = worn.get(f"{PROM}/query?query=count_over_time(vital_spo2_percent[5m])")
    assert str(MOST_SAMPLES) in refused(answer, 422, "execution")


def test_more_numbers_than_an_answer_may_hold(worn: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.prometheus.routes.Budget", lambda: Budget(cells=201))
    two = "vital_spo2_percent + vital_spo2_percent"
    for query in (two, "rate(vital_spo2_percent[1m]) + rate(vital_spo2_percent[1m])"):
        asked = {"query": query, "start": T0, "end": T0 + 100, "step": 1}
        assert "101 points" in refused(worn.get(f"{PROM}/query_range", params=asked), 422, "execution")


@pytest.mark.parametrize(
    "query", ["sum_over_time(vital_spo2_percent[2s])", "quantile_over_time(1, vital_spo2_percent[2s])"]
)
def test_windows_that_overlap_too_much(worn: Site, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr("api.prometheus.routes.Budget", lambda: Budget(looked_at=5))
    asked = {"query": query, "start": T0, "end": T0 + 2, "step": 0.5}
    assert "overlap" in refused(worn.get(f"{PROM}/query_range", params=asked), 422, "execution")


def test_a_store_that_does_not_answer(worn: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("disk gone")

    monkeypatch.setattr(worn.readings, "range", fail)
    assert "disk" not in refused(worn.get(f"{PROM}/query?query=vital_spo2_percent[5m]"), 503, "unavailable")


def test_lists_of_what_there_is(worn: Site) -> None:
    worn.admit("p-2", "w-2", ward="south")
    worn.store("w-2", "bp_sys", [120])
    both = {"match[]": ['{patient="p-1"}', "vital_bp_mmhg"]}
    everything = ["score_news2", "score_news2_lower", "score_news2_upper", "vital_bp_mmhg", "vital_spo2_percent"]
    assert worn.get(f"{PROM}/label/__name__/values").json()["data"] == everything
    assert worn.get(f"{PROM}/label/__name__/values", params=both).json()["data"] == everything
    assert worn.get(f"{PROM}/label/ward/values", params={"match[]": "vital_bp_mmhg"}).json()["data"] == ["south"]
    assert worn.get(f"{PROM}/labels").json()["data"] == ["__name__", "device", "patient", "phase", "ward"]
    asked = {"match[]": 'vital_bp_mmhg{phase="systolic"}'}
    for answer in (
        worn.get(f"{PROM}/series", params=asked),
        worn.call("POST", f"{PROM}/series", data=asked),
    ):
        assert answer.json()["data"] == [
            {"__name__": "vital_bp_mmhg", "device": "w-2", "patient": "p-2", "phase": "systolic", "ward": "south"}
        ]
    long_ago = {**asked, "start": "-9223372036854775.808", "end": T0 - 60}
    assert worn.get(f"{PROM}/series", params=long_ago).json()["data"] == []
    assert worn.get(f"{PROM}/series", params={"match[]": "nothing"}).json()["data"] == []


def test_a_limit_is_kept_and_said(worn: Site) -> None:
    worn.admit("p-2", "w-2")
    worn.store("w-2", "spo2", [99])
    cut = ["results truncated due to limit"]
    for path, asked in (
        ("query", {"query": "vital_spo2_percent"}),
        ("query_range", {"query": "vital_spo2_percent", "start": T0, "end": T0 + 2, "step": 1}),
        ("series", {"match[]": "vital_spo2_percent"}),
        ("labels", {}),
        ("label/patient/values", {}),
    ):
        body = worn.get(f"{PROM}/{path}", params={**asked, "limit": 1}).json()
        data = body["data"]["result"] if path.startswith("query") else body["data"]
        assert (len(data), body["warnings"]) == (1, cut), path
        assert "warnings" not in worn.get(f"{PROM}/{path}", params={**asked, "limit": 0}).json()


def test_every_vital_has_a_name_a_unit_and_its_own_labels() -> None:
    assert set(VITAL_METRICS) == {kind.index for kind in VITALS}
    told_apart = {(one.name, one.extra) for one in VITAL_METRICS.values()}
    assert len(told_apart) == len(VITALS)
    assert all(name.islower() and name.isascii() for name in METRICS)


def test_metadata_tells_units(empty: Site) -> None:
    data = empty.get(f"{PROM}/metadata").json()["data"]
    assert set(data) == set(METRICS)
    assert data["vital_temperature_celsius"] == [
        {"type": "gauge", "help": "Temperature; usable values only", "unit": "Cel"}
    ]
    assert len(empty.get(f"{PROM}/metadata?limit=3").json()["data"]) == 3
    assert list(empty.get(f"{PROM}/metadata?metric=vital_steps").json()["data"]) == ["vital_steps"]
    assert empty.get(f"{PROM}/metadata?metric=nothing").json()["data"] == {}


def test_what_grafana_also_asks_is_empty(empty: Site) -> None:
    assert empty.get(f"{PROM}/rules").json()["data"] == {"groups": []}
    assert empty.get(f"{PROM}/alerts").json()["data"] == {"alerts": []}
    assert empty.call("POST", f"{PROM}/query_exemplars").json()["data"] == []
    assert empty.get(f"{PROM}/format_query", params={"query": "sum(x)by(a)"}).json()["data"] == "sum by (a) (x)"


def test_no_name_and_no_test_patient_is_in_any_answer(worn: Site) -> None:
    worn.admit("self-test.up", "self-test.up")
    worn.store("self-test.up", "spo2", [99])
    worn.raise_alert("self-test.up")
    worn.raise_alert("p-1")
    asked = (
        worn.get(f"{PROM}/query", params={"query": '{__name__!=""}'}),
        worn.get(f"{PROM}/query", params={"query": '{__name__!="",patient="self-test.up"}'}),
        worn.get(f"{PROM}/series", params={"match[]": '{__name__!=""}'}),
    )
    assert [len(json.loads(one.text)["data"]) > 0 for one in asked] == [True, True, True]
    for answer in asked:
        assert "Marker" not in answer.text
        assert "self-test" not in answer.text


def test_metrics_of_the_platform_have_no_patient(worn: Site) -> None:
    worn.store("w-1", "spo2", [95.0], quality=Quality.MOTION)
    assert "p-1" not in worn.get("/metrics", None).text
