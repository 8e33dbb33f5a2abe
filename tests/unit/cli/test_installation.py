"""Where an installation's servers listen."""

from __future__ import annotations

import socket

import pytest

from cli.installation import free_port
from tests.deadline import free_port as unused
from vigil.domain.errors import PortTaken

HOST = "127.0.0.1"


def test_two_servers_are_never_given_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = unused(), unused()
    offered = iter([first, first, second])
    real = socket.create_server
    monkeypatch.setattr(socket, "create_server", lambda address: real((HOST, address[1] or next(offered))))
    assert free_port(HOST, 0, "MQTT", default=first, but=first) == second


def test_a_port_that_was_asked_for_must_be_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"HTTP port {taken} on {HOST} is taken"):
            free_port(HOST, taken, "HTTP")
        assert free_port(HOST, 0, "HTTP", default=taken) != taken
    assert free_port(HOST, taken, "HTTP") == taken
