"""What of the sender's connection can be shown without a broker: its patience, its complaints, its end."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.deadline import free_port
from vigil.runtime.clock import SystemClock
from vigil.runtime.link import BrokerLogin, Connection, Link, ReconnectRule, _end


def link(port: int, rule: ReconnectRule) -> Link:
    return Link(
        BrokerLogin("127.0.0.1", port, "w-1", "secret"),
        clock=SystemClock(),
        rng=np.random.default_rng(1),
        on_message=lambda *_: None,
        rule=rule,
    )


async def _never(connection: Connection) -> None:
    raise AssertionError("there is no broker")


def test_an_absent_broker_is_tried_again_and_complained_about_once(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        here = link(free_port(), ReconnectRule(first_s=0.001, longest_s=0.002))
        task = asyncio.create_task(here.run(_never))
        await asyncio.sleep(0.3)
        assert not here.connected
        assert here.protocol == "5"  # nobody answered, so nobody spoke against MQTT 5
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "refused" in caplog.text
    assert "secret" not in caplog.text


def test_a_host_that_closes_at_once_is_no_broker(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        attempts = 0

        def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal attempts
            attempts += 1
            writer.close()

        server = await asyncio.start_server(close, "127.0.0.1", 0)
        here = link(server.sockets[0].getsockname()[1], ReconnectRule(first_s=0.001, longest_s=0.002))
        task = asyncio.create_task(here.run(_never))
        while not attempts:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.close()

    asyncio.run(run())
    assert "Traceback" not in caplog.text


def test_a_task_that_swallows_its_cancellation_is_cancelled_again() -> None:
    """As ``asyncio.wait_for`` of Python 3.11 does when the answer comes together with the cancellation."""

    async def run() -> list[str]:
        said: list[str] = []

        async def deaf() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                said.append("swallowed")
            await asyncio.sleep(60)

        async def failed() -> None:
            raise ValueError

        tasks = [asyncio.ensure_future(deaf()), asyncio.ensure_future(failed())]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await _end(tasks)
        assert all(task.done() for task in tasks)
        return said

    assert asyncio.run(run()) == ["swallowed"]
