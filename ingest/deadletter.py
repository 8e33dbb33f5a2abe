"""What was refused, kept byte for byte with its reason."""

from __future__ import annotations

from ingest.batch import Pack
from vigil.store import DeadLetter


def dead_letters(packs: list[Pack]) -> list[DeadLetter]:
    """One for each message refused whole or in part."""
    return [_letter(pack) for pack in packs if not pack.duplicate and (pack.refusal is not None or pack.values.refused)]


def _letter(pack: Pack) -> DeadLetter:
    refused = pack.values.refused
    reason = pack.refusal.value if pack.refusal is not None else refused[0]["reason"]
    detail = pack.detail or (f"{len(refused)} of the pack's values refused" if refused else "")
    message = pack.message
    return DeadLetter(
        message.received_at, message.topic, pack.device_id, reason, detail, message.payload, tuple(refused)
    )
