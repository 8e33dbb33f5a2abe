"""The core process: ingest, analytics and api around one embedded store."""

from __future__ import annotations

import gc
import importlib.resources
import logging
import shutil
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from analytics.finding_alerts import finding_names
from analytics.notify.make import channel_of
from analytics.notify.outbox import Outbox
from analytics.risk.stream.desk import Models
from analytics.risk.stream.live import RiskPlan
from analytics.runner import Analytics
from analytics.self_test import SelfTestPlan
from api.app import create_app, end_streams
from api.audit import audit_log
from api.deps import ApiDeps, Check, ManualEntry, MqttAccess, SessionTimes
from cli.audit import broken_at_start
from cli.day_closer import DayCloser
from cli.influx import check as check_copy
from cli.influx import copying, past_of, uncopied
from cli.records import NOT_COPIED, on_server, records_of_core
from cli.shared_accounts import SharedAccounts
from cli.trials.book import TrialBook
from ingest.runner import Ingest
from vigil.bus.board import Bus
from vigil.domain.deliveries import APP
from vigil.domain.errors import StoreError
from vigil.domain.people import MANUAL_PREFIX, Device
from vigil.domain.phrases import phrase
from vigil.domain.risk_facts import ModelFacts
from vigil.domain.self_test import MISSING_RULE, PLATFORM
from vigil.domain.times import HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.broker import Accounts, reload_broker
from vigil.runtime.broker.accounts import new_password
from vigil.runtime.broker.reloads import Reloads
from vigil.runtime.clock import Clock
from vigil.runtime.config import SessionSettings, Settings, WatchdogSettings
from vigil.runtime.keys import Keys
from vigil.runtime.metrics import Metrics
from vigil.runtime.supervise import guard
from vigil.store import RecordStore
from vigil.store.backup import Copied, copy_installation
from vigil.store.duck.store import DuckReadingStore
from vigil.store.records.store import SqlRecordStore

if TYPE_CHECKING:
    from analytics.risk.facts import FactsInUse

logger = logging.getLogger(__name__)

#: A person waits for this at most when entering a value.
ENTRY_TIMEOUT_S = 5.0
#: A server of the records that is away: so long judging and ingest wait for it before the process is started anew, so long a
#: person who asks (ours).
OUTAGE_S, ANSWER_S = 86_400.0, 2.0
#: Less free space than this is reported before the disk is full.
DISK_LOW_BYTES = 500 * 1024 * 1024


def self_test_plan(chosen: WatchdogSettings, records: RecordStore) -> SelfTestPlan:
    silence, every = round(chosen.silence_s * SECOND), round(chosen.every_s * SECOND)
    return SelfTestPlan(silence, every, chosen.enabled, records.forget_self_tests)


def session_times(chosen: SessionSettings) -> SessionTimes:
    return SessionTimes(chosen.idle_min * MINUTE, chosen.hours * HOUR)


def _registry(data_dir: Path) -> Models:
    """Imported in the thread of the risk models: the libraries that they need take a second."""
    from analytics.risk.registry import Registry

    return Registry(data_dir)


class Core:
    """Opens the stores, catches up, then serves. Nothing is read from the broker before analytics has caught up."""

    def __init__(self, settings: Settings, keys: Keys, broker_port: int, clock: Clock) -> None:
        data = settings.data_dir
        self._settings = settings
        self._clock = clock
        self._broker_port = broker_port
        self._accounts = Accounts(data)
        self._reloads = Reloads(lambda: reload_broker(self._accounts))
        self.metrics = Metrics()
        self._codes_sent = self.metrics.counter("api_claim_codes_total", "Claim codes sent by devices", ["outcome"])
        self._log_ins = self.metrics.counter("api_log_ins_total", "Tries to log in, and to unlock", ["outcome"])
        self.bus = Bus()
        self.readings = DuckReadingStore(data / "readings.duckdb", clock)
        webhooks = [chosen.name for chosen in settings.channel if chosen.kind == "webhook"]
        url, key = records_of_core(settings), keys.record_key.encode()
        # Judging waits out an outage of a server; a person is told at once.
        self._lasting = SqlRecordStore(url, key, webhooks, patience_s=OUTAGE_S)
        on_its_own = on_server(settings)
        self.records: RecordStore = SqlRecordStore(url, key, webhooks, ANSWER_S) if on_its_own else self._lasting
        self._audit_broken = broken_at_start(settings)
        self.analytics = Analytics(
            self.readings,
            self._lasting,
            self.bus,
            clock,
            data / "analytics.npz",
            metrics=self.metrics,
            self_test=self_test_plan(settings.watchdog, self._lasting),
            risk=RiskPlan(lambda: _registry(data), self.readings, data / "risk.npz"),
        )
        self.ingest = Ingest(
            settings=settings,
            broker_port=broker_port,
            password=keys.ingest_password,
            readings=self.readings,
            records=self._lasting,
            bus=self.bus,
            clock=clock,
            metrics=self.metrics,
            set_apart=self._set_apart,
        )
        self._shared_accounts = SharedAccounts(self._accounts, self._reloads, self.records, self.metrics, clock)
        channels = [channel_of(chosen, clock) for chosen in settings.channel]
        self.outbox = Outbox(channels, self.records, self.bus, clock, self.metrics, settings.public_url)
        self._copy_to = copying(settings, self.readings, clock, self.metrics)
        waiting = partial(uncopied, self._copy_to)
        kept = settings.store
        self._days = DayCloser(
            self.readings, clock, kept.keep_days, self.metrics, waiting, rollup_keep_days=kept.rollup_keep_days
        )
        self._trials = TrialBook(self.readings, self.records, clock)
        self._facts: FactsInUse | None = None
        self._crashed, self._copying = threading.Event(), threading.Lock()
        self._app = create_app(self._deps(keys))
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=2,
                server_header=False,
            )
        )

    def run(self) -> int:
        """Until a signal; returns the exit code. A crashed thread ends the process, so that the supervisor starts it anew."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop())
        self.outbox.start(self._on_crash)  # what waits since the last run need not wait for the catching up
        self.analytics.start(self._on_crash)
        if self._copy_to is not None:
            self._copy_to.start(self._on_crash)
        gc.freeze()  # the history that was loaded stays: a full collection need not walk it each time
        worker = threading.Thread(target=guard("ingest", self.ingest.run, self._on_crash), name="ingest")
        worker.start()
        self.ingest.connect()
        self._days.start()
        try:
            self._shared_accounts.start(self._settings.broker.host, self._broker_port, self._settings.broker.trust)
            self._server.run()
        finally:
            self._shared_accounts.stop()
            self._trials.stop()
            self.ingest.stop()
            worker.join(timeout=10)
            self.analytics.stop()
            self.outbox.stop()
            self._reloads.stop()
            if self._copy_to is not None:
                self._copy_to.stop()
            self._days.stop()
            self.readings.close()
            self.records.close()
            self._lasting.close()
            gc.unfreeze()
        return 1 if self._crashed.is_set() else 0

    def _stop(self) -> None:
        self._lasting.hurry()
        end_streams(self._app)  # or the server would wait for its event streams
        self._server.should_exit = True

    def _on_crash(self, name: str, _error: Exception) -> None:
        self._crashed.set()
        logger.error("%s has crashed: ending the process to be started again", name)
        self._stop()

    def _deps(self, keys: Keys) -> ApiDeps:
        return ApiDeps(
            readings=self.readings,
            records=self.records,
            bus=self.bus,
            clock=self._clock,
            token_key=keys.token_key.encode(),
            first_run_secret=keys.first_run_secret,
            tenant=self._settings.tenant,
            submit=self._submit,
            provision_device=self._provision_device,
            provision_gateway=self._provision_gateway,
            revoke=self._revoke,
            gateways=lambda: self._accounts.read().gateways,
            count_enrolment=lambda outcome: self._codes_sent.labels(outcome).inc(),
            checks=self._checks(),
            metrics=self.metrics.text,
            web_root=Path(str(importlib.resources.files("api") / "web")),
            channels=frozenset({APP, *(one.name for one in self._settings.channel)}),
            detectors=frozenset(finding_names()),
            models=self._models,
            clocks=self.ingest.clock_of,
            copy=self._copy,
            sessions=session_times(self._settings.session),
            count_log_in=lambda outcome: self._log_ins.labels(outcome).inc(),
            trials=self._trials,
            past=past_of(self._settings, self.readings, self._clock),
        )

    def _models(self) -> list[ModelFacts]:
        # Here and not above: scikit-learn is loaded when somebody asks, not at each start.
        from analytics.risk.facts import FactsInUse

        if self._facts is None:
            self._facts = FactsInUse(self._settings.data_dir)
        return self._facts.now()

    def _submit(self, entry: ManualEntry) -> list[int]:
        device_id = MANUAL_PREFIX + entry.patient_id
        if not any(device.device_id == device_id for device in self.records.devices()):
            self.records.put_device(Device(device_id, "entered by a person"))
        self.records.bind(device_id, entry.patient_id, 0)
        values = tuple((BY_NAME[name].index, value, at) for name, value, at in entry.values)
        try:
            return self.ingest.enter(entry.patient_id, values).result(timeout=ENTRY_TIMEOUT_S)
        except TimeoutError as error:
            raise StoreError("the entry was taken but is not stored yet: look again before you repeat it") from error

    def _provision_device(self, device_id: str) -> MqttAccess:
        with self._accounts.edit() as book:
            password = book.issue_device(device_id)
        self._reloads.now()
        return self._access(device_id, password)

    def _provision_gateway(self, gateway_id: str, devices: list[str]) -> MqttAccess:
        password = new_password()
        self._accounts.set_gateway(gateway_id, password, devices)
        self._reloads.now()
        return self._access(gateway_id, password)

    def _copy(self) -> Copied:
        if on_server(self._settings):
            raise StoreError(f"the records are in PostgreSQL: {NOT_COPIED}")
        if not self._copying.acquire(blocking=False):
            raise StoreError("a copy is being made already: wait for it")
        try:
            return copy_installation(self._settings.data_dir, self.readings.copy, self._clock)
        finally:
            self._copying.release()

    def _revoke(self, account: str) -> None:
        self._accounts.remove(account)
        self._reloads.now()

    def _set_apart(self, devices: frozenset[str]) -> None:
        with self._accounts.edit() as book:
            changed = set(book.apart) != devices
            book.set_apart(devices)
        if changed:
            self._reloads.now()

    def _access(self, name: str, password: str) -> MqttAccess:
        return MqttAccess(self._settings.broker.host, self._broker_port, name, password)

    def _checks(self) -> dict[str, Callable[[], Check]]:
        return {
            "broker": self._check_broker,
            "store": self._check_store,
            "intake": self._check_intake,
            "analytics": self._check_analytics,
            "channels": self._check_channels,
            "disk": self._check_disk,
            "days": self._check_days,
            "self_test": self._check_self_test,
            "audit": self._check_audit,
            **({"influx": partial(check_copy, self._copy_to)} if self._copy_to is not None else {}),
        }

    def _check_broker(self) -> Check:
        if self.ingest.subscriber.connected:
            return Check(True, [phrase("check.broker.connected", version=self.ingest.subscriber.protocol)])
        trouble = self.ingest.subscriber.trouble
        if not trouble:
            return Check(False, [phrase("check.broker.away")])
        address = f"{self._settings.broker.host}:{self._broker_port}"
        return Check(False, [phrase("check.broker.tls", address=address, why=trouble)])

    def _check_store(self) -> Check:
        failing = self.ingest.failing
        try:
            self.records.revision()
        except StoreError as error:
            return Check(False, [phrase("check.store.records", why=str(error))])
        if failing:
            return Check(False, [phrase("check.store.failing", why=failing)])
        if lost := self.readings.missing:
            return Check(False, [phrase("check.store.missing", files=len(lost), first=lost[0])])
        return Check(True, [phrase("check.store", readings=self.readings.head(), waiting=self.ingest.queue_depth)])

    def _check_intake(self) -> Check:
        said = self.ingest.overload
        return Check(not said, said or [phrase("check.intake", waiting=self.ingest.queue_depth)], needed=False)

    def _check_analytics(self) -> Check:
        behind = self.readings.head() - self.analytics.position
        failed = self.analytics.failed_detectors
        if failed:
            return Check(False, [phrase("check.analytics.failed", names=", ".join(failed))])
        said = phrase("check.analytics.behind", readings=behind) if behind else phrase("check.up_to_date")
        return Check(self.analytics.ready, [said])

    def _check_channels(self) -> Check:
        found = sorted(self.outbox.trouble.items())
        if found:
            trouble = [phrase("check.channels.trouble", channel=name, why=why) for name, why in found]
            return Check(False, [phrase("check.parts", parts=trouble)], needed=False)
        count = len(self._settings.channel)
        said = phrase("check.channels.more", channels=count) if count else phrase("check.channels.page")
        return Check(True, [said], needed=False)

    def _check_days(self) -> Check:
        failing = self._days.failing
        return Check(
            not failing, [phrase("check.days.failing", why=failing) if failing else phrase("check.days")], needed=False
        )

    def _check_self_test(self) -> Check:
        alerts = self.records.alerts(patient_id=PLATFORM, open_only=True)
        found = next((alert for alert in alerts if alert.rule == MISSING_RULE and alert.active), None)
        if found is None:
            return Check(True, [phrase("check.self_test")], needed=False)
        told = found.evidence  # without phrases: told by an older Vigil
        return Check(
            False, [phrase("as_said", said=told.text)] if told.said is None else told.said["text"], needed=False
        )

    def _check_audit(self) -> Check:
        if self._audit_broken:
            return Check(False, [phrase("check.audit.broken", why=self._audit_broken)], needed=False)
        failing = audit_log(self._app).failing
        return Check(not failing, [phrase("check.audit.failing" if failing else "check.audit")], needed=False)

    def _check_disk(self) -> Check:
        free = shutil.disk_usage(self._settings.data_dir).free
        return Check(free >= DISK_LOW_BYTES, [phrase("check.disk", free=free / 2**30)])
