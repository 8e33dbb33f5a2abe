"""``[[channel]]`` tables: what is refused at the start, and where secrets come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from vigil.domain.errors import ConfigError
from vigil.runtime.channels import EmailSettings, WebhookSettings, secret_of
from vigil.runtime.config import Settings, load

GOOD = """
[[channel]]
name = "pager"
kind = "webhook"
url = "https://pager.example/in"
secret_env = "PAGER"

[[channel]]
name = "mail"
kind = "email"
host = "relay.example"
sender = "vigil@hospital.example"
recipients = { "Li Na" = "li.na@hospital.example", "*" = "ward@hospital.example" }

[[channel]]
name = "chat"
kind = "apprise"
secret_file = "chat.secret"
"""
HOOK = '[[channel]]\nname = "pager"\nkind = "webhook"\nsecret_env = "PAGER"\n'
MAIL = '[[channel]]\nname = "mail"\nkind = "email"\nhost = "h"\nsender = "v@h.example"\nrecipients = { "*" = "w@h.example" }\n'


def loaded(folder: Path, text: str) -> Settings:
    (folder / "vigil.toml").write_text(text)
    return load(folder / "vigil.toml", {})


def test_what_the_file_says(tmp_path: Path) -> None:
    pager, mail, chat = loaded(tmp_path, GOOD).channel
    assert isinstance(pager, WebhookSettings)
    assert isinstance(mail, EmailSettings)
    assert (pager.insecure, mail.insecure, chat.insecure) == (False, True, True)
    assert (pager.allow_internal, pager.allow_http, pager.format) == (False, False, "webhook")
    assert (mail.port, mail.security, mail.recipients["Li Na"]) == (587, "starttls", "li.na@hospital.example")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HOOK + 'url = "http://pager.example/"', "not encrypted"),
        (HOOK + 'url = "ftp://pager.example/"', "https://host/path"),
        (HOOK + 'url = "https:///in"', "https://host/path"),
        (HOOK + 'url = "https://user:pass@pager.example/"', "must not hold a user"),
        (HOOK + 'url = "https://pager.example/"\nsecret_file = "x"', "not both"),
        (HOOK + 'url = "https://pager.example/"\ncolour = "red"', "colour"),
        (HOOK + 'url = "https://pager.example/"\nhost = "h"', "host"),
        (HOOK.replace("PAGER", "VIGIL_PAGER") + 'url = "https://pager.example/"', "choose another name"),
        (HOOK.replace('"pager"', '"app"') + 'url = "https://pager.example/"', "that of the page"),
        (HOOK.replace('"pager"', '"Pager 1"') + 'url = "https://pager.example/"', "channel.0.webhook.name"),
        (HOOK.replace('secret_env = "PAGER"\n', "") + 'url = "https://pager.example/"', "a webhook is signed"),
        (MAIL + MAIL, "the same name"),
        (MAIL + 'user = "v"', "needs a secret"),
        (MAIL + 'secret_env = "MAIL"', "a secret a user"),
        (MAIL + 'user = "v"\nsecret_env = "MAIL"\nsecurity = "none"', "not sent unencrypted"),
        (MAIL.replace("w@h.example", "ward\\nBcc: m@h.example"), "must be addresses"),
        ('[[channel]]\nname = "chat"\nkind = "apprise"', "holds its password"),
        ('[[channel]]\nname = "chat"\nkind = "pigeon"', "channel.0"),
    ],
)
def test_what_is_refused_at_the_start(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"^setting channel") as refused:
        loaded(tmp_path, text)
    assert why in str(refused.value)
    assert "pass@" not in str(refused.value)


def test_an_alertmanager_needs_no_secret(tmp_path: Path) -> None:
    text = HOOK.replace('secret_env = "PAGER"', 'format = "alertmanager"') + 'url = "https://alerts.example"'
    assert not loaded(tmp_path, text).channel[0].has_secret


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    pager, _, chat = loaded(tmp_path, GOOD.replace("chat.secret", str(tmp_path / "chat.secret"))).channel
    (tmp_path / "chat.secret").write_text("json://token@host/\n")
    assert secret_of(pager, {"PAGER": "open sesame"}) == "open sesame"
    assert secret_of(chat, {}) == "json://token@host/"


def test_a_secret_that_is_missing_is_named_by_its_place(tmp_path: Path) -> None:
    pager, mail, chat = loaded(tmp_path, GOOD.replace("chat.secret", str(tmp_path / "chat.secret"))).channel
    assert secret_of(mail, {}) == ""
    for environ in ({}, {"PAGER": "  "}):
        with pytest.raises(ConfigError, match=r"^channel pager: the secret in PAGER is empty$"):
            secret_of(pager, environ)
    with pytest.raises(ConfigError, match=r"^channel chat: the secret file cannot be read$"):
        secret_of(chat, {})
    (tmp_path / "chat.secret").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        secret_of(chat, {})
