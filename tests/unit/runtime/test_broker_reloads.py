"""A broker that forgets a signal while it reads still learns of the last account."""

from __future__ import annotations

from tests.deadline import until
from vigil.domain.errors import BrokerError
from vigil.runtime.broker.reloads import Reloads


class Broker:
    """Loses the first ``busy`` signals, as mosquitto 2.0.11 does while it reads, and fails at those from ``fails_from`` on."""

    def __init__(self, *, busy: int = 0, fails_from: int = 100) -> None:
        self.signals = 0
        self.known = False
        self._busy = busy
        self.fails_from = fails_from

    def reload(self) -> None:
        self.signals += 1
        if self.signals >= self.fails_from:
            raise BrokerError("mosquitto is not running")
        self.known = self.known or self.signals > self._busy


def test_told_at_once_and_twice_more() -> None:
    broker = Broker()
    reloads = Reloads(broker.reload, again_s=(0.001, 0.001))
    reloads.now()
    assert broker.known
    assert until(lambda: broker.signals == 3)
    reloads.stop()
    assert broker.signals == 3


def test_a_lost_signal_is_made_good() -> None:
    broker = Broker(busy=2)
    reloads = Reloads(broker.reload, again_s=(0.001, 0.001))
    reloads.now()
    assert until(lambda: broker.known)
    reloads.stop()


def test_a_broker_gone_meanwhile_ends_nothing() -> None:
    broker = Broker(fails_from=2)
    reloads = Reloads(broker.reload, again_s=(0.001,))
    reloads.now()
    assert until(lambda: broker.signals == 2)
    broker.fails_from = 100
    reloads.now()
    assert until(lambda: broker.signals == 4)
    reloads.stop()


def test_stopping_does_not_wait_for_the_pause() -> None:
    broker = Broker()
    reloads = Reloads(broker.reload, again_s=(3600.0,))
    reloads.now()
    reloads.stop()
    assert broker.signals == 1
