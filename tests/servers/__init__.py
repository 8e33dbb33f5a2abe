"""Servers that tests start for themselves, on a free port of 127.0.0.1."""
