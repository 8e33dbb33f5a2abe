"""The tables of people who log in, of their sessions, and of the tokens of machines."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from vigil.store.records.columns import Document


@dataclass(frozen=True, slots=True)
class AccountTables:
    users: Table
    sessions: Table
    tokens: Table


def account_tables(meta: MetaData) -> AccountTables:
    return AccountTables(_users(meta), _sessions(meta), _tokens(meta))


def _users(meta: MetaData) -> Table:
    """``folded``: the name as it is compared. ``wards`` NULL = all."""
    return Table(
        "users",
        meta,
        Column("user_id", String(64), primary_key=True),
        Column("folded", Text, nullable=False, unique=True),
        Column("display", Text, nullable=False),
        Column("role", String(16), nullable=False),
        Column("wards", Document),
        Column("password_hash", Text, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("disabled_at", BigInteger),
    )


def _sessions(meta: MetaData) -> Table:
    return Table(
        "sessions",
        meta,
        Column("secret_hash", String(64), primary_key=True),
        Column("user_id", String(64), ForeignKey("users.user_id"), nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("touched_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Index("ix_sessions_user_id_made_at", "user_id", "made_at"),
    )


def _tokens(meta: MetaData) -> Table:
    """``rights`` NULL = all of the role, ``wards`` NULL = all, ``last_day``: days since 1970, NULL = never used."""
    return Table(
        "machine_tokens",
        meta,
        Column("token_id", String(32), primary_key=True),
        Column("secret_hash", String(64), nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("role", String(16), nullable=False),
        Column("rights", Document),
        Column("wards", Document),
        Column("made_by", Text, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("revoked_at", BigInteger),
        Column("last_day", Integer),
    )
