"""The ``[influx]`` table of the settings: an InfluxDB 2 that readings are copied to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vigil.domain.errors import ConfigError

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


class InfluxSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        "", title="InfluxDB", description="`https://HOST:8086` of an InfluxDB 2 to copy readings to; empty = none"
    )
    org: str = Field("vigil", min_length=1, title="Organisation", description="name of the organisation there")
    bucket: str = Field(
        "vigil", min_length=1, title="Bucket", description="name of a bucket for Vigil alone; made if the token may"
    )
    token_file: Path | None = Field(
        None, title="Token", description="file that holds the API token in one line; read again when it is refused"
    )
    retention_days: int = Field(
        0,
        ge=0,
        le=36_500,
        title="Retention",
        description="days that a new bucket keeps readings; 0 = for ever, or what is set there",
    )
    timeout_s: float = Field(
        10.0, ge=1, le=120, title="Patience", description="seconds to wait for an answer before trying again"
    )
    ca_file: Path | None = Field(
        None, title="Authority", description="certificate (PEM) of the authority that signed the server's certificate"
    )
    allow_http: bool = Field(
        False,
        title="Unencrypted",
        description="`http:` to another machine may be used: the token can be read on the way",
    )

    @model_validator(mode="after")
    def _whole(self) -> InfluxSettings:
        if not self.url:
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must be like https://host:8086")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("url must not hold a user, a password, a query or a fragment")
        if parts.scheme == "http" and not self.allow_http and parts.hostname not in _THIS_MACHINE:
            raise ValueError("url is not encrypted: use https, or set allow_http = true")
        if self.token_file is None:
            raise ValueError("token_file must be given: a file that holds the API token")
        return self

    def token(self) -> str:
        """Never to be shown. Raises ``ConfigError``."""
        if self.token_file is None:
            raise ConfigError("influx.token_file is not set")
        try:
            words = self.token_file.read_text("utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"influx.token_file {self.token_file} cannot be read: {type(error).__name__}") from error
        if len(words) != 1:
            raise ConfigError(f"influx.token_file {self.token_file} must hold one line: the API token")
        return words[0]
