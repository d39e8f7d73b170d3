"""One prompt: what a version says, its settings, how code gets it, and what is done to the whole of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from playground.library import fill, finding, keeping, kinds, prompts, screen, shelves, snippets
from playground.library.kinds import Section
from playground.library.models import ChangeRequest, Level, Prompt
from playground.library.screen import Request

# What stands on the tab Settings; everything else is the prompt itself.
SETTINGS_OF_MEDIA = ("operation", "model", "extra")
MOST_TAGS = 20


@require_GET
def by_slug(request: Request, slug: str) -> HttpResponse:
    """A link that survives a renaming, in the team in use."""
    try:
        found = finding.prompt_named(request.team, finding.plain(slug), request.user)
    except finding.Missing:
        raise Http404 from None
    return redirect("library:prompt", found.pk)


@require_GET
def prompt(request: Request, pk: UUID) -> HttpResponse:
    """What the version says; `version` is its number, otherwise the newest is shown."""
    found, standing = screen.prompt_of(request, pk)
    version = screen.version_of(found, request.GET.get("version"))
    context = screen.around(request, found, standing, "prompt", version)
    said, _ = _parted(found, kinds.parts_of(found.kind, version.body))
    context |= {
        "sections": said,
        "variables": fill.variables_of(version, request.user),
        "changes": _asked(found),
        "folder": found.folder,
        "parent": keeping.seen(found.forked_from, request.user),
    }
    return render(request, "library/prompt.html", context)


def _asked(found: Prompt) -> QuerySet[ChangeRequest]:
    """What asks for a label now."""
    live = found.changes.filter(state__in=("open", "approved")).select_related("version", "author")
    return live.defer("version__body")[:5]


def _parted(found: Prompt, sections: list[Section]) -> tuple[list[Section], list[Section]]:
    """What a prompt says, and how it is sent. The variables have a table of their own."""
    sections = [section for section in sections if section.key != "variables"]
    if found.kind == kinds.CHAT:
        told = [each for each in sections if each.key == "system" or each.key.startswith("message")]
    else:
        told = [each for each in sections if each.key not in SETTINGS_OF_MEDIA]
    return told, [each for each in sections if each not in told]


@require_GET
def settings(request: Request, pk: UUID) -> HttpResponse:
    """How the version is sent, and what the prompt is called and where it is filed."""
    found, standing = screen.prompt_of(request, pk)
    version = screen.version_of(found, request.GET.get("version"))
    _, sent = _parted(found, kinds.parts_of(found.kind, version.body))
    context = screen.around(request, found, standing, "settings", version)
    context |= {"sections": sent} | _named(request, found)
    return render(request, "library/settings.html", context)


def _named(request: Request, found: Prompt) -> dict[str, Any]:
    return {
        "typed": {
            "title": found.title,
            "about": found.about,
            "slug": found.slug,
            "tags": ", ".join(found.tags.order_by("name").values_list("name", flat=True)),
            "folder": found.folder_id,
        },
        "places": screen.places(request),
        "errors": {},
    }


@require_POST
def details(request: Request, pk: UUID) -> HttpResponse:
    """Title, what it is for, name in code, folder and tags."""
    found, standing = screen.prompt_of(request, pk, Level.EDIT)
    typed = {
        name: request.POST.get(name, "").strip() for name in ("title", "about", "slug", "tags", "folder")
    }
    errors = {} if typed["title"] else {"title": "Give it a title."}
    try:
        validate_slug(typed["slug"])
    except ValidationError:
        errors["slug"] = "A name in code is made of letters, digits, hyphens and underscores."
    if not errors:
        named = {"title": typed["title"][:200], "about": typed["about"][:2000], "slug": typed["slug"][:80]}
        if not prompts.rename(found, request.user, **named):
            errors["slug"] = "Another prompt of the team has this name, or had it."
    if errors:
        context = screen.around(request, found, standing, "settings", screen.version_of(found, None))
        context |= _named(request, found) | {"typed": typed, "errors": errors}
        return render(request, "library/settings.html", context, status=422)
    tags = [name.strip()[:50] for name in typed["tags"].split(",") if name.strip()][:MOST_TAGS]
    shelves.file_under(found, request.user, screen.folder_of(request, typed["folder"]), tags)
    messages.success(request, "Saved.")
    return redirect("library:settings", pk)


@require_GET
def use(request: Request, pk: UUID) -> HttpResponse:
    """The code that fetches it by its label, and renders it."""
    found, standing = screen.prompt_of(request, pk)
    version = screen.version_of(found, request.GET.get("version"))
    context = screen.around(request, found, standing, "use", version)
    pointed = list(found.labels.order_by("name").select_related("version"))
    asked = request.GET.get("label", "")
    # A version that somebody looks at is meant, unless a label was chosen.
    number = version.number if "version" in request.GET and not asked else None
    chosen = None
    if pointed and not number:
        chosen = next((each for each in pointed if each.name == asked), pointed[0])
    meant = chosen.version if chosen else version
    label = chosen.name if chosen else ""
    context |= {
        "pointed": pointed,
        "label": label,
        "number": number,
        "snippets": snippets.snippets(
            request.build_absolute_uri("/"),
            found.slug,
            fill.variables_of(meant, request.user),
            label=label,
            number=number,
        ),
    }
    return render(request, "library/use.html", context)


@require_POST
def do(request: Request, pk: UUID) -> HttpResponse:
    """`act`: archive, unarchive, duplicate, or fork the version of this `number`."""
    act = request.POST.get("act", "")
    level = Level.VIEW if act in ("duplicate", "fork") else Level.EDIT
    found, _ = screen.prompt_of(request, pk, level)
    if act == "duplicate":
        made = prompts.duplicate(found, request.user)
        messages.success(request, f"“{made.title}” is a private copy of yours.")
        return redirect("library:prompt", made.pk)
    if act == "fork":
        made = prompts.fork(screen.version_of(found, request.POST.get("number")), request.user)
        messages.success(request, f"“{made.title}” is yours now, and remembers where it comes from.")
        return redirect("library:prompt", made.pk)
    if act == "archive":
        prompts.archive(found, request.user)
        messages.success(request, f"“{found.title}” is in the archive. Code that fetches it goes on working.")
    elif act == "unarchive":
        prompts.unarchive(found, request.user)
        messages.success(request, f"“{found.title}” is out of the archive.")
    return redirect("library:prompt", pk)


@require_http_methods(["GET", "POST"])
def delete(request: Request, pk: UUID) -> HttpResponse:
    """What would be lost, and the deed."""
    found, _ = screen.prompt_of(request, pk, Level.OWN)
    if request.method == "POST":
        title = found.title
        prompts.delete(found, request.user)
        messages.success(request, f"“{title}” is deleted, with all its versions.")
        return redirect(reverse("library:list"))
    context = {
        "prompt": found,
        "count": found.versions.count(),
        "labels": list(found.labels.order_by("name")),
    }
    return render(request, "library/delete.html", context)
