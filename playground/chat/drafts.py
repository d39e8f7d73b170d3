"""What somebody typed and did not send yet; no save of it outlives the sending of its message."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from playground.chat.models import Conversation, Draft, Turn


def keep(
    user: User, conversation: Conversation | None, *, sent: uuid.UUID | None = None, **fields: object
) -> None:
    """Write the fields of a draft. With the id of the message it becomes, only while that is not sent: a save
    that was overtaken must not bring the text back.
    """
    with transaction.atomic():
        _alone(user)
        if sent is None or not Turn.objects.filter(pk=sent).exists():
            Draft.objects.update_or_create(
                user=user, conversation=conversation, defaults={**fields, "updated_at": timezone.now()}
            )


def drop(user: User, conversation: Conversation | None) -> None:
    """For the transaction that writes the message: a save under way ends before, or begins after its end."""
    _alone(user)
    Draft.objects.filter(user=user, conversation=conversation).delete()


def _alone(user: User) -> None:
    """One at a time of a person's drafts, until the transaction ends."""
    list(User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk"))
