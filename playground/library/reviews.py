"""Change requests: how a protected label moves. Opened, shown with its diff and runs, approved by somebody
else, merged; every step is a conditional update, so that of two people one wins.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.db.models import Case, IntegerField, Value, When
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from playground.gateway.assembly import storable
from playground.library import kinds, labels, rights
from playground.library.models import Approval, ChangeRequest, Level, Prompt, PromptVersion

State = ChangeRequest.State
LIVE = (State.OPEN, State.APPROVED)
MOST_EVIDENCE, LONGEST_NOTE = 50, 10_000
_SUBJECT = re.compile(r"(run|task):[0-9a-f-]{32,36}\Z")


class Refused(Exception):
    """This cannot be done to the request; says why in a sentence."""


def open(
    prompt: Prompt,
    label: str,
    version: PromptVersion,
    user: User,
    *,
    title: str,
    note: str = "",
    evidence: Collection[str] = (),
) -> ChangeRequest:
    """Ask to move the label to the version. Needs edit. Refused when it points there, or is asked already."""
    rights.need(user, prompt, Level.EDIT)
    try:
        labels.check(prompt, label, version)
    except ValueError as error:
        raise Refused(str(error)) from None
    now = prompt.labels.filter(name=label).select_related("version").first()
    if now is not None and now.version_id == version.pk:
        raise Refused(f"“{label}” points at version {version.number} already.")
    change = ChangeRequest(
        prompt=prompt,
        version=version,
        base=now.version if now else None,
        label=label,
        author=user,
        title=" ".join(storable(title).split())[:200] or f"{label}: version {version.number}",
        note=storable(note).strip()[:LONGEST_NOTE],
        evidence=_seen(prompt, user, evidence),
    )
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError:
        raise Refused(f"A request to move “{label}” to version {version.number} is open already.") from None
    return change


def attach(change: ChangeRequest, user: User, subjects: Collection[str]) -> None:
    """Add runs and tasks ("run:<id>", "task:<id>") as evidence. Refused for those the person does not see."""
    rights.need(user, change.prompt, Level.EDIT)
    added = _seen(change.prompt, user, subjects)
    with transaction.atomic():
        row = _locked(change)
        kept = list(dict.fromkeys([*row.evidence, *added]))
        if len(kept) > MOST_EVIDENCE:
            raise Refused(f"A request holds at most {MOST_EVIDENCE} pieces of evidence.")
        _keep(change, kept)


def detach(change: ChangeRequest, user: User, subject: str) -> None:
    rights.need(user, change.prompt, Level.EDIT)
    with transaction.atomic():
        _keep(change, [one for one in _locked(change).evidence if one != subject])


def approve(change: ChangeRequest, user: User) -> None:
    """By somebody who may edit, not its author, and of the role the label's rule asks for; else Refused."""
    standing = rights.need(user, change.prompt, Level.EDIT)
    if change.author_id == user.pk:
        raise Refused("Somebody else has to approve what you ask for.")
    rule = labels.rule_of(change.prompt, change.label)
    if rule and rule.needs_role and standing.role < rule.needs_role:
        raise Refused(f"Approving this needs the role {Role(rule.needs_role).label.lower()} in the team.")
    with transaction.atomic():
        if not ChangeRequest.objects.filter(pk=change.pk, state__in=LIVE).update(state=State.APPROVED):
            raise Refused(_over(change))
        _, new = Approval.objects.get_or_create(change=change, user=user)
        if new:
            _record(change, user, "change.approve")
    change.state = State.APPROVED


def merge(change: ChangeRequest, user: User) -> None:
    """Move the label. Refused when not approved by whom today's rule asks for, or when the label moved since
    the request was opened.
    """
    rights.need(user, change.prompt, Level.EDIT)
    with transaction.atomic():
        if not _end(change, user, State.MERGED, (State.APPROVED,)):
            change.refresh_from_db(fields=["state"])
            raise Refused("Somebody has to approve it first." if change.live else _over(change))
        _need_approval(change)
        if not labels.move_from(change.prompt, change.label, change.base, change.version, user):
            raise Refused(
                f"“{change.label}” moved since this was opened. Look at the difference in a new request."
            )
        _record(change, user, "change.merge")
    change.state = State.MERGED


def close(change: ChangeRequest, user: User) -> None:
    """Give it up: its author, or who may edit."""
    rights.need(user, change.prompt, Level.VIEW if change.author_id == user.pk else Level.EDIT)
    if not _end(change, user, State.CLOSED, LIVE):
        raise Refused(_over(change))
    change.state = State.CLOSED


def of(prompt: Prompt) -> list[ChangeRequest]:
    """The prompt's requests, live ones first, then the newest; with author, versions and approvals."""
    over = Case(When(state__in=LIVE, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = prompt.changes.select_related("author", "version", "base", "ended_by")
    rows = rows.defer("version__body", "base__body").prefetch_related("approvals__user")
    return list(rows.order_by(over, "-created_at"))


def _seen(prompt: Prompt, user: User, subjects: Collection[str]) -> list[str]:
    wanted = list(dict.fromkeys(subjects))
    if len(wanted) > MOST_EVIDENCE:
        raise Refused(f"A request holds at most {MOST_EVIDENCE} pieces of evidence.")
    named = [subject for subject in wanted if _SUBJECT.match(subject)]
    found = {use.subject for use in kinds.evidence(prompt.team_id, named, user)} if named else set()
    if len(found) < len(wanted):
        raise Refused("Evidence must be runs or tasks of prompts that you can see.")
    return wanted


def _locked(change: ChangeRequest) -> ChangeRequest:
    row = ChangeRequest.objects.select_for_update().filter(pk=change.pk, state__in=LIVE).first()
    if row is None:
        raise Refused(_over(change))
    return row


def _keep(change: ChangeRequest, evidence: list[str]) -> None:
    ChangeRequest.objects.filter(pk=change.pk).update(evidence=evidence)
    change.evidence = evidence


def _end(change: ChangeRequest, user: User, state: str, when: Collection[str]) -> bool:
    rows = ChangeRequest.objects.filter(pk=change.pk, state__in=when)
    return rows.update(state=state, ended_at=timezone.now(), ended_by=user) == 1


def _need_approval(change: ChangeRequest) -> None:
    """A rule may have been made, or a role lost, since the approval."""
    rule = labels.rule_of(change.prompt, change.label)
    if rule is None or not rule.needs_role:
        return
    able = {"user__membership__team": change.prompt.team_id, "user__membership__role__gte": rule.needs_role}
    if not change.approvals.filter(user__is_active=True, **able).exists():
        role = Role(rule.needs_role).label.lower()
        raise Refused(f"“{change.label}” needs the approval of somebody with the role {role} now.")


def _over(change: ChangeRequest) -> str:
    change.refresh_from_db(fields=["state"])
    return f"This request is {change.get_state_display().lower()} already."


def _record(change: ChangeRequest, user: User, verb: str) -> None:
    prompt = change.prompt
    number = change.version.number
    audit.record(user, prompt.team, verb, prompt.slug, label=change.label, version=number)
