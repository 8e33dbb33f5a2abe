"""Policy documents: every version is kept, the newest of each scope and name holds. A change moves the revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select

from vigil.domain.effective import PolicyDocument, Scope, chain, merged
from vigil.domain.errors import NotFound, PolicyError, StoreError, VersionConflict
from vigil.domain.policy import DEFAULT_POLICY, Policy
from vigil.store.records.revision import changed, revision
from vigil.store.records.tables import Tables

#: Combinations of documents that are kept merged; a ward has a few, a patient with a document of his own one more.
_MERGED_AT_MOST = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides about policies, at one revision of the records: the ward of each patient, the newest documents."""

    revision: int
    wards: dict[str, str]
    documents: dict[tuple[Scope, str], PolicyDocument]


class Policies:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables
        self._known: _Known | None = None
        self._merged: dict[tuple[tuple[Scope, str, int], ...], Policy] = {}

    def put(self, con: Connection, document: PolicyDocument, after: int | None) -> PolicyDocument:
        t = self._t.policies
        if document.scope is Scope.PATIENT and document.name not in self._current(con).wards:
            raise NotFound("no such patient")
        same = and_(t.c.scope == document.scope.value, t.c.name == document.name)
        newest = con.execute(select(func.max(t.c.number)).where(same)).scalar_one() or 0
        if after is not None and after != newest:
            raise VersionConflict(f"the policy is at version {newest}, not {after}")
        numbered = replace(document, number=newest + 1)
        con.execute(insert(t).values(_row(numbered)))
        changed(con, self._t.counters)
        return numbered

    def newest(self, con: Connection) -> list[PolicyDocument]:
        t = self._t.policies
        last = select(func.max(t.c.policy_id)).group_by(t.c.scope, t.c.name)
        query = select(t).where(t.c.policy_id.in_(last)).order_by(t.c.policy_id)
        return [_document(row._asdict()) for row in con.execute(query)]

    def history(self, con: Connection, scope: Scope, name: str) -> list[PolicyDocument]:
        t = self._t.policies
        query = select(t).where(t.c.scope == scope.value, t.c.name == name).order_by(t.c.number.desc())
        return [_document(row._asdict()) for row in con.execute(query)]

    def policy(self, con: Connection, patient_id: str) -> Policy | None:
        known = self._current(con)
        if patient_id not in known.wards:
            return None
        held = [each for each in chain(known.documents, known.wards[patient_id], patient_id) if each.content]
        return self._merge(held) if held else None

    def _current(self, con: Connection) -> _Known:
        """Read again only when the records changed, by whomever: a patient's policy is asked for one by one."""
        people, now = self._t.patients, revision(con, self._t.counters)
        known = self._known
        if known is None or known.revision != now:
            wards = {row.patient_id: row.ward for row in con.execute(select(people.c.patient_id, people.c.ward))}
            known = self._known = _Known(now, wards, {each.key: each for each in self.newest(con)})
        return known

    def _merge(self, documents: Sequence[PolicyDocument]) -> Policy:
        """The same object for the same documents: who compares policies need not look inside."""
        key = tuple((each.scope, each.name, each.number) for each in documents)
        if key not in self._merged:
            if len(self._merged) >= _MERGED_AT_MOST:
                self._merged.clear()
            try:
                self._merged[key] = merged(DEFAULT_POLICY, documents).policy
            except (TypeError, KeyError, ValueError, AttributeError, PolicyError) as error:
                # Of a later Vigil: a limit that cannot be read must not be left out in silence.
                raise StoreError(f"a stored policy cannot be read: {type(error).__name__}") from error
        return self._merged[key]


def _row(document: PolicyDocument) -> dict[str, Any]:
    return {
        "scope": document.scope.value,
        "name": document.name,
        "number": document.number,
        "document": document.content,
        "author": document.author,
        "reason": document.reason,
        "signed_off_by": document.signed_off_by,
        "at": document.at,
    }


def _document(row: Mapping[str, Any]) -> PolicyDocument:
    return PolicyDocument(
        scope=Scope(row["scope"]),
        name=row["name"],
        content=row["document"],
        author=row["author"],
        reason=row["reason"],
        signed_off_by=row["signed_off_by"],
        at=row["at"],
        number=row["number"],
    )
