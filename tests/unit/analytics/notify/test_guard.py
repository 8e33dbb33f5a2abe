"""Internal addresses, however they are written."""

from __future__ import annotations

import ipaddress

import pytest

from analytics.notify.guard import is_internal, look_up, permitted

INTERNAL = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]
PUBLIC = ["1.1.1.1", "9.9.9.9", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("text", INTERNAL)
def test_internal(text: str) -> None:
    assert is_internal(ipaddress.ip_address(text))
    assert permitted("host", 443, False, lambda *_: [text]) == []
    assert permitted("host", 443, True, lambda *_: [text]) == [text]


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert not is_internal(ipaddress.ip_address(text))
    assert permitted("host", 443, False, lambda *_: [text]) == [text]


def test_of_several_addresses_the_public_ones_are_left() -> None:
    assert permitted("host", 443, False, lambda *_: ["10.0.0.1", "1.1.1.1", "::1"]) == ["1.1.1.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "localhost", "::1"])
def test_other_ways_to_write_this_machine_are_seen_through(host: str) -> None:
    assert permitted(host, 80, False) == []
    assert look_up(host, 80)
