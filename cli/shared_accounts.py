"""Telling that two clients use one broker account: a line for the operator, a count, and the account's own log."""

from __future__ import annotations

import logging

from vigil.domain.enrolment import Enrolment, Outcome
from vigil.domain.errors import BrokerError, StoreError
from vigil.runtime.broker.accounts import Accounts, new_password
from vigil.runtime.broker.acl import BROKER_LOG
from vigil.runtime.broker.reloads import Reloads
from vigil.runtime.broker.takeovers import TakeoverWatch
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.runtime.tls import Trust
from vigil.store import RecordStore

logger = logging.getLogger(__name__)


class SharedAccounts:
    """Listens from ``start`` to ``stop``. Where the broker's account files cannot be written, it says so and does without."""

    def __init__(
        self, accounts: Accounts, reloads: Reloads, records: RecordStore, metrics: Metrics, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._reloads = reloads
        self._records = records
        self._clock = clock
        self._reports = metrics.counter("api_shared_accounts_total", "Reports that two clients use one broker account")
        self._watch: TakeoverWatch | None = None

    def start(self, host: str, port: int, tls: Trust | None = None) -> None:
        """With a new password at each start: nobody but this process needs it."""
        password = new_password()
        try:
            self._accounts.set_service(BROKER_LOG, password)
            self._reloads.now()
        except BrokerError as error:
            logger.warning("two clients with one broker account will not be noticed: %s", error)
            return
        self._watch = TakeoverWatch(host, port, password, self._clock, self.tell, tls)
        self._watch.start()

    def stop(self) -> None:
        if self._watch is not None:
            self._watch.stop()

    def tell(self, account: str) -> None:
        """Does not raise for a database that fails: the line for the operator is out by then."""
        self._reports.inc()
        logger.warning("two clients use the broker account %s and push each other off: give it a new password", account)
        try:
            self._records.log_enrolment(Enrolment(account, Outcome.TAKEN_OVER, "", self._clock.now_us()))
        except StoreError as error:
            logger.error("that two clients use one account could not be noted: %s", error)
