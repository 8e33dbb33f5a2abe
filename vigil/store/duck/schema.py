"""The tables, and the check that a file is one of ours and of this version."""

from __future__ import annotations

from pathlib import Path

import duckdb

from vigil.domain.errors import StoreError
from vigil.store.duck import history, hours

#: Grows with every change to ``TABLES``; ``_UPGRADES`` says how a file of the version before becomes one.
VERSION = 4

# Since version 2.
_PREDICTIONS = """
CREATE TABLE predictions (
    prediction_id BIGINT NOT NULL, patient_id VARCHAR NOT NULL, model VARCHAR NOT NULL, version VARCHAR NOT NULL,
    predicted_at BIGINT NOT NULL, decided_at BIGINT NOT NULL, position UBIGINT NOT NULL, state VARCHAR NOT NULL,
    source VARCHAR NOT NULL, probability DOUBLE NOT NULL, low DOUBLE NOT NULL, high DOUBLE NOT NULL, alert BOOLEAN NOT NULL,
    abstained VARCHAR NOT NULL, document VARCHAR NOT NULL
);
"""

# No key and no index: a key costs 2 to 49 times the insert time and 7 times the file (design section 5). Data arrive almost
# in time order, so that the zone maps of DuckDB (least and greatest value of each row group) do the work of an index.
# ``readings.value`` is NULL where the reading is NaN ("tried, no value"): DuckDB reads numpy's NaN as NULL.
# ``packs.ordinal`` is the greatest ordinal when the pack was committed.
TABLES = f"""
CREATE TABLE schema_info (version INTEGER NOT NULL, created_at BIGINT NOT NULL);
CREATE TABLE streams (stream UINTEGER NOT NULL, device_id VARCHAR NOT NULL, vital INTEGER NOT NULL, site VARCHAR NOT NULL);
CREATE TABLE readings (
    ordinal UBIGINT NOT NULL, stream UINTEGER NOT NULL, measured_at BIGINT NOT NULL, device_time BIGINT NOT NULL,
    received_at BIGINT NOT NULL, value DOUBLE, quality USMALLINT NOT NULL, epoch UINTEGER NOT NULL, seq UINTEGER NOT NULL
);
CREATE TABLE packs (
    device_id VARCHAR NOT NULL, epoch UINTEGER NOT NULL, seq UINTEGER NOT NULL, ordinal UBIGINT NOT NULL,
    outcome UTINYINT NOT NULL, digest UBIGINT NOT NULL
);
CREATE TABLE dead_letters (
    dead_id BIGINT NOT NULL, received_at BIGINT NOT NULL, topic VARCHAR NOT NULL, device_id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, detail VARCHAR NOT NULL, payload BLOB NOT NULL, refused_values VARCHAR NOT NULL
);
CREATE TABLE scores (
    score_id BIGINT NOT NULL, patient_id VARCHAR NOT NULL, name VARCHAR NOT NULL, scored_at BIGINT NOT NULL,
    status VARCHAR NOT NULL, total INTEGER, lower_bound INTEGER, upper_bound INTEGER, band VARCHAR, single_3 BOOLEAN NOT NULL,
    document VARCHAR NOT NULL
);
{_PREDICTIONS}
{history.TABLES}
{hours.TABLES}
"""

# By the version that a file has: what makes the next one of it.
_UPGRADES = {1: _PREDICTIONS, 2: history.TABLES, 3: hours.TABLES}


def prepare(con: duckdb.DuckDBPyConnection, path: Path, now_us: int) -> None:
    """Creates the tables in an empty file, or those that an older file lacks, in the running transaction.

    Raises ``StoreError`` for another program's file or a version that cannot be brought to this one.
    """
    tables = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        con.execute(TABLES)
        con.execute("INSERT INTO schema_info VALUES (?, ?)", [VERSION, now_us])
        return
    if "schema_info" not in tables:
        raise StoreError(f"{path} is a DuckDB file of another program: give another path")
    versions = [row[0] for row in con.execute("SELECT version FROM schema_info").fetchall()]
    while len(versions) == 1 and versions[0] in _UPGRADES:
        con.execute(_UPGRADES[versions[0]])
        versions[0] += 1
        con.execute("UPDATE schema_info SET version = ?", versions)
    if versions != [VERSION]:
        found = ", ".join(map(str, versions)) or "none"
        raise StoreError(f"{path} has schema version {found}, this Vigil needs {VERSION}: use the Vigil that wrote it")
