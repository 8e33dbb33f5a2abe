"""Settings for a sensor behind a gateway are answered: it cannot."""

from __future__ import annotations

import pytest

from gateway.unable import WHY, Unable
from vigil.wire import control


def test_the_newest_version_is_refused_once() -> None:
    unable = Unable("home", ("w-1", "w-2"))
    for version in (3, 4):
        unable.take_message("rpm/v1/home/d/w-1/cmd/config", control.write_config(version, {"hr": 5}, {}))
    ((device, answer),) = unable.taken()
    assert (device, control.read_config_answer(answer)) == ("w-1", control.ConfigAnswer(4, False, WHY))
    assert unable.taken() == []


@pytest.mark.parametrize(
    ("device", "payload"),
    [("w-9", control.write_config(3, {}, {})), ("w-1", b"{}"), ("w-1", b"\xff"), ("w-1", b"[" * 9000)],
)
def test_anything_else_is_ignored(device: str, payload: bytes) -> None:
    unable = Unable("home", ("w-1",))
    unable.take_message(f"rpm/v1/home/d/{device}/cmd/config", payload)
    assert unable.taken() == []
