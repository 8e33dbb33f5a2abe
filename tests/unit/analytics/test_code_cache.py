"""Machine code belongs to the sources that it was made from, constants of other files too."""

from __future__ import annotations

from pathlib import Path

import numba
import pytest

from analytics.engine.code_cache import cache_folder, digest_of
from tests.unit.analytics.ward import compiled


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "deep").mkdir(parents=True)
    (folder / "kernel.py").write_text("from deep.constants import LIMIT\n")
    (folder / "deep" / "constants.py").write_text("LIMIT = 1\n")
    return folder


def test_each_state_of_the_sources_has_a_folder_and_older_ones_go(tmp_path: Path, sources: Path) -> None:
    home = tmp_path / "home"
    first = cache_folder([home], [sources])
    assert first is not None
    (first / "code").write_text("old")
    assert cache_folder([home], [sources]) == first
    assert (first / "code").exists()
    (sources / "deep" / "constants.py").write_text("LIMIT = 2\n")
    second = cache_folder([home], [sources])
    assert second is not None
    assert second != first
    assert [each.name for each in home.iterdir()] == [second.name]


def test_a_moved_or_new_file_counts_too(sources: Path) -> None:
    before = digest_of([sources])
    (sources / "kernel.py").rename(sources / "core.py")
    moved = digest_of([sources])
    (sources / "notes.txt").write_text("no source")
    assert moved == digest_of([sources]) != before
    (sources / "new.py").write_text("")
    assert digest_of([sources]) != moved


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, sources: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("no folder")
    assert cache_folder([taken], [sources]) is None
    assert cache_folder([taken, tmp_path / "second"], [sources]) is not None


def test_the_kernels_are_kept_there() -> None:
    compiled()
    folder = Path(numba.config.CACHE_DIR)  # type: ignore[attr-defined]
    assert folder.name.startswith("kernels-")
    assert any(folder.rglob("*.nbi"))
