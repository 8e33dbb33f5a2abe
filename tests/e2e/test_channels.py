"""``vigil doctor`` and the channels: listed, tried, refused."""

from __future__ import annotations

from pathlib import Path

from tests.product import vigil
from tests.receiver import Receiver


def configured(folder: Path, url: str) -> tuple[str, ...]:
    (folder / "hook.secret").write_text("open sesame")
    (folder / "vigil.toml").write_text(
        f'[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "{url}"\nallow_http = true\nallow_internal = true\n'
        f'secret_file = "{folder / "hook.secret"}"\n'
        '[[channel]]\nname = "chat"\nkind = "apprise"\nsecret_env = "NOT_SET_ANYWHERE"\n'
    )
    return ("--config", str(folder / "vigil.toml"), "--data-dir", str(folder / "data"))


def test_a_channel_is_tried(tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        options = configured(tmp_path, f"{receiver.url}/token-in-path")
        done = vigil("doctor", *options, "--test-channel", "hook")
        assert (done.returncode, done.stdout) == (0, "hook: delivered\n")
        (request,) = receiver.got
        assert request.json["status"] == "resolved"
        assert request.json["commonAnnotations"]["summary"] == "Test of this channel"
        receiver.answer = lambda _request: (500, {})
        done = vigil("doctor", *options, "--test-channel", "hook")
        assert (done.returncode, done.stdout) == (1, "hook: not sent: the receiver answered 500\n")
    done = vigil("doctor", *options, "--test-channel", "fax")
    assert (done.returncode, done.stderr) == (2, "vigil: there is no channel fax; the settings have: hook, chat\n")


def test_doctor_lists_the_channels_and_sends_nothing(tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        done = vigil("doctor", *configured(tmp_path, f"{receiver.url}/token-in-path"))
    assert done.returncode == 1, "a secret is missing"
    said = " ".join(part for line in done.stdout.splitlines() for part in line.strip("│").split())
    assert "channel hook" in said
    assert "NOT_SET_ANYWHERE" in said
    assert "token-in-path" not in said
    assert receiver.got == []


def test_the_core_does_not_start_without_a_secret(tmp_path: Path) -> None:
    done = vigil("run", "core", *configured(tmp_path, "http://127.0.0.1:9/"), "--port", "0", "--broker-port", "1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "vigil: channel chat: the secret in NOT_SET_ANYWHERE is empty"
