"""The secrets of one installation, made at the first run and kept in ``<data_dir>/keys.json`` (mode 0600)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from vigil.domain.errors import ConfigError

FILE = "keys.json"


@dataclass(frozen=True, slots=True)
class Keys:
    """``first_run_secret``: the access key that people type in; ``token_key`` signs bearer tokens; ``record_key`` (Fernet)
    encrypts identifying fields; ``ingest_password``: the core's broker account."""

    first_run_secret: str = field(repr=False)
    token_key: str = field(repr=False)
    record_key: str = field(repr=False)
    ingest_password: str = field(repr=False)


def _new() -> Keys:
    return Keys(
        first_run_secret=secrets.token_urlsafe(18),
        token_key=secrets.token_urlsafe(48),
        record_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        ingest_password=secrets.token_urlsafe(24),
    )


def load_keys(data_dir: Path, *, create: bool = False) -> Keys:
    """Raises ``ConfigError`` when there are none and ``create`` is false, or the file is damaged."""
    path = data_dir / FILE
    try:
        document = json.loads(path.read_text("utf-8"))
        return Keys(**{item.name: str(document[item.name]) for item in fields(Keys)})
    except FileNotFoundError:
        if not create:
            raise ConfigError(f"{data_dir} holds no Vigil installation: start one with vigil up") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: restore it from a backup ({type(error).__name__})") from error
    return _create(path, _new())


def _create(path: Path, keys: Keys) -> Keys:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # O_EXCL: of two first starts at once only one may choose the keys.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load_keys(path.parent)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(keys), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return keys
