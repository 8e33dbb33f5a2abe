"""Policy documents as the page and scripts see them: what holds, where each value comes from, and a change before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from api.shape import Json, iso, iso_or_none
from vigil.domain.effective import (
    PolicyDocument,
    Scope,
    Source,
    chain,
    document_problems,
    held_since,
    merged,
    programmes,
)
from vigil.domain.errors import InvalidInput
from vigil.domain.people import Patient
from vigil.domain.policy import DEFAULT_POLICY, STARTING_VALUE, in_force
from vigil.domain.schedules import next_turn
from vigil.domain.times import DAY
from vigil.store import RecordStore

#: The longest time of which all limits are said at once.
LONGEST_LIMITS_US = 31 * DAY

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


def limits_of_then(records: RecordStore, patient: Patient, start: int, end: int) -> list[Json]:
    """Each limit of [start, end) with whose it was and how long it held, oldest first by vital and side. Raises ``InvalidInput``
    for a time that is too long: limits may change with each hour of each day."""
    if end - start > LONGEST_LIMITS_US:
        raise InvalidInput("from and to must not be more than 31 days apart")
    own = [
        *records.policy_history(Scope.WARD, patient.ward),
        *records.policy_history(Scope.PATIENT, patient.patient_id),
    ]
    wide = [records.policy_history(Scope.PROGRAMME, name) for name in dict.fromkeys(["", *programmes(own)])]
    versions = [*(each for of_one in wide for each in of_one), *own]
    spans: dict[str, list[Json]] = {}
    for at, whole in held_since(DEFAULT_POLICY, versions, patient.ward, patient.patient_id, start, end):
        sources = whole.sources(at)
        for rule in in_force(whole.policy, at).limits:
            shown = {name: getattr(rule, name) for name in ("vital", "side", "limit", "severe", "enabled", "set_by")}
            shown["source"] = source(sources[f"{rule.rule}.limit"])
            known = spans.setdefault(rule.rule, [])
            if known and all(known[-1][name] == value for name, value in shown.items()):
                continue
            if known:
                known[-1]["to"] = iso(at)
            known.append({**shown, "from": iso(at), "to": None})
    return [span for name in sorted(spans) for span in spans[name] if span.pop("enabled")]


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
