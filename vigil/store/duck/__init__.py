"""Readings, packs, dead letters, scores and predictions in one DuckDB file: the embedded ``ReadingStore``."""

from vigil.store.duck.store import DuckReadingStore

__all__ = ["DuckReadingStore"]
