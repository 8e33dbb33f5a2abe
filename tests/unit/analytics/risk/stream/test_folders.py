"""The stream with real model folders: in shadow from the registry, refused from the minute in which a byte is changed."""

from __future__ import annotations

from pathlib import Path

from analytics.combination_rule import AtOnce
from analytics.risk.registry import Registry
from analytics.risk.stream.live import RiskPlan
from analytics.runner import Analytics
from tests.unit.analytics.risk.model_bed import bed
from tests.unit.analytics.risk.stream.bed import NAME, RiskWard, quarters
from vigil.domain.risk import ModelState


class FolderWard(RiskWard):
    def restarted(self) -> Analytics:
        super().restarted()
        folder = self.path.parent
        plan = RiskPlan(lambda: Registry(folder, folder / "none"), self.readings, folder / "risk.npz", AtOnce)
        self.analytics = Analytics(
            self.readings, self.records, self.bus, self.clock, self.path, self.metrics, self.kernels, risk=plan
        )
        return self.analytics


def test_a_folder_in_shadow_is_asked_until_it_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "models" / NAME
    bed().write(path)
    Registry(tmp_path, tmp_path / "none").set_state(NAME, ModelState.SHADOW, "Dr Wang", "to compare", 1)
    ordinary = RiskWard.of(tmp_path)
    ward = FolderWard(
        tmp_path / "analytics.npz", ordinary.clock, ordinary.readings, ordinary.records, kernels=ordinary.kernels
    )
    minute = ward.minutes(0, quarters(90, 90))
    (made,) = ward.made
    assert (made.model, made.state, len(made.version)) == (NAME, ModelState.SHADOW, 12)
    card = path / "card.json"
    card.write_bytes(card.read_bytes().replace(b"the", b"THE", 1))
    ward.minutes(minute, quarters(90, 90))
    assert len(ward.made) == 1
    assert "card.json" in ward.alert(f"model_refused.{NAME}").evidence.text
    assert {alert.rule for alert in ward.records.alerts()} == {f"model_refused.{NAME}"}
