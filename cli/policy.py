"""``vigil policy check``: is a policy file fit to be put into force, and what would it change?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analytics.finding_alerts import finding_names
from vigil.domain.effective import PolicyDocument, Scope, document_problems, merged
from vigil.domain.errors import ConfigError
from vigil.domain.policy import DEFAULT_POLICY, values_of
from vigil.domain.policy_file import decode, read

commands = typer.Typer(help="Monitoring policies as files.", no_args_is_help=True)


@commands.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A policy document in TOML (docs/policies.md).")],
    scope: Annotated[Scope, typer.Option("--for", help="For whom it is meant.")] = Scope.PROGRAMME,
) -> None:
    """Say every reason to refuse the file (exit code 1), or what it changes of the starting policy."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    written = read(decode(text), frozenset(finding_names()))
    document = PolicyDocument(scope, "", written.content, written.signed_off_by or "not signed off")
    problems = written.problems + document_problems(DEFAULT_POLICY, (document,))
    for problem in problems:
        typer.echo(f"{file.name}: {problem}")
    if problems:
        raise typer.Exit(1)
    before, policy = values_of(DEFAULT_POLICY), merged(DEFAULT_POLICY, (document,)).policy
    after = values_of(policy)
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path) and not path.endswith(".set_by"):
            typer.echo(f"{path}: {before.get(path, 'none')} -> {after.get(path, 'none')}")
    for schedule in policy.schedules:
        for path, value in schedule.values.items():
            if not path.endswith(".set_by"):
                typer.echo(f"{path}: {value} from {schedule.words}")
    typer.echo(
        f"{file.name}: {'signed off by ' + written.signed_off_by if written.signed_off_by else 'not signed off'}"
    )


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="policy")
