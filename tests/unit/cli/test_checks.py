"""Each check of the running core says what it has to say in English and in Chinese, well or not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.core import Core
from ingest.fair import Dropped
from vigil.domain.phrases import chinese_text
from vigil.domain.phrases.catalogue import CATALOGUE
from vigil.domain.phrases.health_catalogue import CAUSES, HEALTH
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import Settings
from vigil.runtime.keys import load_keys
from vigil.runtime.mqtt import Message
from vigil.runtime.tls import _WORDS, explain

HAN = re.compile(r"[\u4e00-\u9fff]")
ROOT = Path(__file__).parents[3]
#: Where the causes are said.
SAID_IN = ("vigil/runtime/tls.py", "vigil/store/influx", "analytics/notify")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    hook = {"name": "hook", "kind": "webhook", "url": "https://hook.example/", "secret_file": tmp_path / "secret"}
    (tmp_path / "secret").write_text("s" * 32)
    settings = Settings.model_validate({"data_dir": tmp_path, "channel": [hook]})
    made = Core(settings, load_keys(tmp_path, create=True), 1883, ManualClock())
    yield made
    made.readings.close()
    made.records.close()


def said(core: Core) -> dict[str, tuple[bool, str, str]]:
    """By check: is it well, and its words in both languages."""
    found = {}
    for name, ask in core._checks().items():
        check = ask()
        found[name] = (check.ok, check.detail, chinese_text(check.said) or "")
    return found


def test_what_is_well_is_said_in_both_languages(core: Core) -> None:
    words = said(core)
    assert len(words) >= 9
    assert [name for name, (_, english, chinese) in words.items() if not english or not HAN.search(chinese)] == []
    assert words["broker"][1:] == (
        "no reading arrives: no connection to the MQTT broker",
        "收不到数据：未连接到 MQTT 消息代理",
    )


def test_what_is_wrong_is_said_in_both_languages(core: Core) -> None:
    core.ingest.subscriber.trouble = explain("certificate has expired")
    core.ingest._committer.failing = "the disk is full"
    core.ingest._overload.note(Dropped(Message("t", b"", 1, 1, 1, 0), "w-check-1", too_fast=True))
    core.outbox.workers[0].trouble = "the receiver answered 500"
    core._days.failing = "no space left on device"
    core._audit_broken = "entry 4 is missing"
    words = said(core)
    wrong = {name: chinese for name, (ok, _, chinese) in words.items() if not ok}
    assert wrong["broker"].endswith("对方证书已过期：请用 vigil tls server 重新签发")
    assert wrong["store"] == "数据无法存储，正在重试：the disk is full"
    assert wrong["intake"] == "设备 w-check-1 发送的数据超过上限；超出部分已丢弃。"
    assert wrong["channels"] == "渠道 hook 异常：the receiver answered 500"
    assert wrong["days"] == "往日数据未能转存：no space left on device"
    assert wrong["audit"] == "校验未通过：entry 4 is missing。请运行 vigil audit verify"


def test_no_sentence_of_a_check_is_without_chinese() -> None:
    assert [key for key, (_, chinese) in HEALTH.items() if key != "check.parts" and not HAN.search(chinese)] == []
    assert HEALTH.items() <= CATALOGUE.items()


def test_each_fixed_cause_is_said_somewhere() -> None:
    files = [
        file for place in SAID_IN for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).glob("*.py"))
    ]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    assert CAUSES.keys() <= {node.value for node in nodes if isinstance(node, ast.Constant)}
    assert {words for _, words in _WORDS} <= CAUSES.keys()
