"""The shared ground floor of Vigil: nouns, wire formats, stores, bus and runtime. Imports no stage."""

__version__ = "0.1.0"
