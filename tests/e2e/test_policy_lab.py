"""A change of policy tried through the running product, on what devices sent it, and kept afterwards."""

from __future__ import annotations

import time
from typing import Any

from tests.e2e.publishers import Publisher, enrol
from tests.product import Product, eventually

HOUR_S = 3600.0
TRIALS = "/api/v1/policies/patients/{}/trials"
HIGHER = {"limits": [{"vital": "heart_rate", "side": "high", "limit": 150}]}


def trial(api: Any, patient_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(TRIALS.format(patient_id)).raise_for_status().json()["items"][0]
    return found


def test_what_was_sent_is_tried_and_the_change_is_kept_only_if_nobody_was_faster(product: Product) -> None:
    with product.client("admin") as api:
        device = enrol(api, 4100)
        # Half an hour at rest, half an hour of 140, twenty hours ago: what comes later than a day is judged by nobody.
        values = [
            {"n": "hr", "u": "beat/min", "v": 80 if minute < 30 else 140, "t": 60 * minute} for minute in range(60)
        ]
        with Publisher(device) as publisher:
            publisher.publish(device.pack(0, *values, at=time.time() - 20 * HOUR_S))
            eventually(lambda: publisher.acks, what="stored")
        quick = {"limits": [{"vital": "heart_rate", "side": "high", "limit": 130, "delay_s": 0}], "reason": "as a bed"}
        path = f"/api/v1/policies/patients/{device.patient_id}"
        api.put(path, json=quick).raise_for_status()
        asked = api.post(TRIALS.format(device.patient_id), json=HIGHER)
        assert (asked.status_code, asked.json()["version"]) == (202, 1)
        eventually(lambda: trial(api, device.patient_id)["state"] == "finished", 120, "the trial is over")
        result = trial(api, device.patient_id)["result"]
        assert [day["patients"] for day in result["days"]] == [0, 0, 0, 0, 0, 0, 1]
        rule = "limit.heart_rate.high"
        assert (result["before"]["alerts_by_rule"].get(rule), result["after"]["alerts_by_rule"].get(rule)) == (1, None)
        gone = [one for one in result["changes"] if one["rule"] == rule]
        assert [(one["patient_id"], one["after"]) for one in gone] == [(device.patient_id, None)]
        assert "Number 4100" not in str(result)
        assert api.put(f"{path}?after=1", json=HIGHER | {"reason": "as tried"}).status_code == 200
        assert api.put(f"{path}?after=1", json=HIGHER | {"reason": "too late"}).status_code == 409
        assert api.put(f"{path}?after=2", json=HIGHER | {"reason": ""}).status_code == 422
