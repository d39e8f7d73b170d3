"""What each role may do: the one table that the code enforces and Settings → Roles shows."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Role


@dataclass(frozen=True, slots=True)
class Act:
    """Something people do in a team, in plain words, and the lowest role that may."""

    group: str
    words: str
    role: Role
    note: str = ""


LOOK = Act("Working", "See the team's prompts, tasks and shared conversations", Role.VIEWER)
WORK = Act("Working", "Chat and run tasks", Role.MEMBER)
OWN_KEYS = Act("Working", "Add own keys in the team", Role.MEMBER, "Only their owner uses and changes them.")
PROMPTS = Act("Working", "Write prompts", Role.MEMBER, "Each prompt's Access page says who may do more.")
MODELS = Act("Working", "Label models", Role.MEMBER)
OWN_TOKENS = Act("Working", "Make own API tokens", Role.VIEWER, "A token never does more than its person.")

TEAM_KEYS_SEEN = Act("Keys", "See which team keys there are", Role.VIEWER, "Nobody ever reads a key.")
TEAM_KEYS_USED = Act("Keys", "Use team keys", Role.MEMBER, "A key may ask for a higher role.")
TEAM_KEYS = Act("Keys", "Add, limit, rotate and revoke team keys", Role.ADMIN)
TEAM_TOKENS = Act("Keys", "Make and revoke team API tokens", Role.ADMIN)

MEMBERS_SEEN = Act("People", "See who is in the team", Role.VIEWER)
MEMBERS = Act("People", "Invite people, and take invitations back", Role.ADMIN, "Up to their own role.")
ROLES = Act("People", "Change roles and remove people", Role.ADMIN, "Up to their own role.")
LEAVE = Act("People", "Leave the team", Role.VIEWER, "The last owner stays, or hands the team over.")

RENAME = Act("Team", "Rename the team", Role.ADMIN)
ROUTES = Act("Team", "Declare task routes", Role.ADMIN)
PRICES = Act("Team", "Enter prices of models", Role.ADMIN)
BUDGETS = Act("Team", "Set budgets of team keys and people", Role.ADMIN)
AUDIT = Act("Team", "Read and export the audit log", Role.ADMIN)
HAND_OVER = Act("Team", "Make somebody else the owner", Role.OWNER)
DELETE = Act("Team", "Delete the team", Role.OWNER)

ACTS = (
    LOOK, WORK, OWN_KEYS, PROMPTS, MODELS, OWN_TOKENS,
    TEAM_KEYS_SEEN, TEAM_KEYS_USED, TEAM_KEYS, TEAM_TOKENS,
    MEMBERS_SEEN, MEMBERS, ROLES, LEAVE,
    RENAME, ROUTES, PRICES, BUDGETS, AUDIT, HAND_OVER, DELETE,
)  # fmt: skip

ABOUT = {
    Role.VIEWER: "Looks, and changes nothing of the team's.",
    Role.MEMBER: "Works: chats, runs tasks, writes prompts.",
    Role.ADMIN: "Runs the team: people, team keys, the audit log.",
    Role.OWNER: "May do everything, and decides about the team itself.",
}


def groups() -> dict[str, list[Act]]:
    """The table as the page shows it."""
    found: dict[str, list[Act]] = {}
    for act in ACTS:
        found.setdefault(act.group, []).append(act)
    return found
