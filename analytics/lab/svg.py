"""Pictures as text: the few shapes that the report's figures are made of. Colours and type come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

#: Width of every figure in its own units; narrow enough that its type stays readable on a phone.
WIDTH = 400.0

Number = float | int


def tag(name: str, content: str = "", **attributes: Number | str) -> str:
    """An element; ``content`` is markup. A trailing underscore of an attribute's name goes, the others become hyphens.

    >>> tag("text", "3 &lt; 4", x=1.25, class_="note")
    '<text x="1.25" class="note">3 &lt; 4</text>'
    """
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{content}</{name}>"


def _text(value: Number | str) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def words(text: str, x: Number, y: Number, kind: str = "label", anchor: str = "start") -> str:
    return tag("text", escape(text), x=x, y=y, class_=kind, text_anchor=anchor)


def line(x1: Number, y1: Number, x2: Number, y2: Number, kind: str) -> str:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def bar(x: Number, y: Number, width: Number, height: Number, kind: str, said: str) -> str:
    return tag("rect", tag("title", escape(said)), x=x, y=y, width=max(width, 0.5), height=height, class_=kind)


def path(points: Sequence[tuple[float, float]], kind: str) -> str:
    steps = " L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return tag("path", d=f"M{steps}", class_=f"{kind} path")


#: Outlines of a mark around (0, 0): who cannot tell the colours can tell the shapes.
_SHAPES = ("M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z", "M-4 -4H4V4H-4Z", "M0 -5L5 0L0 5L-5 0Z", "M-4.5 4L0 -4.5L4.5 4Z")


def mark(place: int, x: Number, y: Number, kind: str, said: str) -> str:
    shape = _SHAPES[place % len(_SHAPES)]
    return tag(
        "path", tag("title", escape(said)), d=shape, transform=f"translate({x:.2f} {y:.2f})", class_=f"{kind} mark"
    )


def figure(parts: Iterable[str], height: Number, title: str) -> str:
    """``title``: what a reader who does not see the picture is told."""
    return tag(
        "svg",
        tag("title", escape(title)) + "".join(parts),
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        class_="figure",
    )


def ticks(most: float, wanted: int = 4) -> list[float]:
    """Round numbers from 0 up to ``most``.

    >>> ticks(93.0)
    [0.0, 25.0, 50.0, 75.0]
    """
    if most <= 0:
        return [0.0]
    rough = most / wanted
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * unit >= rough)
    return [step * number for number in range(int(most / step + 1e-9) + 1)]
