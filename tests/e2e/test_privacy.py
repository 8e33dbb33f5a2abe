"""A marked name goes through the whole product and must be on the nurse's screen only."""

from __future__ import annotations

import time

from tests.e2e.publishers import Publisher, enrol
from tests.product import Product, eventually

MARK = "Zzyzxmarker"


def test_a_name_is_in_no_log_metric_or_file(product: Product) -> None:
    with product.client() as api, product.client("nurse") as nurse, product.client("auditor") as auditor:
        device = enrol(api, 950, family=MARK)
        with Publisher(device) as publisher:
            publisher.publish(device.pack(0, {"n": "spo2", "v": 70}, at=time.time()))
            publisher.publish(device.pack(1, {"n": "nonsense", "v": 70}))
        path = f"/api/v1/patients/{device.patient_id}"
        eventually(lambda: nurse.get(f"{path}/alerts").json()["items"], 10, "an alert")
        assert api.post(f"{path}/observations", json={"values": [{"vital": "spo2", "value": MARK}]}).status_code == 422
        assert api.post(f"{path}/observations", content=MARK.encode()).status_code == 422
        assert nurse.get(path).json()["name"]["family"] == MARK, "the nurse must see whom it is about"
        assert MARK not in auditor.get("/api/v1/patients").text
        assert MARK not in auditor.get("/api/v1/alerts").text
        assert MARK not in api.get("/metrics").text
    assert MARK not in product.log_path.read_text(errors="replace")
    for file in product.data_dir.rglob("*"):
        if file.is_file():
            assert MARK.encode() not in file.read_bytes(), file.name
