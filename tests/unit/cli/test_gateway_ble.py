"""``vigil run gateway`` with a settings file: what is wrong in it is named before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.gateway import _login_in, run_gateway
from vigil.domain.errors import ConfigError
from vigil.runtime.config import load
from vigil.runtime.link import BrokerLogin

PERIPHERAL = '[[gateway.peripheral]]\naddress = "00:A0:50:12:34:56"\ndevice = "w-1"\n'


def run(tmp_path: Path, text: str, *devices: str) -> None:
    file = tmp_path / "vigil.toml"
    file.write_text(text, "utf-8")
    run_gateway(load(file, {}, data_dir=tmp_path / "data"), "home", devices, None, False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name the devices that it speaks for"),
        ('[gateway]\naccount = "gateway.json"\n', "name the devices that it speaks for"),
        (PERIPHERAL.replace("device", "devcie"), "`devcie`"),
        (f'[gateway]\naccount = "none.json"\n{PERIPHERAL}', "gateway.account: none.json"),
        (PERIPHERAL, "nothing runs in"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        run(tmp_path, text)


def test_the_account_is_the_answer_to_a_claim_code(tmp_path: Path) -> None:
    file = tmp_path / "gateway.json"
    file.write_text(
        '{"id": "g-home", "mqtt": {"host": "10.0.0.5", "port": 1883, "username": "g-home", "password": "pw",'
        ' "tenant": "ward", "topic_prefix": "rpm/v1/ward", "devices": ["w-1"]}}'
    )
    assert _login_in(file) == (BrokerLogin("10.0.0.5", 1883, "g-home", "pw"), "ward")
    file.write_text('{"id": "g-home"}')
    with pytest.raises(ConfigError, match=r"gateway\.account: gateway\.json: .*`mqtt`"):
        _login_in(file)
