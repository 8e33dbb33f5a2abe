"""Policies become documents that say only what differs, for a programme, a ward or a patient, with who signed them off.

Until now a patient's policy was stored whole. What it says differently from the starting policy of that time becomes the
patient's own document, so that the same holds for him as before.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: The starting policy while policies were stored whole: limit, delay_s, hysteresis, severe; all medium, severe ones high.
LIMITS = {
    ("spo2", "low"): (90, 15, 1, 80),
    ("heart_rate", "low"): (41, 10, 3, 30),
    ("heart_rate", "high"): (130, 10, 5, 180),
    ("resp_rate", "low"): (9, 30, 1, 5),
    ("resp_rate", "high"): (24, 30, 1, 40),
    ("bp_sys", "low"): (91, 0, 3, 75),
    ("bp_sys", "high"): (219, 0, 5, 250),
    ("bp_mean", "low"): (65, 0, 3, 50),
    ("body_temp", "low"): (35.1, 0, 0.2, 32),
    ("body_temp", "high"): (39.0, 0, 0.2, 41),
    ("glucose_mgdl", "low"): (70, 0, 5, 54),
}
SCALARS = {"news2": True, "clear_delay_s": 60.0, "continuous_staleness_s": 300.0}
TABLES = {
    "escalate_s": {"high": 120.0, "medium": 600.0, "low": 14400.0},
    "realarm_s": {"high": 600.0, "medium": 3600.0, "low": 14400.0},
}
FINDINGS = {"flat": "medium", "disagreement": "low"}
NOT_SIGNED = "Vigil starting value, not signed off"


def upgrade() -> None:
    rows = op.get_bind().execute(sa.text("SELECT * FROM policies ORDER BY policy_id")).mappings().all()
    op.drop_index("ix_policies_patient_id_policy_id", table_name="policies")
    op.drop_table("policies")
    documents = op.create_table(
        "policy_documents",
        sa.Column("policy_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("signed_off_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name="pk_policy_documents"),
        sa.UniqueConstraint("scope", "name", "number", name="uq_policy_documents_scope"),
        sqlite_autoincrement=True,
    )
    numbers: dict[str, int] = {}
    for row in rows:
        who = row["patient_id"]
        numbers[who] = numbers.get(who, 0) + 1
        kept = {
            "scope": "patient",
            "name": who,
            "number": numbers[who],
            "document": json.dumps(difference(json.loads(row["document"]))),
            "signed_off_by": "",
            **{name: row[name] for name in ("author", "reason", "at")},
        }
        op.bulk_insert(documents, [kept])


def difference(policy: dict[str, Any]) -> dict[str, Any]:
    """What a whole policy says differently from the starting one. Of a limit that was taken out: that it is off."""
    found: dict[str, Any] = {name: policy[name] for name, value in SCALARS.items() if policy.get(name, value) != value}
    for name, table in TABLES.items():
        differs = {key: value for key, value in policy.get(name, table).items() if table.get(key) != value}
        found |= {name: differs} if differs else {}
    findings = policy.get("findings", {})
    changed = {name: value for name, value in findings.items() if FINDINGS.get(name) != value}
    changed |= {name: "off" for name in FINDINGS if name not in findings}
    found |= {"findings": changed} if changed else {}
    limits = [differing(limit) for limit in policy["limits"]]
    there = {(limit["vital"], limit["side"]) for limit in policy["limits"]}
    limits += [{"vital": vital, "side": side, "enabled": False} for vital, side in LIMITS if (vital, side) not in there]
    limits = [limit for limit in limits if len(limit) > 2]
    return found | ({"limit": limits} if limits else {})


def differing(limit: dict[str, Any]) -> dict[str, Any]:
    name = limit["vital"], limit["side"]
    start: dict[str, Any] = {"priority": "medium", "severe_priority": "high", "enabled": True, "set_by": NOT_SIGNED}
    if name in LIMITS:
        start |= dict(zip(("limit", "delay_s", "hysteresis", "severe"), LIMITS[name], strict=True))
    return {key: value for key, value in limit.items() if key not in start or start[key] != value}
