"""Teams: every version is kept, the newest one holds. A change moves the revision in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from vigil.domain.errors import NotFound, StoreError, TeamError
from vigil.domain.team_file import built, team_document
from vigil.domain.teams import Team, TeamVersion
from vigil.store.records.revision import changed
from vigil.store.records.tables import Tables


class Teams:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def put(self, con: Connection, version: TeamVersion) -> None:
        team, t = version.team, self._t.teams
        for other in self.newest(con):
            # Whoever checked the document saw the teams of a moment ago.
            if other.ward == team.ward and other.team_id != team.team_id:
                raise TeamError([f"ward {team.ward} has the team {other.team_id} already"])
        values = {
            "team_id": team.team_id,
            "version": team.version,
            "document": team_document(team),
            "author": version.author,
            "reason": version.reason,
            "at": version.at,
        }
        con.execute(insert(t).values(values))
        changed(con, self._t.counters)

    def newest(self, con: Connection) -> list[Team]:
        """In order of team id."""
        t = self._t.teams
        last = select(func.max(t.c.row_id)).group_by(t.c.team_id)
        rows = con.execute(select(t).where(t.c.row_id.in_(last)).order_by(t.c.team_id))
        return [_version(row._asdict()).team for row in rows]

    def history(self, con: Connection, team_id: str) -> list[TeamVersion]:
        """Newest first; the first one holds."""
        t = self._t.teams
        rows = con.execute(select(t).where(t.c.team_id == team_id).order_by(t.c.row_id.desc()))
        found = [_version(row._asdict()) for row in rows]
        if not found:
            raise NotFound("no such team")
        return found


def _version(row: Mapping[str, Any]) -> TeamVersion:
    try:
        return TeamVersion(built(row["document"]), row["author"], row["reason"], row["at"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        # Of a later Vigil: a rota that cannot be read must not leave somebody uncalled in silence.
        raise StoreError(f"a stored team cannot be read: {type(error).__name__}") from error
