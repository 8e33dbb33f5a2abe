"""Where the records of an installation are: in a file of the data directory, or on a server."""

from __future__ import annotations

from vigil.domain.errors import ConfigError
from vigil.runtime.config import Settings

FILE = "records.sqlite3"
#: What a backup says of them.
NOT_COPIED = (
    "vigil backup does not copy them; stop Vigil, copy the data directory, and beside it what "
    "pg_dump --format=custom writes (docs/postgresql.md)"
)


def records_url(settings: Settings) -> str:
    """Never to be shown: it may hold a password. Raises ``ConfigError``."""
    return settings.records.read() or f"sqlite:///{settings.data_dir / FILE}"


def on_server(settings: Settings) -> bool:
    return bool(settings.records.url or settings.records.url_file)


def records_of_core(settings: Settings) -> str:
    """The URL, where it is sure that the records are there. Raises ``ConfigError``."""
    file = settings.data_dir / FILE
    if on_server(settings) and file.exists():
        raise ConfigError(
            f"{file} holds records, and the settings name a server: take out records.url and "
            "records.url_file and run vigil migrate --to, or move the file away to begin with what is on the server"
        )
    return records_url(settings)


def require_embedded(settings: Settings, what: str) -> None:
    """Raises ``ConfigError`` where ``what`` would see an empty file instead of the records."""
    if on_server(settings):
        raise ConfigError(f"the records of this installation are in PostgreSQL: {what}")
