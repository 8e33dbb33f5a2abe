"""Standard input as a source of lines: a pipe or a file, answered on standard output."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.listen import serve_descriptors
from tests.unit.gateway.conversation import desk
from tests.unit.gateway.lines import line


@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_lines_from_a_descriptor(tmp_path: Path, kind: str) -> None:
    text = b"".join(line(number) for number in range(2000)) + b"nonsense\n" + line(2000).strip()
    answers = asyncio.run(_answers(tmp_path, kind, text))
    assert [answer["line"] for answer in answers] == list(range(1, 2003))
    assert [answer.get("seq") for answer in answers] == [*range(2000), None, 2000]


async def _answers(tmp_path: Path, kind: str, text: bytes) -> list[dict[str, Any]]:
    source, feeder = os.pipe() if kind == "pipe" else (_file(tmp_path, text), -1)
    sink = os.open(tmp_path / "answers", os.O_WRONLY | os.O_CREAT)
    async with desk(tmp_path) as here:
        feeding = asyncio.to_thread(_feed, feeder, text)
        await asyncio.gather(serve_descriptors(here.intake.serve, source, sink), feeding)
    os.close(source)
    os.close(sink)
    return [json.loads(answer) for answer in (tmp_path / "answers").read_bytes().splitlines()]


def _file(tmp_path: Path, text: bytes) -> int:
    (tmp_path / "lines").write_bytes(text)
    return os.open(tmp_path / "lines", os.O_RDONLY)


def _feed(descriptor: int, text: bytes) -> None:
    if descriptor >= 0:
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(text)
