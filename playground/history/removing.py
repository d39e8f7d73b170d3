"""Deleting in History: what was chosen is hidden at once, and goes half a minute later unless it is undone.

Each thing goes by the rules of its own place: a run goes with its whole chat, which its owner alone deletes;
a task with its files, by its maker or an admin; a check by who ran it. What was used stays on record.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import access, audit
from accounts.models import Team, User
from playground.chat import turns
from playground.chat.models import Conversation
from playground.history.models import Entry, Kind, Removal
from playground.media import followups
from playground.media.models import MediaTask
from playground.verify.models import CheckRun

GRACE = timedelta(seconds=30)
# More at once would hold the page up; the rest is the next choice.
MOST = 2_000
AT_ONCE = 20


@dataclass(slots=True)
class Plan:
    """What would go, and why the rest stays. `entries` is the number of lines that go with it."""

    chats: list[Conversation] = field(default_factory=list)
    tasks: list[MediaTask] = field(default_factory=list)
    checks: list[CheckRun] = field(default_factory=list)
    stays: dict[str, int] = field(default_factory=dict)
    entries: int = 0
    live: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.chats or self.tasks or self.checks)

    def keep(self, why: str) -> None:
        self.stays[why] = self.stays.get(why, 0) + 1


NOT_OWN_CHAT = "in a chat of somebody else's: only its owner deletes it"
NOT_OWN_TASK = "a task of somebody else's: its maker and admins delete it"
NOT_OWN_CHECK = "a check of somebody else's: who ran it deletes it"


def plan(user: User, team: Team, ids: Sequence[int]) -> Plan:
    """What deleting these lines would take away: a constant number of queries."""
    entries = list(Entry.objects.filter(pk__in=ids[:MOST], team=team, hidden=None))
    made, role = Plan(), access.role_of(user, team)
    of = {kind: [entry for entry in entries if entry.kind == kind] for kind in Kind.values}
    chats = Conversation.objects.in_bulk({entry.place for entry in of[Kind.CHAT] if entry.place})
    for entry in of[Kind.CHAT]:
        chat = chats.get(entry.place) if entry.place else None
        if chat is None or not chat.changeable_by(user, role):
            made.keep(NOT_OWN_CHAT)
    made.chats = [chat for chat in chats.values() if chat.changeable_by(user, role)]
    for task in MediaTask.objects.filter(pk__in=[entry.subject for entry in of[Kind.MEDIA]]):
        made.tasks.append(task) if task.changeable_by(user, role) else made.keep(NOT_OWN_TASK)
    for check in CheckRun.objects.filter(pk__in=[entry.subject for entry in of[Kind.CHECK]]):
        made.checks.append(check) if check.changeable_by(user, role) else made.keep(NOT_OWN_CHECK)
    rows = Entry.objects.filter(_lines(made), team=team, hidden=None)
    made.entries, made.live = rows.count(), rows.filter(state="live").count()
    return made


def _lines(made: Plan) -> Q:
    """Every line that goes along, also those nobody chose."""
    subjects = [row.pk for row in (*made.tasks, *made.checks)]
    return Q(place__in=[chat.pk for chat in made.chats]) | Q(place=None, subject__in=subjects)


def hide(made: Plan, user: User, team: Team, ip: str | None = None) -> Removal:
    """Take it out of everybody's list, to be deleted when its time is up."""
    now = timezone.now()
    with transaction.atomic():
        removal = Removal.objects.create(
            team=team,
            user=user,
            ip=ip,
            chats=[str(chat.pk) for chat in made.chats],
            tasks=[str(task.pk) for task in made.tasks],
            checks=[str(check.pk) for check in made.checks],
            at=now,
            due_at=now + GRACE,
        )
        removal.entries = Entry.objects.filter(_lines(made), team=team, hidden=None).update(hidden=removal.pk)
        removal.save(update_fields=["entries"])
        audit.record(user, team, "history.delete", f"{removal.entries} lines", ip, removal=removal.pk)
    return removal


def undo(removal: Removal, user: User, ip: str | None = None) -> bool:
    """Bring it back. False: it is too late."""
    with transaction.atomic():
        row = Removal.objects.select_for_update().filter(pk=removal.pk, due_at__gt=timezone.now()).first()
        if row is None:
            return False
        Entry.objects.filter(hidden=row.pk).update(hidden=None)
        audit.record(user, row.team, "history.undo", f"{row.entries} lines", ip, removal=row.pk)
        row.delete()
    return True


def waiting(user: User, team: Team) -> Removal | None:
    """The last thing the person deleted and may still bring back."""
    rows = Removal.objects.filter(user=user, team=team, due_at__gt=timezone.now())
    return rows.order_by("-at").first()


def sweep(now: datetime) -> int:
    """Delete what is due. Killed half way, the next one goes on: what is gone is not missed."""
    done = 0
    for removal in (
        Removal.objects.filter(due_at__lte=now).select_related("user").order_by("due_at")[:AT_ONCE]
    ):
        _delete(removal)
        # Lines of what its owner may no longer delete, or that was made anew meanwhile, come back.
        Entry.objects.filter(hidden=removal.pk).update(hidden=None)
        removal.delete()
        done += 1
    return done


def _delete(removal: Removal) -> None:
    """By the rules as they are now: somebody may have left the team meanwhile."""
    user, role = removal.user, access.role_of(removal.user, removal.team)
    if not role:
        return
    for chat in Conversation.objects.filter(pk__in=_ids(removal.chats)):
        if chat.changeable_by(user, role):
            turns.delete(chat, user, removal.ip)
    tasks = MediaTask.objects.filter(pk__in=_ids(removal.tasks)).select_related("team")
    followups.delete([task for task in tasks if task.changeable_by(user, role)], user, removal.ip)
    for check in CheckRun.objects.filter(pk__in=_ids(removal.checks)):
        if check.changeable_by(user, role):
            check.delete()


def _ids(texts: Sequence[str]) -> list[uuid.UUID]:
    return [uuid.UUID(text) for text in texts]
