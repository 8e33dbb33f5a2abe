"""Column types that both SQLite and PostgreSQL hold: sealed text and JSON documents."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import BigInteger, ColumnElement, Integer, LargeBinary, Text, func
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from vigil.domain.errors import StoreError
from vigil.domain.people import SELF_TEST_PREFIX

#: Counts up by itself in both databases: SQLite does so only for its own INTEGER.
COUNTED = BigInteger().with_variant(Integer, "sqlite")


class SealedText(TypeDecorator[str]):
    """Text that stands in the database only as a Fernet token (AES-128-CBC with HMAC-SHA256). It cannot be searched."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, box: Fernet) -> None:
        super().__init__()
        self.box = box

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> bytes | None:
        # The token's own time stamp is left at 0: the record needs none and the store reads no clock.
        return None if value is None else self.box.encrypt_at_time(value.encode(), 0)

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> str | None:
        if value is None:
            return None
        try:
            return self.box.decrypt(value).decode()
        except InvalidToken as error:
            raise StoreError("a sealed field cannot be read with this key") from error


class Document(TypeDecorator[Any]):
    """JSON as text. Not the database's own JSON type, because that of PostgreSQL refuses NaN, which evidence may hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, default=_plain)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def not_test(patient_id: ColumnElement[str]) -> ColumnElement[bool]:
    """As ``vigil.domain.people.is_test``, letter for letter: LIKE would not tell capitals apart in SQLite."""
    return func.substr(patient_id, 1, len(SELF_TEST_PREFIX)) != SELF_TEST_PREFIX


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a document cannot hold a {type(value).__name__}")
