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
    "team.make": "made the team",
    "team.rename": "renamed the team to",
    "team.delete": "deleted the team",
    "team.hand_over": "handed the team over to",
    "role.change": "changed the role of",
    "member.remove": "removed from the team",
    "member.leave": "left the team:",
    "token.make": "made the API token",
    "token.revoke": "revoked the API token",
    "audit.export": "exported the audit log",
    "key.add": "added the key",
    "key.change": "changed the key",
    "key.test": "tested the key",
    "key.rotate": "rotated the key",
    "key.limit": "changed the limits of the key",
    "key.revoke": "revoked the key",
    "chat.share": "shared the chat",
    "chat.unshare": "stopped sharing the chat",
    "chat.delete": "deleted the chat",
    "task.delete": "deleted the task",
    "prompt.reach": "changed who sees the prompt",
    "prompt.share": "shared the prompt",
    "prompt.unshare": "stopped sharing the prompt",
    "prompt.hand_over": "made somebody else the owner of the prompt",
    "prompt.delete": "deleted the prompt",
    "prompt.import": "imported prompts from",
    "prompt.export": "exported prompts",
    "label.point": "moved a label of the prompt",
    "label.remove": "removed a label of the prompt",
    "label.protect": "changed the rule of the label",
    "change.approve": "approved a change of the prompt",
    "change.merge": "merged a change of the prompt",
    "route.declare": "declared the task route",
    "route.change": "changed the task route",
    "route.archive": "archived the task route",
    "route.restore": "restored the task route",
    "model.label": "labelled the model",
    "price.set": "set a price of the model",
    "price.remove": "took back a price of the model",
    "price.currency": "changed the currency of prices to",
    "budget.set": "set a budget of",
    "budget.remove": "removed a budget of",
    "usage.export": "exported usage figures",
    "history.export": "exported history",
    "history.delete": "deleted from history",
    "history.undo": "took back a deletion in history",
    "history.share": "let the team read",
    "history.unshare": "stopped letting the team read",
    "history.copy": "made a redacted copy of",
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
