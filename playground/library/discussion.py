"""What is said about a version: comments, mentions of team mates, and what somebody has not read yet.

A mention is `@` and a member's e-mail address, or the part before its @ when only one member has that.
Only who sees the prompt can be mentioned.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Role, Team, User
from playground.gateway.assembly import storable
from playground.library import rights
from playground.library.models import ChangeRequest, Comment, Level, Prompt, PromptVersion, Seen

LONGEST = 10_000
MOST_MENTIONED = 50
_MENTION = re.compile(r"(?<![\w.@])@([\w.+-]{1,64}(?:@[\w.-]{1,190})?)")


def say(version: PromptVersion, user: User, text: str, change: ChangeRequest | None = None) -> Comment:
    """Needs to see the prompt and the role member; ValueError with a sentence for an empty or long text."""
    _need_voice(version.prompt, user)
    if change is not None and change.prompt_id != version.prompt_id:
        raise ValueError("This request is about another prompt.")
    clean = _clean(text)
    with transaction.atomic():
        comment = Comment.objects.create(version=version, change=change, author=user, text=clean)
        comment.mentions.set(_mentioned(clean, version.prompt))
    return comment


def edit(comment: Comment, user: User, text: str) -> None:
    """By its author alone."""
    prompt = comment.version.prompt
    _need_voice(prompt, user)
    if comment.author_id != user.pk:
        raise PermissionDenied("Only who wrote this may change it.")
    clean = _clean(text)
    with transaction.atomic():
        Comment.objects.filter(pk=comment.pk).update(text=clean, edited_at=timezone.now())
        comment.mentions.set(_mentioned(clean, prompt))
    comment.refresh_from_db(fields=["text", "edited_at"])


def unsay(comment: Comment, user: User) -> None:
    """By its author, or who owns the prompt."""
    mine = comment.author_id == user.pk
    rights.need(user, comment.version.prompt, Level.VIEW if mine else Level.OWN)
    comment.delete()


def of(prompt: Prompt, version: PromptVersion | None = None) -> list[Comment]:
    """The comments, oldest first, with authors and versions; those on change requests are not among them."""
    rows = _whole().filter(version__prompt=prompt, change=None)
    return list(rows.filter(version=version) if version else rows)


def on(change: ChangeRequest) -> list[Comment]:
    return list(_whole().filter(change=change))


def see(prompt: Prompt, user: User) -> None:
    """The person has read everything said so far."""
    Seen.objects.update_or_create(user=user, prompt=prompt, defaults={"at": timezone.now()})


def unread(prompt: Prompt, user: User) -> int:
    """How many comments of others came since the person last looked."""
    return unread_of(user).filter(version__prompt=prompt).count()


def unread_of(user: User) -> QuerySet[Comment]:
    """The comments of others that came since the person last looked at the prompt, wherever they are: narrow
    it to prompts they see.
    """
    seen = Seen.objects.filter(user=user, prompt=OuterRef("version__prompt")).values("at")[:1]
    rows = Comment.objects.alias(seen=Subquery(seen)).exclude(author=user)
    return rows.filter(Q(seen=None) | Q(created_at__gt=F("seen")))


def mentioned(team: Team, user: User, role: int | None = None) -> list[Comment]:
    """Unread comments that name the person, newest first: at most fifty. `role` as for `rights.visible`."""
    prompts = rights.visible(team, user, role).values("pk")
    rows = unread_of(user).filter(mentions=user, version__prompt__in=prompts)
    rows = rows.select_related("author", "version__prompt").defer("version__body", "version__prompt__text")
    return list(rows.order_by("-created_at")[:MOST_MENTIONED])


def handles(team: Team) -> list[tuple[str, User]]:
    """How each member is mentioned, for a chooser: ("mira", user)."""
    people = list(team.members.filter(is_active=True).order_by("email"))
    return sorted(_handles(people).items())


def _handles(people: Sequence[User]) -> dict[str, User]:
    """The shortest unmistakable handle of each."""
    same = Counter(person.email.partition("@")[0] for person in people)
    short = {person: person.email.partition("@")[0] for person in people}
    return {short[person] if same[short[person]] == 1 else person.email: person for person in people}


def _mentioned(text: str, prompt: Prompt) -> list[User]:
    names = {name.lower().rstrip(".-+") for name in _MENTION.findall(text)}
    if not names:
        return []
    people = [person.user for person in rights.everybody(prompt)]
    known = _handles(people) | {person.email: person for person in people}
    return list({known[name] for name in names if name in known})


def _whole() -> QuerySet[Comment]:
    rows = Comment.objects.select_related("author", "version").defer("version__body")
    return rows.prefetch_related("mentions").order_by("created_at", "id")


def _clean(text: str) -> str:
    clean = storable(text.replace("\r\n", "\n")).strip()
    if not clean:
        raise ValueError("Write something first.")
    if len(clean) > LONGEST:
        raise ValueError(f"A comment has at most {LONGEST:,} characters.")
    return clean


def _need_voice(prompt: Prompt, user: User) -> None:
    if rights.need(user, prompt, Level.VIEW).role < Role.MEMBER:
        raise PermissionDenied("This needs the role member in the team.")
