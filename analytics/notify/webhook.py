"""A signed HTTP POST. Headers and signature follow the Standard Webhooks convention; ``docs/notify.md`` shows the check.

2xx is delivered. A redirect, an internal address and a body that the receiver calls wrong are not tried again; all else is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl

import httpx

from analytics.notify import guard
from analytics.notify.body import alertmanager_body, webhook_body
from analytics.notify.channel import TIMEOUT_S, Message, Outcome
from analytics.notify.cut import Cut
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.domain.times import SECOND
from vigil.runtime.channels import WebhookSettings
from vigil.runtime.clock import Clock

#: Answers that say that this very body will never be taken: bad request, gone, too large, wrong type, cannot be processed.
_NEVER = frozenset({400, 410, 413, 415, 422})
#: However much the receiver says meanwhile, it has answered by then, seconds (ours).
LONGEST_S = 10.0
#: Addresses of one host that are tried in one attempt.
_MOST_ADDRESSES = 3


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Value of the header ``webhook-signature``: HMAC-SHA256 over ``id.timestamp.body``, base64. ``timestamp``: Unix seconds.

    >>> signature("open sesame", "d-1", 1767225600, b"{}")
    'v1,eMLkXcOpyIdkiI6qpVxRKrsfDxys8UIPFxWRxvnpJDE='
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class Webhook:
    """Raises ``ConfigError`` for an address or certificate that cannot be used."""

    def __init__(
        self, settings: WebhookSettings, secret: str, clock: Clock, resolve: guard.Resolve = guard.look_up
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._resolve = resolve
        path = "/api/v2/alerts" if settings.format == "alertmanager" else ""
        try:
            self._url = httpx.URL(settings.url.rstrip("/") + path if path else settings.url)
            # Own proxy and certificate variables of the environment are left out: they would go round the address check.
            trust = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
            self._client = httpx.Client(
                trust_env=False,
                follow_redirects=False,
                timeout=TIMEOUT_S,
                verify=trust,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        except (httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise ConfigError(f"channel {settings.name}: {type(error).__name__}: {error}") from error

    @property
    def name(self) -> str:
        return self._settings.name

    def send(self, message: Message) -> Outcome:
        host, port = self._url.host, self._url.port or (443 if self._url.scheme == "https" else 80)
        try:
            addresses = guard.permitted(host, port, self._settings.allow_internal, self._resolve)
        except OSError as error:
            return Outcome(State.QUEUED, f"{host} cannot be looked up: {error.strerror or type(error).__name__}")
        outcome = Outcome(State.FAILED, f"{host} is at an internal address, which needs allow_internal = true")
        for address in addresses[:_MOST_ADDRESSES]:
            outcome, connected = self._post(address, message)
            if connected:
                break
        return outcome

    def _post(self, address: str, message: Message) -> tuple[Outcome, bool]:
        """The outcome, and whether somebody was there: if not, another address of the host may be tried."""
        host, body = self._url.host, self._body(message)
        headers = {**self._headers(message.delivery.delivery_id, body), "Host": self._url.netloc.decode()}
        url = self._url.copy_with(host=address)
        cut = Cut(LONGEST_S)
        # The name is what the certificate is checked against, the address what is connected to.
        extensions = {"sni_hostname": host, "trace": cut.trace}
        try:
            with cut, self._client.stream("POST", url, content=body, headers=headers, extensions=extensions) as answer:
                return judged(answer.status_code), True
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Outcome(State.QUEUED, f"no connection to {host}: {str(error) or 'time-out'}"), False
        except httpx.TimeoutException:
            return Outcome(State.QUEUED, f"{host} did not answer within {TIMEOUT_S:g} s"), True
        except httpx.HTTPError as error:
            why = f"did not answer within {LONGEST_S:g} s" if cut.done else f"broke off: {type(error).__name__}"
            return Outcome(State.QUEUED, f"{host} {why}"), True

    def _body(self, message: Message) -> bytes:
        if self._settings.format == "alertmanager":
            return alertmanager_body(message, self._settings.insecure)
        return webhook_body(message, self._settings.name, self._settings.insecure)

    def _headers(self, delivery_id: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "Vigil", "Idempotency-Key": delivery_id}
        if self._secret:
            now = self._clock.now_us() // SECOND
            headers |= {
                "webhook-id": delivery_id,
                "webhook-timestamp": str(now),
                "webhook-signature": signature(self._secret, delivery_id, now, body),
            }
        return headers


def judged(status: int) -> Outcome:
    """What an HTTP status says about the notice.

    >>> judged(204).state.value, judged(503).state.value, judged(302).why
    ('delivered', 'queued', 'the receiver answered with a redirect (302), which is not followed')
    """
    if 200 <= status < 300:
        return Outcome(State.DELIVERED)
    if 300 <= status < 400:
        return Outcome(State.FAILED, f"the receiver answered with a redirect ({status}), which is not followed")
    if status in _NEVER:
        return Outcome(State.FAILED, f"the receiver refused the notice with {status}")
    return Outcome(State.QUEUED, f"the receiver answered {status}")
