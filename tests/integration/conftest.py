"""A mosquitto of its own for one test, and the platform's side of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway_platform import Broker, Platform


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.close()


@pytest.fixture
def platform(broker: Broker) -> Iterator[Platform]:
    platform = Platform(broker.port)
    platform.start()
    yield platform
    platform.stop()
