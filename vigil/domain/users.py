"""People who log in, their sessions, and the tokens of machines. Names, passwords and secrets: what may be one, what is kept."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vigil.domain.errors import InvalidInput

#: Characters (ours). There is no rule about kinds of letters: a long sentence is a good password.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 128
LONGEST_NAME = 64
#: Who acts in the logs when no person does: the platform itself, and whoever may read the data directory.
NOBODYS_NAMES = frozenset({"vigil", "operator"})
#: Writings with letters that look the same, by the first word of their letters' names in Unicode.
_ALIKE = frozenset({"LATIN", "GREEK", "CYRILLIC"})
#: Letters and marks that show nothing (Unicode's ``Default_Ignorable_Code_Point``, as far as it is no control, and the empty
#: Braille cell): with one of them two names would look like one.
_UNSEEN = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0\\U000e0100-\\U000e01ef]"
)
#: Of one person at once; one more ends the oldest (ours).
MOST_SESSIONS = 20
#: What a machine's token begins with, so that one that got lost can be searched for.
TOKEN_PREFIX = "vgl_"


class Role(StrEnum):
    """What somebody is here for. ``api.auth`` says which rights that gives."""

    NURSE = "nurse"
    CLINICIAN = "clinician"
    TECHNICIAN = "technician"
    ADMIN = "admin"
    AUDITOR = "auditor"
    RESEARCH = "research"


@dataclass(frozen=True, slots=True)
class User:
    """A person's account. ``user_id``: the name to log in with, the ``user_id`` of a team's member. ``wards``: whose patients
    are to be seen, None = all. Times: server, microseconds UTC."""

    user_id: str
    display: str
    role: Role
    wards: frozenset[str] | None
    password_hash: str = field(repr=False)
    made_at: int
    disabled_at: int | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is logged in at a page. Of the cookie's value only the hash is kept. ``touched_at``: when a person last did
    something there, as far as it was written down. Times: server, microseconds UTC."""

    secret_hash: str = field(repr=False)
    user_id: str
    made_at: int
    touched_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class MachineToken:
    """For a program that asks the API. ``rights`` and ``wards`` None = all of the role, all wards. ``last_day``: days since
    1970 (UTC) when it was last used, None = never. Times: server, microseconds UTC."""

    token_id: str
    secret_hash: str = field(repr=False)
    name: str
    role: Role
    rights: frozenset[str] | None
    wards: frozenset[str] | None
    made_by: str
    made_at: int
    expires_at: int
    revoked_at: int | None = None
    last_day: int | None = None


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts as of one ``revision``. ``users`` by folded name, ``sessions`` and ``tokens`` by the hash of their secret."""

    revision: int
    users: Mapping[str, User]
    sessions: Mapping[str, Session] = field(repr=False)
    tokens: Mapping[str, MachineToken] = field(repr=False)


def login_name(typed: str) -> str:
    """The name as it is kept. Raises ``InvalidInput``, which does not repeat it.

    >>> login_name("  Li   Na "), login_name("Zoe\\u0308")
    ('Li Na', 'Zoë')
    """
    name = " ".join(part for part in unicodedata.normalize("NFC", typed).split(" ") if part)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput(f"a name to log in with has 1 to {LONGEST_NAME} characters")
    # Others, separators: what cannot be seen, or turns the writing around, would make two names look like one.
    if _UNSEEN.search(name) or any(unicodedata.category(letter)[0] in "CZ" and letter != " " for letter in name):
        raise InvalidInput("a name to log in with has letters that can be seen, and single spaces between them")
    if len({word for letter in name if (word := unicodedata.name(letter, "").partition(" ")[0]) in _ALIKE}) > 1:
        raise InvalidInput("a name to log in with does not mix Latin, Greek and Cyrillic letters: some look the same")
    if "/" in name or name in (".", ".."):
        raise InvalidInput("a name to log in with stands in addresses: no slash, and more than dots")
    require_somebodys(name)
    return name


def require_somebodys(name: str) -> None:
    """Raises ``InvalidInput`` for a name by which the logs tell that no person acted: what he did would not count as his."""
    if folded(name) in NOBODYS_NAMES:
        raise InvalidInput(f"{' and '.join(sorted(NOBODYS_NAMES))} are no names of people: the logs use them otherwise")


def folded(name: str) -> str:
    """A name as it is compared: ``LI NA`` and full-width letters are the same person.

    >>> folded("Straße") == folded("STRASSE"), folded("Ｌｉ") == folded("li"), folded("li") == folded("1i")
    (True, True, False)
    """
    text = unicodedata.normalize("NFKC", name)
    for _ in range(2):  # folding may leave what has to be composed again
        text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(text.split())


def composed(typed: str) -> str:
    """A password as it is hashed: systems differ in how they type the same letter."""
    return unicodedata.normalize("NFC", typed)


def password_given(typed: str, user_id: str) -> str:
    """A new password as it is hashed. Raises ``InvalidInput``, which does not repeat it."""
    password = composed(typed)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if folded(password) == folded(user_id):
        raise InvalidInput("the password must not be the name")
    if len(set(password)) == 1:
        raise InvalidInput("a password has more than one letter")
    return password


def secret_hash(secret: str) -> str:
    """What is kept of a random secret of 256 bits: it needs no salt and no slow hash, because nobody can try them all."""
    return hashlib.sha256(f"vigil secret {secret}".encode()).hexdigest()


def csrf_of(secret: str) -> str:
    """What a page must send with each change beside the cookie ``secret``: another site can make a browser send the cookie, but
    it can read neither."""
    return hashlib.sha256(f"vigil csrf {secret}".encode()).hexdigest()


def require_admin(users: Iterable[User]) -> None:
    """Somebody must be able to manage the accounts. Raises ``InvalidInput`` for users of whom no admin can log in."""
    if not any(one.role is Role.ADMIN and one.enabled for one in users):
        raise InvalidInput(
            "at least one admin must be able to log in: the first account is an admin's, the last one stays"
        )
