"""Asking the core for a copy of its databases."""

from __future__ import annotations

from pathlib import Path

from tests.unit.api.site import START, Site
from vigil.store.backup import Copied
from vigil.store.duck.copy import TableSum


def test_an_admin_is_told_what_was_copied_and_it_is_in_the_audit_log(site: Site) -> None:
    made = Copied(Path("data") / "backup", START, 0.002, {"readings": TableSum(3, "ab")})
    answer = site.given(copy=lambda: made).post("/api/v1/backups", None, "admin")
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "folder": "backup",
            "cut_at": "2026-01-01T00:00:00.000Z",
            "pause_s": 0.002,
            "readings": {"readings": {"rows": 3, "digest": "ab"}},
        },
    )
    entries = site.get("/api/v1/audit", "admin", params={"route": "/api/v1/backups"}).json()["items"]
    assert [(one["step"], one["status"], one["patient_id"]) for one in entries] == [
        ("answered", 201, None),
        ("asked", None, None),
    ]


def test_nobody_else_may_ask_and_a_site_that_cannot_copy_says_so(site: Site) -> None:
    for role in ("nurse", "clinician", "technician", "auditor", "research"):
        assert site.post("/api/v1/backups", None, role).status_code == 403
    assert site.post("/api/v1/backups", None, "admin").status_code == 404
