"""What Alertmanager's own OpenAPI document (v2) calls gettable; field for field, since its clients check."""

from __future__ import annotations

from typing import Literal

from api.schema.base import Model, Moment


class ReceiverOut(Model):
    name: str


class StatusOut(Model):
    state: Literal["active", "suppressed", "unprocessed"]
    silencedBy: list[str]  # noqa: N815 - Alertmanager's names
    inhibitedBy: list[str]  # noqa: N815


class GettableAlert(Model):
    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: Moment  # noqa: N815
    updatedAt: Moment  # noqa: N815
    endsAt: Moment  # noqa: N815
    fingerprint: str
    generatorURL: str  # noqa: N815
    receivers: list[ReceiverOut]
    status: StatusOut


class AlertGroup(Model):
    labels: dict[str, str]
    receiver: ReceiverOut
    alerts: list[GettableAlert]


class MatcherOut(Model):
    name: str
    value: str
    isRegex: bool  # noqa: N815
    isEqual: bool  # noqa: N815


class SilenceStatus(Model):
    state: Literal["active", "pending", "expired"]


class GettableSilence(Model):
    id: str
    createdBy: str  # noqa: N815
    comment: str
    startsAt: Moment  # noqa: N815
    endsAt: Moment  # noqa: N815
    updatedAt: Moment  # noqa: N815
    matchers: list[MatcherOut]
    status: SilenceStatus


class ClusterStatus(Model):
    status: Literal["ready", "settling", "disabled"]
    peers: list[str]


class ConfigOut(Model):
    original: str


class VersionInfo(Model):
    version: str
    revision: str
    branch: str
    buildUser: str  # noqa: N815
    buildDate: str  # noqa: N815
    goVersion: str  # noqa: N815


class AlertmanagerStatus(Model):
    """``uptime``: since when it runs."""

    cluster: ClusterStatus
    config: ConfigOut
    uptime: Moment
    versionInfo: VersionInfo  # noqa: N815
