"""The page of the detectors is generated from their descriptions: ``python -m tests.docs.test_detectors`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from analytics.detectors import detectors
from analytics.detectors.page import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "detectors.md"


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == page()


def test_every_detector_has_its_section_with_all_parameters() -> None:
    for detector in detectors():
        section = page().split(f"## {detector.name}\n")[1].split("\n## ")[0]
        assert all(f"`{parameter.name}`" in section for parameter in detector.parameters)
        assert all(f"| `{vital}` |" in section for vital in detector.vitals)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
