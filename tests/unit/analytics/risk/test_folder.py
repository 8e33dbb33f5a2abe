"""A model folder is what was written, to the byte, or it is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk import self_check
from analytics.risk.features import FEATURE_SETS
from analytics.risk.folder import FILES, MANIFEST, MOST_BYTES, SEAL, SELF_CHECK, open_folder, write_folder
from analytics.risk.hypotension import features as hypotension
from analytics.risk.packing import arrays_from_bytes, arrays_to_bytes
from analytics.risk.predictor import Predictor
from analytics.risk.reference import Reference, reference_of
from analytics.risk.skops_file import dumped
from tests.unit.analytics.risk.model_bed import FINGERPRINT, LABEL, PAGE, bed, invented, logistic
from vigil.domain.errors import ModelError

NAME = "sepsis-home"
ALL = (*FILES, MANIFEST, SEAL)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / NAME
    bed().write(path)
    return path


@pytest.fixture(scope="module")
def copied(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For hypothesis; whoever changes it puts it back."""
    return Path(shutil.copytree(written, tmp_path_factory.mktemp("copied") / NAME))


@pytest.fixture
def own(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / NAME))


def resealed(path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """As somebody would who knows how a folder is made, but not what was approved."""
    manifest = json.loads((path / MANIFEST).read_text())
    change(manifest)
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (path / MANIFEST).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (path / SEAL).write_text(f"{digest}  {MANIFEST}\n")
    return digest


@pytest.mark.parametrize("make", [bed, lambda: bed(logistic)])
def test_what_was_written_is_what_is_opened(tmp_path: Path, make: Callable[[], Any]) -> None:
    one, path = make(), tmp_path / NAME
    digest = one.write(path)
    model = open_folder(path, digest)
    assert (model.name, model.hash, model.version, model.label) == (NAME, digest, digest[:12], LABEL)
    assert model.fingerprint == FINGERPRINT
    assert (model.card, model.report) == (one.card, one.report)
    hours = invented(2)
    before, after = one.predictor.predict(hours), model.predictor.predict(hours)
    assert np.array_equal(before.probability, after.probability)
    assert np.array_equal(before.source, after.source)
    assert np.array_equal(before.alert, after.alert)
    for given_, kept in zip(
        one.predictor.interval(before.probability), model.predictor.interval(before.probability), strict=True
    ):
        assert np.array_equal(given_, kept)


def test_twice_written_is_equal_to_the_byte(written: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    assert bed().write(path) == bed().write(path) == open_folder(written).hash
    assert {name: (path / name).read_bytes() for name in ALL} == {name: (written / name).read_bytes() for name in ALL}
    assert sorted(entry.name for entry in path.iterdir()) == sorted(ALL)


def test_no_class_of_ours_and_no_date_is_stored(written: Path) -> None:
    assert b"analytics" not in dumped(bed().predictor.estimator)
    for name in ALL:
        content = (written / name).read_bytes()
        assert b"analytics." not in content
        assert b"pickle" not in content


@given(name=st.sampled_from(ALL), place=st.integers(0, 10**9), flip=st.integers(1, 255))
@settings(max_examples=120)
def test_one_byte_changed_is_refused(copied: Path, name: str, place: int, flip: int) -> None:
    before = (copied / name).read_bytes()
    content = bytearray(before)
    content[place % len(content)] ^= flip
    (copied / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"model {NAME}: (manifest|{name})"):
        open_folder(copied)
    (copied / name).write_bytes(before)
    assert open_folder(copied).name == NAME


@given(name=st.sampled_from(ALL), length=st.integers(0, 10**6))
@settings(max_examples=30)
def test_a_file_cut_short_or_longer_is_refused(copied: Path, name: str, length: int) -> None:
    before = (copied / name).read_bytes()
    for content in (before[: length % len(before)], before + b"\n"):
        (copied / name).write_bytes(content)
        with pytest.raises(ModelError, match=f"model {NAME}: "):
            open_folder(copied)
    (copied / name).write_bytes(before)


@pytest.mark.parametrize("name", ALL)
def test_a_missing_file_is_named(own: Path, name: str) -> None:
    (own / name).unlink()
    with pytest.raises(ModelError, match=f"model {NAME}: {name} is missing"):
        open_folder(own)


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "model.pkl", "__pycache__"])
def test_a_file_more_is_named(own: Path, name: str) -> None:
    (own / name).mkdir() if name == "__pycache__" else (own / name).write_bytes(b"")
    with pytest.raises(ModelError, match="does not belong to a model folder"):
        open_folder(own)


def test_links_folders_and_giants_are_refused(own: Path) -> None:
    page = own / "card.html"
    target = own.parent / "elsewhere.html"
    page.rename(target)
    page.symlink_to(target)
    with pytest.raises(ModelError, match=r"card\.html is not a plain file"):
        open_folder(own)
    page.unlink()
    page.mkdir()
    with pytest.raises(ModelError, match=r"card\.html is not a plain file"):
        open_folder(own)
    page.rmdir()
    with page.open("wb") as file:
        os.truncate(file.fileno(), MOST_BYTES + 1)
    with pytest.raises(ModelError, match=r"card\.html is larger than 8 MiB"):
        open_folder(own)


def test_another_hash_than_expected_is_unknown(written: Path) -> None:
    with pytest.raises(ModelError, match="unknown hash"):
        open_folder(written, "0" * 64)


def test_a_folder_under_another_name_is_refused(own: Path) -> None:
    other = own.rename(own.parent / "hypotension")
    with pytest.raises(ModelError, match=r"model hypotension: manifest\.json is of model 'sepsis-home'"):
        open_folder(other)
    # Nor does it help to change the name in the manifest: the card says it too.
    resealed(other, lambda manifest: manifest.update(name="hypotension"))
    with pytest.raises(ModelError, match=r"card\.json is of 'sepsis-home'"):
        open_folder(other)


def test_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model nowhere: cannot be read"):
        open_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one: one.update(threshold=0.001), None),
        (lambda one: one.pop("earlier_h"), None),  # as before there were any
        (lambda one: one.update(earlier_h=[-1]), "no earlier hours"),
        (lambda one: one.update(earlier_h=[1.5]), "no earlier hours"),
        (lambda one: one["calibration"][1].reverse(), "other probabilities"),
        (lambda one: one["files"].update({"../../etc/passwd": "0" * 64}), "does not name the files"),
        (lambda one: one["files"].pop("card.json"), "does not name the files"),
        (lambda one: one["files"].update({"card.html": "0" * 64}), "card.html was changed"),
        (lambda one: one.update(files=["card.html"]), "does not name the files"),
        (lambda one: one.update(format=2), "has format 2, this program reads 1"),
        (lambda one: one.update(features=one["features"][:-1]), "this program does not compute"),
        (lambda one: one.update(feature_set="moon"), "this program does not compute"),
        (lambda one: one.update(calibration=[[0.0], [[1.0]]]), "numbers of the wrong shape"),
        (lambda one: one.update(bands=[[], []]), "numbers of the wrong shape"),
        (lambda one: one.update(needs={"planets": 3}), "cannot be read"),
        (lambda one: one.pop("label"), "cannot be read"),
        (lambda one: one.update(threshold="high"), "cannot be read"),
        (lambda one: one.update(threshold=float("nan")), "manifest.json is not JSON"),
    ],
)
def test_a_manifest_of_another_content(own: Path, change: Callable[[dict[str, Any]], object], why: str | None) -> None:
    approved = open_folder(own).hash
    digest = resealed(own, change)
    with pytest.raises(ModelError, match="unknown hash"):
        open_folder(own, approved)
    if why is None:  # a whole folder of somebody else: only the hash that was approved tells
        assert open_folder(own).hash == digest
    else:
        with pytest.raises(ModelError, match=why):
            open_folder(own)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"name": "sepsis-home"}', '{"a": 1, "a": 2}', "\xff", "[" * 100_000]
)
def test_a_manifest_that_is_none(own: Path, text: str) -> None:
    content = text.encode("latin-1")
    (own / MANIFEST).write_bytes(content)
    (own / SEAL).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n")
    with pytest.raises(ModelError, match=r"manifest\.json is not"):
        open_folder(own)


def test_other_versions_open_only_when_the_self_check_agrees(own: Path) -> None:
    resealed(own, lambda one: one.update(fitted_with={"scikit-learn": "0.1", "numpy": "0.1"}))
    assert open_folder(own).fitted_with["scikit-learn"] == "0.1"
    arrays = arrays_from_bytes((own / SELF_CHECK).read_bytes())
    arrays["probability"] = arrays["probability"] + 2e-9
    content = arrays_to_bytes(arrays)
    (own / SELF_CHECK).write_bytes(content)
    resealed(own, lambda one: one["files"].update({SELF_CHECK: hashlib.sha256(content).hexdigest()}))
    with pytest.raises(ModelError, match="other probabilities than when the model was stored"):
        open_folder(own)


def test_features_that_are_computed_otherwise_are_noticed(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = FEATURE_SETS["home"]
    warmer = replace(home, compute=lambda hours, rows: home.compute(hours, rows) * np.float32(1.01))
    monkeypatch.setitem(FEATURE_SETS, "home", warmer)
    with pytest.raises(ModelError, match="the features home are computed otherwise"):
        open_folder(written)


def test_the_self_check_holds_nobody(written: Path) -> None:
    stored = arrays_from_bytes((written / SELF_CHECK).read_bytes())
    learnt = {row.tobytes() for row in FEATURE_SETS["home"].compute(invented(1), None)}
    assert not learnt & {row.tobytes() for row in stored["rows"]}


def test_minutes_of_pressure_have_a_self_check_too(monkeypatch: pytest.MonkeyPatch) -> None:
    one = minutes()
    stored = self_check.made(*one)
    assert self_check.made(*one) == stored
    self_check.check(one[0], stored)
    usual = hypotension.features
    monkeypatch.setattr(hypotension, "features", lambda pressure: usual(pressure) + np.float32(0.01))
    with pytest.raises(ModelError, match="the features hypotension are computed otherwise"):
        self_check.check(one[0], stored)


def minutes() -> tuple[Predictor, Reference]:
    """A model of another feature set: mean pressure minute by minute."""
    random = np.random.default_rng(3)
    matrix = hypotension.features(random.uniform(55, 90, (200, 600)).astype(np.float32))
    fitted = logistic().fit(matrix, matrix[:, 2] > np.median(matrix[:, 2]))
    predictor = replace(bed().predictor, feature_set="hypotension", estimator=fitted)
    probability = predictor.predict_features(matrix)
    return predictor, reference_of(hypotension.NAMES, matrix, probability, probability > 0.5, 200)


def test_what_does_not_fit_is_not_written(tmp_path: Path) -> None:
    one, path = bed(), tmp_path / NAME
    with pytest.raises(ModelError, match="has to be called so too"):
        write_folder(
            tmp_path / "other", one.predictor, one.card, one.report, one.reference, page=PAGE, fingerprint=FINGERPRINT
        )
    for name in ("Sepsis", "..", "a b", ""):
        with pytest.raises(ModelError, match="in small letters"):
            write_folder(
                tmp_path / name,
                one.predictor,
                replace(one.card, name=name),
                one.report,
                one.reference,
                page=PAGE,
                fingerprint="",
            )
    for predictor, reference, why in (
        (replace(one.predictor, threshold=0.3), one.reference, "the card says 0.2 where the model alerts from 0.3"),
        (one.predictor, replace(one.reference, names=("x", "score")), "the reference is not of the features 'home'"),
        (replace(one.predictor, feature_set="moon"), one.reference, "the reference is not of the features 'moon'"),
    ):
        with pytest.raises(ModelError, match=why):
            write_folder(path, predictor, one.card, one.report, reference, page=PAGE, fingerprint=FINGERPRINT)
    assert not path.exists()
    path.mkdir()
    (path / "thesis.docx").write_text("mine")
    with pytest.raises(ModelError, match=r"holds 'thesis.docx', which does not belong"):
        one.write(path)
    assert [entry.name for entry in path.iterdir()] == ["thesis.docx"]
