"""One InfluxDB 2 server by influxdb-client: lines in, answers to Flux out, the bucket made. Never raises for what it answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import urllib3
from influxdb_client.client.flux_csv_parser import FluxCsvParserException, FluxQueryException
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from vigil.domain.errors import ConfigError, StoreError
from vigil.domain.times import DAY, SECOND
from vigil.runtime.clock import Clock
from vigil.runtime.influx import InfluxSettings
from vigil.store.influx.answers import WRITTEN, Answer, Verdict, of_status

_UNREAD = (urllib3.exceptions.HTTPError, OSError)
_DAY_S = DAY // SECOND
#: No Content: InfluxDB says nothing else about a write that is done.
_WRITTEN = 204


class InfluxServer:
    """Safe in one thread. ``timeout_s`` for each answer; nothing is tried again here."""

    def __init__(self, settings: InfluxSettings, clock: Clock, timeout_s: float | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._timeout_s = settings.timeout_s if timeout_s is None else timeout_s
        self._open: InfluxDBClient | None = None

    @property
    def target(self) -> str:
        """Where the readings go: another one has none of them."""
        return f"{self._settings.url.rstrip('/')} {self._settings.org} {self._settings.bucket}"

    @property
    def bucket(self) -> str:
        return self._settings.bucket

    def write(self, lines: Sequence[str]) -> Answer:
        """All lines as one request, compressed."""
        if not lines:
            return WRITTEN
        chosen, body = self._settings, "\n".join(lines).encode()
        try:
            service = WriteService(self._client().api_client)
            _, status, _ = service.post_write_with_http_info(
                chosen.org, chosen.bucket, body, precision=WritePrecision.NS, content_type="text/plain; charset=utf-8"
            )
        except (ApiException, *_UNREAD, ConfigError) as error:
            return self._answer(error)
        if status != _WRITTEN:
            return Answer(Verdict.LATER, f"no InfluxDB 2 is at influx.url: something else answers there ({status})")
        return WRITTEN

    def prepare(self) -> Answer:
        """Makes the bucket if it is missing and the token may. A token that may only write is not told what there is."""
        asked_s = self._settings.retention_days * _DAY_S
        try:
            found = self._found()
            if not found:
                return self._made(BucketRetentionRules(type="expire", every_seconds=asked_s))
        except (ApiException, *_UNREAD, ConfigError) as error:
            return self._answer(error)
        kept = sum(rule.every_seconds for rule in found[0].retention_rules or [])
        if asked_s and kept != asked_s:
            asked, is_kept = _days(asked_s), _days(kept)
            return Answer(
                Verdict.WRITTEN, f"the bucket of InfluxDB keeps readings {is_kept}, influx.retention_days says {asked}"
            )
        return WRITTEN

    def query(self, flux: str) -> Iterator[Mapping[str, Any]]:
        """The rows of all results; ``result`` names the yield. Raises ``StoreError``, also in the middle."""
        try:
            for record in self._client().query_api().query_stream(flux, org=self._settings.org):
                yield record.values
        except ConfigError as error:
            raise StoreError(str(error)) from error
        except (FluxQueryException, FluxCsvParserException) as error:
            raise StoreError(f"InfluxDB could not answer: {getattr(error, 'message', error)}") from error
        except (ApiException, *_UNREAD) as error:
            raise StoreError(self._query_trouble(error)) from error

    def close(self) -> None:
        """The next call opens it again, with the token that is in the file then."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _found(self) -> list[Bucket]:
        chosen = self._settings
        try:
            return self._client().buckets_api().find_buckets(name=chosen.bucket, org=chosen.org).buckets or []
        except ApiException as error:
            if error.status == 404:
                return []
            raise

    def _made(self, rules: BucketRetentionRules) -> Answer:
        chosen = self._settings
        found = self._client().organizations_api().find_organizations(org=chosen.org)
        if not found:
            why = f"InfluxDB shows the token no organisation {chosen.org} to make a bucket in: correct influx.org, or make it"
            return Answer(Verdict.SETTINGS, why)
        made = self._client().buckets_api()
        made.create_bucket(bucket_name=chosen.bucket, retention_rules=rules, org=found[0].id)
        return WRITTEN

    def _client(self) -> InfluxDBClient:
        if self._open is None:
            chosen = self._settings
            self._open = InfluxDBClient(
                chosen.url.rstrip("/"),
                chosen.token(),
                org=chosen.org,
                timeout=round(self._timeout_s * 1000),
                enable_gzip=True,
                ssl_ca_cert=None if chosen.ca_file is None else str(chosen.ca_file),
            )
        return self._open

    def _answer(self, error: Exception) -> Answer:
        chosen = self._settings
        if isinstance(error, ConfigError):
            return Answer(Verdict.SETTINGS, str(error))
        if not isinstance(error, ApiException):
            gone = not isinstance(error, urllib3.exceptions.ReadTimeoutError)
            return Answer(Verdict.LATER, self._no_answer(error), gone=gone)
        if not error.status:  # how influxdb-client tells a failed handshake
            return Answer(Verdict.SETTINGS, _handshake(str(error.reason)))
        where = f"organisation {chosen.org}, bucket {chosen.bucket}"
        message = error.message if isinstance(error.message, str) else ""
        return of_status(error.status, message, error.retry_after, self._clock.now_us(), where)

    def _no_answer(self, error: Exception) -> str:
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return f"InfluxDB did not answer within {self._timeout_s:g} s"
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return "InfluxDB cannot be found: the name in influx.url is not known here"
        if isinstance(error, ssl.SSLError | urllib3.exceptions.SSLError):
            return _handshake(str(error))
        return f"InfluxDB cannot be reached at {self._settings.url} ({type(error).__name__})"

    def _query_trouble(self, error: Exception) -> str:
        if isinstance(error, ApiException) and error.status in (400, 404):
            return f"InfluxDB could not answer: {error.message}"  # of a question: it quotes no reading
        return self._answer(error).why


def _handshake(said: str) -> str:
    if "verify failed" in said:
        return (
            "InfluxDB shows a certificate that is not trusted here: name its authority in influx.ca_file, or renew it"
        )
    return "InfluxDB speaks no TLS that is known here: look at influx.url and the server's certificate"


def _days(seconds: int) -> str:
    return f"{seconds / _DAY_S:g} days" if seconds else "for ever"
