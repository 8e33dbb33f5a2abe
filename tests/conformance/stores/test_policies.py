"""What every ``RecordStore`` does with policy documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0, patient
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.errors import NotFound, VersionConflict
from vigil.domain.policy import DEFAULT_POLICY, with_limits
from vigil.store import RecordStore

Stores = Opener[RecordStore]


def spo2(limit: float, **rest: Any) -> dict[str, Any]:
    return {"limit": [{"vital": "spo2", "side": "low", "limit": limit, **rest}]}


def of(scope: Scope, name: str, content: dict[str, Any], author: str = "dr-7") -> PolicyDocument:
    return PolicyDocument(scope, name, content, author, "because", "Dr Wang", T0)


def peopled(stores: Stores) -> RecordStore:
    """Two patients of the ward A, one of B."""
    store = stores.open()
    for number, ward in (("1", "A"), ("2", "A"), ("3", "B")):
        store.add_patient(patient(f"p-{number}", ward=ward))
    return store


def test_the_newest_version_holds_and_every_version_is_kept(record_stores: Stores) -> None:
    store = peopled(record_stores)
    assert store.policy("p-1") is None
    assert store.policy_documents() == []
    first = store.put_policy(of(Scope.PATIENT, "p-1", spo2(88)))
    second = store.put_policy(replace(first, content=spo2(86, severe=78, priority="high"), author="dr-8", at=T0 - 1))
    expected = with_limits(
        DEFAULT_POLICY, [{"vital": "spo2", "side": "low", "limit": 86, "severe": 78, "priority": "high"}], "dr-8"
    )
    for again in record_stores.now_and_later(store):
        assert (first.number, second.number) == (1, 2)
        assert again.policy_history(Scope.PATIENT, "p-1") == [second, first]
        assert again.policy_documents() == [second]
        assert again.policy("p-1") == expected
        assert again.policy("p-2") is None
    emptied = again.put_policy(of(Scope.PATIENT, "p-1", {}))
    assert (emptied.number, again.policy("p-1")) == (3, None)


def test_programme_ward_and_patient_in_this_order(record_stores: Stores) -> None:
    store = peopled(record_stores)
    store.put_policy(of(Scope.PROGRAMME, "", {"clear_delay_s": 90.0, **spo2(92)}, "boss"))
    store.put_policy(of(Scope.WARD, "A", spo2(91, delay_s=20), "ward"))
    store.put_policy(of(Scope.PATIENT, "p-2", spo2(88), "dr-7"))
    found = {who: store.policy(who) for who in ("p-1", "p-2", "p-3")}
    said = []
    for policy in found.values():
        assert policy is not None
        rule = policy.limit("spo2", "low")
        assert rule is not None
        said.append((rule.limit, rule.delay_s, rule.set_by, policy.clear_delay_s))
    usual = DEFAULT_POLICY.limit("spo2", "low")
    assert usual is not None
    assert said == [(91, 20, "ward", 90.0), (88, 20, "dr-7", 90.0), (92, usual.delay_s, "boss", 90.0)]
    assert store.policy("p-1") is found["p-1"], "the same documents make the same object"
    assert store.policy("p-9") is None


def test_a_programme_that_a_ward_names_lies_between_everybody_s_and_the_ward_s(record_stores: Stores) -> None:
    store = peopled(record_stores)
    store.put_policy(of(Scope.PROGRAMME, "", {"clear_delay_s": 90.0, **spo2(92)}))
    store.put_policy(of(Scope.PROGRAMME, "copd", spo2(88)))
    store.put_policy(of(Scope.WARD, "A", {"programme": "copd", "clear_delay_s": 30.0}))
    of_a, of_b = store.policy("p-1"), store.policy("p-3")
    assert of_a is not None
    assert of_b is not None
    assert [(policy.limits[0].limit, policy.clear_delay_s) for policy in (of_a, of_b)] == [(88, 30.0), (92, 90.0)]


def test_who_saw_an_older_version_is_told(record_stores: Stores) -> None:
    store = peopled(record_stores)
    store.put_policy(of(Scope.WARD, "A", spo2(91)), after=0)
    for stale in (0, 2):
        with pytest.raises(VersionConflict, match=f"version 1, not {stale}"):
            store.put_policy(of(Scope.WARD, "A", spo2(85)), after=stale)
    assert store.put_policy(of(Scope.WARD, "A", spo2(90)), after=1).number == 2
    assert store.put_policy(of(Scope.WARD, "B", spo2(90)), after=0).number == 1


def test_a_patient_who_is_not_there_has_no_policy(record_stores: Stores) -> None:
    store = peopled(record_stores)
    before = store.revision()
    with pytest.raises(NotFound):
        store.put_policy(of(Scope.PATIENT, "p-9", {}))
    assert (store.revision(), store.policy_history(Scope.PATIENT, "p-9")) == (before, [])
