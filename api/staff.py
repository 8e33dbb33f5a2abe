"""What people are called: alerts, notes and plans hold the names by which they log in."""

from __future__ import annotations

from collections import Counter

from api.calling import People
from api.care import View
from api.context import Context


def staff(here: Context, seen: View) -> People:
    """Of the wards that are seen: members of teams, and whoever has an account, by the name that he has there. Without accounts
    people are what they typed when they came, so nobody is in it."""
    if not here.accounts.exist:
        return {}
    teams = [team for team in here.deps.records.teams() if seen.ward(team.ward)]
    members = {member.user_id: member.name for team in teams for member in team.members}
    users = {
        user.user_id: user.display
        for user in here.accounts.users()
        if user.display and (user.wards is None or any(map(seen.ward, user.wards)))
    }
    found = members | users
    alike = Counter(found.values())
    return {one: name if alike[name] == 1 else f"{name} ({one})" for one, name in sorted(found.items())}
