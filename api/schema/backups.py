"""The copy that a backup is packed from."""

from __future__ import annotations

from api.schema.base import Model, Moment


class RowsOut(Model):
    """``digest``: in hex, over the rows in any order."""

    rows: int
    digest: str


class CopyMade(Model):
    """``folder``: below the data directory. ``cut_at``: the moment that the copy shows; ``pause_s``: for so long no reading could
    be committed. ``readings``: what each table held then."""

    folder: str
    cut_at: Moment
    pause_s: float
    readings: dict[str, RowsOut]
