"""What people did that others may have to answer for. Rows are inserted here and nowhere else."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import AuditEvent, Team, User

# Every verb there is, with how it reads after a person's name.
VERBS = {
    "link.make": "made a sign-in link for",
    "link.use": "signed in by a link",
    "invitation.make": "invited",
    "invitation.revoke": "revoked the invitation of",
    "invitation.accept": "accepted an invitation",
    "role.change": "changed the role of",
    "member.remove": "removed from the team",
    "key.add": "added the key",
    "key.change": "changed the key",
    "key.test": "tested the key",
    "key.rotate": "rotated the key",
    "key.share": "shared the key",
    "key.unshare": "stopped sharing the key",
    "key.revoke": "revoked the key",
}


def record(
    actor: User | None, team: Team | None, verb: str, target: str = "", ip: str | None = None, **detail: Any
) -> AuditEvent:
    """Write one event. `detail` is shown to the team's admins: never put a secret into it."""
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is not a verb of the audit log")
    return AuditEvent.objects.create(
        actor=actor, team=team, verb=verb, target=target[:100], ip=ip, detail=detail
    )


def ip_of(request: HttpRequest) -> str | None:
    """The visitor's address, past as many proxies as the site trusts; None when it cannot be told."""
    try:
        address: str = get_adapter(request).get_client_ip(request)
    except PermissionDenied:
        return None
    return address
