"""Accounts on disk and the hashes in them."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from vigil.domain.errors import BrokerError, InvalidInput
from vigil.runtime.broker.accounts import SERVICES, Accounts, hash_password, verify_password
from vigil.runtime.broker.rights import Rights

#: Written by mosquitto_passwd 2.0.11 for the password "secretpw".
MOSQUITTO_HASH = (
    "$7$101$9b0IGxYWomLAwGqA$qTZz5PU7qJx5dKCAN4XGNO0MJ7crlFkO4SMBARIX562f71XXkAn34f9DGIwKEU1uISq98mQR3DCrdCP5R8/AJA=="
)


def test_a_hash_of_mosquitto_passwd_is_verified() -> None:
    assert verify_password(MOSQUITTO_HASH, "secretpw")
    assert not verify_password(MOSQUITTO_HASH, "secretpW")


def test_the_same_password_gets_another_hash_each_time() -> None:
    first, second = hash_password("pw"), hash_password("pw")
    assert first != second
    assert verify_password(first, "pw")
    assert verify_password(second, "pw")


DAMAGED = [
    "",
    "$",
    "plain",
    "$7$101$",
    "$7$x$AAAA$AAAA",
    "$7$0$AAAA$AAAA",
    "$6$AAAA$AAAA",
    "$7$101$AAAA$",
    "$7$101$A$A",
    MOSQUITTO_HASH[:-4],
    MOSQUITTO_HASH.replace("$7$", "$6$"),
    MOSQUITTO_HASH.replace("101", "102"),
]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_hash_lets_nobody_in(damaged: str) -> None:
    assert not verify_password(damaged, "secretpw")
    assert not verify_password(damaged, "")


def test_passwords_are_issued_once_and_kept_as_hashes(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    first, second = accounts.issue_device("w-1"), accounts.issue_device("w-2")
    assert first != second
    assert len(first) >= 43  # 256 bits
    assert accounts.verify("w-1", first)
    assert not accounts.verify("w-1", second)
    assert not accounts.verify("w-3", first)
    for file in (tmp_path / "broker").iterdir():
        assert first not in file.read_text()


def test_a_new_password_replaces_the_old_one_and_removal_ends_both(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    old = accounts.issue_device("w-1")
    new = accounts.issue_device("w-1")
    assert (accounts.verify("w-1", old), accounts.verify("w-1", new)) == (False, True)
    accounts.remove("w-1")
    assert not accounts.verify("w-1", new)
    accounts.remove("w-1")  # no such account is what was wanted


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_gateway("g-1", "pw", ["w-1"])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in accounts.directory.iterdir()}
    assert modes == {"acl": 0o600, "passwd": 0o600, "lock": 0o600}
    assert stat.S_IMODE(accounts.directory.stat().st_mode) == 0o700


def test_gateways_and_their_lists_are_read_back(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_gateway("g-1", "pw", ["w-2", "w-1", "w-2"])
    accounts.set_gateway("g-2", "pw", [])
    accounts.set_service("ingest", "pw")
    assert accounts.read().gateways == {"g-1": ("w-1", "w-2"), "g-2": ()}
    accounts.set_gateway_devices("g-1", ["w-3"])
    assert accounts.read().gateways == {"g-1": ("w-3",), "g-2": ()}
    assert accounts.verify("g-1", "pw")
    accounts.remove("g-1")
    assert accounts.read().gateways == {"g-2": ()}
    assert sorted(accounts.read().hashes) == ["g-2", "ingest", "ingest-apart"]


def test_those_apart_are_read_back_and_stay_when_gateways_change(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    with accounts.edit() as book:
        book.set_apart(["w-2", "w-1"])
    accounts.set_gateway("g-1", "pw", ["w-2"])
    assert accounts.read().apart == ("w-1", "w-2")
    with accounts.edit() as book:
        book.set_apart([])
    assert accounts.read().apart == ()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "+",
        "#",
        "a/b",
        "a+",
        "-a",
        ".a",
        "a b",
        "a:b",
        "a\nb",
        "ä",
        "a" * 65,
        "a\n",
        "g-1",
        *sorted(SERVICES),
        "%u",
        "$a",
    ],
)
def test_a_name_that_is_no_device_reaches_no_file(tmp_path: Path, name: str) -> None:
    accounts = Accounts(tmp_path)
    with pytest.raises(InvalidInput):
        accounts.set_device(name, "pw")
    with pytest.raises(InvalidInput):
        accounts.set_gateway("g-1", "pw", ["w-1", name])
    assert not accounts.passwd_path.exists()
    assert not accounts.acl_path.exists()


@pytest.mark.parametrize("name", ["w-1", "g-", "g-a/b", "g-#", "G-1", "ingest", "g-1\n"])
def test_a_name_that_is_no_gateway_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        Accounts(tmp_path).set_gateway(name, "pw", [])


@pytest.mark.parametrize("password", ["", "x" * 65_536])
def test_a_password_that_mqtt_cannot_carry_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(InvalidInput):
        Accounts(tmp_path).set_device("w-1", password)


def test_an_unknown_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        Accounts(tmp_path).set_service("grafana", "pw")


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "0", "a" * 64])
def test_longest_and_oddest_device_names(tmp_path: Path, name: str) -> None:
    accounts = Accounts(tmp_path)
    password = accounts.issue_device(name)
    assert accounts.verify(name, password)


def _set_two(accounts: Accounts) -> None:
    with accounts.edit() as book:
        book.set_device("w-2", "pw")
        book.set_device("w/3", "pw")


def test_an_exception_while_editing_changes_nothing(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_device("w-1", "pw")
    before = accounts.passwd_path.read_text()
    with pytest.raises(InvalidInput):
        _set_two(accounts)
    assert accounts.passwd_path.read_text() == before


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    def add(group: int) -> None:
        accounts = Accounts(tmp_path)
        for number in range(5):
            accounts.set_device(f"w-{group}-{number}", "pw")

    threads = [threading.Thread(target=add, args=(group,)) for group in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Accounts(tmp_path).read().hashes) == 20


def test_a_leftover_of_a_crash_is_replaced(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_device("w-1", "pw")
    (accounts.directory / "passwd.new").write_text("half")
    accounts.set_device("w-2", "pw")
    assert sorted(accounts.read().hashes) == ["w-1", "w-2"]
    assert not (accounts.directory / "passwd.new").exists()


def test_files_that_cannot_be_used_are_a_broker_error(tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("a file where the directory should be")
    with pytest.raises(BrokerError):
        Accounts(tmp_path).set_device("w-1", "pw")
    other = Accounts(tmp_path / "other")
    other.passwd_path.mkdir(parents=True)
    with pytest.raises(BrokerError):
        other.read()


def test_rights_follow_the_files(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_device("w-1", "pw")
    rights = Rights(accounts)
    assert rights.admits("w-1", "pw")
    assert not rights.refresh()
    accounts.set_gateway("g-1", "pw", ["w-7"])
    assert rights.admits("g-1", "pw")
    assert rights.acl.may_write("g-1", "rpm/v1/t/d/w-7/state")
    accounts.remove("w-1")
    assert rights.refresh()
    assert rights.hash_of("w-1") is None


def test_damaged_rights_let_nobody_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    accounts = Accounts(tmp_path)
    accounts.set_device("w-1", "pw")
    rights = Rights(accounts)
    accounts.acl_path.write_text("allow everything")
    assert not rights.admits("w-1", "pw")
    assert not rights.acl.may_write("w-1", "rpm/v1/t/d/w-1/state")
    assert "mended" in caplog.text
    assert not Rights(Accounts(tmp_path / "empty")).admits("w-1", "pw")
