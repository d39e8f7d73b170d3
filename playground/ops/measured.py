"""What can be measured of a model, and how it stands for one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q

from accounts.models import Role, Team, User
from playground.ops.models import Measured

TASK = "task"


@dataclass(frozen=True, slots=True)
class Capability:
    """`works` says what was seen when it worked, for who wonders what the word means."""

    key: str
    label: str
    icon: str
    works: str


CAPABILITIES: dict[str, Capability] = {
    each.key: each
    for each in (
        Capability("chat", "Chat", "message-square", "An answer came to its end."),
        Capability("stream", "Stream", "activity", "A streamed answer came to its end."),
        Capability("tools", "Tools", "wrench", "It called a tool that it was given."),
        Capability("schema", "Schema", "list-checks", "An answer fitted the schema it was asked for."),
        Capability("images", "Images in", "image", "A question with a picture was answered."),
        Capability("thinking", "Thinking", "brain", "An answer came with its reasoning, or a count of it."),
        Capability("tokens", "Counts tokens", "hash", "The gateway counted a request's tokens."),
        Capability("usage", "Tells usage", "gauge", "An answer came with its token counts."),
        Capability(TASK, "Media tasks", "sparkles", "A task of the studio made something."),
    )
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a capability was seen to do, both moments may be told."""

    capability: Capability
    works_at: datetime | None
    fails_at: datetime | None

    @property
    def works(self) -> bool:
        return self.works_at is not None and (self.fails_at is None or self.works_at >= self.fails_at)


def counted(team: Team, user: User, role: int) -> Q:
    """Which rows of what was measured the person may count: admins all of them, others their own and what
    the whole team may know.
    """
    own = Q(team=team)
    return own if role >= Role.ADMIN else own & (Q(user=user) | Q(user=None))


def standings(seen: Q, models: Collection[str], family: str = "") -> dict[str, tuple[Standing, ...]]:
    """What was seen of these models, in one family or in all, in the order of the table; one query."""
    if not models:
        return {}
    rows = Measured.objects.filter(seen, model__in=models).values("model", "capability").order_by()
    rows = rows.filter(family=family) if family else rows
    found: dict[str, dict[str, Standing]] = {}
    for row in rows.annotate(good=Max("works_at"), bad=Max("fails_at")):
        about = CAPABILITIES.get(row["capability"])
        if about is not None:
            found.setdefault(row["model"], {})[about.key] = Standing(about, row["good"], row["bad"])
    return {model: tuple(each[key] for key in CAPABILITIES if key in each) for model, each in found.items()}
