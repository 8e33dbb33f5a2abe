"""The copy against a real InfluxDB 2, where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.stores.given import T0, commit, readings, streams
from tests.integration.influx_site import Copying, copying
from tests.product import eventually
from tests.servers.influx import Influxd
from vigil.domain.readings import Stream
from vigil.store.influx import flux
from vigil.store.influx.answers import Verdict
from vigil.store.influx.history import InfluxHistory
from vigil.store.influx.lines import heads, lines, tags_of

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
