"""What every ``RecordStore`` does with claim codes and the log of broker accounts."""

from __future__ import annotations

import threading

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0
from vigil.domain.enrolment import CODE_LIFE_US, Claim, Enrolment, Outcome, TakenOver, code_hash, code_of
from vigil.domain.people import Device
from vigil.store import RecordStore
from vigil.store.records.enrolment import MOST_UNKNOWN

Stores = Opener[RecordStore]


def hashed(number: int) -> str:
    found = code_hash(code_of(number))
    assert found is not None
    return found


def claim(number: int, account: str = "w-1", at: int = T0, devices: tuple[str, ...] = ()) -> Claim:
    return Claim(account, hashed(number), "Łukasz ☃", at, at + CODE_LIFE_US, devices)


def log_of(store: RecordStore, account: str = "w-1") -> list[Outcome]:
    return [one.outcome for one in store.enrolments(account)]


def test_a_claim_is_given_once_also_after_a_restart(record_stores: Stores) -> None:
    store = record_stores.open()
    made = claim(1, "g-1", devices=("w-2", "w-1"))
    store.put_claim(made)
    store = record_stores.reopen()
    assert store.redeem(made.code_hash, None, T0 + 1) == (Outcome.ENROLLED, made)
    store = record_stores.reopen()
    assert store.redeem(made.code_hash, None, T0 + 2) == (Outcome.USED, None)
    assert store.enrolments("g-1") == [
        Enrolment("g-1", Outcome.USED, "", T0 + 2),
        Enrolment("g-1", Outcome.ENROLLED, "", T0 + 1),
        Enrolment("g-1", Outcome.CODE_MADE, "Łukasz ☃", T0),
    ]


def test_of_many_who_come_at_once_one_gets_the_claim(record_stores: Stores) -> None:
    store = record_stores.open()
    store.put_claim(claim(1))
    ready, found = threading.Barrier(8), []

    def come() -> None:
        ready.wait()
        found.append(store.redeem(hashed(1), "w-1", T0 + 1)[0])

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [Outcome.ENROLLED, *[Outcome.USED] * 7]


def test_a_new_claim_voids_the_earlier_one_of_its_account_only(record_stores: Stores) -> None:
    store = record_stores.open()
    store.put_claim(claim(1))
    store.put_claim(claim(2, "w-2"))
    store.put_claim(claim(3, at=T0 + 1))
    assert store.redeem(hashed(1), None, T0 + 2) == (Outcome.VOIDED, None)
    assert store.redeem(hashed(2), None, T0 + 2)[0] is Outcome.ENROLLED
    assert store.redeem(hashed(3), None, T0 + 2)[0] is Outcome.ENROLLED


@pytest.mark.parametrize(
    ("outcome", "then"),
    [
        (Outcome.ISSUED, Outcome.VOIDED),
        (Outcome.REVOKED, Outcome.VOIDED),
        (Outcome.TAKEN_OVER, Outcome.ENROLLED),
    ],
)
def test_what_a_waiting_claim_is_worth_after_a_change(record_stores: Stores, outcome: Outcome, then: Outcome) -> None:
    store = record_stores.open()
    store.put_claim(claim(1))
    store.log_enrolment(Enrolment("w-1", outcome, "Tom", T0 + 1))
    assert store.redeem(hashed(1), None, T0 + 2)[0] is then


def test_refused_codes_are_logged_where_an_account_is_known(record_stores: Stores) -> None:
    store = record_stores.open()
    store.put_device(Device("w-1", "m"))
    store.put_claim(claim(1, "g-1", devices=("w-1",)))
    for named in ("w-1", "g-1", "Marker-Family", None):
        assert store.redeem(hashed(9), named, T0) == (Outcome.UNKNOWN, None)
        assert store.redeem(None, named, T0) == (Outcome.UNKNOWN, None)
    assert store.redeem(hashed(1), "w-1", T0) == (Outcome.OTHER_ACCOUNT, None)
    assert store.redeem(hashed(1), "g-1", T0 + CODE_LIFE_US) == (Outcome.EXPIRED, None)
    assert log_of(store) == [Outcome.UNKNOWN] * 2
    assert log_of(store, "g-1") == [
        Outcome.EXPIRED,
        Outcome.OTHER_ACCOUNT,
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.CODE_MADE,
    ]
    assert log_of(store, "") == [Outcome.UNKNOWN] * 4
    assert log_of(store, "Marker-Family") == []


def test_the_log_is_limited_from_its_newest_line(record_stores: Stores) -> None:
    store = record_stores.open()
    for at in range(5):
        store.log_enrolment(Enrolment("w-1", Outcome.ISSUED, "Tom", T0 + at))
    assert [one.at - T0 for one in store.enrolments("w-1", limit=2)] == [4, 3]


def test_shared_accounts_until_the_password_is_renewed(record_stores: Stores) -> None:
    store = record_stores.open()
    lines = [
        ("w-1", Outcome.TAKEN_OVER),
        ("w-2", Outcome.TAKEN_OVER),
        ("w-1", Outcome.ISSUED),
        ("w-3", Outcome.ISSUED),
        ("w-2", Outcome.TAKEN_OVER),
        ("w-2", Outcome.USED),
    ]
    for at, (account, outcome) in enumerate(lines):
        store.log_enrolment(Enrolment(account, outcome, "", T0 + at))
    for again in record_stores.now_and_later(store):
        assert again.taken_over() == {"w-2": TakenOver(2, T0 + 4)}


def test_a_guesser_does_not_fill_the_disk(record_stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_UNKNOWN >= 1000
    monkeypatch.setattr("vigil.store.records.enrolment.MOST_UNKNOWN", 10)
    store = record_stores.open()
    store.log_enrolment(Enrolment("w-1", Outcome.ISSUED, "Tom", T0))
    for at in range(25):
        store.redeem(None, None, T0 + at)
    assert [one.at - T0 for one in store.enrolments("")] == list(range(24, 14, -1))
    assert log_of(store) == [Outcome.ISSUED]
