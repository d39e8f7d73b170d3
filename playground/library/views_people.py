"""Who may do what with a prompt, and what people say about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Role, User
from playground.library import discussion, rights, screen, sharing
from playground.library.models import Comment, Level, Prompt, Reach, Share
from playground.library.screen import Request

GIVEN = [(level.value, level.label) for level in Level]
OF_TEAM = GIVEN[:3]


@require_GET
def discussion_page(request: Request, pk: UUID) -> HttpResponse:
    """What is said about all versions, the oldest first; a new comment is about the version shown."""
    return _discussion(request, pk)


def _discussion(request: Request, pk: UUID, typed: str = "", error: str = "") -> HttpResponse:
    prompt, standing = screen.prompt_of(request, pk)
    version = screen.version_of(prompt, request.POST.get("number") or request.GET.get("version"))
    context = screen.around(request, prompt, standing, "discussion", version)
    context |= {
        "comments": discussion.of(prompt),
        "handles": discussion.handles(prompt.team),
        "word": f"About version {version.number}",
        "typed": typed,
        "error": error,
    }
    return render(request, "library/discussion.html", context, status=422 if error else 200)


@require_POST
def say(request: Request, pk: UUID) -> HttpResponse:
    """A comment on version `number`."""
    prompt, _ = screen.prompt_of(request, pk)
    version = screen.version_of(prompt, request.POST.get("number"))
    text = request.POST.get("text", "")
    try:
        made = discussion.say(version, request.user, text)
    except ValueError as error:
        return _discussion(request, pk, text, str(error))
    return redirect(f"{reverse('library:discussion', args=[pk])}?version={version.number}#comment-{made.pk}")


@require_POST
def seen(request: Request) -> HttpResponse:
    """The person has read what is said about the `prompt`."""
    prompt, _ = screen.prompt_of(request, request.POST.get("prompt", ""))
    discussion.see(prompt, request.user)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("library:discussion", prompt.pk)


@require_http_methods(["GET", "POST"])
def comment(request: Request, pk: UUID) -> HttpResponse:
    """GET: one's own comment as a form. POST: its new text, or with `remove` it goes."""
    found = access.get(Comment, request, pk)
    prompt = found.version.prompt
    place = reverse("library:discussion", args=[prompt.pk])
    if found.change_id:
        place = reverse("library:change", args=[found.change_id])
    if request.method == "POST" and "remove" in request.POST:
        discussion.unsay(found, request.user)
        return redirect(place)
    if found.author_id != request.user.pk:
        raise PermissionDenied("Only who wrote a comment may change it.")
    error = ""
    if request.method == "POST":
        try:
            discussion.edit(found, request.user, request.POST.get("text", ""))
        except ValueError as refused:
            error = str(refused)
        else:
            return redirect(f"{place}#comment-{pk}")
    typed = request.POST.get("text", "") if error else found.text
    context = {"comment": found, "prompt": prompt, "place": place, "typed": typed, "error": error}
    return render(request, "library/comment.html", context, status=422 if error else 200)


@require_GET
def access_tab(request: Request, pk: UUID) -> HttpResponse:
    """Everybody who may do something with the prompt, and why."""
    prompt, standing = screen.prompt_of(request, pk)
    version = screen.version_of(prompt, request.GET.get("version"))
    context = screen.around(request, prompt, standing, "access", version)
    return render(request, "library/access.html", context | _sharing(prompt))


def _sharing(prompt: Prompt) -> dict[str, Any]:
    people = rights.everybody(prompt)
    shares = list(prompt.shares.select_related("user").order_by("created_at"))
    return {
        "people": [(each, Level(each.standing.level).label) for each in people],
        "shares": [(each, Role(each.role).label if each.role else "") for each in shares],
        "members": list(User.objects.filter(teams=prompt.team).order_by("name", "email")),
        "roles": [role for role in Role if role != Role.OWNER],
        "levels": GIVEN,
        "team_levels": OF_TEAM,
    }


@require_POST
def share(request: Request, pk: UUID) -> HttpResponse:
    """`act`: reach (who sees it), give (`with` a person or role), take (a `share`), hand-over (to `with`)."""
    prompt, _ = screen.prompt_of(request, pk, Level.OWN)
    act, user = request.POST.get("act", ""), request.user
    try:
        if act == "reach":
            reach = Reach.PRIVATE if request.POST.get("reach") == Reach.PRIVATE else Reach.TEAM
            level = _level(request, "team_may", [value for value, _ in OF_TEAM])
            sharing.reach(prompt, user, reach, level)
            messages.success(request, "Saved. Below is who may do what now.")
        elif act == "give":
            level = _level(request, "may", [value for value, _ in GIVEN])
            sharing.share(prompt, user, level, **_whom(request, prompt))
            messages.success(request, "Shared.")
        elif act == "take":
            sharing.unshare(_share(prompt, request.POST.get("share", "")), user)
            messages.success(request, "Taken back.")
        elif act == "hand-over":
            whom = _whom(request, prompt).get("person")
            if whom is None:
                raise ValueError("Choose a person to hand it to.")
            sharing.hand_over(prompt, user, whom)
            messages.success(request, f"{whom} owns it now.")
    except ValueError as error:
        messages.warning(request, str(error))
    # Who handed it over may have lost it.
    there = access.visible(Prompt, request).filter(pk=pk).exists()
    return redirect("library:access", pk) if there else redirect("library:list")


def _level(request: Request, name: str, allowed: list[int]) -> int:
    try:
        level = int(request.POST.get(name, ""))
    except ValueError:
        level = 0
    if level not in allowed:
        raise ValueError("Choose what they may do.")
    return level


def _whom(request: Request, prompt: Prompt) -> dict[str, Any]:
    """`with` is "role:<number>" or "user:<id>" of a member."""
    what, _, pk = request.POST.get("with", "").partition(":")
    if what == "role":
        role = {str(each.value): each for each in Role}.get(pk)
        if role is not None:
            return {"role": role}
    if what == "user":
        for member in User.objects.filter(teams=prompt.team):
            if str(member.pk) == pk:
                return {"person": member}
    raise ValueError("Choose somebody of the team, or a role.")


def _share(prompt: Prompt, pk: str) -> Share:
    for each in prompt.shares.all():
        if str(each.pk) == pk:
            return each
    raise Http404
