"""Which models are in use: only those that somebody decided on, as they were then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analytics.risk import registry as registries
from analytics.risk.card.card import Approval
from analytics.risk.folder import open_folder, write_folder
from analytics.risk.registry import Registry
from analytics.risk.states import FILE, StateChange, append, read
from tests.unit.analytics.risk.model_bed import FINGERPRINT, PAGE, bed, logistic
from vigil.domain.errors import ModelError
from vigil.domain.risk import ModelState
from vigil.domain.times import DAY

NAME = "sepsis-home"
NOW = 1_767_225_600_000_000
ACTIVE, SHADOW, RETIRED = ModelState.ACTIVE, ModelState.SHADOW, ModelState.RETIRED


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / NAME
    bed().write(path)
    return path


@pytest.fixture
def data_dir(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "models" / NAME)
    return tmp_path


@pytest.fixture
def registry(data_dir: Path) -> Registry:
    return Registry(data_dir, data_dir / "none")


def in_use(registry: Registry) -> list[tuple[str, ModelState]]:
    return [(model.name, state) for model, state in registry.in_use()]


def test_a_folder_alone_is_not_in_use(registry: Registry) -> None:
    [entry] = registry.list()
    assert (entry.name, entry.state, entry.history, entry.problem, entry.shipped) == (NAME, None, (), "", False)
    assert registry.in_use() == []
    assert registry.refused == {}
    assert registry.verify(NAME) == []
    assert registry.find(NAME).name == NAME


def test_an_empty_installation(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "new", tmp_path / "none")
    assert registry.list() == []
    assert registry.in_use() == []
    with pytest.raises(ModelError, match="model x: there is no such folder"):
        registry.find("x")
    assert registry.verify("x") == ["model x: there is no such folder"]


def test_a_model_goes_from_shadow_to_active_to_retired_and_everything_is_kept(
    registry: Registry, data_dir: Path
) -> None:
    assert registry.set_state(NAME, SHADOW, "Dr Wang", "to compare", NOW) == []
    assert in_use(registry) == [(NAME, SHADOW)]
    warnings = registry.set_state(NAME, ACTIVE, " Dr Wang ", "fewer alerts than NEWS2", NOW + 20 * DAY)
    assert warnings == ["its card is not signed off: nobody answers for it clinically"]
    assert in_use(registry) == [(NAME, ACTIVE)]
    assert registry.set_state(NAME, RETIRED, "Dr Li", "a newer one", NOW + 30 * DAY) == []
    assert in_use(registry) == []
    [entry] = Registry(data_dir, data_dir / "none").list()
    digest = open_folder(data_dir / "models" / NAME).hash
    assert entry.state is RETIRED
    assert entry.history == (
        StateChange(SHADOW, digest, "Dr Wang", "to compare", NOW),
        StateChange(ACTIVE, digest, "Dr Wang", "fewer alerts than NEWS2", NOW + 20 * DAY),
        StateChange(RETIRED, digest, "Dr Li", "a newer one", NOW + 30 * DAY),
    )


def test_active_needs_a_shadow_run_of_the_same_hash(registry: Registry, data_dir: Path) -> None:
    with pytest.raises(ModelError, match="has never been in shadow: run vigil models shadow sepsis-home first"):
        registry.set_state(NAME, ACTIVE, "x", "y", NOW)
    assert registry.in_use() == []
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    bed(logistic).write(data_dir / "models" / NAME)
    with pytest.raises(ModelError, match="has never been in shadow"):
        registry.set_state(NAME, ACTIVE, "x", "y", NOW + 20 * DAY)
    warnings = registry.set_state(NAME, ACTIVE, "x", "a study needs it", NOW, without_shadow=True)
    assert "it was never in shadow here: nobody knows how often it will call" in warnings
    assert in_use(registry) == [(NAME, ACTIVE)]


def test_a_short_shadow_run_an_old_card_and_a_signed_one_are_told_apart(tmp_path: Path) -> None:
    one, registry = bed(), Registry(tmp_path, tmp_path / "none")
    signed = replace(one.card, approvals=(Approval("Dr Wang", "clinical safety owner", "2026-01-02", "for a study"),))
    write_folder(
        tmp_path / "models" / NAME, one.predictor, signed, one.report, one.reference, page=PAGE, fingerprint=FINGERPRINT
    )
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    assert registry.set_state(NAME, ACTIVE, "x", "y", NOW + 3 * DAY) == [
        "it was in shadow for 3.0 days, two weeks are advised"
    ]
    assert registry.set_state(NAME, ACTIVE, "x", "y", NOW + 14 * DAY) == []
    assert registry.set_state(NAME, ACTIVE, "x", "y", NOW + 366 * DAY) == ["it was to be evaluated anew by 2027-01-01"]


def test_a_card_with_gaps_is_not_activated(tmp_path: Path) -> None:
    one, registry = bed(), Registry(tmp_path, tmp_path / "none")
    gaps = replace(one.card, rollback=" ", failure_modes=())
    write_folder(
        tmp_path / "models" / NAME, one.predictor, gaps, one.report, one.reference, page=PAGE, fingerprint=FINGERPRINT
    )
    assert registry.verify(NAME) == ["the model card lacks failure modes", "the model card lacks rollback"]
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    with pytest.raises(ModelError, match="its card lacks: failure modes, rollback"):
        registry.set_state(NAME, ACTIVE, "x", "y", NOW + 20 * DAY, without_shadow=True)
    assert in_use(registry) == [(NAME, SHADOW)]


@pytest.mark.parametrize(("by", "reason"), [("", "y"), ("x", " ")])
def test_a_decision_has_a_person_and_a_reason(registry: Registry, data_dir: Path, by: str, reason: str) -> None:
    with pytest.raises(ModelError, match="say who decides and why"):
        registry.set_state(NAME, SHADOW, by, reason, NOW)
    assert not (data_dir / "models" / FILE).exists()


def _another_model(path: Path) -> None:
    bed(logistic).write(path)


def _one_byte(path: Path) -> None:
    content = (path / "card.html").read_bytes()
    (path / "card.html").write_bytes(content[:-1] + b" ")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_another_model, "unknown hash .* decide anew about the one that is there: vigil models shadow sepsis-home"),
        (_one_byte, "card.html was changed since the model was stored; restore the folder or retire it"),
        (shutil.rmtree, "there is no such folder"),
        (lambda path: (path / "card.json").unlink(), "card.json is missing; restore"),
        (lambda path: (path / "more").touch(), "'more' does not belong"),
    ],
)
def test_a_model_that_changes_while_it_is_in_use_is_refused_and_can_be_retired(
    registry: Registry, data_dir: Path, spoil: Callable[[Path], object], why: str
) -> None:
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    assert in_use(registry) == [(NAME, SHADOW)]
    spoil(data_dir / "models" / NAME)
    assert registry.in_use() == []
    assert registry.refused.keys() == {NAME}
    [problem] = registry.verify(NAME)
    assert registry.refused[NAME] == problem
    with pytest.raises(ModelError, match=why):
        registry.find(NAME)
    assert [entry.problem for entry in registry.list()] == [problem]
    registry.set_state(NAME, RETIRED, "x", "broken", NOW + 1)
    assert (registry.in_use(), registry.refused) == ([], {})


def test_deciding_anew_accepts_the_folder_that_is_there(registry: Registry, data_dir: Path) -> None:
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    _another_model(data_dir / "models" / NAME)
    registry.set_state(NAME, SHADOW, "x", "trained anew", NOW + 1)
    assert in_use(registry) == [(NAME, SHADOW)]
    assert registry.refused == {}


def test_another_process_sees_a_decision_at_its_next_look(registry: Registry, data_dir: Path) -> None:
    core = Registry(data_dir, data_dir / "none")
    assert core.in_use() == []
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    [(model, _)] = core.in_use()
    assert core.in_use()[0][0] is model  # nothing was touched: not opened again
    registry.set_state(NAME, RETIRED, "x", "y", NOW)
    assert core.in_use() == []


def test_shipped_models_are_found_and_the_installations_own_go_first(written: Path, tmp_path: Path) -> None:
    shipped, data_dir = written.parent, tmp_path / "data"
    registry = Registry(data_dir, shipped)
    [entry] = registry.list()
    assert (entry.shipped, entry.path, entry.state) == (True, written, None)
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    assert in_use(registry) == [(NAME, SHADOW)]
    # A newer one in the data directory does not take the place of the one that was decided on ...
    digest = bed(logistic).write(data_dir / "models" / NAME)
    assert [model.path for model, _ in registry.in_use()] == [written]
    # ... until somebody decides.
    registry.set_state(NAME, SHADOW, "x", "the new one", NOW + 1)
    assert [(model.path, model.hash) for model, _ in registry.in_use()] == [(data_dir / "models" / NAME, digest)]


@pytest.mark.parametrize("name", ["../sepsis-home", "..", ".", "", "/", "sepsis-home/", "states.json"])
def test_a_name_never_leads_out_of_the_models(registry: Registry, data_dir: Path, name: str) -> None:
    shutil.copytree(data_dir / "models" / NAME, data_dir / NAME)
    with pytest.raises(ModelError, match="there is no such folder"):
        registry.set_state(name, SHADOW, "x", "y", NOW)
    with pytest.raises(ModelError, match="there is no such folder"):
        registry.find(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format":2,"models":{}}',
        '{"format":1,"models":{"a":[]}}',
        '{"format":1,"models":{"a":[{"state":"on"}]}}',
    ],
)
def test_states_that_cannot_be_read_put_nothing_into_use_and_are_not_overwritten(
    registry: Registry, data_dir: Path, text: str
) -> None:
    path = data_dir / "models" / FILE
    path.write_text(text)
    assert registry.in_use() == []
    assert registry.refused.keys() == {FILE}
    for act in (registry.list, lambda: registry.set_state(NAME, SHADOW, "x", "y", NOW)):
        with pytest.raises(ModelError, match="no model is in use"):
            act()
    assert path.read_text() == text


def test_a_write_that_is_cut_short_leaves_the_old_states(
    registry: Registry, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.set_state(NAME, SHADOW, "x", "y", NOW)
    path = data_dir / "models" / FILE
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("analytics.risk.states.os.replace", full)
        with pytest.raises(ModelError, match=r"states.json cannot be written: No space left"):
            registry.set_state(NAME, RETIRED, "x", "y", NOW)
    assert path.read_bytes() == before
    registry.set_state(NAME, RETIRED, "x", "y", NOW)
    assert len(read(path.parent)[NAME]) == 2


def test_two_decisions_at_once_do_not_lose_one(tmp_path: Path) -> None:
    change = StateChange(SHADOW, "0" * 64, "x", "y", NOW)
    (tmp_path / "states.lock").touch()
    with pytest.raises(ModelError, match="another command is changing the models"):
        append(tmp_path, NAME, change)
    (tmp_path / "states.lock").unlink()
    for name in ("a", "b", "a"):
        append(tmp_path, name, change)
    assert {name: len(changes) for name, changes in read(tmp_path).items()} == {"a": 2, "b": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE]
    assert json.loads((tmp_path / FILE).read_text())["models"]["b"] == [
        {"state": "shadow", "hash": "0" * 64, "by": "x", "reason": "y", "at": NOW}
    ]


def test_retiring_what_was_never_in_use(registry: Registry) -> None:
    with pytest.raises(ModelError, match="was never in use"):
        registry.set_state(NAME, RETIRED, "x", "y", NOW)


def test_every_model_that_is_shipped_can_be_trusted() -> None:
    for path in registries.folders(registries.SHIPPED):
        model = open_folder(path)
        assert model.card.check(model.report) == []
        assert sum(one.stat().st_size for one in path.iterdir()) < 1_000_000
