"""The rights file: its text, its check, and MQTT's matching rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.errors import BrokerError
from vigil.runtime.broker.acl import covers, matches, parse_acl, render_acl

ACL = parse_acl(render_acl({"g-1": ["w-8", "w-9"], "g-2": []}, apart=["w-7"]))

# user, topic, may write, may read
TABLE = [
    ("w-1", "rpm/v1/t/d/w-1/tel/vitals", True, False),
    ("w-1", "rpm/v1/t/d/w-1/tel/wave/ecg", True, False),
    ("w-1", "rpm/v1/t/d/w-1/evt/fall", True, False),
    ("w-1", "rpm/v1/t/d/w-1/state", True, False),
    ("w-1", "rpm/v1/t/d/w-1/state/x", False, False),
    ("w-1", "rpm/v1/t/d/w-1/res/config", True, False),
    ("w-1", "rpm/v1/t/d/w-1/cmd/ack", False, True),
    ("w-1", "rpm/v1/t/d/w-1/other", False, False),
    ("w-1", "rpm/v1/t/d/w-2/tel/vitals", False, False),
    ("w-1", "rpm/v1/t/d/w-2/cmd/ack", False, False),
    ("w-1", "rpm/v1/t/d/w-11/tel/vitals", False, False),
    ("w-1", "rpm/v1/t/g/g-1/state", False, False),
    ("w-1", "rpm/v1/a/b/d/w-1/tel/vitals", False, False),
    ("w-1", "rpm/v2/t/d/w-1/tel/vitals", False, False),
    ("w-1", "$SYS/broker/version", False, False),
    ("g-1", "rpm/v1/t/d/w-8/tel/vitals", True, False),
    ("g-1", "rpm/v1/t/d/w-9/cmd/ack", False, True),
    ("g-1", "rpm/v1/t/d/w-1/tel/vitals", False, False),
    ("g-1", "rpm/v1/t/d/g-1/tel/vitals", False, False),
    ("g-1", "rpm/v1/t/g/g-1/state", True, True),
    ("g-1", "rpm/v1/t/g/g-2/state", False, False),
    ("g-2", "rpm/v1/t/d/w-8/tel/vitals", False, False),
    ("ingest", "rpm/v1/t/d/w-1/tel/vitals", False, True),
    ("ingest", "rpm/v1/t/d/w-1/evt/fall", False, True),
    ("ingest", "rpm/v1/t/d/w-1/state", False, True),
    ("ingest", "rpm/v1/t/d/w-1/res/config", False, True),
    ("ingest", "rpm/v1/t/d/w-1/cmd/ack", True, False),
    ("ingest", "rpm/v1/t/d/ingest/tel/vitals", False, False),
    ("ingest", "rpm/v1/t/g/g-1/state", False, True),
    ("ingest", "rpm/v1/t/d/w-7/tel/vitals", False, False),
    ("ingest", "rpm/v1/t/d/w-7/state", False, True),
    ("ingest", "rpm/v1/t/d/w-7/cmd/ack", True, False),
    ("ingest", "$SYS/broker/log/E", False, False),
    ("ingest-apart", "rpm/v1/t/d/w-7/tel/vitals", False, True),
    ("ingest-apart", "rpm/v1/t/d/w-7/state", False, False),
    ("ingest-apart", "rpm/v1/t/d/w-7/cmd/ack", False, False),
    ("ingest-apart", "rpm/v1/t/d/w-1/tel/vitals", False, False),
    ("ingest-apart", "rpm/v1/t/d/ingest-apart/tel/vitals", False, False),
    ("ingest-apart", "rpm/v1/t/d/ingest-apart/cmd/ack", False, False),
    ("w-7", "rpm/v1/t/d/w-7/tel/vitals", True, False),
    ("broker-log", "$SYS/broker/log/E", False, True),
    ("broker-log", "$SYS/broker/log/N", False, False),
    ("broker-log", "rpm/v1/t/d/w-1/tel/vitals", False, False),
    ("broker-log", "rpm/v1/t/d/broker-log/tel/vitals", False, False),
    ("broker-log", "rpm/v1/t/d/broker-log/cmd/ack", False, False),
    ("w-1", "$SYS/broker/log/E", False, False),
    ("g-1", "$SYS/broker/log/E", False, False),
    ("+", "rpm/v1/t/d/w-1/tel/vitals", False, False),
    ("#", "rpm/v1/t/d/w-1/tel/vitals", False, False),
    ("", "rpm/v1/t/d/w-1/tel/vitals", False, False),
]


@pytest.mark.parametrize(("user", "topic", "write", "read"), TABLE)
def test_rights_table(user: str, topic: str, write: bool, read: bool) -> None:
    assert (ACL.may_write(user, topic), ACL.may_read(user, topic)) == (write, read)


@pytest.mark.parametrize(
    ("user", "topic_filter", "allowed"),
    [
        ("w-1", "rpm/v1/+/d/w-1/cmd/#", True),
        ("w-1", "rpm/v1/t/d/w-1/cmd/ack", True),
        ("w-1", "rpm/v1/+/d/+/cmd/#", False),
        ("w-1", "rpm/v1/+/d/w-1/#", False),
        ("w-1", "#", False),
        ("w-1", "+/+/+/+/w-1/cmd/#", False),
        ("g-1", "rpm/v1/+/d/w-8/cmd/#", True),
        ("g-1", "rpm/v1/+/g/g-1/#", True),
        ("g-1", "rpm/v1/+/d/+/cmd/#", False),
        ("ingest", "rpm/v1/+/d/+/tel/#", True),
        ("ingest", "rpm/v1/t/d/w-1/tel/vitals", True),
        ("ingest", "rpm/v1/#", False),
        ("ingest-apart", "rpm/v1/t/d/+/tel/vitals", True),
    ],
)
def test_subscription_table(user: str, topic_filter: str, allowed: bool) -> None:
    assert ACL.may_subscribe(user, topic_filter) is allowed


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    # The examples of MQTT 3.1.1 sections 4.7.1 and 4.7.2.
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/monitor", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/monitor", True),
    ],
)
def test_matching_as_the_standard_shows_it(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


levels = st.sampled_from(["a", "b", "c"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join)
filters = st.builds(
    lambda parts, rest: "/".join(parts + rest),
    st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
)


@given(wide=filters, narrow=filters, topic=topics)
def test_what_a_covered_filter_matches_the_wider_one_matches_too(wide: str, narrow: str, topic: str) -> None:
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@given(topic_filter=filters, other=filters)
def test_covering_is_reflexive_and_hash_covers_all(topic_filter: str, other: str) -> None:
    assert covers(topic_filter, topic_filter)
    assert covers("#", other)


@pytest.mark.parametrize(
    "text",
    [
        "topic read a",
        "user",
        "user x\ntopic a",
        "user x\ntopic all a",
        "pattern read",
        "nonsense",
        "user x\ntopic read",
    ],
)
def test_a_line_that_is_not_ours_is_an_error(text: str) -> None:
    with pytest.raises(BrokerError, match="line"):
        parse_acl(text)
