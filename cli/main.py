"""``vigil``: every command, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import typer

from vigil import __version__
from vigil.domain.errors import VigilError

#: A setting, port, file or server is wrong: the message says what to do.
EXIT_USAGE = 2

#: Command → module with ``register(app)``. Only the module that was asked for is imported: a start waits for its imports.
COMMANDS = {
    "up": "cli.up",
    "run": "cli.run",
    "simulate": "cli.simulate",
    "replay": "cli.replay",
    "backtest": "cli.backtest",
    "policy": "cli.policy",
    "train": "cli.train",
    "risk": "cli.risk",
    "models": "cli.models",
    "users": "cli.users",
    "audit": "cli.audit",
    "backup": "cli.backup",
    "restore": "cli.restore",
    "migrate": "cli.migrate",
    "export": "cli.export",
    "bench": "cli.bench",
    "tls": "cli.tls",
    "sbom": "cli.sbom",
    "doctor": "cli.doctor",
    "demo-token": "cli.demo_token",
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application with the asked command, or with all of them for help and for a mistyped one."""
    app = typer.Typer(
        help="Self-hosted remote patient monitoring. Research software, not a medical device.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(options)
    asked = next((argument for argument in arguments if not argument.startswith("-")), "")
    for name, module in COMMANDS.items():
        if asked == name or asked not in COMMANDS:
            importlib.import_module(module).register(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vigil {__version__}")
        raise typer.Exit


def options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Self-hosted remote patient monitoring. Research software, not a medical device."""


def main() -> None:
    """Entry of the script: errors that Vigil raises on purpose end in one line and exit code 2."""
    try:
        build(sys.argv[1:])()
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
