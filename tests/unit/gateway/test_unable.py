"""Settings for a sensor behind a gateway, and the wish for values now, are answered: it cannot."""

from __future__ import annotations

import pytest

from gateway.unable import WHY, WHY_NOT_NOW, Unable
from vigil.wire import control


def test_the_newest_version_is_refused_once() -> None:
    unable = Unable("home", ("w-1", "w-2"))
    for version in (3, 4):
        unable.take_message("rpm/v1/home/d/w-1/cmd/config", control.write_config(version, {"hr": 5}, {}))
    unable.take_message("rpm/v1/home/d/w-1/cmd/measure", control.write_measure(12))
    (settings, now) = unable.taken()
    assert settings[:2] == ("w-1", "config")
    assert control.read_config_answer(settings[2]) == control.ConfigAnswer(4, False, WHY)
    assert now[:2] == ("w-1", "measure")
    assert control.read_measure_answer(now[2]) == control.MeasureAnswer(12, False, WHY_NOT_NOW)
    assert unable.taken() == []


@pytest.mark.parametrize(
    ("device", "payload"),
    [("w-9", control.write_config(3, {}, {})), ("w-1", b"{}"), ("w-1", b"\xff"), ("w-1", b"[" * 9000)],
)
@pytest.mark.parametrize("command", ["config", "measure"])
def test_anything_else_is_ignored(device: str, payload: bytes, command: str) -> None:
    unable = Unable("home", ("w-1",))
    unable.take_message(f"rpm/v1/home/d/{device}/cmd/{command}", payload)
    assert unable.taken() == []
