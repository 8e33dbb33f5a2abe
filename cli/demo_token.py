"""``vigil demo-token ROLE``: a bearer token for scripts, made from the installation's own key."""

from __future__ import annotations

from typing import Annotated

import typer

from api.auth import Role, Tokens
from cli.installation import ConfigFile, DataDir, settings
from vigil.runtime.clock import SystemClock
from vigil.runtime.keys import Keys, load_keys


def token(keys: Keys, role: Role, name: str) -> str:
    """Valid for one shift; whoever can read the data directory may make one."""
    return Tokens(keys.token_key.encode(), SystemClock()).issue(name, role)[0]


def demo_token(
    role: Annotated[Role, typer.Argument(help="Whose rights the token has.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Print a bearer token for scripts."""
    typer.echo(token(load_keys(settings(config, data_dir).data_dir), role, f"script ({role.value})"))


def register(app: typer.Typer) -> None:
    app.command("demo-token")(demo_token)
