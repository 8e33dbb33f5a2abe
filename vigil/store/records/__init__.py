"""Patients, devices, bindings, policies and alerts in an SQL database: ``RecordStore`` over SQLAlchemy."""

from vigil.store.records.store import SqlRecordStore

__all__ = ["SqlRecordStore"]
