"""The Prompts page: folders, the table with its filters and preview, and many prompts at once."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts import access
from accounts.models import Role
from playground.library import bulk, discussion, finding, kinds, labels, prompts, screen, shelves, variables
from playground.library import listing as pages
from playground.library.listing import Filters, Row
from playground.library.models import Folder, Prompt, Reach
from playground.library.screen import Request

PAGE = 50
MOST_CHOSEN = 200
LONGEST = 200
TOLD = 5
NOBODY = uuid.UUID(int=0)
FLAGS = ("favourite", "unread", "archived")
NAMES = ("q", "folder", "tag", "kind", "label", "owner", *FLAGS, "sort")
FIELDS = {"q": "words"}
Known = list[tuple[Folder, int]]


@require_GET
def listing(request: Request) -> HttpResponse:
    """`q`, `folder`, `tag`, `kind`, `label`, `owner`, `favourite`, `unread` and `archived` narrow, `sort`
    orders, `mark` is a page, `prompt` stands in the preview. htmx gets the list or the preview alone.
    """
    if request.htmx and request.htmx.target == "preview":
        return render(request, "library/_preview.html", _preview(request) | {"here": _query(request.GET)})
    known = pages.folders(request.team)
    context = _listed(request, request.GET, known)
    if request.htmx and request.htmx.target == "prompts":
        response = render(request, "library/_list.html", context)
        # While somebody types, the address follows without a step back for each letter.
        way = "HX-Replace-Url" if request.htmx.trigger_name == "q" else "HX-Push-Url"
        response.headers[way] = f"{reverse('library:list')}?{context['here']}"
        return response
    context |= _choices(request, context["filters"], known) | _preview(request)
    return render(request, "library/list.html", context)


def filters_of(asked: QueryDict) -> Filters:
    """What cannot be understood does not narrow."""
    told: dict[str, Any] = {
        FIELDS.get(name, name): finding.plain(asked.get(name, "")).strip()[:LONGEST]
        for name in NAMES
        if name not in FLAGS
    }
    told |= {name: bool(asked.get(name)) for name in FLAGS}
    if told["sort"] not in pages.SORTS:
        told["sort"] = "updated"
    for name in ("folder", "owner"):
        if told[name] not in ("", pages.TOP) and _uuid(told[name]) is None:
            told[name] = ""
    return Filters(**told)


def _query(asked: QueryDict, **changed: str) -> str:
    """The address of the list as it is, with some of it otherwise; what is empty is left out."""
    query = QueryDict(mutable=True)
    told = {name: asked.get(name, "").strip()[:LONGEST] for name in (*NAMES, "mark")} | changed
    for name, value in told.items():
        if value:
            query[name] = value
    return query.urlencode()


def _listed(request: Request, asked: QueryDict, known: Known) -> dict[str, Any]:
    filters = filters_of(asked)
    role, mine = int(request.role), request.user.pk
    found = pages.page(request.team, request.user, filters, asked.get("mark", ""), PAGE, role=role)
    shown, here = _uuid(asked.get("prompt", "")), _query(asked)
    # Looked up once: fifty times would be a tenth of what the page costs.
    around = reverse("library:prompt", args=[NOBODY]).split(str(NOBODY))
    narrows = any(asked.get(name) for name in NAMES if name != "sort")
    return {
        "here": here,
        "rows": [_line(row, mine, shown, here, around) for row in found.rows],
        "filters": filters,
        "words": filters.words,
        "narrows": narrows,
        "first_page": found.first,
        "next": _query(asked, mark=found.next_mark) if found.next_mark else "",
        "first": _query(asked, mark=""),
        "may_make": role >= Role.MEMBER,
        "places": screen.places(request, known),
    }


def _line(row: Row, user: uuid.UUID, shown: uuid.UUID | None, here: str, around: list[str]) -> dict[str, Any]:
    """A row as its template reads it, fifty times a page: a template finds a dict's names in one look."""
    prompt, pk = row.prompt, str(row.prompt.pk)
    number = prompt.head.number if prompt.head else None
    return {
        "pk": pk,
        "url": pk.join(around),
        "title": prompt.title,
        "about": prompt.about,
        "kind": screen.kind_word(prompt.kind),
        "private": prompt.reach == Reach.PRIVATE,
        "archived": prompt.archived_at is not None,
        "number": number,
        # A label that is not at the newest version says at which it is.
        "labels": [(name, at if at != number else None) for name, at in row.labels],
        "tags": row.tags,
        "favourite": row.favourite,
        "unread": row.unread,
        "last_run_at": row.last_run_at,
        "mine": prompt.owner_id == user,
        "owner": str(prompt.owner) if prompt.owner else "",
        "shown": prompt.pk == shown,
        "query": f"{here}&prompt={pk}" if here else f"prompt={pk}",
    }


def _choices(request: Request, filters: Filters, known: Known) -> dict[str, Any]:
    """The folder tree and what the filters offer."""
    asked = request.GET
    everywhere = _query(asked, folder="", mark="")
    role = int(request.role)
    tree = [(str(one.folder.pk), one) for one in pages.tree(request.team, request.user, known, role)]
    return {
        "branches": [
            {
                "name": one.folder.name,
                "depth": one.depth,
                "prompts": one.prompts,
                "query": f"folder={key}&{everywhere}".rstrip("&"),
                "here": key == filters.folder,
            }
            for key, one in tree
        ],
        "chosen": next((one for key, one in tree if key == filters.folder), None),
        "everywhere": everywhere,
        "at_top": _query(asked, folder=pages.TOP, mark=""),
        "kinds": screen.kind_words(),
        "tags": pages.tags(request.team),
        "owners": pages.owners(request.team, request.user, role),
        "label_names": labels.names(request.team),
        "sorts": pages.SORTS,
        "mentions": discussion.mentioned(request.team, request.user, role),
    }


def _preview(request: Request) -> dict[str, Any]:
    """The prompt beside the table; nothing when there is none of this id."""
    pk = _uuid(request.GET.get("prompt", ""))
    prompt = (
        access.visible(Prompt, request).select_related("head", "owner").filter(pk=pk).first() if pk else None
    )
    if prompt is None:
        return {"preview": None}
    version = prompt.head
    return {
        "preview": prompt,
        "preview_kind": screen.kind_word(prompt.kind),
        "preview_version": version,
        "preview_parts": kinds.parts_of(prompt.kind, version.body)[:TOLD] if version else [],
        "preview_variables": variables.read(version.body) if version else [],
        "preview_open": screen.open_url(prompt, version) if version else "",
    }


@require_POST
def star(request: Request) -> HttpResponse:
    """A person's own mark on the `prompt`."""
    prompt, _ = screen.prompt_of(request, request.POST.get("prompt", ""))
    on = prompts.favour(prompt, request.user)
    if not request.htmx:
        return redirect(_back(request, reverse("library:prompt", args=[prompt.pk])))
    return render(request, "library/_star.html", {"prompt": prompt, "favourite": on})


def _back(request: Request, otherwise: str) -> str:
    """Where a form without script returns to: the list as it was, or the page of the prompt."""
    back = request.POST.get("back")
    if back is None:
        return otherwise
    query = _query(QueryDict(back))
    return f"{reverse('library:list')}?{query}" if query else reverse("library:list")


@require_POST
def do(request: Request) -> HttpResponse:
    """`act` for every `prompt` that was chosen; `back` is the list to come back to."""
    access.need(request, Role.MEMBER)
    chosen = _chosen(request)
    act = request.POST.get("act", "")
    if not chosen:
        return _again(request, "Choose prompts first.", messages.WARNING)
    if act == "export":
        address = f"{reverse('library:export')}?{urlencode([('prompt', pk) for pk in chosen])}"
        return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
    if act == "delete" and "sure" not in request.POST:
        return _asked_to_delete(request, chosen)
    try:
        word, outcome = _done(request, act, chosen)
    except (ValueError, PermissionDenied) as error:
        return _again(request, str(error), messages.WARNING)
    text = f"{word}: {outcome.done} prompt{pluralize(outcome.done)}."
    if outcome.refused:
        told = ", ".join(f"“{title}”" for title in outcome.refused[:TOLD])
        more = len(outcome.refused) - TOLD
        text += f" You may not do this to {told}{f' and {more} more' if more > 0 else ''}."
    return _again(request, text, messages.SUCCESS if outcome.done else messages.WARNING)


def _done(request: Request, act: str, chosen: list[uuid.UUID]) -> tuple[str, bulk.Outcome]:
    team, user = request.team, request.user
    if act == "archive":
        return "Archived", bulk.archive(team, user, chosen)
    if act == "unarchive":
        return "Taken out of the archive", bulk.unarchive(team, user, chosen)
    if act == "delete":
        return "Deleted with all versions", bulk.delete(team, user, chosen)
    if act == "move":
        folder = screen.folder_of(request, request.POST.get("folder", ""))
        return "Moved", bulk.move(team, user, chosen, folder)
    name = finding.plain(request.POST.get("tag", "")).strip()[:50]
    if act not in ("tag", "untag") or not name:
        raise ValueError("Write the tag first.")
    if act == "tag":
        return f"Tagged “{name}”", bulk.tag(team, user, chosen, name)
    return f"“{name}” taken off", bulk.untag(team, user, chosen, name)


def _chosen(request: Request) -> list[uuid.UUID]:
    found = (_uuid(text) for text in request.POST.getlist("prompt")[:MOST_CHOSEN])
    return [pk for pk in found if pk is not None]


def _asked_to_delete(request: Request, chosen: list[uuid.UUID]) -> HttpResponse:
    """What would be lost, before the deed."""
    rows = list(access.visible(Prompt, request).filter(pk__in=chosen).order_by("title"))
    context = {
        "rows": rows,
        "told": rows[:8],
        "more": max(0, len(rows) - 8),
        "back": request.POST.get("back", ""),
    }
    if not request.htmx:
        return render(request, "library/delete_many.html", context)
    response = render(request, "library/_delete_many.html", context)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#prompts-ask", "innerHTML"
    return response


def _again(request: Request, text: str, level: int) -> HttpResponse:
    """The list as it is now, with a word on what was done."""
    messages.add_message(request, level, text)
    if not request.htmx:
        return redirect(_back(request, reverse("library:list")))
    context = _listed(request, QueryDict(request.POST.get("back", "")), pages.folders(request.team))
    return render(request, "library/_list.html", context | {"told": True})


@require_POST
def folders(request: Request) -> HttpResponse:
    """`act`: make one called `name` in `parent`, rename or delete `folder`. What it holds moves one up."""
    access.need(request, Role.MEMBER)
    name, act = request.POST.get("name", ""), request.POST.get("act", "")
    back = _back(request, reverse("library:list"))
    try:
        if act == "make":
            parent = screen.folder_of(request, request.POST.get("parent", ""))
            made = shelves.make_folder(request.team, request.user, name, parent)
            return redirect(f"{reverse('library:list')}?folder={made.pk}")
        folder = access.get(Folder, request, request.POST.get("folder", ""), need=Role.MEMBER)
        if act == "rename":
            shelves.rename_folder(folder, request.user, name)
        elif act == "delete":
            shelves.remove_folder(folder, request.user)
            messages.success(request, f"The folder “{folder.name}” is gone. What it held is one up.")
            back = reverse("library:list")
    except ValueError as error:
        messages.warning(request, str(error))
    return redirect(back)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
