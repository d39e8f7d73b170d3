"""Which operations there are: the gateway's table, and what teams declared beside it."""

from __future__ import annotations

from accounts.models import Team
from playground.gateway.media.operation import Operation
from playground.gateway.media.registry import OPERATIONS
from playground.media import routes


def find(key: str) -> Operation | None:
    """By the key that a task keeps. None: a later version took the route away."""
    return OPERATIONS.get(key) or routes.find(key)


def offered(team: Team) -> list[Operation]:
    """What a person of the team may choose from now."""
    return [*OPERATIONS.values(), *routes.offered(team)]


def chosen(team: Team, key: str) -> Operation | None:
    """By a key that came from a form or a link: only what is offered to the team, as it is now."""
    return OPERATIONS.get(key) or routes.chosen(team, key)


def put_away(team: Team, key: str) -> Operation | None:
    """What was offered to the team once and is not now."""
    return routes.archived(team, key)
