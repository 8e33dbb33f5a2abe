"""Policy documents as the page and scripts see them: what holds, where each value comes from, and a change before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from api.shape import Json, iso, iso_or_none
from vigil.domain.effective import PolicyDocument, Scope, Source, chain, document_problems, merged
from vigil.domain.policy import DEFAULT_POLICY, STARTING_VALUE, in_force
from vigil.domain.schedules import next_turn
from vigil.store import RecordStore

Newest = Mapping[tuple[Scope, str], PolicyDocument]


def newest(records: RecordStore) -> dict[tuple[Scope, str], PolicyDocument]:
    return {document.key: document for document in records.policy_documents()}


def held_by(documents: Newest, scope: Scope, name: str, ward: str = "") -> list[PolicyDocument]:
    """The documents that hold for a scope, wide to narrow. ``ward``: of the patient."""
    if scope is Scope.PATIENT:
        return chain(documents, ward, name)
    if scope is Scope.WARD:
        return chain(documents, name)
    keys = dict.fromkeys([(scope, ""), (scope, name)])
    return [documents[key] for key in keys if key in documents]


def refusals(records: RecordStore, candidate: PolicyDocument, ward: str = "") -> list[str]:
    """Every reason why the candidate cannot hold, by itself and with what wards and patients say below it; names nobody."""
    documents = newest(records) | {candidate.key: candidate}
    named = candidate.content.get("programme", "")
    found = [] if (Scope.PROGRAMME, named) in documents or not named else [f"programme: there is none called {named}"]
    found += document_problems(DEFAULT_POLICY, held_by(documents, candidate.scope, candidate.name, ward))
    if found or candidate.scope is Scope.PATIENT:
        return found
    patients = records.patients()
    wards = {patient.ward for patient in patients} | {name for scope, name in documents if scope is Scope.WARD}
    below = [held_by(documents, Scope.WARD, name) for name in sorted(wards)]
    below += [
        chain(documents, patient.ward, patient.patient_id)
        for patient in patients
        if (Scope.PATIENT, patient.patient_id) in documents
    ]
    touched = [held for held in below if candidate in held]
    return list(dict.fromkeys(problem for held in touched for problem in document_problems(DEFAULT_POLICY, held)))


def holding(held: Sequence[PolicyDocument], now: int) -> Json:
    """What these documents, wide to narrow, make of the starting policy now, each value with its source."""
    whole = merged(DEFAULT_POLICY, held)
    policy = in_force(whole.policy, now)
    turn = next_turn(whole.policy.schedules, whole.policy.timezone, now)
    pairs = zip(whole.policy.schedules, whole.scheduled_by, strict=True)
    return {
        **asdict(policy),
        "version": policy.version,
        "next_change": iso_or_none(turn),
        "schedules": [
            {"when": each.words, "values": each.values, "source": source(Source(by, each.words))} for each, by in pairs
        ],
        "sources": {path: source(each) for path, each in whole.sources(now).items() if not path.endswith(".set_by")},
    }


def source(of: Source) -> Json:
    document = of.document
    if document is None:
        return {
            "scope": "default",
            "name": "",
            "version": None,
            "author": STARTING_VALUE,
            "signed_off_by": "",
            "at": None,
            "schedule": "",
        }
    return {
        "scope": document.scope.value,
        "name": document.name,
        "version": document.number,
        "author": document.author,
        "signed_off_by": document.signed_off_by,
        "at": iso(document.at),
        "schedule": of.schedule,
    }


def document_row(document: PolicyDocument, names: bool) -> Json:
    """``names``: may the caller see what a person wrote freely? It may name the patient."""
    return {
        "scope": document.scope.value,
        "name": document.name,
        "version": document.number,
        "document": document.content,
        "author": document.author,
        "reason": document.reason if names else None,
        "signed_off_by": document.signed_off_by,
        "signed_off": bool(document.signed_off_by),
        "at": iso(document.at),
    }


def with_changes(current: PolicyDocument | None, changes: Sequence[Mapping[str, Any]], author: str) -> dict[str, Any]:
    """The content of the next version when only some limits change; who set the others stays with them."""
    content = {} if current is None else dict(current.content)
    limits: dict[tuple[str, str], dict[str, Any]] = {}
    if current is not None:
        for limit in content.get("limit", ()):
            limits[limit["vital"], limit["side"]] = {"set_by": current.author, **limit}
    for change in changes:
        name = change["vital"], change["side"]
        limits[name] = {**limits.get(name, {}), **change, "set_by": author}
    return {**content, "limit": list(limits.values())}
