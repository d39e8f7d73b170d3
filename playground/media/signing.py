"""Addresses that need no sign-in because nobody can guess them: a task's callback, a file for a provider."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

CALLBACK = "playground.media.callback"
FILE = "playground.media.file"
# Longer than a provider needs to fetch a file, retries and queues in front of it included.
FILE_LIVES = timedelta(hours=24)


def callback_token(task: uuid.UUID) -> str:
    return next(_tokens(task))


def is_callback_token(task: uuid.UUID, token: str) -> bool:
    """Also one made under an older SECRET_KEY that is still accepted."""
    matches = [constant_time_compare(token, made) for made in _tokens(task)]
    return any(matches)


def _tokens(task: uuid.UUID) -> Iterator[str]:
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac(CALLBACK, task.hex, secret=secret, algorithm="sha256").hexdigest()


def callback_url(task: uuid.UUID) -> str:
    """Where a route may post: "" when nobody outside reaches this site."""
    if not settings.PUBLIC_URL:
        return ""
    path = reverse("media:callback", kwargs={"task": task.hex, "token": callback_token(task)})
    return f"{settings.PUBLIC_URL}{path}"


def file_url(kind: str, pk: uuid.UUID) -> str:
    """A public address of an upload ("upload") or an asset ("asset") that dies by itself; "" without one."""
    if not settings.PUBLIC_URL:
        return ""
    token = signing.dumps([kind, pk.hex], salt=FILE, compress=False)
    return f"{settings.PUBLIC_URL}{reverse('media:public_file', kwargs={'token': token})}"


def read_file_token(token: str) -> tuple[str, str] | None:
    """Which file a token is for; None for one that is forged or over."""
    try:
        kind, pk = signing.loads(token, salt=FILE, max_age=FILE_LIVES)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(kind), str(pk)
