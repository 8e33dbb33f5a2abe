"""An alert with some fields changed is the one that ``dataclasses.replace`` makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.domain.lives import opened
from vigil.domain.changed import changed


def test_as_by_replace() -> None:
    alert = opened()
    other = changed(alert, version=7, note="seen")
    assert other == replace(alert, version=7, note="seen") != alert
    assert changed(alert) == alert


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Alert has no owners"):
        changed(opened(), owners="n-1")  # type: ignore[call-arg]
