"""Mail through a relay. A relay that has taken a mail proves nothing further: the notice is *sent*, never *delivered*."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from analytics.notify.body import words
from analytics.notify.channel import TIMEOUT_S, Message, Outcome
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.domain.times import SECOND
from vigil.runtime.channels import EmailSettings
from vigil.runtime.clock import Clock

#: In ``recipients``: whoever is not named.
EVERYBODY_ELSE = "*"


class Mail:
    """Raises ``ConfigError`` for a certificate that cannot be used."""

    def __init__(self, settings: EmailSettings, password: str, clock: Clock) -> None:
        self._settings = settings
        self._password = password
        self._clock = clock
        try:
            self._trust = ssl.create_default_context(cafile=settings.ca_file)
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(f"channel {settings.name}: {type(error).__name__}: {error}") from error

    @property
    def name(self) -> str:
        return self._settings.name

    def send(self, message: Message) -> Outcome:
        recipients = self._settings.recipients
        to = recipients.get(message.delivery.person, recipients.get(EVERYBODY_ELSE))
        if to is None:
            return Outcome(State.FAILED, "this channel has no address for this person")
        try:
            with self._connected() as relay:
                relay.send_message(self._mail(message, to))
        except smtplib.SMTPRecipientsRefused as error:
            return _refused("the recipient", max(code for code, _ in error.recipients.values()))
        except smtplib.SMTPAuthenticationError as error:
            return Outcome(State.QUEUED, f"the relay refused the login with {error.smtp_code}")
        except smtplib.SMTPResponseException as error:
            return _refused("the mail", error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            return Outcome(State.QUEUED, f"the relay {self._settings.host} failed: {_named(error)}")
        return Outcome(State.SENT)

    def _connected(self) -> smtplib.SMTP:
        chosen = self._settings
        if chosen.security == "tls":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(chosen.host, chosen.port, timeout=TIMEOUT_S, context=self._trust)
        else:
            relay = smtplib.SMTP(chosen.host, chosen.port, timeout=TIMEOUT_S)
        ready = False
        try:
            if chosen.security == "starttls":
                relay.starttls(context=self._trust)
            if chosen.user:
                relay.login(chosen.user, self._password)
            ready = True
        finally:
            if not ready:
                relay.close()
        return relay

    def _mail(self, message: Message, to: str) -> EmailMessage:
        subject, text = words(message, self._settings.insecure)
        mail = EmailMessage()
        mail["From"] = self._settings.sender
        mail["To"] = to
        mail["Subject"] = subject
        mail["Date"] = formatdate(self._clock.now_us() / SECOND)
        # The same for each try, so that a mail program can show a repeat as one.
        mail["Message-ID"] = f"<{message.delivery.delivery_id}@vigil.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        return mail


def _refused(what: str, code: int) -> Outcome:
    """Codes from 500 are final (RFC 5321, 4.2.1)."""
    return Outcome(State.FAILED if code >= 500 else State.QUEUED, f"the relay refused {what} with {code}")


def _named(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
