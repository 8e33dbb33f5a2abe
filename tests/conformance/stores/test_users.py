"""What every ``RecordStore`` does with people who log in, their sessions, and the tokens of machines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0
from vigil.domain.errors import InvalidInput, NotFound, VersionConflict
from vigil.domain.users import MOST_SESSIONS, Accounts, MachineToken, Role, Session, User
from vigil.store import RecordStore
from vigil.store.users import AccountRecords

Stores = Opener[RecordStore]

ADMIN = User("Zoë Ω", "Zoë Ωmega ☃", Role.ADMIN, None, "$hash-0", T0)
NURSE = User("li.na", "Li Na", Role.NURSE, frozenset({"north", "süd"}), "$hash-1", T0 + 1)
SESSION = Session("a" * 64, "li.na", T0 + 2, T0 + 2, T0 + 1000)
TOKEN = MachineToken(
    "t-1", "b" * 64, "grafana", Role.RESEARCH, frozenset({"read"}), frozenset(), "Zoë Ω", T0, T0 + 9, None, None
)


def opened(stores: Stores) -> AccountRecords:
    accounts = stores.open().accounts
    accounts.add_user(ADMIN)
    accounts.add_user(NURSE)
    return accounts


def users(accounts: AccountRecords) -> dict[str, User]:
    return {one.user_id: one for one in accounts.all().users.values()}


def session(number: int, user_id: str = "li.na", at: int = T0) -> Session:
    return Session(f"{number:064}", user_id, at + number, at + number, T0 + 1000)


def test_a_new_store_has_no_account(record_stores: Stores) -> None:
    assert record_stores.open().accounts.all() == Accounts(0, {}, {}, {})


def test_all_comes_back_whole_also_after_a_restart(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    assert accounts.open_session(SESSION, NURSE)
    accounts.add_token(TOKEN)
    accounts.add_token(replace(TOKEN, token_id="t-2", secret_hash="c" * 64, rights=None, wards=None))
    before = accounts.all()
    assert before.users == {"zoë ω": ADMIN, "li.na": NURSE}
    assert before.sessions == {SESSION.secret_hash: SESSION}
    assert before.tokens["b" * 64] == TOKEN
    assert before.tokens["c" * 64].wards is None
    assert record_stores.reopen().accounts.all() == before


def test_a_name_is_given_once_in_whatever_capitals(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    for name in ("li.na", "LI.NA", "Ｌｉ.na"):
        with pytest.raises(InvalidInput, match="already"):
            accounts.add_user(replace(NURSE, user_id=name))
    assert len(users(accounts)) == 2


def test_the_first_account_is_an_admins(record_stores: Stores) -> None:
    accounts = record_stores.open().accounts
    with pytest.raises(InvalidInput, match="admin"):
        accounts.add_user(NURSE)
    assert accounts.all() == Accounts(0, {}, {}, {})


def test_the_last_admin_who_can_log_in_stays(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    with pytest.raises(InvalidInput, match="admin"):
        accounts.disable_user(ADMIN.user_id, T0 + 9)
    with pytest.raises(InvalidInput, match="admin"):
        accounts.change_user(ADMIN.user_id, "Z", Role.AUDITOR, None)
    accounts.add_user(replace(ADMIN, user_id="second"))
    assert accounts.disable_user(ADMIN.user_id, T0 + 9) == replace(ADMIN, disabled_at=T0 + 9)
    with pytest.raises(InvalidInput, match="admin"):
        accounts.disable_user("second", T0 + 9)
    assert accounts.enable_user(ADMIN.user_id) == ADMIN


def test_of_two_admins_who_disable_one_another_one_stays(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.add_user(replace(ADMIN, user_id="second"))
    ready, refused = threading.Barrier(2), []

    def disable(user_id: str) -> None:
        ready.wait()
        try:
            accounts.disable_user(user_id, T0)
        except InvalidInput:
            refused.append(user_id)

    threads = [threading.Thread(target=disable, args=[name]) for name in (ADMIN.user_id, "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.user_id for one in users(accounts).values() if one.enabled and one.role is Role.ADMIN] == refused


def test_what_ends_sessions(record_stores: Stores) -> None:
    accounts = opened(record_stores)

    def left_of(change: Callable[[], object]) -> list[int]:
        """1 and 2 are Li Na's, 3 is the admin's."""
        for number, user_id in ((1, "li.na"), (2, "li.na"), (3, ADMIN.user_id)):
            accounts.end_session(session(number).secret_hash)
            assert accounts.open_session(session(number, user_id), users(accounts)[user_id])
        change()
        return sorted(int(one) for one in accounts.all().sessions)

    def become(role: Role, wards: frozenset[str] | None) -> Callable[[], object]:
        return lambda: accounts.change_user("li.na", "Another display", role, wards)

    assert left_of(become(NURSE.role, NURSE.wards)) == [1, 2, 3]
    assert left_of(become(NURSE.role, frozenset({"north"}))) == [3]
    assert left_of(become(Role.CLINICIAN, frozenset({"north"}))) == [3]
    assert left_of(lambda: accounts.set_password("li.na", "$hash-2", "$hash-1", session(2).secret_hash)) == [2, 3]
    assert left_of(lambda: accounts.set_password("li.na", "$hash-3")) == [3]
    assert left_of(lambda: accounts.end_session(session(1).secret_hash)) == [2, 3]
    assert left_of(lambda: accounts.end_session("unknown")) == [1, 2, 3]
    assert left_of(lambda: accounts.disable_user("li.na", T0 + 9)) == [3]


def test_a_session_is_only_opened_for_the_account_that_was_looked_at(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.set_password("li.na", "$hash-2")
    assert not accounts.open_session(SESSION, NURSE)
    disabled = accounts.disable_user("li.na", T0 + 9)
    assert not accounts.open_session(SESSION, disabled)
    assert accounts.all().sessions == {}


def test_a_new_session_takes_the_place_of_the_old_and_of_those_that_are_over(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.open_session(session(1), NURSE)
    accounts.open_session(replace(session(2), expires_at=T0 + 3), NURSE)
    accounts.open_session(session(3), NURSE, instead_of=session(1).secret_hash)
    assert sorted(int(one) for one in accounts.all().sessions) == [3]


def test_one_persons_sessions_are_limited_from_the_newest(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.open_session(session(0, ADMIN.user_id), ADMIN)
    for number in range(1, MOST_SESSIONS + 4):
        accounts.open_session(session(number), NURSE)
    assert sorted(int(one) for one in accounts.all().sessions) == [0, *range(4, MOST_SESSIONS + 4)]


def test_touching_is_kept_and_moves_no_revision(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.open_session(SESSION, NURSE)
    accounts.add_token(TOKEN)
    revision = accounts.revision()
    accounts.touch_session(SESSION.secret_hash, T0 + 77)
    accounts.touch_session("unknown", T0 + 77)
    accounts.use_token("t-1", 20_000)
    found = accounts.all()
    assert found.revision == revision
    assert found.sessions[SESSION.secret_hash].touched_at == T0 + 77
    assert found.tokens[TOKEN.secret_hash].last_day == 20_000


def test_every_other_change_moves_the_revision_and_a_refused_one_does_not(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.add_user(replace(ADMIN, user_id="second"))
    changes: list[Callable[[], object]] = [
        lambda: accounts.change_user("li.na", "x", Role.NURSE, None),
        lambda: accounts.set_password("li.na", "$hash-2"),
        lambda: accounts.open_session(SESSION, users(accounts)["li.na"]),
        lambda: accounts.end_session(SESSION.secret_hash),
        lambda: accounts.disable_user("li.na", T0),
        lambda: accounts.enable_user("li.na"),
        lambda: accounts.add_token(TOKEN),
        lambda: accounts.revoke_token("t-1", T0),
    ]
    seen = [accounts.revision()]
    for change in changes:
        change()
        seen.append(accounts.revision())
    assert seen == sorted(set(seen))
    with pytest.raises(InvalidInput):
        accounts.add_user(NURSE)
    assert accounts.revision() == seen[-1]


def test_a_token_is_revoked_once(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    accounts.add_token(TOKEN)
    assert accounts.revoke_token("t-1", T0 + 5) == replace(TOKEN, revoked_at=T0 + 5)
    assert accounts.revoke_token("t-1", T0 + 6).revoked_at == T0 + 5


def test_what_is_not_there(record_stores: Stores) -> None:
    accounts = opened(record_stores)
    calls: list[Callable[[], object]] = [
        lambda: accounts.change_user("LI.NA", "x", Role.NURSE, None),
        lambda: accounts.set_password("nobody", "$hash"),
        lambda: accounts.disable_user("nobody", T0),
        lambda: accounts.enable_user("nobody"),
        lambda: accounts.revoke_token("t-9", T0),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    with pytest.raises(VersionConflict):
        accounts.set_password("li.na", "$hash-2", after="$hash-0")
