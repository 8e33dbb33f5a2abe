"""Settings: ``vigil.toml``, overridden by ``VIGIL_*``; an unknown key refuses to start.

Nested keys use two underscores in the environment: ``VIGIL_BROKER__PORT=1884``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vigil.domain.errors import ConfigError

PREFIX = "VIGIL_"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(_Section):
    kind: Literal["auto", "mosquitto", "embedded"] = Field(
        "auto", title="Broker", description="auto = mosquitto when it is installed, else the embedded one (demo only)"
    )
    host: str = Field("127.0.0.1", title="Broker host", description="where devices and ingest reach the broker")
    port: int = Field(
        0, ge=0, le=65535, title="Broker port", description="0 = 1883 when it is free, else any free port"
    )


class IngestSettings(_Section):
    batch_messages: int = Field(500, ge=1, le=10_000, title="Batch", description="messages in one commit")
    batch_ms: int = Field(
        50, ge=1, le=1000, title="Batch wait", description="milliseconds before a smaller batch commits"
    )
    queue_messages: int = Field(
        5000, ge=10, le=100_000, title="Queue", description="messages held in memory; full = the broker waits"
    )


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
    broker: BrokerSettings = BrokerSettings()
    ingest: IngestSettings = IngestSettings()


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
