"""``vigil migrate``: the records of an embedded installation onto a server. Readings stay where they are: in the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.installation import ConfigFile, DataDir, Running, settings
from cli.records import FILE, on_server
from vigil.domain.errors import ConfigError
from vigil.runtime.config import RecordsSettings
from vigil.store.records.move import Moved, move

#: What the file of records is called when its content is elsewhere.
MOVED = f"{FILE}.moved"


def migrate_command(
    to: Annotated[Path, typer.Option("--to", help="A file with the URL of an empty PostgreSQL database, in one line.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Move patients, alerts, accounts and the audit log of a stopped installation to PostgreSQL. Interrupted, it goes on when
    asked again. Every table's rows are counted and hashed on both sides."""
    chosen = settings(config, data_dir)
    file = chosen.data_dir / FILE
    if on_server(chosen):
        raise ConfigError("the settings name a server for the records already: there is nothing to move")
    if not file.exists():
        raise ConfigError(f"{chosen.data_dir} holds no records: nothing to move")
    if Running.find(chosen.data_dir) is not None:
        raise ConfigError("Vigil is running here: stop it first, or what is written meanwhile would be lost")
    url = RecordsSettings(url_file=to).read()
    move(f"sqlite:///{file}", url, _tell)
    file.rename(chosen.data_dir / MOVED)
    typer.echo(f'Done. Set [records] url_file = "{to}" and start. The old file is {MOVED}: delete it when all is well,')
    typer.echo("it holds the patients' names, sealed by the key in keys.json, which the server's records need too.")


def _tell(moved: Moved) -> None:
    how = "" if moved.fresh else ", there from an earlier try"
    typer.echo(f"{moved.table}: {moved.rows} rows, {moved.digest[:16]} on both sides{how}")


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate_command)
