"""``vigil users``: accounts of people, for whoever can read the data directory.

Straight in the records database, so that it works before the first start, and when nobody can log in any more. A core that runs
sees each change within a second.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from api.passwords import hashed
from cli.installation import ConfigFile, DataDir, settings
from cli.records import records_url
from vigil.domain.audit import Entry, Step
from vigil.domain.errors import ConfigError, InvalidInput, NotFound
from vigil.domain.times import to_iso
from vigil.domain.users import Role, User, folded, login_name, password_given
from vigil.runtime.clock import SystemClock
from vigil.runtime.keys import load_keys
from vigil.store.records.store import SqlRecordStore
from vigil.store.users import AccountRecords

commands = typer.Typer(help="Accounts of the people who log in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name to log in with.")]


@commands.callback()
def group() -> None:
    """Accounts of the people who log in."""


@commands.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the person is here for.")],
    ward: Annotated[list[str] | None, typer.Option("--ward", help="Whose patients to see; may be repeated.")] = None,
    all_wards: Annotated[bool, typer.Option("--all-wards", help="See the patients of every ward.")] = False,
    display: Annotated[str | None, typer.Option("--display", help="What others read [the name].")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Add an account; the password is asked for, or is the first line of the input. The first one must be an admin's: from then
    on the access key opens nothing."""
    if bool(ward) is all_wards:
        raise ConfigError("say whose patients: --ward W, which may be repeated, or --all-wards")
    user_id = login_name(name)
    shown = (display if display is not None else user_id).strip()
    if not 1 <= len(shown) <= 80 or not shown.isprintable():
        raise InvalidInput("--display: 1 to 80 characters in one line")
    wards = None if all_wards else frozenset(ward or ())
    password = _password(user_id)
    with _accounts(data_dir, config, "add", user_id) as accounts:
        made_at = SystemClock().now_us()
        accounts.add_user(User(user_id, shown, role, wards, hashed(password), made_at))
    typer.echo(f"{user_id} may log in as {role.value}")


@commands.command("list")
def list_users(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Print the accounts: name, role, wards, and since when one is disabled."""
    with _records(data_dir, config) as records:
        users = sorted(records.accounts.all().users.values(), key=lambda one: one.user_id)
    for one in users:
        wards = "all wards" if one.wards is None else ", ".join(sorted(one.wards)) or "no ward"
        state = "" if one.disabled_at is None else f"  disabled since {to_iso(one.disabled_at)}"
        typer.echo(f"{one.user_id}  {one.role.value}  {wards}{state}")
    if not users:
        typer.echo("no account: the access key opens the page")


@commands.command("password")
def set_password(name: Name, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Give a person a new password; every session of this person ends."""
    with _records(data_dir, config) as records:
        user_id = _found(records.accounts, name)
    password = _password(user_id)
    with _accounts(data_dir, config, "password", user_id) as accounts:
        accounts.set_password(user_id, hashed(password))
    typer.echo(f"{user_id} has a new password")


@commands.command("disable")
def disable(name: Name, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Let a person log in no more; every session of this person ends."""
    with _accounts(data_dir, config, "disable", name) as accounts:
        user = accounts.disable_user(_found(accounts, name), SystemClock().now_us())
    typer.echo(f"{user.user_id} may log in no more")


@commands.command("enable")
def enable(name: Name, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Let a disabled person log in again."""
    with _accounts(data_dir, config, "enable", name) as accounts:
        user = accounts.enable_user(_found(accounts, name))
    typer.echo(f"{user.user_id} may log in again")


@contextmanager
def _records(data_dir: DataDir, config: ConfigFile) -> Iterator[SqlRecordStore]:
    chosen = settings(config, data_dir)
    key = load_keys(chosen.data_dir).record_key
    records = SqlRecordStore(records_url(chosen), key.encode())
    try:
        yield records
    finally:
        records.close()


@contextmanager
def _accounts(data_dir: DataDir, config: ConfigFile, act: str, name: str) -> Iterator[AccountRecords]:
    """For one change, which goes into the audit log."""
    with _records(data_dir, config) as records:
        yield records.accounts
        user = records.accounts.all().users[folded(name)]
        now = SystemClock().now_us()
        records.append_audit(
            [
                Entry(
                    at=now,
                    step=Step.ANSWERED,
                    request=f"cli-{now:x}",
                    who="vigil users",
                    role="",
                    address="",
                    method="CLI",
                    route=f"vigil users {act}",
                    objects={"user_id": user.user_id},
                    status=200,
                )
            ]
        )


def _found(accounts: AccountRecords, name: str) -> str:
    """Raises ``NotFound``."""
    user = accounts.all().users.get(folded(name))
    if user is None:
        raise NotFound("no such account: vigil users list prints them")
    return user.user_id


def _password(user_id: str) -> str:
    """Raises ``InvalidInput``."""
    if not _is_screen():
        return password_given(sys.stdin.readline().rstrip("\r\n"), user_id)
    password = password_given(getpass.getpass(f"Password for {user_id}: "), user_id)
    if getpass.getpass("Once more: ") != password:
        raise InvalidInput("the two were not the same: nothing was changed")
    return password


def _is_screen() -> bool:
    return sys.stdin.isatty()


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="users")
