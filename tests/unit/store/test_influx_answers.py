"""What each answer means. The texts were recorded from InfluxDB 2.7.12, those marked so from its documentation."""

from __future__ import annotations

import pytest

from vigil.store.influx.answers import Verdict, of_status

CONFLICT = (
    'failure writing points to database: partial write: field type conflict: input field "value" on measurement "reading" is '
    "type integer, already exists as type float dropped=1"
)
OLD = (
    "failure writing points to database: partial write: dropped 2 points outside retention policy of duration 24h0m0s - oldest "
    "point reading,device=a at 2023-11-14T22:13:20Z dropped because it violates a Retention Policy Lower Bound at "
    "2026-11-25T18:51:25.140711843Z, newest point reading,device=a at 2023-11-14T22:13:20Z dropped because it violates a "
    "Retention Policy Lower Bound at 2026-11-25T18:51:25.140711843Z dropped=2 for database: 5a187011e4327511 for retention "
    "policy: autogen"
)
OLD_DOCUMENTED = "partial write: points beyond retention policy dropped=3"
PARSE = "unable to parse 'reading,device=w-1 value=97,x= 1': missing field value"


@pytest.mark.parametrize(
    ("status", "message", "verdict", "words"),
    [
        (401, "unauthorized access", Verdict.SETTINGS, "influx.token_file"),
        (403, "forbidden", Verdict.SETTINGS, "give it that right"),
        (404, 'bucket "nope" not found', Verdict.SETTINGS, "has no bucket"),
        (404, 'organization name "nope" not found', Verdict.SETTINGS, "correct influx.org"),
        (404, "404 page not found", Verdict.SETTINGS, "no InfluxDB 2 is at influx.url"),
        (302, "", Verdict.SETTINGS, "sends us elsewhere"),
        (413, "unable to read data: points batch is too large", Verdict.TOO_LARGE, "smaller"),
        (422, CONFLICT, Verdict.REFUSED, "already exists as type float: give Vigil a bucket of its own"),
        (400, PARSE, Verdict.REFUSED, "cannot read a line: missing field value"),
        (400, "something about reading,device=w-1 value=97", Verdict.REFUSED, "its own log says why"),
        (500, "unexpected error writing points to database: timeout", Verdict.LATER, "cannot serve now (500)"),
        (503, "unavailable", Verdict.LATER, "cannot serve now (503)"),
        (507, "no space left on device", Verdict.LATER, "cannot serve now (507)"),
    ],
)
def test_each_status_says_what_to_do(status: int, message: str, verdict: Verdict, words: str) -> None:
    answer = of_status(status, message, None, 0, "organisation vigil, bucket vigil")
    assert answer.verdict is verdict
    assert words in answer.why
    assert "97" not in answer.why  # a line that is quoted holds a measurement


@pytest.mark.parametrize(("message", "dropped"), [(OLD, 2), (OLD_DOCUMENTED, 3)])
def test_points_that_are_too_old_for_the_bucket_are_counted_and_no_trouble(message: str, dropped: int) -> None:
    answer = of_status(422, message, None, 0, "")
    assert (answer.verdict, answer.why, answer.dropped) == (Verdict.EXPIRED, "", dropped)


@pytest.mark.parametrize(
    ("status", "asked", "wait_s"), [(429, "30", 30.0), (503, "120", 120.0), (429, "86400", 600.0), (429, None, 0.0)]
)
def test_a_server_that_asks_for_a_wait_gets_it(status: int, asked: str | None, wait_s: float) -> None:
    answer = of_status(status, "", asked, 0, "")
    assert (answer.verdict, answer.wait_s) == (Verdict.LATER, wait_s)
    assert ("asks us to wait" in answer.why) is (wait_s > 0)
