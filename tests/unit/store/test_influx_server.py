"""influxdb-client against a server that answers as on a bad day, and recorded answers to Flux."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deadline import free_port
from tests.servers.fake_influx import FakeInflux, Told
from vigil.domain.errors import StoreError
from vigil.runtime.clock import ManualClock
from vigil.runtime.influx import InfluxSettings
from vigil.store.influx.answers import Verdict
from vigil.store.influx.server import InfluxServer

JSON = {"Content-Type": "application/json"}
LINES = ["reading,device=w-1 value=97 1", "reading,device=w-1 value=98 2"]


def server(folder: Path, url: str, timeout_s: float = 5.0, **changes: object) -> InfluxServer:
    token = folder / "token"
    if not token.exists():
        token.write_text("t0ken\n")
    settings = InfluxSettings.model_validate({"url": url, "token_file": token, **changes})
    return InfluxServer(settings, ManualClock(), timeout_s)


def problem(code: str, message: str) -> str:
    return json.dumps({"code": code, "message": message})


def test_a_write_is_one_compressed_request_with_nanoseconds(tmp_path: Path) -> None:
    with FakeInflux().running() as fake:
        assert server(tmp_path, fake.url).write(LINES).verdict is Verdict.WRITTEN
    ((method, path, body),) = fake.requests
    assert (method, body) == ("POST", "\n".join(LINES))
    assert path == "/api/v2/write?org=vigil&bucket=vigil&precision=ns"
    assert fake.authorization == "Token t0ken"
    assert fake.packed


def test_nothing_to_write_asks_nobody(tmp_path: Path) -> None:
    assert server(tmp_path, f"http://127.0.0.1:{free_port()}").write([]).verdict is Verdict.WRITTEN


def test_a_server_that_asks_for_a_wait_is_heard(tmp_path: Path) -> None:
    told = Told(429, problem("too many requests", "limit"), {**JSON, "Retry-After": "17"})
    with FakeInflux(told).running() as fake:
        answer = server(tmp_path, fake.url).write(LINES)
    assert (answer.verdict, answer.wait_s, answer.gone) == (Verdict.LATER, 17.0, False)
    assert len(fake.requests) == 1  # the client must not try again by itself


def test_a_slow_answer_is_not_waited_for(tmp_path: Path) -> None:
    with FakeInflux(Told(hold=True)).running() as fake:
        answer = server(tmp_path, fake.url, timeout_s=0.1).write(LINES)
    assert (answer.verdict, answer.why, answer.gone) == (Verdict.LATER, "InfluxDB did not answer within 0.1 s", False)


def test_no_server_is_told_from_a_slow_one(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    answer = server(tmp_path, url).write(LINES)
    assert (answer.verdict, answer.gone) == (Verdict.LATER, True)
    assert f"cannot be reached at {url}" in answer.why


def test_a_connection_that_breaks_off_is_a_server_that_is_gone(tmp_path: Path) -> None:
    with FakeInflux(Told(hold=True)).running() as fake:
        fake.released.set()
        answer = server(tmp_path, fake.url).write(LINES)
    assert (answer.verdict, answer.gone) == (Verdict.LATER, True)


def test_tls_is_not_spoken_there(tmp_path: Path) -> None:
    with FakeInflux().running() as fake:
        answer = server(tmp_path, fake.url.replace("http:", "https:")).write(LINES)
    assert (answer.verdict, "speaks no TLS" in answer.why) == (Verdict.SETTINGS, True)


def test_a_token_that_was_put_right_is_read_again(tmp_path: Path) -> None:
    with FakeInflux(Told(401, problem("unauthorized", "unauthorized access"), JSON), Told()).running() as fake:
        one = server(tmp_path, fake.url)
        assert one.write(LINES).verdict is Verdict.SETTINGS
        (tmp_path / "token").write_text("better")
        one.close()
        assert one.write(LINES).verdict is Verdict.WRITTEN
        assert fake.authorization == "Token better"


@pytest.mark.parametrize(("content", "words"), [("", "one line"), ("a b", "one line"), (None, "cannot be read")])
def test_a_token_file_that_is_wrong_is_named_and_nothing_is_sent(
    tmp_path: Path, content: str | None, words: str
) -> None:
    token = tmp_path / "elsewhere"
    if content is not None:
        token.write_text(content)
    with FakeInflux().running() as fake:
        answer = server(tmp_path, fake.url, token_file=token).write(LINES)
    assert (answer.verdict, words in answer.why, fake.requests) == (Verdict.SETTINGS, True, [])


BUCKET = {"id": "1", "orgID": "2", "name": "vigil", "retentionRules": [{"type": "expire", "everySeconds": 86_400}]}


def test_a_bucket_that_keeps_another_time_than_wished_is_told_and_left_alone(tmp_path: Path) -> None:
    with FakeInflux(Told(200, json.dumps({"buckets": [BUCKET]}), JSON)).running() as fake:
        answer = server(tmp_path, fake.url, retention_days=365).prepare()
        assert server(tmp_path, fake.url).prepare().why == ""  # no wish
    assert answer.verdict is Verdict.WRITTEN
    assert answer.why == "the bucket of InfluxDB keeps readings 1 days, influx.retention_days says 365 days"
    assert [method for method, _, _ in fake.requests] == ["GET", "GET"]


def test_a_missing_bucket_is_made_with_its_retention(tmp_path: Path) -> None:
    answers = [
        Told(404, problem("not found", 'bucket "vigil" not found'), JSON),
        Told(200, json.dumps({"orgs": [{"id": "00000000000000a2", "name": "vigil"}]}), JSON),
        Told(201, json.dumps(BUCKET), JSON),
    ]
    with FakeInflux(*answers).running() as fake:
        assert server(tmp_path, fake.url, retention_days=30).prepare().why == ""
    made = json.loads(fake.requests[-1][2])
    assert (made["name"], made["orgID"]) == ("vigil", "00000000000000a2")
    assert made["retentionRules"][0]["everySeconds"] == 30 * 86_400


def test_something_else_that_answers_there_has_not_written(tmp_path: Path) -> None:
    with FakeInflux(Told(200, "<p>Log in", {"Content-Type": "text/html"})).running() as fake:
        answer = server(tmp_path, fake.url).write(LINES)
    assert answer.verdict is Verdict.LATER
    assert "something else answers there (200)" in answer.why


def test_a_token_that_is_shown_no_organisation_is_told(tmp_path: Path) -> None:
    answers = [Told(404, problem("not found", "bucket"), JSON), Told(200, json.dumps({"orgs": []}), JSON)]
    with FakeInflux(*answers).running() as fake:
        answer = server(tmp_path, fake.url).prepare()
    assert (answer.verdict, "shows the token no organisation vigil" in answer.why) == (Verdict.SETTINGS, True)


# Recorded from InfluxDB 2.7.12, shortened.
TABLES = """#datatype,string,long,string,string,string,double,long\r
#group,false,false,true,true,true,false,false\r
#default,min,,,,,,\r
,result,table,device,site,vital,_value,at\r
,,0,w-1,-,spo2,95.5,1767225600000000\r
,,1,w-1,left,spo2,,1767225600000000\r
\r
"""
# From the documentation of annotated CSV: an error in the middle of an answer.
BROKEN = (
    TABLES + "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,out of memory,897\r\n"
)


def test_a_recorded_answer_is_read_with_its_types(tmp_path: Path) -> None:
    with FakeInflux(Told(200, TABLES, {"Content-Type": "text/csv"})).running() as fake:
        rows = list(server(tmp_path, fake.url).query('from(bucket: "vigil")'))
    assert [(row["result"], row["site"], row["_value"], row["at"]) for row in rows] == [
        ("min", "-", 95.5, 1767225600000000),
        ("min", "left", None, 1767225600000000),
    ]
    assert json.loads(fake.requests[0][2])["query"] == 'from(bucket: "vigil")'


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Told(200, BROKEN, {"Content-Type": "text/csv"}), "out of memory"),
        (Told(400, problem("invalid", "error @1:44-1:48: undefined identifier nope"), JSON), "undefined identifier"),
        (Told(404, problem("not found", 'could not find bucket "nope"'), JSON), "could not find bucket"),
        (Told(401, problem("unauthorized", "unauthorized access"), JSON), "influx.token_file"),
        (Told(503, "", {}), "cannot serve now (503)"),
    ],
)
def test_a_question_that_fails_says_why(tmp_path: Path, told: Told, words: str) -> None:
    with (
        FakeInflux(told).running() as fake,
        pytest.raises(StoreError, match=words.replace("(", r"\(").replace(")", r"\)")),
    ):
        list(server(tmp_path, fake.url).query("x"))
