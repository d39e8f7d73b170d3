"""Labels and the requests to move a protected one: opened, talked over, approved, merged."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Role
from playground.library import diff, discussion, finding, kinds, labels, reviews, rights, screen
from playground.library.labels import NeedsReview, NeedsRole
from playground.library.models import ChangeRequest, Label, LabelRule, Level, Prompt, PromptVersion
from playground.library.screen import Request

MOST_EVIDENCE = 20
RECENT = 12


@require_POST
def label(request: Request, pk: UUID) -> HttpResponse:
    """Let `name` point at version `number`; with `remove` it points nowhere. A protected one asks."""
    prompt, _ = screen.prompt_of(request, pk, Level.EDIT)
    name, own = (finding.plain(request.POST.get(each, "")).strip()[:40] for each in ("name", "own"))
    name = name or own.lower()
    version = screen.version_of(prompt, request.POST.get("number"))
    place = f"{reverse('library:prompt', args=[pk])}?version={version.number}"
    try:
        if "remove" in request.POST:
            there = prompt.labels.filter(name=name, version=version).first()
            if there is None:
                raise ValueError(f"“{name}” does not point at version {version.number} any more.")
            answer = labels.remove(there, request.user)
            return _answered(request, prompt, name, answer, place, f"“{name}” is taken off.")
        moved = labels.point(prompt, name, version, request.user)
    except ValueError as error:
        messages.warning(request, str(error))
        return redirect(place)
    return _answered(request, prompt, name, moved, place, f"“{name}” is version {version.number} now.")


def _answered(
    request: Request,
    prompt: Prompt,
    name: str,
    answer: Label | NeedsRole | NeedsReview | None,
    place: str,
    done: str,
) -> HttpResponse:
    if isinstance(answer, NeedsReview):
        query = urlencode({"label": name, "version": request.POST.get("number", "")})
        messages.info(request, f"“{name}” is protected: it moves once somebody else has approved.")
        return redirect(f"{reverse('library:ask', args=[prompt.pk])}?{query}")
    if isinstance(answer, NeedsRole):
        raise PermissionDenied(
            f"“{name}” is protected: moving it needs the role {answer.role.label.lower()} in the team."
        )
    messages.success(request, done)
    return redirect(place)


@require_http_methods(["GET", "POST"])
def ask(request: Request, pk: UUID) -> HttpResponse:
    """Open a change request: `label` shall be `version`."""
    prompt, standing = screen.prompt_of(request, pk, Level.EDIT)
    given = request.POST if request.method == "POST" else request.GET
    version = screen.version_of(prompt, given.get("version"))
    name = finding.plain(given.get("label", "")).strip()[:40] or labels.PRODUCTION
    typed = {each: given.get(each, "").strip() for each in ("title", "note")}
    typed["title"] = typed["title"] or f"{name.capitalize()}: version {version.number}"
    evidence = given.getlist("evidence")[:MOST_EVIDENCE]
    error = ""
    if request.method == "POST":
        title, note = typed["title"][:200], typed["note"][:10_000]
        try:
            made = reviews.open(
                prompt, name, version, request.user, title=title, note=note, evidence=evidence
            )
        except (reviews.Refused, ValueError) as refused:
            error = str(refused)
        else:
            messages.success(request, "The request is open. Somebody else has to approve it.")
            return redirect("library:change", made.pk)
    base = prompt.labels.filter(name=name).select_related("version").first()
    context = screen.around(request, prompt, standing, "ask", version)
    context |= {
        "label": name,
        "base": base.version if base else None,
        "recent": kinds.uses_of(prompt, request.user, version=version, limit=RECENT),
        "chosen": evidence,
        "typed": typed,
        "error": error,
    } | _difference(prompt, base.version if base else None, version)
    return render(request, "library/ask.html", context, status=422 if error else 200)


def _difference(prompt: Prompt, old: PromptVersion | None, new: PromptVersion) -> dict[str, Any]:
    before = kinds.parts_of(prompt.kind, old.body) if old else []
    pieces = diff.compare(before, kinds.parts_of(prompt.kind, new.body))
    return {"pieces": pieces, "unchanged": any(piece.state == "same" for piece in pieces)}


@require_GET
def change(request: Request, pk: UUID) -> HttpResponse:
    return _change_page(request, access.get(ChangeRequest, request, pk))


def _change_page(request: Request, asked: ChangeRequest, typed: str = "", error: str = "") -> HttpResponse:
    prompt, standing = screen.prompt_of(request, asked.prompt_id)
    context = screen.around(request, prompt, standing, "change", asked.version)
    attached = kinds.evidence(prompt.team_id, asked.evidence, request.user)
    recent = kinds.uses_of(prompt, request.user, version=asked.version, limit=RECENT) if asked.live else []
    approvals = list(asked.approvals.select_related("user").order_by("at"))
    context |= {
        "change": asked,
        "old": asked.base,
        "new": asked.version,
        "view": "inline" if request.GET.get("view") == "inline" else "side",
        "attached": attached,
        "hidden": len(asked.evidence) - len(attached),
        "recent": [use for use in recent if use.subject not in asked.evidence],
        "approvals": approvals,
        "may_approve": standing.level >= Level.EDIT
        and asked.author_id != request.user.pk
        and request.user.pk not in {each.user_id for each in approvals},
        "is_mine": asked.author_id == request.user.pk,
        "comments": discussion.on(asked),
        "handles": discussion.handles(prompt.team),
        "typed": typed,
        "error": error,
    } | _difference(prompt, asked.base, asked.version)
    return render(request, "library/change.html", context, status=422 if error else 200)


@require_POST
def change_do(request: Request, pk: UUID) -> HttpResponse:
    """`act`: say, approve, merge, close, attach or detach `evidence`."""
    asked = access.get(ChangeRequest, request, pk)
    act, user = request.POST.get("act", ""), request.user
    evidence = request.POST.getlist("evidence")[:MOST_EVIDENCE]
    rights.need(user, asked.prompt, Level.VIEW if act in ("say", "close") else Level.EDIT)
    try:
        if act == "say":
            access.check(ChangeRequest, user, pk)
            discussion.say(asked.version, user, request.POST.get("text", ""), asked)
        elif act == "approve":
            reviews.approve(asked, user)
            messages.success(request, "Approved. It can be merged now.")
        elif act == "merge":
            reviews.merge(asked, user)
            messages.success(request, f"“{asked.label}” is version {asked.version.number} now.")
        elif act == "close":
            reviews.close(asked, user)
            messages.success(request, "The request is closed. The label stays where it was.")
        elif act == "attach":
            reviews.attach(asked, user, evidence)
        elif act == "detach" and evidence:
            reviews.detach(asked, user, evidence[0])
    except ValueError as error:
        return _change_page(request, asked, request.POST.get("text", ""), str(error))
    except reviews.Refused as refused:
        messages.warning(request, str(refused))
    return redirect("library:change", pk)


@require_http_methods(["GET", "POST"])
def rules(request: Request) -> HttpResponse:
    """Which labels of the team are protected, and how."""
    access.need(request, Role.ADMIN if request.method == "POST" else Role.VIEWER)
    if request.method == "POST":
        return _ruled(request)
    there = labels.rules(request.team)
    known = {rule.name for rule in there}
    rows: list[dict[str, Any]] = [{"name": rule.name, "rule": rule} for rule in there]
    rows += [{"name": name, "rule": None} for name in labels.names(request.team) if name not in known]
    context = {
        "rows": rows,
        "roles": [role for role in Role if role >= Role.ADMIN],
        "may_admin": request.role >= Role.ADMIN,
    }
    return render(request, "library/rules.html", context)


def _ruled(request: Request) -> HttpResponse:
    name = request.POST.get("name", "").strip().lower()[:40]
    role = {str(each.value): each for each in Role}.get(request.POST.get("needs_role", ""))
    try:
        if complaint := labels.complaint(name):
            raise ValueError(complaint)
        review = "needs_review" in request.POST
        labels.protect(request.team, name, request.user, needs_role=role, needs_review=review)
    except ValueError as error:
        messages.warning(request, str(error))
    else:
        protected = LabelRule.objects.filter(team=request.team, name=name).exists()
        messages.success(request, f"“{name}” is {'protected' if protected else 'free to move'} now.")
    return redirect("library:rules")
