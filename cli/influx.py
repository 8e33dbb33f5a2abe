"""The copy to InfluxDB as the core runs it, and what ``vigil doctor`` asks the server itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

from api.deps import Check
from vigil.domain.errors import ConfigError, StoreError
from vigil.domain.phrases import phrase
from vigil.runtime.clock import Clock
from vigil.runtime.config import Settings
from vigil.runtime.metrics import Metrics
from vigil.store import ReadingHistory
from vigil.store.past import Past

if TYPE_CHECKING:
    from vigil.store.influx.forward import Forwarder
    from vigil.store.influx.past import Journal

CHECKPOINT = "influx.json"
NO_CLIENT = "influx.url is set, but its client is not installed: pip install 'vigil-rpm[influx]'"


def copying(settings: Settings, journal: ReadingHistory, clock: Clock, metrics: Metrics) -> Forwarder | None:
    """None = the settings name no InfluxDB. Raises ``ConfigError`` when its client is not installed."""
    if not settings.influx.url:
        return None
    if not _has_client():
        raise ConfigError(NO_CLIENT)
    from vigil.store.influx.forward import Forwarder
    from vigil.store.influx.server import InfluxServer

    server = InfluxServer(settings.influx, clock)
    # Not the same waits as another installation's, but the same ones after each start.
    random = Random(f"{settings.tenant} {server.target}")
    return Forwarder(journal, server, settings.data_dir / CHECKPOINT, clock, metrics, random)


def check(forwarder: Forwarder) -> Check:
    """Never needed: the journal has what the copy lacks."""
    try:
        standing = forwarder.standing()
    except StoreError as error:
        return Check(False, [phrase("check.influx.failing", why=str(error))], needed=False)
    return Check(standing.ok, [standing.said], needed=False)


def uncopied(forwarder: Forwarder | None) -> Sequence[tuple[int, int]]:
    """First and last ordinal of readings that are to be copied and are not confirmed to be there."""
    return () if forwarder is None else forwarder.uncopied()


def past_of(settings: Settings, journal: Journal, clock: Clock) -> Callable[[], Past] | None:
    """Makes what one request asks for the past; None = the settings name no InfluxDB."""
    if not settings.influx.url:
        return None
    from vigil.store.influx.history import InfluxHistory
    from vigil.store.influx.older import WAIT_S, Older
    from vigil.store.influx.past import CopiedPast
    from vigil.store.influx.server import InfluxServer

    @contextmanager
    def history() -> Iterator[InfluxHistory]:
        server = InfluxServer(settings.influx, clock, WAIT_S)
        try:
            yield InfluxHistory(server, journal.streams)
        finally:
            server.close()

    older, end = Older(history, clock), settings.store.rollup_keep_days > 0
    return lambda: CopiedPast(journal, older, clock, rollups_end=end)


def asked(settings: Settings, clock: Clock) -> tuple[bool, str]:
    """Can the server be reached with this token, and is the bucket there? Makes it if it is missing, as the core would."""
    if not _has_client():
        return False, NO_CLIENT
    from vigil.store.influx.answers import Verdict
    from vigil.store.influx.server import InfluxServer

    server = InfluxServer(settings.influx, clock)
    try:
        answer = server.prepare()
    finally:
        server.close()
    return answer.verdict is Verdict.WRITTEN and not answer.why, answer.why or f"{server.target}: the bucket is there"


def _has_client() -> bool:
    return importlib.util.find_spec("influxdb_client") is not None
