"""From the partner on the scale to the answer and back: ingest, both stores and the api, as ``cli`` wires them, no broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.deps import ManualEntry
from ingest.batch import columns_of
from ingest.bind import Binder
from ingest.decode import decode
from ingest.manual import Entry
from ingest.whose import Whose
from ingest.whose_alert import WhoseAlert
from tests.unit.api.site import Site, open_site
from tests.unit.ingest.rig import Rig, pack
from vigil.domain.people import MANUAL_PREFIX, Device
from vigil.domain.quality import Quality
from vigil.domain.times import HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.domain.whose import RULE
from vigil.runtime.mqtt import Message

WHERE = "/api/v1/questions"


class Home:
    """p-1 has a scale; p-2 is watched too and lives with him."""

    def __init__(self, folder: Path) -> None:
        for name in ("api", "ingest"):
            (folder / name).mkdir()
        self.rig = Rig(folder / "ingest")
        bare = open_site(folder / "api")
        self.rig.records = bare.records  # type: ignore[assignment]  # the real ones instead of few
        self.rig._open()
        self._bare = bare
        self.site: Site = bare.given(readings=self.rig.store, bus=self.rig.bus, submit=self.enter)
        bare.admit("p-1", "s-1")
        bare.admit("p-2")
        self._seq = 0

    def weigh(self, kg: float) -> int:
        """The quality that the value was stored with."""
        return int(self.rig.pipeline.run([self.message(kg)]).quality[0])

    def message(self, kg: float) -> Message:
        """An hour after the one before."""
        self.rig.clock.advance(HOUR / SECOND)
        self.site.clock.advance(HOUR / SECOND)
        at = (self.rig.clock.now_us() - MINUTE) / SECOND
        body = pack({"n": "wt", "u": "kg", "v": kg}, seq=self._seq, device="s-1", at=at)
        self._seq += 1
        return self.rig.message(body, "s-1")

    def enter(self, entry: ManualEntry) -> list[int]:
        device_id = MANUAL_PREFIX + entry.patient_id
        self._bare.records.put_device(Device(device_id, "entered by a person"))
        self._bare.records.bind(device_id, entry.patient_id, 0)
        values = tuple((BY_NAME[name].index, value, at) for name, value, at in entry.values)
        made = Entry(entry.patient_id, values, self.rig.clock.now_us())
        self.rig.pipeline._binder.refresh()
        self.rig.pipeline.enter(made)
        return made.done.result(0)

    def questions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.site.get(WHERE).json()["items"]
        return found

    def answer(self, patient_id: str | None) -> int:
        body = {"patient_id": patient_id, "reason": "asked at the door"}
        return self.site.post(f"{WHERE}/{self.questions()[0]['question_id']}/answer", body).status_code

    def shown(self, patient_id: str) -> list[tuple[float, int]]:
        span = "vital=body_weight&raw=true&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z"
        answer = self.site.get(f"/api/v1/patients/{patient_id}/vitals?{span}").json()
        points = [point for stream in answer["streams"] for point in stream["raw"]]
        return sorted((point["value"], point["quality"]) for point in points)

    def close(self) -> None:
        self.rig.store.close()
        self._bare.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.close()


ASKED, MANUAL = int(Quality.WHOSE_UNKNOWN), int(Quality.MANUAL)


def test_the_partners_weight_becomes_the_partners(home: Home) -> None:
    assert [home.weigh(kg) for kg in (61.2, 83.4, 61.0)] == [0, ASKED, 0]
    assert [(one["value"], one["last_value"]) for one in home.questions()] == [(83.4, 61.2)]
    assert home.answer("p-2") == 200
    assert (home.questions(), home.shown("p-2")) == ([], [(83.4, MANUAL)])
    assert home.shown("p-1") == [(61.0, 0), (61.2, 0), (83.4, ASKED)]
    assert home.weigh(60.8) == 0


def test_it_was_the_patient_after_all_and_is_known_from_then_on(home: Home) -> None:
    assert [home.weigh(kg) for kg in (61.2, 67.0)] == [0, ASKED]
    assert home.answer("p-1") == 200
    assert home.shown("p-1") == [(61.2, 0), (67.0, MANUAL), (67.0, ASKED)]
    assert [home.weigh(kg) for kg in (67.3, 61.1)] == [0, ASKED]
    assert home.answer(None) == 200
    assert home.weigh(67.1) == 0


def test_a_kill_before_the_value_was_stored_asks_once(home: Home) -> None:
    """The question is recorded, the process ends, the message comes again."""
    home.weigh(61.2)
    message = home.message(83.4)
    binder = Binder(home.site.records)
    binder.refresh()
    packs = [decode(message)]
    assert (
        Whose(
            home.rig.store, home.site.records, binder, WhoseAlert(home.site.records, home.rig.bus, home.rig.clock)
        ).mark(packs, columns_of(packs))
        == 1
    )
    assert len(home.questions()) == 1
    assert home.rig.pipeline.run([message]).quality.tolist() == [ASKED]
    assert len(home.questions()) == 1


def whose_alerts(home: Home) -> list[tuple[bool, str, str]]:
    alerts = home.site.records.alerts(patient_id="p-1")
    return [(one.active, one.kind.value, one.evidence.text) for one in alerts if one.rule == RULE]


def test_a_question_is_an_alert_until_a_weight_fits(home: Home) -> None:
    home.weigh(61.2)
    assert whose_alerts(home) == []
    home.weigh(83.4)
    ((active, kind, text),) = whose_alerts(home)
    assert (active, kind) == (True, "technical")
    assert text.startswith("83.4 kg on s-1, after 61.2 kg before: whose weight is it?")
    home.weigh(83.9)
    assert len(whose_alerts(home)) == 1
    home.weigh(61.0)
    assert [active for active, _, _ in whose_alerts(home)] == [False]
    assert len(home.site.get(WHERE, "nurse").json()["items"]) == 2, "the questions stay"


def test_a_batch_that_comes_again_alerts_once(home: Home) -> None:
    home.weigh(61.2)
    message = home.message(83.4)
    home.rig.pipeline.run([message])
    home.rig.pipeline.run([message])
    assert len(whose_alerts(home)) == 1
    assert len([one for one in home.site.records.transitions() if one.after.rule == RULE]) == 1


def test_the_last_answer_ends_the_alert(home: Home) -> None:
    home.weigh(61.2)
    home.weigh(83.4)
    home.weigh(84.0)
    first, second = home.site.get(WHERE, "nurse").json()["items"]
    body = {"patient_id": None, "reason": "her husband"}
    for question, still_on in ((first, True), (second, False)):
        answer = home.site.post(f"{WHERE}/{question['question_id']}/answer", body, "nurse")
        assert answer.status_code == 200
        assert [active for active, _, _ in whose_alerts(home)] == [still_on]
