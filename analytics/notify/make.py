"""From the settings to channels that can send."""

from __future__ import annotations

import os
from collections.abc import Mapping

from analytics.notify.channel import Channel
from analytics.notify.mail import Mail
from analytics.notify.others import Others
from analytics.notify.webhook import Webhook
from vigil.runtime.channels import ChannelSettings, EmailSettings, WebhookSettings, secret_of
from vigil.runtime.clock import Clock


def channel_of(settings: ChannelSettings, clock: Clock, environ: Mapping[str, str] = os.environ) -> Channel:
    """Raises ``ConfigError`` when the secret is missing or the channel cannot be built."""
    secret = secret_of(settings, environ)
    if isinstance(settings, WebhookSettings):
        return Webhook(settings, secret, clock)
    if isinstance(settings, EmailSettings):
        return Mail(settings, secret, clock)
    return Others(settings, secret)
