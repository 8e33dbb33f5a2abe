"""Readings, packs, dead letters and scores in one DuckDB file: the embedded ``ReadingStore``."""

from vigil.store.duck.store import DuckReadingStore

__all__ = ["DuckReadingStore"]
