"""The firmware maker's page is true: its tables and bytes come from the code, its examples run and decode.

``python -m tests.docs.test_firmware`` writes the tables and bytes anew.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cbor2
import pytest

from vigil.domain.device_settings import OVERDUE_US
from vigil.domain.errors import REASON_TEXT
from vigil.domain.presence import OFFLINE_AFTER_US
from vigil.domain.times import MINUTE, SECOND
from vigil.domain.vitals import VITALS
from vigil.runtime.config import IngestSettings
from vigil.wire import asyncapi, commands, control, packs
from vigil.wire.resend import ResendRule

PAGE = Path(__file__).parents[2] / "docs" / "firmware.md"
FOLDER = PAGE.parent / "firmware"
CBOR = asyncapi.example_pack(cbor=True)
JSON = asyncapi.example_pack(cbor=False)


def vitals_table() -> str:
    rows = ["| name | what | unit (`u`) | accepted |", "|---|---|---|---|"]
    for kind in VITALS:
        accepted = "one of A C V P U, as `vs`" if kind.codes else f"{kind.reject[0]:g} to {kind.reject[1]:g}"
        unit = f"`{kind.senml_unit}`{', must be sent' if kind.unit_required else ''}" if kind.senml_unit else "none"
        rows.append(f"| `{kind.wire}` | {kind.title.lower()} | {unit} | {accepted} |")
    return "\n".join(rows)


def reasons_table() -> str:
    return "\n".join(
        ["| reason | means |", "|---|---|", *(f"| `{r.value}` | {text} |" for r, text in REASON_TEXT.items())]
    )


def hex_lines() -> str:
    """One record a line, after the head of the array."""
    records = [cbor2.dumps(record, canonical=False).hex() for record in cbor2.loads(CBOR)]
    names = ["bn, bt, epoch", "seq", *(one.name for one in asyncapi.READING)]
    whole = [CBOR[:1].hex() + records[0], *records[1:]]
    assert "".join(whole) == CBOR.hex()
    return "\n".join(f"{line}  {name}" for line, name in zip(whole, names, strict=True))


def written(text: str) -> str:
    """The page with the tables and bytes of the code."""
    for start, table in (("| name | what |", vitals_table()), ("| reason | means |", reasons_table())):
        text = _replaced(text, rf"^{re.escape(start)}.*?(?=\n\n)", table)
    for kind, block in (("json", JSON.decode()), ("hex", hex_lines())):
        text = _replaced(text, rf"^```{kind}\n.*?^```", f"```{kind}\n{block}\n```")
    return text


def _replaced(text: str, old: str, new: str) -> str:
    """``new`` for the one place that the expression ``old`` matches."""
    changed, times = re.subn(old, lambda _: new, text, flags=re.M | re.S)
    assert times == 1, f"{times} places match {old}"
    return changed


def page() -> str:
    return PAGE.read_text("utf-8")


def reading(payload: bytes) -> tuple[Any, ...]:
    pack = packs.read(payload, asyncapi.DEVICE)
    return pack.epoch, pack.seq, [VITALS[vital].wire for vital in pack.vital], pack.value, pack.refused


def test_the_tables_and_bytes_are_those_of_the_code() -> None:
    assert page() == written(page())


def test_the_bytes_of_the_page_are_the_reading_that_it_shows() -> None:
    (block,) = re.findall(r"^```hex\n(.*?)^```", page(), re.M | re.S)
    payload = bytes.fromhex("".join(line.split()[0] for line in block.splitlines()))
    (shown,) = re.findall(r"^```json\n(.*?)\n```", page(), re.M | re.S)
    wanted: tuple[Any, ...] = (7, 4711, ["hr", "spo2", "rr", "sbp", "dbp", "temp"], [72, 97, 16, 121, 78, 36.8], [])
    assert reading(payload) == reading(shown.encode()) == wanted
    assert f"{len(payload)} bytes instead of {len(shown)}" in page()


def test_every_command_on_the_page_is_one_that_the_code_reads() -> None:
    found = [
        json.loads(one) for one in re.findall(r"`(\{\"(?:epoch|server_at|asked|version)\".*?\})`(?![a-z])", page())
    ]
    readers = (
        packs.read_ack,
        commands.read_backfill,
        commands.read_error,
        control.read_time_question,
        control.read_config_answer,
    )
    said = {reader.__name__: [reader(json.dumps(one).encode()) for one in found] for reader in readers}
    assert all(any(one is not None for one in read) for read in said.values()), said
    told = [json.loads(control.write_time(asyncapi.AT_US + 250_000, 4_000, 12))]
    told.append(json.loads(control.write_config(3, {"hr": 5, "spo2": 5}, {"spo2": (88, None)})))
    told.append(json.loads(packs.write_ack(7, 4711)))
    assert all(one in found for one in told)


def test_the_numbers_in_words_are_those_of_the_code() -> None:
    text, rule = page(), ResendRule()
    assert f"after {rule.first_s:g} s, then after twice as long each time, at most {rule.longest_s / 60:g} min" in text
    assert f"the {rule.window} oldest" in text
    assert f"within {OFFLINE_AFTER_US // SECOND} s" in text
    assert f"within {OVERDUE_US // MINUTE} minutes as overdue" in text
    chosen = IngestSettings()
    assert f"{chosen.device_rate:g} a second, {chosen.device_burst} at once" in text


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc) on the PATH")
    program = tmp_path_factory.mktemp("firmware") / "pack"
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([compiler, *strict, "-o", program, FOLDER / "pack.c"], check=True, timeout=60)
    return program


def run(program: Path, *said: str) -> str:
    return subprocess.run([program, *said], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_the_c_example_writes_the_bytes_of_the_page(compiled: Path) -> None:
    assert bytes.fromhex(run(compiled)) == CBOR


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (packs.write_ack(7, 41).decode(), "epoch 7 up to seq 41"),
        ('{"seq": 4294967294, "more": 1, "epoch": 0}', "epoch 0 up to seq 4294967294"),
        ('{"epoch":7,"seq":4294967296}', "no acknowledgement"),
        ('{"epoch":7,"seq":-1}', "no acknowledgement"),
        ('{"epoch":7,"seq":', "no acknowledgement"),
        ('{"epoch":7}', "no acknowledgement"),
        ("", "no acknowledgement"),
    ],
)
def test_the_c_example_deletes_only_what_it_was_told(compiled: Path, said: str, understood: str) -> None:
    assert run(compiled, said) == understood


class Broker:
    """``umqtt.simple``'s client as the example uses it, with the broker behind it in the test's hands."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.waiting: list[tuple[str, bytes]] = []
        self.will: tuple[Any, ...] = ()

    def set_callback(self, callback: Any) -> None:
        self.callback = callback

    def set_last_will(self, *will: Any) -> None:
        self.will = will

    def connect(self, clean_session: bool) -> None:
        assert clean_session is False

    def subscribe(self, topic: str, qos: int) -> None:
        self.subscribed = (topic, qos)

    def publish(self, topic: str, payload: bytes | str, retain: bool, qos: int) -> None:
        assert (retain, qos) == (topic.endswith("/state"), 1)
        self.sent.append(
            (topic.removeprefix("rpm/v1/home/d/w-1/"), payload if isinstance(payload, bytes) else payload.encode())
        )

    def check_msg(self) -> None:
        while self.waiting:
            name, payload = self.waiting.pop(0)
            self.callback(f"rpm/v1/home/d/w-1/cmd/{name}".encode(), payload)

    def take(self) -> list[tuple[str, bytes]]:
        taken, self.sent = self.sent, []
        return taken


@pytest.fixture(scope="module")
def example() -> Any:
    """The MicroPython example; it uses only what CPython has too."""
    spec = importlib.util.spec_from_file_location("firmware_sender", FOLDER / "sender.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_micropython_example_writes_the_bytes_of_the_page(example: Any) -> None:
    values = [
        (name, None, value, 0) for name, value in (("hr", 72), ("spo2", 97), ("rr", 16), ("sbp", 121), ("dbp", 78))
    ]
    made = example.pack(asyncapi.DEVICE, asyncapi.AT_US // SECOND, 7, 4711, [*values, ("temp", "Cel", 368, -1)])
    assert made == CBOR
    cold = example.pack("w-1", asyncapi.AT_US // SECOND, 70_000, 2**32 - 2, [("rssi", None, -70, 0)])
    found = packs.read(cold, "w-1")
    assert (found.epoch, found.seq, found.value) == (70_000, 2**32 - 2, [-70])


def seqs(sent: list[tuple[str, bytes]]) -> list[int]:
    return [packs.read(payload, "w-1").seq for topic, payload in sent if topic == "tel/vitals"]


def test_the_micropython_example_keeps_until_acknowledged(example: Any) -> None:
    broker = Broker()
    sender = example.Sender(broker, "home", "w-1", 7, most=3)
    sender.connect()
    assert broker.will == ("rpm/v1/home/d/w-1/state", b"offline", True, 1)
    assert broker.subscribed == ("rpm/v1/home/d/w-1/cmd/#", 1)
    assert broker.take() == [("state", b"online")]
    for at in range(3):
        sender.send(asyncapi.AT_US // SECOND + at, [("hr", None, 72, 0)], at)
    assert seqs(broker.take()) == [0, 1, 2]
    broker.waiting = [("ack", packs.write_ack(7, 0)), ("ack", packs.write_ack(6, 2))]
    sent_again = []
    for at in range(3, 700):
        sender.loop(at)
        sent_again += [at] * len(broker.take())
    assert sent_again == [31, 32, 91, 92, 211, 212, 451, 452]
    sender.connect()
    sender.loop(700)
    assert seqs(broker.take()) == [1, 2]
    for at in (701, 702):
        sender.send(asyncapi.AT_US // SECOND + at, [("hr", None, 72, 0)], at)
    assert sorted(sender.kept) == [2, 3, 4]
    broker.take()
    broker.waiting = [("backfill", commands.write_backfill(7, 1, 1)), ("backfill", commands.write_backfill(7, 2, 3))]
    sender.loop(703)
    sent = broker.take()
    assert sent[0] == ("res/backfill", b'{"epoch":7,"from":1,"to":1}')
    assert seqs(sent) == [2, 3]


def test_the_micropython_example_asks_its_wearer(example: Any) -> None:
    broker = Broker()
    asked: list[int | None] = []
    sender = example.Sender(broker, "home", "w-1", 7, ask_wearer=asked.append)
    broker.waiting = [("bound", control.write_bound(None)), ("bound", control.write_bound(12))]
    sender.connect()
    sender.loop(1)
    assert asked == [None, 12]
    sender.answer_wearer(12, False)
    topic, payload = broker.take()[-1]
    assert (topic, control.read_bound_answer(payload)) == ("res/bound", control.BoundAnswer(12, False))


def test_the_micropython_example_sets_its_clock_and_its_intervals(
    example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = Broker()
    clock: list[int] = []
    taken: list[Any] = []

    def configure(interval_s: dict[str, float], limits: dict[str, Any]) -> str:
        taken.append((interval_s, limits))
        return "" if interval_s["hr"] >= 1 else "shortest interval is 1 s"

    sender = example.Sender(broker, "home", "w-1", 7, set_clock=clock.append, configure=configure)
    broker.waiting = [("time", control.write_time(asyncapi.AT_US, 0, None)), ("time", control.write_time(0, 0, 1))]
    sender.connect()
    sender.loop(10)
    assert clock == []
    sender.ask_time(10)
    question = control.read_time_question(broker.take()[-1][1])
    assert question is not None
    broker.waiting = [("time", control.write_time(asyncapi.AT_US, 1_000_000, question.asked))]
    sender.loop(14)
    assert clock == [asyncapi.AT_US // 1000 + 1500]
    broker.waiting = [
        ("config", control.write_config(3, {"hr": 5}, {})),
        ("config", control.write_config(4, {"hr": 0.5}, {"spo2": (88, None)})),
        ("error", commands.write_error(7, 0, next(iter(REASON_TEXT)), [])),
    ]
    sender.loop(15)
    answers = [control.read_config_answer(payload) for topic, payload in broker.take() if topic == "res/config"]
    assert answers == [
        control.ConfigAnswer(3, True, ""),
        control.ConfigAnswer(4, False, "shortest interval is 1 s"),
    ]
    assert taken == [({"hr": 5}, {}), ({"hr": 0.5}, {"spo2": {"low": 88}})]
    assert capsys.readouterr().out.startswith("refused: bad_topic")


def test_the_micropython_example_measures_when_it_is_asked(example: Any) -> None:
    broker = Broker()
    said = ["", "off the skin"]
    sender = example.Sender(broker, "home", "w-1", 7, measure=lambda: said.pop(0))
    broker.waiting = [("measure", control.write_measure(12)), ("measure", control.write_measure(13))]
    sender.connect()
    sender.loop(10)
    answers = [control.read_measure_answer(payload) for topic, payload in broker.take() if topic == "res/measure"]
    assert answers == [control.MeasureAnswer(12, True), control.MeasureAnswer(13, False, "off the skin")]


if __name__ == "__main__":
    PAGE.write_text(written(page()), "utf-8")
