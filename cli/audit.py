"""``vigil audit verify``: is the audit log what was written, entry for entry?"""

from __future__ import annotations

import logging
import re
from typing import Annotated

import typer

from cli.installation import ConfigFile, DataDir, settings
from cli.records import FILE, on_server, records_url
from vigil.domain.audit import Verdict
from vigil.domain.errors import ConfigError, StoreError
from vigil.runtime.config import Settings
from vigil.store.records.audit import verify_file
from vigil.store.records.server import verify_server

logger = logging.getLogger(__name__)

commands = typer.Typer(help="The audit log: who did what.", no_args_is_help=True)

#: A broken log names at most so many places; what follows a place that was rewritten is broken too.
MOST_SHOWN = 10
#: Checked at each start of the core: the newest, so that a start stays quick (ours).
AT_START = 10_000


@commands.callback()
def group() -> None:
    """The audit log: who did what."""


@commands.command("verify")
def verify(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    expect: Annotated[
        str | None, typer.Option("--expect", help="A head that was noted earlier: it must still be in the log.")
    ] = None,
) -> None:
    """Follow the chain of the whole log, of an installation that runs or does not. Prints how many entries there are and the
    hash of the last one, the head: note it elsewhere. Exit code 1, and where, when the log is not what was written."""
    if expect is not None and re.fullmatch(r"[0-9a-fA-F]{64}", expect) is None:
        raise ConfigError("--expect: a head has 64 letters and digits, as vigil audit verify prints it")
    verdict = followed(settings(config, data_dir), expect=expect)
    for fault in verdict.faults[:MOST_SHOWN]:
        typer.echo(fault.words)
    if len(verdict.faults) > MOST_SHOWN:
        typer.echo(f"and {len(verdict.faults) - MOST_SHOWN} places more")
    typer.echo(f"{verdict.count} entries, {'BROKEN' if verdict.faults else 'unbroken'}, head {verdict.head}")
    if verdict.found_at is not None:
        typer.echo(f"the expected head is that of entry {verdict.found_at}")
    raise typer.Exit(1 if verdict.faults else 0)


def followed(chosen: Settings, last: int | None = None, expect: str | None = None) -> Verdict:
    """Raises ``StoreError``."""
    if on_server(chosen):
        return verify_server(records_url(chosen), last, expect)
    return verify_file(chosen.data_dir / FILE, last, expect)


def broken_at_start(chosen: Settings) -> str:
    """What is wrong with the newest entries, empty for nothing. The head goes to the program's log, which is another file."""
    try:
        verdict = followed(chosen, last=AT_START)
    except StoreError as error:  # no reason to stop watching patients
        logger.error("%s", error)
        return str(error)
    logger.info("audit log: last entry %d, head %s", verdict.last, verdict.head)
    if not verdict.faults:
        return ""
    logger.error("audit log: %s", verdict.faults[0].words)
    return verdict.faults[0].words


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="audit")
