"""Settings: ``vigil.toml``, overridden by ``VIGIL_*``; an unknown key refuses to start.

Nested keys use two underscores in the environment: ``VIGIL_BROKER__PORT=1884``.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vigil.domain.errors import ConfigError
from vigil.runtime.channels import ChannelSettings, check_names
from vigil.runtime.influx import InfluxSettings
from vigil.runtime.tls import Trust

PREFIX = "VIGIL_"
#: Baselines and models look back a week; a month leaves room to look into what happened (ours).
LEAST_KEPT_DAYS = 31


class _Section(BaseModel):
    # What was given is not shown in errors: it might be a password.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BrokerSettings(_Section):
    kind: Literal["auto", "mosquitto", "embedded"] = Field(
        "auto", title="Broker", description="auto = mosquitto when it is installed, else the embedded one (demo only)"
    )
    host: str = Field("127.0.0.1", title="Broker host", description="where devices and ingest reach the broker")
    port: int = Field(
        0, ge=0, le=65535, title="Broker port", description="0 = 1883 when it is free, else any free port; by TLS 8883"
    )
    ca_file: Path | None = Field(
        None,
        title="CA",
        description="certificates (PEM) of which one has signed the broker's; set = by TLS (`docs/tls.md`)",
    )
    cert_file: Path | None = Field(
        None, title="Certificate", description="our own certificate, for a broker that asks its clients for one"
    )
    key_file: Path | None = Field(None, title="Key", description="the key of that certificate")

    @model_validator(mode="after")
    def _whole(self) -> BrokerSettings:
        if (self.cert_file is None) is not (self.key_file is None):
            raise ValueError("cert_file and key_file belong together")
        if self.cert_file is not None and self.ca_file is None:
            raise ValueError("cert_file needs ca_file")
        return self

    @property
    def trust(self) -> Trust | None:
        return None if self.ca_file is None else Trust(self.ca_file, self.cert_file, self.key_file)


class RecordsSettings(_Section):
    url: str = Field(
        "",
        title="Records database",
        description="`postgresql://USER@HOST:PORT/DATABASE` without a password; empty = a file in the data directory",
    )
    url_file: Path | None = Field(
        None, title="Records database, secret", description="a file with that URL in one line, and the password in it"
    )

    @model_validator(mode="after")
    def _one_without_password(self) -> RecordsSettings:
        if self.url and self.url_file is not None:
            raise ValueError("give url or url_file, not both")
        if re.search(r"://[^/@]*:[^/@]*@|password=", self.url) is not None:
            raise ValueError("a password does not belong into the settings: put the URL into a file, named by url_file")
        return self

    def read(self) -> str:
        """The URL, empty = the embedded file. Raises ``ConfigError``. Never to be shown: it may hold a password."""
        if self.url_file is None:
            return self.url
        try:
            lines = self.url_file.read_text("utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"records.url_file {self.url_file} cannot be read: {type(error).__name__}") from error
        if len(lines) != 1:
            raise ConfigError(f"{self.url_file} must hold one line, postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return lines[0]


class IngestSettings(_Section):
    batch_messages: int = Field(500, ge=1, le=10_000, title="Batch", description="messages in one commit")
    batch_ms: int = Field(
        50, ge=1, le=1000, title="Batch wait", description="milliseconds before a smaller batch commits"
    )
    queue_messages: int = Field(
        50_000,
        ge=10,
        le=60_000,  # with a batch under way it must fit the 65,535 that a broker may leave unacknowledged
        title="Queue",
        description="messages held in memory; full for longer than `grace_s` = the greediest device loses its newest",
    )
    queue_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1024 * 1024,
        title="Queue size",
        description="bytes of these messages, all devices together",
    )
    device_bytes: int = Field(
        8 * 1024 * 1024,
        ge=256 * 1024,
        title="Device share",
        description="bytes of these messages that one device may hold",
    )
    grace_s: float = Field(
        10.0,
        ge=0,
        le=30,
        title="Grace",
        description="seconds that a full queue makes the broker wait before anything is dropped",
    )
    device_rate: float = Field(
        500.0,
        ge=0,
        le=100_000,
        title="Device rate",
        description="packs a second of one device beyond `device_burst`; 0 = no limit",
    )
    device_burst: int = Field(
        20_000, ge=1, le=1_000_000, title="Device burst", description="packs of one device at once, as after an outage"
    )


#: A round of the self-test takes this many pulses at most while all is well (ours): three normal ones, the alarm, two to end it.
SILENT_PULSES = 6


class StoreSettings(_Section):
    keep_days: int = Field(
        0,
        ge=0,
        title="Days of readings",
        description="readings measured longer ago are removed for ever; 0 = none, else 31 at least",
    )
    rollup_keep_days: int = Field(
        0,
        ge=0,
        title="Days of roll-ups",
        description="of removed readings, least, greatest, mean and last value of each hour are kept so long; 0 = for ever",
    )

    @field_validator("keep_days")
    @classmethod
    def _long_enough(cls, days: int) -> int:
        if 0 < days < LEAST_KEPT_DAYS:
            raise ValueError(f"{LEAST_KEPT_DAYS} at least, or 0 for all")
        return days

    @model_validator(mode="after")
    def _not_before_the_readings(self) -> StoreSettings:
        if self.rollup_keep_days and not 0 < self.keep_days <= self.rollup_keep_days:
            raise ValueError("rollup_keep_days: as many as keep_days at least, which must be set, or 0 for ever")
        return self


class WatchdogSettings(_Section):
    enabled: bool = Field(
        True, title="Watchdog", description="false = no self-test is expected, and `vigil up` starts no watchdog"
    )
    url: str = Field(
        "", title="Vigil", description="address of the core to watch; empty = the one of this data directory"
    )
    pulse_s: float = Field(5.0, ge=0.5, le=60, title="Pulse", description="seconds between self-test readings")
    every_s: float = Field(
        60.0, ge=1, le=3600, title="Round", description="seconds from the end of a self-test alert to the next one"
    )
    silence_s: float = Field(
        60.0, ge=3, le=3600, title="Silence", description="seconds overdue after which people are told, on both ways"
    )
    repeat_s: float = Field(
        300.0, ge=10, le=86_400, title="Repeat", description="seconds between two tellings of the same trouble"
    )
    channels: tuple[str, ...] | None = Field(
        None, title="Channels", description="names of the `[[channel]]`s it tells by; left out = all of them"
    )
    command: str = Field(
        "", title="Command", description="program it runs to tell; the words come as its last argument"
    )

    @model_validator(mode="after")
    def _room_for_a_round(self) -> WatchdogSettings:
        if self.silence_s < SILENT_PULSES * self.pulse_s:
            raise ValueError(
                f"silence_s must be at least {SILENT_PULSES} times pulse_s, or a good round would take too long"
            )
        return self


class SessionSettings(_Section):
    idle_min: int = Field(
        15,
        ge=1,
        le=240,
        title="Idle",
        description="minutes without a touch after which a page hides names until unlocked",
    )
    hours: int = Field(12, ge=1, le=24, title="Session", description="hours after which a person has to log in again")


class Settings(_Section):
    """All settings with their defaults; ``docs/reference/settings.md`` is generated from here."""

    data_dir: Path = Field(Path(".vigil"), title="Data directory", description="databases, keys, broker files")
    host: str = Field("127.0.0.1", title="HTTP host", description="address that the API and the page listen on")
    port: int = Field(8000, ge=0, le=65535, title="HTTP port", description="0 = any free port")
    tenant: str = Field(
        "home", pattern=r"^[a-z0-9-]{1,32}$", title="Tenant", description="level of the MQTT topic tree"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", title="Log level", description="least level written"
    )
    public_url: str = Field(
        "", title="Address of the page", description="where people reach the page: written into notices as a link"
    )
    broker: BrokerSettings = BrokerSettings()
    records: RecordsSettings = RecordsSettings()
    influx: InfluxSettings = InfluxSettings()
    ingest: IngestSettings = IngestSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    session: SessionSettings = SessionSettings()
    store: StoreSettings = StoreSettings()
    gateway: dict[str, Any] = Field(
        {},
        title="Home hub",
        description="account and Bluetooth peripherals of a gateway: `docs/gateway.md` has its keys",
    )
    channel: tuple[ChannelSettings, ...] = Field(
        (), title="Channels", description="ways to call people, one `[[channel]]` table each: see below"
    )

    @field_validator("channel")
    @classmethod
    def _channel_names(cls, value: tuple[ChannelSettings, ...]) -> tuple[ChannelSettings, ...]:
        check_names(value)
        return value


def load(path: Path | None, environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Settings from a TOML file (None = ``vigil.toml`` when it exists), the environment, then ``overrides`` that are not None.

    Raises ``ConfigError`` with one line that names the key.
    """
    file = path or Path("vigil.toml")
    document: dict[str, Any] = {}
    if path is not None or file.exists():
        try:
            document = tomllib.loads(file.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: {error}") from error
    for name, value in environ.items():
        if name.startswith(PREFIX):
            _put(document, name[len(PREFIX) :].lower().split("__"), value, name)
    document.update({key: value for key, value in overrides.items() if value is not None})
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"setting {key}: {first['msg']}") from error


def _put(document: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    for key in keys[:-1]:
        document = document.setdefault(key, {})
        if not isinstance(document, dict):
            raise ConfigError(f"{name}: there is no such setting")
    document[keys[-1]] = value
