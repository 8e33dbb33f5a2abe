"""Commands and results: whatever a device or a broken broker sends is read or is nothing, and never an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vigil.wire import commands, control, packs

READERS: list[Callable[[bytes], Any]] = [
    control.read_time_question,
    control.read_config_answer,
    commands.read_backfill,
    commands.read_error,
    packs.read_ack,
]
DEEP = b'{"x":' + b"[" * 100_000

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["epoch", "seq", "asked", "version", "accepted"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=30)
@given(st.binary(max_size=200) | _json.map(lambda found: json.dumps(found).encode()))
@example(DEEP)
@example(b'{"asked":' + b"[" * 4000)
@example(b'{"text":"\xff"}')
@pytest.mark.parametrize("read", READERS)
def test_no_payload_is_an_error(read: Callable[[bytes], Any], payload: bytes) -> None:
    found = read(payload)
    assert found is None or json.loads(payload), "what was read is JSON"


def test_the_time_is_told_in_whole_milliseconds_too() -> None:
    told = json.loads(control.write_time(1_767_225_600_250_999, 4_000, None))
    assert told == {"server_at": 1_767_225_600.25, "server_ms": 1_767_225_600_250, "uncertainty_s": 0.004}
    assert json.loads(control.write_time(0, -5, 1.0))["uncertainty_s"] == 0, "a clock that was set back never waited"


def test_settings_leave_out_the_bound_that_does_not_exist() -> None:
    told = json.loads(control.write_config(3, {"hr": 5}, {"spo2": (88, None), "hr": (40, 130)}))
    assert told == {
        "version": 3,
        "interval_s": {"hr": 5},
        "limits": {"spo2": {"low": 88}, "hr": {"low": 40, "high": 130}},
    }
