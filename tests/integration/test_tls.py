"""The broker for devices outside this machine, with real mosquitto: who gets in, and what our clients say when they do not."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.deadline import DEADLINE_S, until
from tests.integration.broker_site import needs_mosquitto, running_site
from tests.integration.tls_site import HOST, TEL, TlsSite, publish
from tests.product import clean_environment
from vigil.domain.times import SECOND
from vigil.runtime.authority import Authority
from vigil.runtime.broker import BrokerKind
from vigil.runtime.clock import ManualClock, SystemClock
from vigil.runtime.link import BrokerLogin, Connection, Link, ReconnectRule
from vigil.runtime.tls import Trust, trusting

pytestmark = needs_mosquitto
OTHER = "rpm/v1/t/d/w-2/tel/vitals"
DAY_US = 86_400 * SECOND


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TlsSite]:
    site = TlsSite(tmp_path)
    with site.serving():
        yield site
        site.close()


def test_who_may_publish(site: TlsSite, capsys: pytest.CaptureFixture[str]) -> None:
    """What ``mosquitto_pub`` got, each time with a pack of its own; printed as a table."""
    site.authority.client("w-1", 10)
    core = site.core(site.trust())
    core.wait_connected(DEADLINE_S)
    ca = ("--cafile", str(site.data / "broker" / "ca.crt"))
    right = (*ca, "-u", "w-1", "-P", "pw w-1")
    clients = site.data / "tls" / "clients"
    own = (*ca, "--cert", str(clients / "w-1.crt"), "--key", str(clients / "w-1.key"))
    tries: list[tuple[str, int, tuple[str, ...], str, int, str]] = [  # … exit code or 0, a part of its words
        ("no TLS", site.port, ("-u", "w-1", "-P", "pw w-1"), TEL, 7, "connection was lost"),
        ("no credentials", site.port, ca, TEL, 5, "not authorised"),
        ("wrong password", site.port, (*ca, "-u", "w-1", "-P", "guess"), TEL, 5, "not authorised"),
        ("unknown name", site.port, (*ca, "-u", "w-9", "-P", "pw w-1"), TEL, 5, "not authorised"),
        ("trust in other CAs only", site.port, ("--capath", "/etc/ssl/certs", *right[2:]), TEL, 1, "TLS error"),
        ("right password", site.port, right, TEL, 0, ""),
        ("right, to another device's topic", site.port, (*right, "-V", "5"), OTHER, 0, "Not authorized"),
        ("password at the certificates' port", site.certificates_port, right, TEL, 1, "rror"),
        ("right certificate", site.certificates_port, own, TEL, 0, ""),
        ("right certificate, name of another", site.certificates_port, (*own, "-u", "w-2", "-P", "pw w-2"), TEL, 0, ""),
        (
            "right certificate, to another's topic",
            site.certificates_port,
            (*own, "-V", "5"),
            OTHER,
            0,
            "Not authorized",
        ),
    ]
    for label, port, more, topic, code, words in tries:
        said = publish(port, *more, topic=topic, payload=label)
        accepted = code == 0 and not words
        with capsys.disabled():
            print(f"\n  {label:40} exit {said.code}  {said.words or 'accepted'}", end="")
        assert (said.code > 0) == (code > 0), (label, said)
        assert words in said.words, (label, said)
        if accepted:
            assert until(lambda label=label: site.heard[-1:] == [(TEL, label.encode())]), label  # type: ignore[misc]
    assert len(site.heard) == 3  # nothing but what was accepted
    assert core.connection == 1


def test_nothing_older_than_tls_1_2(site: TlsSite) -> None:
    """The client itself allows everything, so that it is the broker who refuses."""
    offered = {}
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
            context.minimum_version = context.maximum_version = version
        try:
            with (
                socket.create_connection(("127.0.0.1", site.port), DEADLINE_S) as plain,
                context.wrap_socket(plain) as tls,
            ):
                offered[version.name] = tls.version()
        except ssl.SSLError as error:
            offered[version.name] = error.reason
    assert offered["TLSv1_2"] == "TLSv1.2"
    assert offered["TLSv1_3"] == "TLSv1.3"
    assert offered["TLSv1_1"] not in ("TLSv1.1", None)


def trouble(site: TlsSite, trust: Trust, host: str = HOST, port: int | None = None) -> str:
    """What the core says of a broker that it cannot reach."""
    core = site.core(trust, host, port)
    assert until(lambda: bool(core.trouble)), "no trouble"
    core.stop()
    assert not core.connected
    assert core.protocol == "5"  # trouble with certificates is no reason to speak 3.1.1
    return core.trouble


def test_the_core_says_what_is_wrong_with_a_certificate(site: TlsSite, tmp_path: Path) -> None:
    """Each kind of trouble has words with what to do."""
    stranger = Authority(tmp_path / "elsewhere", SystemClock())
    stranger.create(30)
    assert "another name" in trouble(site, site.trust(), host="127.0.0.1")
    assert "copy the broker's ca.crt" in trouble(site, Trust(stranger.broker / "ca.crt"))
    assert "it asks for a certificate of ours" in trouble(site, site.trust(), port=site.certificates_port)
    past = Authority(site.data, ManualClock(SystemClock().now_us() - 10 * DAY_US))
    past.server([HOST], 5)
    site.tell()
    assert until(lambda: site.certificate().not_valid_after_utc.timestamp() < SystemClock().now_us() / SECOND)
    assert "has expired: issue a new one with vigil tls server" in trouble(site, site.trust())


def test_a_plain_broker_where_tls_was_expected(site: TlsSite, tmp_path: Path) -> None:
    with running_site(tmp_path / "plain", BrokerKind.MOSQUITTO) as plain:
        assert "before TLS began: name the TLS port" in trouble(site, site.trust(), port=plain.plan.port)


def ignore(topic: str, payload: bytes) -> None:
    pass


async def first_try(login: BrokerLogin, caplog: pytest.LogCaptureFixture) -> str:
    """What a device or gateway logs of its first try; "published" when there is nothing to say."""
    caplog.clear()
    link = Link(
        login,
        clock=SystemClock(),
        rng=np.random.default_rng(1),
        on_message=ignore,
        rule=ReconnectRule(0.1, 0.1),
    )
    said: list[str] = []

    async def session(connection: Connection) -> None:
        await connection.publish(TEL, b"by link")
        said.append("published")
        await asyncio.Event().wait()

    running = asyncio.ensure_future(link.run(session))
    async with asyncio.timeout(DEADLINE_S):
        while not said:
            await asyncio.sleep(0.02)
            said += [record.getMessage() for record in caplog.records if record.name == "vigil.runtime.link"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert link.protocol == "5"
    return said[0]


def test_devices_and_gateways_too(
    site: TlsSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vigil.runtime.link.TIMEOUT_S", 1.0
    )  # aiomqtt waits for it when a client certificate is refused

    def login(port: int, trust: Trust | None, host: str = HOST) -> BrokerLogin:
        return BrokerLogin(host, port, "w-1", "pw w-1", trust)

    def tried(login: BrokerLogin) -> str:
        return asyncio.run(first_try(login, caplog))

    site.authority.client("w-1", 10)
    plain, certified = site.trust(), site.trust("w-1")
    assert tried(login(site.port, plain)) == "published"
    assert tried(login(site.certificates_port, certified)) == "published"
    with trusting(plain):
        assert tried(BrokerLogin(HOST, site.port, "w-1", "pw w-1")) == "published"
    assert "another name" in tried(login(site.port, plain, "127.0.0.1"))
    assert "asks for a certificate of ours" in tried(login(site.certificates_port, plain))
    assert "No such file" in tried(login(site.port, Trust(site.data / "no.crt")))


def by_certificate(site: TlsSite, trust: Trust, device: str) -> int:
    """Exit code of ``mosquitto_pub`` with this certificate."""
    more = ("--cafile", str(trust.ca_file), "--cert", str(trust.cert_file), "--key", str(trust.key_file))
    return publish(site.certificates_port, *more, topic=f"rpm/v1/t/d/{device}/tel/vitals").code


def test_a_new_server_certificate_ends_no_session(site: TlsSite) -> None:
    core = site.core(site.trust())
    core.wait_connected(DEADLINE_S)
    before = site.certificate().serial_number
    site.authority.server([HOST], 20)
    site.tell()
    assert until(lambda: site.certificate().serial_number != before)
    assert publish(site.port, "--cafile", str(site.data / "broker" / "ca.crt"), "-u", "w-1", "-P", "pw w-1").code == 0
    assert until(lambda: len(site.heard) == 1)
    assert core.connection == 1


def test_a_new_ca_while_both_are_trusted(site: TlsSite) -> None:
    """The core keeps its connection all the time; a client without the new file is shut out by the new certificate only."""
    authority = site.authority
    core = site.core(Trust(site.data / "broker" / "ca.crt"))
    core.wait_connected(DEADLINE_S)
    authority.client("w-1", 10)
    early, first = site.trust("w-1"), site.certificate().issuer
    authority.renew(30)
    site.tell()
    assert by_certificate(site, early, "w-1") == 0  # the old CA still signs the server and admits devices
    late = site.trust()
    authority.server([HOST], 20)
    site.tell()
    assert until(lambda: site.certificate().issuer != first)
    authority.client("w-2", 10)
    assert until(lambda: by_certificate(site, site.trust("w-2"), "w-2") == 0)
    mixed = Trust(late.ca_file, early.cert_file, early.key_file)
    assert by_certificate(site, mixed, "w-1") == 0  # its own certificate is of the old CA, and still good
    assert "copy the broker's ca.crt" in trouble_of_a_device(site, early)
    authority.forget_old()
    site.tell()
    assert until(lambda: by_certificate(site, mixed, "w-1") != 0)
    assert by_certificate(site, site.trust("w-2"), "w-2") == 0
    assert core.connection == 1


def trouble_of_a_device(site: TlsSite, trust: Trust) -> str:
    """In the core's words, with another name: the core itself stays connected."""
    device = site.core(trust, user="w-1")
    assert until(lambda: bool(device.trouble))
    device.stop()
    return device.trouble


def test_a_revoked_certificate(site: TlsSite) -> None:
    site.authority.client("w-1", 10)
    trust = site.trust("w-1")
    assert by_certificate(site, trust, "w-1") == 0
    site.authority.client("w-1", 10)
    assert site.authority.revoke("w-1") == 2
    site.tell()
    assert until(lambda: by_certificate(site, trust, "w-1") != 0)
    assert "was revoked" in trouble(site, trust, port=site.certificates_port)
    site.authority.client("w-1", 10)
    assert by_certificate(site, site.trust("w-1"), "w-1") == 0


def test_sessions_outlive_a_restart_with_another_certificate_and_password(tmp_path: Path) -> None:
    """The core is away meanwhile, and what came for it waits. Here mosquitto 2.0.11 crashed once (decision 0005)."""
    site = TlsSite(tmp_path)
    right = ("--cafile", str(site.data / "broker" / "ca.crt"), "-u", "w-1", "-P", "pw w-1")
    with site.serving():
        core = site.core(site.trust())
        core.wait_connected(DEADLINE_S)
        core.stop()
        assert publish(site.port, *right, payload="while it is away").code == 0
        site.authority.renew(30)
        site.authority.server([HOST], 20)
        site.accounts.set_service(
            "ingest", "pw ingest"
        )  # the same password, another hash: mosquitto takes it as a new one
        site.tell()
        site.tell()
    with site.serving():
        core = site.core(site.trust())
        core.wait_connected(DEADLINE_S)
        assert until(lambda: site.heard == [(TEL, b"while it is away")])
        site.close()


def test_the_core_takes_a_changed_ca_without_a_restart(site: TlsSite) -> None:
    """Shut out by a broker whose CA it did not have, it is back when the file has come, and nobody has started it anew."""
    trust = site.trust()
    site.authority.renew(30)
    site.authority.server([HOST], 20)
    first = site.certificate().issuer
    site.tell()
    assert until(lambda: site.certificate().issuer != first)
    core = site.core(trust)
    assert until(lambda: "copy the broker's ca.crt" in core.trouble)
    trust.ca_file.write_bytes((site.data / "broker" / "ca.crt").read_bytes())
    core.wait_connected(DEADLINE_S)
    assert core.trouble == ""


def test_a_gateway_as_it_runs_at_home(site: TlsSite, tmp_path: Path) -> None:
    """``vigil run gateway`` with the answer to its claim code and the CA in its settings; no core runs on its machine."""
    core = site.core(site.trust())
    core.wait_connected(DEADLINE_S)
    mqtt = {"host": HOST, "port": site.port, "username": "g-1", "password": "pw g-1", "tenant": "t"}
    account, settings = tmp_path / "account.json", tmp_path / "vigil.toml"
    account.write_text(json.dumps({"mqtt": mqtt}))
    text = f'data_dir = "{tmp_path / "hub"}"\n[broker]\nca_file = "{site.trust().ca_file}"\n[gateway]\naccount = "{account}"\n'
    settings.write_text(text)
    command = [sys.executable, "-m", "cli.main", "run", "gateway", "w-8", "--stdin", "--config", str(settings)]
    line = json.dumps({"device": "w-8", "at": SystemClock().now_us() / SECOND, "values": {"hr": 70}})
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment()) as gateway:
        assert gateway.stdin is not None
        assert gateway.stdout is not None
        gateway.stdin.write(line.encode() + b"\n")
        gateway.stdin.flush()
        assert until(lambda: any(topic == "rpm/v1/t/d/w-8/tel/vitals" for topic, _ in site.heard), 60)
        assert json.loads(gateway.stdout.readline())["ok"]
        gateway.terminate()
        gateway.communicate()  # until it has ended: it says goodbye first
    assert gateway.returncode == 0
