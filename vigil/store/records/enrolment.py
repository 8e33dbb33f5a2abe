"""Claim codes and the log of broker accounts. Of a code only the hash is here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from vigil.domain.enrolment import RENEWING, Claim, Enrolment, Outcome, TakenOver, judged, taken_over
from vigil.store.records.tables import Tables

#: Lines about codes that nobody made: a guesser must not fill the disk (ours).
MOST_UNKNOWN = 10_000


class Enrolments:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def put(self, con: Connection, claim: Claim) -> None:
        self._void(con, claim.account, claim.made_at)
        values = {
            "account": claim.account,
            "code_hash": claim.code_hash,
            "devices": list(claim.devices),
            "made_by": claim.made_by,
            "made_at": claim.made_at,
            "expires_at": claim.expires_at,
        }
        con.execute(insert(self._t.claim_codes).values(values))
        self._add(con, Enrolment(claim.account, Outcome.CODE_MADE, claim.made_by, claim.made_at))

    def redeem(
        self, con: Connection, code_hash: str | None, named: str | None, at: int
    ) -> tuple[Outcome, Claim | None]:
        t = self._t.claim_codes
        row = con.execute(select(t).where(t.c.code_hash == code_hash)).one_or_none()
        claim = None if row is None else _claim(row._asdict())
        outcome = judged(claim, named, at)
        account = self._known(con, named) if claim is None else claim.account
        self._add(con, Enrolment(account, outcome, "", at))
        if outcome is not Outcome.ENROLLED:
            return outcome, None
        con.execute(update(t).where(t.c.code_hash == code_hash).values(used_at=at))
        return outcome, claim

    def log(self, con: Connection, line: Enrolment) -> None:
        if line.outcome in RENEWING:
            self._void(con, line.account, line.at)
        self._add(con, line)

    def of_account(self, con: Connection, account: str, limit: int) -> list[Enrolment]:
        """Newest first."""
        t = self._t.enrolments
        rows = con.execute(select(t).where(t.c.account == account).order_by(t.c.enrolment_id.desc()).limit(limit))
        return [_enrolment(row._asdict()) for row in rows]

    def taken_over(self, con: Connection) -> dict[str, TakenOver]:
        t = self._t.enrolments
        shared = select(t.c.account).where(t.c.outcome == Outcome.TAKEN_OVER.value).distinct()
        logs: defaultdict[str, list[Enrolment]] = defaultdict(list)
        telling = t.c.outcome.in_([one.value for one in (Outcome.TAKEN_OVER, *RENEWING)])
        for row in con.execute(select(t).where(t.c.account.in_(shared), telling).order_by(t.c.enrolment_id)):
            logs[row.account].append(_enrolment(row._asdict()))
        return {account: found for account, log in logs.items() if (found := taken_over(log)) is not None}

    def _known(self, con: Connection, named: str | None) -> str:
        """Only ids of ours get into the log: a stranger may send anything."""
        device, code = self._t.devices.c.device_id, self._t.claim_codes.c.account
        found = select(device).where(device == named).union(select(code).where(code == named))
        return con.execute(found).scalar() or ""

    def _void(self, con: Connection, account: str, at: int) -> None:
        t = self._t.claim_codes
        waiting = t.c.used_at.is_(None) & t.c.voided_at.is_(None)
        con.execute(update(t).where(t.c.account == account, waiting).values(voided_at=at))

    def _add(self, con: Connection, line: Enrolment) -> None:
        t = self._t.enrolments
        values = {"account": line.account, "outcome": line.outcome.value, "actor": line.actor, "at": line.at}
        number = con.execute(insert(t).values(values).returning(t.c.enrolment_id)).scalar_one()
        if line.outcome is Outcome.UNKNOWN:
            self._forget_unknown(con, number)

    def _forget_unknown(self, con: Connection, newest: int) -> None:
        """Each time a few: what is left are at most ``MOST_UNKNOWN`` lines, less where other lines stand between."""
        t = self._t.enrolments
        con.execute(delete(t).where(t.c.outcome == Outcome.UNKNOWN.value, t.c.enrolment_id <= newest - MOST_UNKNOWN))


def _claim(row: Mapping[str, Any]) -> Claim:
    return Claim(
        row["account"],
        row["code_hash"],
        row["made_by"],
        row["made_at"],
        row["expires_at"],
        tuple(row["devices"]),
        row["used_at"],
        row["voided_at"],
    )


def _enrolment(row: Mapping[str, Any]) -> Enrolment:
    return Enrolment(row["account"], Outcome(row["outcome"]), row["actor"], row["at"])
