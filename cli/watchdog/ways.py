"""The watchdog's own ways to people: the channels of the settings, used from this process, and a command of the operator's.

Each is told at once, again every ``repeat_s`` while the trouble lasts, and once that it works again; a way that fails is tried
again soon, and none waits for another. The log is written in any case.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from analytics.notify.channel import Channel, Message
from cli.watchdog.round_trip import Trouble
from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.deliveries import Delivery, State, Target, delivery_id
from vigil.domain.errors import ConfigError
from vigil.domain.lifecycle import mint
from vigil.domain.self_test import PLATFORM
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock

logger = logging.getLogger(__name__)

RULE = "watchdog"
TITLE = "Vigil: the alarms may not work"
WORKS_AGAIN = "Vigil works again: the self-test's alert has come and gone."
#: Whom a channel is asked to call; a mail channel needs an address for this person or for "*".
OPERATORS = "operators"
#: A way that failed is tried again after this (ours), seconds.
RETRY_S = 15.0
COMMAND_S = 20.0


@dataclass(frozen=True, slots=True)
class News:
    """``since``: when the trouble began, microseconds UTC; the same for all that is said of it. ``number`` counts."""

    works: bool
    text: str
    since: int
    at: int
    number: int


class Way(Protocol):
    @property
    def name(self) -> str: ...

    def tell(self, news: News) -> str:
        """Empty when it was told, else why not. Returns within half a minute."""
        ...


class ByChannel:
    """One ``[[channel]]`` of the settings; the notice reads like one about a technical alert of the platform."""

    def __init__(self, channel: Channel, page: str) -> None:
        self._channel = channel
        self._page = page

    @property
    def name(self) -> str:
        return self._channel.name

    def tell(self, news: News) -> str:
        outcome = self._channel.send(self._message(news))
        return "" if outcome.state in (State.SENT, State.DELIVERED) else outcome.why or outcome.state.value

    def _message(self, news: News) -> Message:
        alert = alert_of(news)
        line = Transition(
            Step.RESOLVED if news.works else Step.OPENED, alert.cause, news.at, "vigil", alert, seq=news.number
        )
        target = Target(self.name, OPERATORS)
        key = delivery_id(alert.alert_id, news.number, news.at, target)
        delivery = Delivery(
            key, news.number, alert.alert_id, self.name, OPERATORS, State.QUEUED, 0, news.at, "", news.at
        )
        return Message(delivery, line, page=self._page)


class ByCommand:
    """A program of the operator's, given the words as its last argument and in ``VIGIL_WATCHDOG_TEXT``, and ``trouble`` or
    ``works`` in ``VIGIL_WATCHDOG_STATE``. Raises ``ConfigError`` for a line that no shell would take apart."""

    name = "command"

    def __init__(self, command: str) -> None:
        try:
            self._argv = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"setting watchdog.command: {error}") from error

    def tell(self, news: News) -> str:
        state = "works" if news.works else "trouble"
        given = {"VIGIL_WATCHDOG_TEXT": news.text, "VIGIL_WATCHDOG_STATE": state}
        try:
            done = subprocess.run(
                [*self._argv, news.text],
                env={**os.environ, **given},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the command failed: {type(error).__name__}"
        return "" if done.returncode == 0 else f"the command ended with {done.returncode}"


def alert_of(news: News) -> Alert:
    """As which a channel writes of it."""
    cause = f"deadline:{news.since}"
    return Alert(
        alert_id=mint(PLATFORM, RULE, cause),
        patient_id=PLATFORM,
        rule=RULE,
        kind=Kind.TECHNICAL,
        priority=Priority.HIGH,
        peak_priority=Priority.HIGH,
        condition=Condition.FALSE if news.works else Condition.TRUE,
        handling=Handling.UNACKNOWLEDGED,
        title=TITLE,
        cause=cause,
        onset_at=news.since,
        opened_at=news.since,
        updated_at=news.at,
        evidence=Evidence(news.text),
        ended_at=news.at if news.works else None,
        resolved_at=news.at if news.works else None,
        resolved_reason="works again" if news.works else "",
    )


@dataclass(slots=True)
class _Told:
    """``told``: of a trouble that it has not been told the end of. ``next_at``: monotonic seconds."""

    way: Way
    told: bool = False
    next_at: float = 0.0


class Teller:
    def __init__(self, ways: Sequence[Way], repeat_s: float, clock: Clock) -> None:
        self._ways = [_Told(way) for way in ways]
        self._repeat_s = repeat_s
        self._clock = clock
        self._troubled = False
        self._since = 0
        self._log_at = 0.0
        self._number = 0
        self._pool = ThreadPoolExecutor(max(len(self._ways), 1), "way")

    def take(self, trouble: Trouble | None) -> None:
        """Tell whoever is due to be told of this state. Blocks until all of them have answered or given up."""
        now = self._clock.monotonic()
        if (trouble is not None) is not self._troubled:
            self._turn(trouble, now)
        if trouble is not None and self._log_at <= now:
            logger.error("%s. %s It has been so for %.0f s.", TITLE, trouble.words, now - trouble.since)
            self._log_at = now + self._repeat_s
        due = [each for each in self._ways if each.next_at <= now and (trouble is not None or each.told)]
        if due:
            news = self._news(trouble)
            for each, why in zip(due, self._pool.map(lambda each: each.way.tell(news), due), strict=True):
                self._note(each, why, trouble is not None)

    def _turn(self, trouble: Trouble | None, now: float) -> None:
        """Everybody hears of a trouble that begins, and whoever has heard of it that it is over."""
        self._troubled = trouble is not None
        for each in self._ways:
            each.next_at = now
        if trouble is None:
            logger.warning("%s", WORKS_AGAIN)
        else:
            self._since = self._clock.now_us() - round((now - trouble.since) * SECOND)
            self._log_at = now

    def _news(self, trouble: Trouble | None) -> News:
        self._number += 1
        text = WORKS_AGAIN if trouble is None else trouble.words
        return News(trouble is None, text, self._since, self._clock.now_us(), self._number)

    def _note(self, each: _Told, why: str, trouble: bool) -> None:
        now = self._clock.monotonic()
        if why:
            logger.error("%s could not be told: %s", each.way.name, why)
            each.next_at = now + RETRY_S
            return
        logger.warning("%s was told: %s", each.way.name, "trouble" if trouble else "works again")
        each.told, each.next_at = trouble, now + self._repeat_s
