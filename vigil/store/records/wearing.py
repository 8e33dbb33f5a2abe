"""Who confirmed which binding; every word is kept. A new one moves the revision."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select

from vigil.domain.people import Binding
from vigil.domain.wearing import Word
from vigil.store.records.documents import binding_of
from vigil.store.records.revision import changed
from vigil.store.records.tables import Tables


class WearingBook:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def worn(self, con: Connection) -> list[tuple[Binding, Word | None]]:
        b, w = self._t.bindings, self._t.binding_words
        newest = select(func.max(w.c.word_id).label("word_id")).group_by(w.c.binding_id).subquery()
        words = select(w).join(newest, w.c.word_id == newest.c.word_id)
        said = {row.binding_id: _word(row._asdict()) for row in con.execute(words)}
        running = select(b).where(b.c.end_at.is_(None)).order_by(b.c.device_id)
        found = [binding_of(row._asdict()) for row in con.execute(running)]
        return [(one, said.get(one.binding_id)) for one in found]

    def say(self, con: Connection, binding_id: int, word: Word) -> bool:
        b, w = self._t.bindings, self._t.binding_words
        running = select(b.c.binding_id).where(b.c.binding_id == binding_id, b.c.end_at.is_(None))
        if con.execute(running).first() is None:
            return False
        last = con.execute(select(w).where(w.c.binding_id == binding_id).order_by(w.c.word_id.desc()).limit(1)).first()
        if last is not None and (last.confirmed, last.said_by, last.text) == (word.confirmed, word.by, word.text):
            return True
        values: dict[str, Any] = {"binding_id": binding_id, "confirmed": word.confirmed, "said_by": word.by}
        con.execute(insert(w).values(**values, text=word.text, at=word.at))
        changed(con, self._t.counters)
        return True


def _word(row: dict[str, Any]) -> Word:
    return Word(row["confirmed"], row["said_by"], row["text"], row["at"])
