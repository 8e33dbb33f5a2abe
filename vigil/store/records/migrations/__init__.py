"""Alembic migrations of the records database, run when it is opened."""
