"""Whom our clients trust, and the words for what they cannot use."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from vigil.domain.errors import BrokerError, ConfigError
from vigil.runtime.authority import Authority
from vigil.runtime.broker import Accounts, BrokerKind, TlsListeners, plan_tls_broker
from vigil.runtime.broker.mosquitto import BrokerLimits, render_config
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import load
from vigil.runtime.link import BrokerLogin
from vigil.runtime.tls import Trust, explain, trusted, trusting


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path, ManualClock())
    authority.create(365)
    authority.server(["vigil.example"], 30)
    authority.client("w-1", 30)
    authority.client("w-2", 30)
    return authority


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    ca, clients = authority.broker / "ca.crt", authority.folder / "clients"
    Trust(ca, clients / "w-1.crt", clients / "w-1.key").context()
    nonsense = tmp_path / "nonsense.crt"
    nonsense.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"broker.ca_file nonsense.crt: no certificate or key in PEM"):
        Trust(nonsense).context()
    with pytest.raises(ConfigError, match=r"broker.ca_file missing.crt: No such file"):
        Trust(tmp_path / "missing.crt").context()
    with pytest.raises(ConfigError, match=r"broker.cert_file w-1.crt and its key: .*KEY_VALUES_MISMATCH"):
        Trust(ca, clients / "w-1.crt", clients / "w-2.key").context()


def test_what_has_no_words_keeps_its_own() -> None:
    assert explain("Connection refused") == "Connection refused"
    assert "for another name" in explain("certificate verify failed: IP address mismatch, certificate is not valid for")
    # What the broker says of our certificate is another matter than what we say of its.
    assert "our certificate" in explain("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired")
    assert "vigil tls server" in explain("certificate verify failed: certificate has expired (_ssl.c:1006)")


def test_a_log_in_made_inside_is_by_tls_also_in_a_task(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "ca.crt")

    async def login() -> BrokerLogin:
        return BrokerLogin("h", 1, "u", "p")

    async def by_a_task() -> BrokerLogin:
        return await asyncio.create_task(login())

    with trusting(trust):
        assert asyncio.run(by_a_task()).tls == trust
    assert trusted() is None
    assert asyncio.run(by_a_task()).tls is None


def test_settings_of_the_broker(tmp_path: Path) -> None:
    file = tmp_path / "vigil.toml"
    for text, expected in [
        ("", None),
        ('[broker]\nca_file = "a"', Trust(Path("a"))),
        ('[broker]\nca_file = "a"\ncert_file = "c"\nkey_file = "k"', Trust(Path("a"), Path("c"), Path("k"))),
    ]:
        file.write_text(text)
        assert load(file, {}).broker.trust == expected
    for text, words in [
        ('[broker]\nca_file = "a"\ncert_file = "c"', "belong together"),
        ('[broker]\ncert_file = "c"\nkey_file = "k"', "needs ca_file"),
    ]:
        file.write_text(text)
        with pytest.raises(ConfigError, match=words):
            load(file, {})


def lines(directory: Path, listeners: TlsListeners) -> list[str]:
    return render_config(directory, 1883, BrokerLimits(), listeners).splitlines()


def test_with_tls_there_is_no_port_without_it() -> None:
    found = lines(Path("/d"), TlsListeners(8883))
    assert [line for line in found if line.startswith("listener")] == ["listener 8883"]
    assert {"allow_anonymous false", "tls_version tlsv1.2", "use_username_as_clientid true"} <= set(found)
    assert "require_certificate true" not in found


def test_the_second_port_takes_certificates_only(tmp_path: Path) -> None:
    found = lines(tmp_path, TlsListeners(8883, 8884, "192.0.2.1"))
    first, second = (found.index(f"listener {port} 192.0.2.1") for port in (8883, 8884))
    of_second = {"require_certificate true", "use_identity_as_username true", f"cafile {tmp_path / 'ca.crt'}"}
    assert of_second <= set(found[second:])
    assert not of_second & set(found[first:second])
    assert [line for line in found if line.startswith("use_username")] == ["use_username_as_clientid true"] * 2
    assert not any(line.startswith("crlfile") for line in found)  # an authority elsewhere may have none
    (tmp_path / "crl.pem").touch()
    assert f"crlfile {tmp_path / 'crl.pem'}" in lines(tmp_path, TlsListeners(8883, 8884))


def test_a_broker_without_certificates_does_not_start(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(BrokerError, match=r"ca.crt, server.crt, server.key missing .*vigil tls ca"):
        plan_tls_broker(Accounts(tmp_path / "empty"), TlsListeners(8883))
    plan = plan_tls_broker(Accounts(tmp_path), TlsListeners(8883))
    assert (plan.kind, plan.port) == (BrokerKind.MOSQUITTO, 8883)
    assert (authority.broker / "mosquitto.conf").exists()
