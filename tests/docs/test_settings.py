"""The settings page is generated from the settings: ``python -m tests.docs.test_settings`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vigil.runtime.channels import AppriseSettings, EmailSettings, WebhookSettings
from vigil.runtime.config import PREFIX, Settings

CHANNELS = (WebhookSettings, EmailSettings, AppriseSettings)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
HEAD = """# Settings

Read from `vigil.toml` (or `--config FILE`), then the environment, then the command line. An unknown key refuses to start.
Generated from `vigil/runtime/config.py`.

| key in `vigil.toml` | environment | default | what |
|---|---|---|---|
"""


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def page() -> str:
    rows = [
        f"| `{key}` | `{PREFIX}{key.upper().replace('.', '__')}` | `{field.default}` | {field.description} |"
        for key, field in fields(Settings)
    ]
    return HEAD + "\n".join(rows) + "\n" + "".join(channel(kind) for kind in CHANNELS)


def channel(kind: type[BaseModel]) -> str:
    """The table of one kind of channel."""
    named = kind.model_fields["kind"]
    title = f'`[[channel]]` with `kind = "{get_args(named.annotation)[0]}"`'
    rows = [
        f"| `{name}` | {'must be given' if field.is_required() else f'`{field.default}`'} | {field.description} |"
        for name, field in kind.model_fields.items()
        if name != "kind"
    ]
    head = f"\n## {title}\n\n{named.description}; `docs/notify.md` says how.\n"
    return head + "\n| key | default | what |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == page()


def test_every_setting_is_described() -> None:
    assert all(field.title and field.description for model in (Settings, *CHANNELS) for _, field in fields(model))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
