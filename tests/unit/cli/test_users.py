"""``vigil users`` as a command, on the database of an installation whose core runs or does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.records import FILE
from cli.users import register
from tests.unit.api.accounts import PASSWORD, cheap
from vigil.domain.audit import Question
from vigil.domain.errors import ConfigError, InvalidInput, NotFound, VigilError
from vigil.domain.users import Role, Session, User
from vigil.runtime.keys import load_keys
from vigil.store.records import SqlRecordStore


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.users.hashed", cheap)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    load_keys(tmp_path, create=True)
    return tmp_path


def opened(data_dir: Path) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{data_dir / FILE}", load_keys(data_dir).record_key.encode())


def accounts(data_dir: Path) -> dict[str, User]:
    store = opened(data_dir)
    found = {one.user_id: one for one in store.accounts.all().users.values()}
    store.close()
    return found


def asked(data_dir: Path, *more: str, given: str = f"{PASSWORD}\n") -> str:
    """The output. Raises the error that ``vigil`` says in one line."""
    app = typer.Typer()
    register(app)
    answer = CliRunner().invoke(app, ["users", *more, "--data-dir", str(data_dir)], input=given)
    if isinstance(answer.exception, VigilError):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    assert PASSWORD not in answer.output
    return answer.output


def add_admin(data_dir: Path) -> None:
    asked(data_dir, "add", "Zoë", "--role", "admin", "--all-wards")


def test_accounts_are_added_and_listed(data_dir: Path) -> None:
    assert "access key" in asked(data_dir, "list")
    add_admin(data_dir)
    asked(data_dir, "add", "Li  Na", "--role", "nurse", "--ward", "south", "--ward", "north", "--display", "Nurse Li")
    assert asked(data_dir, "list").splitlines() == ["Li Na  nurse  north, south", "Zoë  admin  all wards"]
    nurse = accounts(data_dir)["Li Na"]
    assert (nurse.display, nurse.role, nurse.wards) == ("Nurse Li", Role.NURSE, frozenset({"north", "south"}))
    assert nurse.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (["add", "x", "--role", "admin"], ConfigError),
        (["add", "x", "--role", "admin", "--ward", "w", "--all-wards"], ConfigError),
        (["add", "a/b", "--role", "admin", "--all-wards"], InvalidInput),
        (["add", "x", "--role", "admin", "--all-wards", "--display", "a\nb"], InvalidInput),
        (["add", "ZOË", "--role", "nurse", "--all-wards"], InvalidInput),
        (["disable", "zoë"], InvalidInput),
        (["disable", "nobody"], NotFound),
        (["password", "nobody"], NotFound),
        (["enable", "nobody"], NotFound),
    ],
)
def test_what_cannot_be_done_changes_nothing(data_dir: Path, more: list[str], kind: type[VigilError]) -> None:
    add_admin(data_dir)
    before = accounts(data_dir)
    with pytest.raises(kind):
        asked(data_dir, *more)
    assert accounts(data_dir) == before


def test_the_first_account_is_an_admins(data_dir: Path) -> None:
    with pytest.raises(InvalidInput, match="admin"):
        asked(data_dir, "add", "Li Na", "--role", "nurse", "--all-wards")


@pytest.mark.parametrize("given", ["\n", "", "short\n", "Zoë\n", "x" * 129 + "\n"])
def test_a_password_that_is_none(data_dir: Path, given: str) -> None:
    with pytest.raises(InvalidInput, match="password"):
        asked(data_dir, "add", "Zoë", "--role", "admin", "--all-wards", given=given)


def test_a_password_is_asked_for_twice_without_echo(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PASSWORD, PASSWORD + "x", PASSWORD, PASSWORD])
    monkeypatch.setattr("cli.users.getpass.getpass", lambda _prompt: next(answers))
    monkeypatch.setattr("cli.users._is_screen", lambda: True)
    with pytest.raises(InvalidInput, match="not the same"):
        add_admin(data_dir)
    add_admin(data_dir)
    assert list(accounts(data_dir)) == ["Zoë"]


def test_a_change_ends_the_sessions_beside_a_core_that_has_the_database_open(data_dir: Path) -> None:
    add_admin(data_dir)
    asked(data_dir, "add", "Li Na", "--role", "nurse", "--ward", "north")
    core = opened(data_dir)
    for act in ("password", "disable"):
        nurse = core.accounts.all().users["li na"]
        assert core.accounts.open_session(Session(act * 8, "Li Na", 1, 1, 2), nurse)
        revision = core.accounts.revision()
        asked(data_dir, act, "LI NA", given="another long password\n")
        assert core.accounts.all().sessions == {}
        assert core.accounts.revision() > revision
    asked(data_dir, "enable", "li na")
    assert core.accounts.all().users["li na"].enabled
    core.close()


def test_each_change_is_in_the_audit_log_without_a_password(data_dir: Path) -> None:
    add_admin(data_dir)
    for _ in range(2):
        asked(data_dir, "password", "zoë", given="another long password\n")
    store = opened(data_dir)
    told = [(one.entry.who, one.entry.route, one.entry.objects) for one in store.audit(Question())]
    store.close()
    assert told == [
        ("vigil users", "vigil users password", {"user_id": "Zoë"}),
        ("vigil users", "vigil users password", {"user_id": "Zoë"}),
        ("vigil users", "vigil users add", {"user_id": "Zoë"}),
    ]


def test_a_folder_that_is_no_installation(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="vigil up"):
        asked(tmp_path, "list")
    assert list(tmp_path.iterdir()) == []
