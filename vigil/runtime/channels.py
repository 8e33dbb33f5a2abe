"""The ``[[channel]]`` tables of the settings: ways to call somebody who does not look at the page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vigil.domain.deliveries import APP
from vigil.domain.errors import ConfigError


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", title="Name", description="what teams and the log call the channel"
    )
    secret_env: str = Field(
        "",
        title="Secret from the environment",
        description="environment variable that holds the secret (not `VIGIL_…`)",
    )
    secret_file: Path | None = Field(None, title="Secret from a file", description="file that holds the secret")

    @field_validator("secret_env")
    @classmethod
    def _not_a_setting(cls, value: str) -> str:
        if value.startswith("VIGIL_"):
            raise ValueError("names that begin with VIGIL_ are settings: choose another name")
        return value

    @model_validator(mode="after")
    def _one_secret(self) -> _Channel:
        if self.secret_env and self.secret_file:
            raise ValueError("give secret_env or secret_file, not both")
        return self

    @property
    def has_secret(self) -> bool:
        return bool(self.secret_env or self.secret_file)


class WebhookSettings(_Channel):
    kind: Literal["webhook"] = Field(title="Kind", description="HTTP POST of a JSON document")
    url: str = Field(title="Address", description="where to post; with format `alertmanager` the server without a path")
    format: Literal["webhook", "alertmanager"] = Field(
        "webhook",
        title="Format",
        description="webhook = signed body that receivers of Alertmanager read; alertmanager = to an Alertmanager's own API",
    )
    insecure: bool = Field(False, title="Insecure", description='only "open Vigil" is sent, no clinical detail')
    allow_internal: bool = Field(
        False, title="Internal", description="the receiver may stand at a loopback, private or link-local address"
    )
    allow_http: bool = Field(False, title="Unencrypted", description="http: addresses may be used")
    ca_file: Path | None = Field(
        None, title="Authority", description="certificate (PEM) of the authority that signed the receiver's certificate"
    )

    @model_validator(mode="after")
    def _address(self) -> WebhookSettings:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must be like https://host/path")
        if parts.scheme == "http" and not self.allow_http:
            raise ValueError("url is not encrypted: use https, or set allow_http = true")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("url must not hold a user, a password or a fragment")
        if self.format == "webhook" and not self.has_secret:
            raise ValueError("a webhook is signed: give secret_env or secret_file")
        return self


class EmailSettings(_Channel):
    kind: Literal["email"] = Field(title="Kind", description="Mail through a relay")
    host: str = Field(min_length=1, title="Relay", description="host of the mail relay")
    port: int = Field(587, ge=1, le=65535, title="Port", description="port of the mail relay")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", title="Encryption", description="none only for a relay on this machine"
    )
    user: str = Field("", title="User", description="log in to the relay as; the secret is the password")
    sender: str = Field(min_length=3, title="Sender", description="address that the mail comes from")
    recipients: dict[str, str] = Field(
        min_length=1, title="Recipients", description='person to address; `"*"` for everybody who is not named'
    )
    insecure: bool = Field(True, title="Insecure", description='only "open Vigil" is sent, no clinical detail')
    ca_file: Path | None = Field(
        None, title="Authority", description="certificate (PEM) of the authority that signed the relay's certificate"
    )

    @model_validator(mode="after")
    def _login(self) -> EmailSettings:
        if bool(self.user) != self.has_secret:
            raise ValueError("user needs a secret (the password), and a secret a user")
        if self.user and self.security == "none":
            raise ValueError("a password is not sent unencrypted: use starttls or tls")
        addresses = [self.sender, *self.recipients.values()]
        if any("@" not in address or not address.isprintable() or " " in address for address in addresses):
            raise ValueError("sender and recipients must be addresses like ward@hospital.example")
        return self


class AppriseSettings(_Channel):
    kind: Literal["apprise"] = Field(title="Kind", description="Any service that apprise knows (extra `notify`)")
    insecure: bool = Field(True, title="Insecure", description='only "open Vigil" is sent, no clinical detail')

    @model_validator(mode="after")
    def _needs_secret(self) -> AppriseSettings:
        if not self.has_secret:
            raise ValueError("an apprise address holds its password: give it by secret_env or secret_file")
        return self


ChannelSettings = Annotated[WebhookSettings | EmailSettings | AppriseSettings, Field(discriminator="kind")]


def check_names(channels: Sequence[_Channel]) -> None:
    """Raises ``ValueError`` for two channels of one name, or one that is called like the page."""
    names = [channel.name for channel in channels]
    if APP in names:
        raise ValueError(f"the name {APP} is that of the page: choose another one")
    if len(set(names)) < len(names):
        raise ValueError("two channels have the same name")


def secret_of(channel: _Channel, environ: Mapping[str, str] = os.environ) -> str:
    """The channel's secret, empty when it has none. Raises ``ConfigError`` that names the place, never what is in it."""
    if channel.secret_file is not None:
        try:
            secret = channel.secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"channel {channel.name}: the secret file cannot be read") from error
    elif channel.secret_env:
        secret = environ.get(channel.secret_env, "").strip()
    else:
        return ""
    if not secret:
        raise ConfigError(f"channel {channel.name}: the secret in {channel.secret_file or channel.secret_env} is empty")
    return secret
