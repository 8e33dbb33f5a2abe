"""A short text as a QR code that a page can show: SVG without script, style or address (segno, ISO/IEC 18004)."""

from __future__ import annotations

import io

import segno

#: Pixels a module, and modules of white around the code, as the standard asks for.
_SCALE, _BORDER = 6, 4


def qr_svg(text: str) -> str:
    """Dark on white in every theme, because readers expect that; error correction M, a scratched label is still read.

    >>> qr_svg("7KQM-3XPA-WD9H").startswith('<svg xmlns="http://www.w3.org/2000/svg" width="174" height="174"')
    True
    """
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(
        drawn, kind="svg", scale=_SCALE, border=_BORDER, dark="#000", light="#fff", xmldecl=False, nl=False,
        svgclass=None, lineclass=None,
    )  # fmt: skip
    return drawn.getvalue().decode()
