"""``vigil``: every command, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import sys

import typer

from cli import bench, demo_token, doctor, replay, run, simulate, up
from vigil import __version__
from vigil.domain.errors import VigilError

#: A setting, port, file or server is wrong: the message says what to do.
EXIT_USAGE = 2

app = typer.Typer(
    help="Self-hosted remote patient monitoring. Research software, not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.add_typer(run.app, name="run")
app.add_typer(bench.app, name="bench")
app.command("simulate")(simulate.simulate)
app.command("replay")(replay.replay)
app.command("doctor")(doctor.doctor)
app.command("demo-token")(demo_token.demo_token)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vigil {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Options before the command."""


def main() -> None:
    """Entry of the script: errors that Vigil raises on purpose end in one line and exit code 2."""
    try:
        app()
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
