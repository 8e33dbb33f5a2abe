"""The copy against a real InfluxDB 2, where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.influx import past_of
from tests.conformance.stores.given import T0, commit, readings, streams
from tests.integration.influx_site import Copying, copying
from tests.product import eventually
from tests.servers.influx import Influxd
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.readings import Stream
from vigil.domain.times import DAY, HOUR, MINUTE
from vigil.runtime.clock import SystemClock
from vigil.runtime.config import Settings
from vigil.store import EVERY_READING
from vigil.store.influx import flux
from vigil.store.influx.answers import Verdict
from vigil.store.influx.history import InfluxHistory
from vigil.store.influx.lines import heads, lines, tags_of
from vigil.store.past import Lack, Missing, Past

pytestmark = pytest.mark.influxd


def count(server: Influxd, bucket: str) -> int:
    """Different ordinals there."""
    answer = server.flux(
        f"from(bucket: {flux.text(bucket)}) |> range(start: 0, stop: 2200-01-01T00:00:00Z)"
        ' |> filter(fn: (r) => r._field == "ordinal")'
        ' |> group() |> keep(columns: ["_value"]) |> distinct() |> count()'
    )
    return int(answer.split()[-1].split(",")[-1])


def said(site: Copying, words: str) -> None:
    eventually(lambda: words in site.forwarder.standing().words, 20, words)


def test_a_server_killed_under_load_has_every_reading_in_the_end(tmp_path: Path) -> None:
    server = Influxd()
    try:
        with copying(tmp_path, server.server("vigil")) as site:
            for _ in range(20):
                site.add(500)
            server.kill()
            for _ in range(20):
                site.add(500)
            said(site, "cannot be reached")
            server.start()
            site.caught_up()
            assert count(server, "vigil") == site.journal.head() == 20_000
    finally:
        server.close()


def test_values_of_one_microsecond_stand_side_by_side(influx: Influxd, tmp_path: Path) -> None:
    server = influx.server()
    with copying(tmp_path, server) as site:
        site.journal.commit(commit(readings([(0, T0, float(place), 0) for place in range(900)]), streams(1)))
        site.caught_up()
        found = InfluxHistory(influx.server(server.bucket), site.journal.streams).range([0], T0, T0 + 1, 10_000)
    assert found.value.tolist() == [float(place) for place in range(900)]


def test_the_copy_answers_what_the_journal_has_forgotten(influx: Influxd, tmp_path: Path) -> None:
    """Values of a device and of a person's entry on three days; the first two are forgotten when they are confirmed there."""
    known = [Stream(0, "w-1", 1, ""), Stream(1, f"{MANUAL_PREFIX}p-1", 1, "")]
    rows = [
        (stream, T0 + place * 5 * MINUTE + stream, 90.0 + place % 7, 0) for place in range(3 * 288) for stream in (0, 1)
    ]
    server = influx.server()
    chosen = influx.settings(server.bucket)
    asked: list[Callable[[Past], Any]] = [
        lambda past: past.range([0, 1], T0, T0 + 3 * DAY, EVERY_READING),
        lambda past: past.range([1], T0 + HOUR, T0 + 3 * DAY, 700),
        lambda past: past.buckets([0], T0 + 1, T0 + 3 * DAY, 100),
        lambda past: past.buckets([1], T0 + 1, T0 + 3 * DAY, 100),
    ]
    with copying(tmp_path, server) as site:
        site.journal.commit(commit(readings(rows), known))
        make = past_of(Settings(data_dir=tmp_path, influx=chosen), site.journal, SystemClock())
        assert make is not None
        before = [ask(make()) for ask in asked]
        site.journal.close_days(T0 + 2 * DAY)
        site.caught_up()
        assert site.journal.forget_days(T0 + 2 * DAY, site.forwarder.uncopied()) == 2 * 2 * 288
        for ask, expected in zip(asked, before, strict=True):
            past = make()
            found = ask(past)
            assert past.missing is None
            for field in fields(expected):
                one, other = getattr(found, field.name), getattr(expected, field.name)
                np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=field.name)


def test_a_server_that_is_away_hides_what_was_forgotten_and_nothing_else(tmp_path: Path) -> None:
    server = Influxd()
    try:
        with copying(tmp_path, server.server("vigil")) as site:
            site.journal.commit(commit(readings([(0, T0 + day * DAY, 97.0, 0) for day in range(3)]), streams(1)))
            site.caught_up()
            site.journal.close_days(T0 + 2 * DAY)
            site.journal.forget_days(T0 + 2 * DAY, site.forwarder.uncopied())
            make = past_of(Settings(data_dir=tmp_path, influx=server.settings("vigil")), site.journal, SystemClock())
            assert make is not None
            assert len(make().range([0], T0, T0 + 3 * DAY, 10)) == 3
            server.kill()
            past = make()
            assert past.range([0], T0, T0 + 3 * DAY, 10).measured_at.tolist() == [T0 + 2 * DAY]
            assert past.missing == Missing(T0 + 2 * DAY, Lack.UNREACHABLE)
    finally:
        server.close()


def test_a_wrong_token_is_told_and_put_right_without_a_restart(influx: Influxd, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("wrong")
    with copying(tmp_path, influx.server(token_file=token)) as site:
        site.add(10)
        said(site, "does not know the token")
        token.write_text((influx.folder / "token").read_text())
        site.caught_up()


def test_a_bucket_that_may_not_be_made_is_told_and_a_token_that_may_only_write_is_enough(
    influx: Influxd, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(influx.token({"action": "write", "resource": {"type": "buckets"}}))
    assert influx.server("by-admin", retention_days=30).prepare().verdict is Verdict.WRITTEN
    with copying(tmp_path, influx.server("by-admin", token_file=token, retention_days=30)) as site:
        site.add(10)
        site.caught_up()
    # The readings of the copy are too old for that bucket, which is no trouble.
    assert influx.server("by-admin", retention_days=60).prepare().why == (
        "the bucket of InfluxDB keeps readings 30 days, influx.retention_days says 60 days"
    )
    token.write_text(influx.token({"action": "read", "resource": {"type": "buckets"}}))
    answer = influx.server("nobodys", token_file=token).prepare()
    assert answer.verdict is Verdict.SETTINGS
    assert "shows the token no organisation vigil to make a bucket in" in answer.why
    answer = influx.server("by-admin", token_file=token).write(["reading value=1"])
    assert (answer.verdict, "does not let the token write" in answer.why) == (Verdict.SETTINGS, True), answer


def test_an_organisation_that_is_not_there_is_told(influx: Influxd) -> None:
    answer = influx.server(org="nobodys").write(["reading value=1"])
    assert (answer.verdict, "correct influx.org" in answer.why) == (Verdict.SETTINGS, True)


def test_readings_older_than_the_bucket_keeps_are_counted_and_passed_over(influx: Influxd, tmp_path: Path) -> None:
    server = influx.server(retention_days=1)
    server.prepare()
    answer = server.write(lines(readings([(0, T0, 97.0, 0)] * 3), heads(streams(1))))
    assert (answer.verdict, answer.dropped) == (Verdict.EXPIRED, 3)


def test_a_field_of_another_type_sets_aside_what_it_hits_and_names_the_cause(influx: Influxd, tmp_path: Path) -> None:
    server = influx.server()
    server.prepare()
    influx.write(server.bucket, f"reading,device=x epoch=1.5 {T0 * 1000}")  # our field is an integer
    with copying(tmp_path, server) as site:
        week = 7 * 86_400_000_000  # the types of one shard, which holds a week, bind no other
        site.journal.commit(commit(readings([(0, T0 + 4 * week + place, 1.0, 0) for place in range(50)]), streams(1)))
        site.journal.commit(commit(readings([(0, T0 + place, 1.0, 0) for place in range(50)])))
        said(site, "50 readings set aside")
        assert "already exists as type float: give Vigil a bucket of its own" in site.forwarder.standing().words
        eventually(lambda: not site.forwarder.standing().behind, 20, "the others went on")
    assert count(influx, server.bucket) == 50


@pytest.mark.parametrize(
    "site",
    ['") or true or ("a" == "a', "${r._measurement}", "back\\slash", 'quote"', "left, wrist = 1", "\u00e9\u4e16"],
)
def test_no_name_becomes_part_of_a_question_or_a_line(influx: Influxd, site: str) -> None:
    server = influx.server()
    server.prepare()
    known = [Stream(0, "w-1", 1, site), Stream(1, "w-1", 1, "other")]
    batch = replace(readings([(0, T0, 1.0, 0), (1, T0, 2.0, 0)]), ordinal=np.array([1, 2], np.uint64))
    assert server.write(lines(batch, heads(known))).verdict is Verdict.WRITTEN
    history = InfluxHistory(server, lambda: known)
    assert tags_of(known[0]).site == site
    assert history.range([0], T0, T0 + 1, 10).value.tolist() == [1.0]
    assert history.buckets([1], T0, T0 + 1, 1).last.tolist() == [2.0]
    assert history.latest().value.tolist() == [1.0, 2.0]


def test_buckets_are_computed_where_the_data_are(influx: Influxd) -> None:
    """InfluxDB's own profiler names what it reads: windows that are already aggregated, for each of the six figures."""
    server = influx.server()
    server.prepare()
    question = flux.buckets(server.bucket, [tags_of(one) for one in streams(2)], T0 + 7, T0 + 10_000_007, 1_000_003)
    plan = influx.flux(f'import "profiler"\noption profiler.enabledProfilers = ["operator"]\n{question}')
    assert plan.count("readWindow") >= 6, plan
