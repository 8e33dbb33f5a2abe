"""Which peripheral is whose: read strictly, refused by the name of the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.ble.config import read
from vigil.domain.errors import ConfigError

ADDRESS = "00:a0:50:12:34:56"


def test_a_home_with_a_strap_and_a_scale_of_two() -> None:
    hub = read(
        {
            "account": "gateway.json",
            "adapter": "hci1",
            "peripheral": [
                {"address": ADDRESS, "device": "w-strap", "bond": True, "zone": "Europe/Berlin"},
                {"address": "00:A0:50:12:34:57", "users": {"1": "w-anna", "2": "w-ben", "255": "w-anna"}},
            ],
        }
    )
    assert hub.account == Path("gateway.json")
    assert hub.bluetooth is not None
    assert hub.bluetooth.adapter == "hci1"
    assert hub.bluetooth.devices == ("w-strap", "w-anna", "w-ben")
    strap, scale = hub.bluetooth.peripherals
    assert (strap.address, strap.label, strap.bond, str(strap.zone)) == (
        ADDRESS.upper(),
        "w-strap",
        True,
        "Europe/Berlin",
    )
    assert (scale.device, scale.users, scale.bond) == (None, {1: "w-anna", 2: "w-ben", 255: "w-anna"}, False)


def test_the_spool_has_bounds_that_can_be_set() -> None:
    hub = read({"spool_mib": 64, "spool_days": 3, "history_packs_s": 20})
    assert (hub.spool_max_bytes, hub.spool_max_age_s, hub.history_packs_s) == (64 * 2**20, 3 * 86_400, 20)
    usual = read({})
    assert (usual.spool_max_bytes, usual.spool_max_age_s, usual.history_packs_s) == (256 * 2**20, 14 * 86_400, 100)


def test_nothing_configured_is_no_bluetooth() -> None:
    assert read({}).bluetooth is None
    assert read({"account": "a.json"}).bluetooth is None


def test_the_identifier_of_macos_is_an_address() -> None:
    address = "6B29FC40-CA47-1067-B31D-00DD010662DA"
    bluetooth = read({"peripheral": [{"address": address.lower(), "device": "w-1"}]}).bluetooth
    assert bluetooth is not None
    assert bluetooth.peripherals[0].address == address


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"peripherals": []}, "setting gateway: .*`peripherals`"),
        ({"peripheral": [{"address": ADDRESS, "device": "w-1", "adress": "x"}]}, r"`adress`.*gateway\.peripheral\[0\]"),
        ({"peripheral": [{"device": "w-1"}]}, r"`address`.*gateway\.peripheral\[0\]"),
        ({"peripheral": {"address": ADDRESS}}, r"gateway\.peripheral"),
        ({"peripheral": [{"address": "strap", "device": "w-1"}]}, r"gateway\.peripheral\.0\.address: 'strap'"),
        ({"peripheral": [{"address": ADDRESS}]}, r"gateway\.peripheral\.0: device or users is missing"),
        ({"peripheral": [{"address": ADDRESS, "device": "w/+"}]}, r"gateway\.peripheral\.0\.device: 'w/\+'"),
        ({"peripheral": [{"address": ADDRESS, "users": {"1": "a b"}}]}, r"gateway\.peripheral\.0\.users\.1: 'a b'"),
        ({"peripheral": [{"address": ADDRESS, "users": {"256": "w-1"}}]}, r"gateway\.peripheral\.0\.users: '256'"),
        ({"peripheral": [{"address": ADDRESS, "users": {"anna": "w-1"}}]}, r"gateway\.peripheral\.0\.users: 'anna'"),
        ({"peripheral": [{"address": ADDRESS, "users": {"²": "w-1"}}]}, r"gateway\.peripheral\.0\.users"),
        (
            {"peripheral": [{"address": ADDRESS, "device": "w-1", "zone": "Mars/Base"}]},
            r"peripheral\.0\.zone: 'Mars/Base'",
        ),
        ({"peripheral": [{"address": ADDRESS, "device": "w-1", "zone": "../etc"}]}, r"peripheral\.0\.zone"),
        ({"peripheral": [{"address": ADDRESS, "device": "w-1", "bond": "yes"}]}, r"gateway\.peripheral\[0\]\.bond"),
        (
            {"peripheral": [{"address": ADDRESS, "device": "w-1"}, {"address": ADDRESS.upper(), "device": "w-2"}]},
            "two of them have the address 00:A0:50:12:34:56",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(section)
