"""A claim code as a picture: it holds the code and nothing else, and a page may show it."""

from __future__ import annotations

import logging
import re
from xml.etree import ElementTree

import pytest
import segno

from api.qr import qr_svg
from tests.unit.api.site import Site

CODE = "7KQM-3XPA-WD9H"
SVG = "{http://www.w3.org/2000/svg}"


def modules(svg: str) -> set[tuple[int, int]]:
    """The dark ones, without the border, from the picture's path: M x y, m dx dy, h length."""
    path = next(one.get("d", "") for one in ElementTree.fromstring(svg).iter(f"{SVG}path") if one.get("stroke"))
    found, x, y = set(), 0.0, 0.0
    for step, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        values = [float(one) for one in numbers.split()]
        if step == "h":
            found |= {(round(x + place) - 4, round(y - 4.5)) for place in range(int(values[0]))}
            x += values[0]
        else:
            x, y = (values[0], values[1]) if step == "M" else (x + values[0], y + values[1])
    return found


def test_the_picture_holds_the_code() -> None:
    wanted = segno.make_qr(CODE, error="m").matrix
    assert modules(qr_svg(CODE)) == {(x, y) for y, row in enumerate(wanted) for x, dark in enumerate(row) if dark}
    assert modules(qr_svg("7KQM-3XPA-WD9J")) != modules(qr_svg(CODE))


def test_a_strict_content_policy_lets_it_be_shown() -> None:
    svg = qr_svg(CODE)
    root = ElementTree.fromstring(svg)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {"svg", "g", "path"}
    assert not re.search(r"style|href|script|url\(|\bon\w+=", svg)
    assert CODE not in svg  # only those who can see it can read it


def test_a_code_comes_with_its_picture_and_is_in_no_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.post("/api/v1/devices", {"id": "w-1", "model": "patch"}, "technician").raise_for_status()
    made = site.post("/api/v1/devices/w-1/claim", {}, "technician").json()
    assert made["qr"] == qr_svg(made["code"])
    gateway = site.post("/api/v1/gateways/g-hall/claim", {"devices": ["w-1"]}, "technician").json()
    assert gateway["qr"] == qr_svg(gateway["code"])
    assert made["code"] not in caplog.text
    assert site.get("/api/v1/devices/w-1/enrolments", "technician").text.count(made["code"]) == 0
