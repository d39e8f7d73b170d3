"""Writing: new prompts, new versions, two people at once, what changed, and bringing an old version back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Role
from playground.gateway.wire import FAMILIES
from playground.library import (
    diff,
    forms_body,
    forms_merge,
    forms_rows,
    kinds,
    prompts,
    screen,
    unsaved,
    variables,
    versions,
)
from playground.library.forms_body import Typed
from playground.library.kinds import Body
from playground.library.models import Level, Prompt, PromptVersion
from playground.library.screen import Request

REDRAWS = ("message", "variable", "drop-message", "drop-variable", "find", "fields")


@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    """A new prompt of the `kind`, its first version included."""
    access.need(request, Role.MEMBER)
    kind = (request.POST if request.method == "POST" else request.GET).get("kind", kinds.CHAT)
    if kind not in kinds.KEYS:
        raise Http404
    if request.method != "POST":
        return _begun(request, kind)
    typed = _typed_new(kind, request.POST)
    if _redraws(request):
        return _page(request, None, _redrawn(request, typed), _told(request.POST))
    title = request.POST.get("title", "").strip()[:200]
    body, errors = _ready(typed, {} if title else {"title": "Give it a title."})
    if errors:
        typed = Typed(kind, body, typed.raw, errors)
        return _wrong(request, None, typed, _told(request.POST))
    try:
        made = _made(request, kind, title, body)
    except versions.Invalid as invalid:
        typed = _complained(Typed(kind, body, typed.raw), invalid)
        return _wrong(request, None, typed, _told(request.POST))
    messages.success(request, f"“{made.title}” is in the library.")
    return _to(request, made)


def _made(request: Request, kind: str, title: str, body: Body) -> Prompt:
    """The prompt; what was kept of the form goes with it."""
    with transaction.atomic():
        made = prompts.create(
            request.team,
            request.user,
            kind=kind,
            title=title,
            body=body,
            note=request.POST.get("note", "").strip()[:500],
            about=request.POST.get("about", "").strip()[:2000],
            folder=screen.folder_of(request, request.POST.get("folder", "")),
            shared=request.POST.get("reach") != "private",
        )
        unsaved.forget(request.user, request.team, None, kind)
    return made


def _begun(request: Request, kind: str) -> HttpResponse:
    """The form of a new prompt: as the person left it, or empty."""
    left = unsaved.of(request.user, request.team, None, kind)
    if left is None:
        typed = forms_body.of_body(kind, forms_body.empty(kind, request.GET.get("operation", "")))
        folder = screen.folder_of(request, request.GET.get("folder", ""))
        return _page(request, None, typed, {"folder": str(folder.pk) if folder else ""})
    data = unsaved.typed_in(left)
    typed = _typed_new(kind, data)
    return _page(request, None, Typed(kind, typed.body, typed.raw), _told(data) | {"left": left})


def _typed_new(kind: str, data: QueryDict) -> Typed:
    base = forms_body.empty(kind, data.get("operation", ""))
    # What is chosen in no field is nobody's wish.
    base.pop("settings", None)
    return forms_body.read(kind, data, base)


@require_http_methods(["GET", "POST"])
def edit(request: Request, pk: UUID) -> HttpResponse:
    """A new version. The form begins with the newest, or with the version `from`."""
    prompt, _ = screen.prompt_of(request, pk, Level.EDIT)
    head = screen.version_of(prompt, None)
    if request.method != "POST":
        return _opened(request, prompt, head)
    seen = screen.version_of(prompt, request.POST.get("base"))
    typed = forms_body.read(prompt.kind, request.POST, seen.body)
    told = _told(request.POST) | {"base": seen.number}
    if _redraws(request):
        return _page(request, prompt, _redrawn(request, typed), told)
    body, errors = _ready(typed, {})
    typed = Typed(prompt.kind, body, typed.raw, errors)
    if errors:
        return _wrong(request, prompt, typed, told)
    try:
        saved = _saved(request, prompt, body, str(told["note"]), seen.number)
    except versions.Invalid as invalid:
        return _wrong(request, prompt, _complained(typed, invalid), told)
    if isinstance(saved, versions.Conflict):
        return _raced(request, prompt, typed, saved, told)
    said = "Nothing was changed." if saved.number == seen.number else f"Saved as version {saved.number}."
    messages.success(request, said)
    return _to(request, prompt)


def _saved(
    request: Request, prompt: Prompt, body: Body, note: str, base: int
) -> PromptVersion | versions.Conflict:
    """The version; what was kept of the form goes with it, and stays while two texts wait to be merged."""
    with transaction.atomic():
        saved = versions.save(prompt, body, note, request.user, base)
        if not isinstance(saved, versions.Conflict):
            unsaved.forget(request.user, prompt.team, prompt, prompt.kind)
    return saved


def _opened(request: Request, prompt: Prompt, head: PromptVersion) -> HttpResponse:
    """The form as the person left it, over the version it began with. When they ask for the version `from`
    that stands in the form, and what they left is offered.
    """
    left = unsaved.of(request.user, prompt.team, prompt, prompt.kind)
    if left is not None and "from" not in request.GET:
        data = unsaved.typed_in(left)
        seen = screen.version_of(prompt, data.get("base"))
        typed = forms_body.read(prompt.kind, data, seen.body)
        told = _told(data) | {"base": seen.number, "left": left, "newer": head.number > seen.number}
        return _page(request, prompt, Typed(prompt.kind, typed.body, typed.raw), told)
    begun = screen.version_of(prompt, request.GET.get("from"))
    told = {"base": head.number, "note": _note_of(begun, head), "left": left, "beside": True}
    return _page(request, prompt, forms_body.of_body(prompt.kind, begun.body), told)


@require_POST
def draft(request: Request, pk: UUID | None = None) -> HttpResponse:
    """Keep what stands in the editor, or throw away what was kept (`act` is "forget")."""
    if pk is None:
        access.need(request, Role.MEMBER)
        prompt, team, kind = None, request.team, request.POST.get("kind", "")
        place = f"{reverse('library:new')}?kind={kind}"
        if kind not in kinds.KEYS:
            raise Http404
    else:
        prompt, _ = screen.prompt_of(request, pk, Level.EDIT)
        team, kind = prompt.team, prompt.kind
        place = reverse("library:edit", args=[pk])
    if request.POST.get("act") == "forget":
        unsaved.forget(request.user, team, prompt, kind)
        return redirect(place)
    try:
        unsaved.keep(request.user, team, prompt, kind, request.POST)
    except ValueError as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


def _note_of(begun: PromptVersion, head: PromptVersion) -> str:
    return "" if begun.number == head.number else f"From version {begun.number}"


def _redraws(request: Request) -> bool:
    return request.POST.get("act", "save").partition(":")[0] in REDRAWS


def _redrawn(request: Request, typed: Typed) -> Typed:
    """The form with a row more or less, or with the variables that its texts name."""
    act = request.POST["act"]
    if act == "fields":
        return Typed(typed.kind, typed.body, typed.raw)
    if act == "find":
        body = forms_body.with_variables(forms_body.pruned(typed.body), variables.find(typed.body))
        return Typed(typed.kind, body, typed.raw)
    return forms_body.added(typed, act)


def _ready(typed: Typed, errors: Mapping[str, str]) -> tuple[Body, dict[str, str]]:
    """The body as it is saved, and what is wrong with the form."""
    body = forms_body.pruned(typed.body)
    return forms_body.with_variables(body, variables.find(body)), {**errors, **typed.errors}


def _complained(typed: Typed, invalid: versions.Invalid) -> Typed:
    """What the library found wrong, by the fields of the form."""
    errors: dict[str, str] = {}
    for complaint in invalid.complaints:
        errors.setdefault(forms_rows.field_of(complaint.path), complaint.sentence)
    return Typed(typed.kind, typed.body, typed.raw, errors)


def _raced(
    request: Request, prompt: Prompt, typed: Typed, conflict: versions.Conflict, told: dict[str, Any]
) -> HttpResponse:
    """Both texts, and the form with what can be brought together; saving it goes on from theirs."""
    theirs = conflict.theirs
    base = conflict.base.body if conflict.base else {}
    merged = forms_merge.merge(base, theirs.body, typed.body)
    race = {
        "theirs": theirs,
        "base": conflict.base,
        "pieces": _pieces(prompt.kind, theirs.body, typed.body),
        "taken": merged.taken,
        "clashing": merged.clashing,
    }
    form = forms_body.of_body(prompt.kind, merged.body)
    return _page(request, prompt, form, told | {"base": theirs.number, "race": race}, status=422)


def _pieces(kind: str, old: Body, new: Body) -> list[diff.Piece]:
    pieces = diff.compare(kinds.parts_of(kind, old), kinds.parts_of(kind, new))
    return [piece for piece in pieces if piece.state != "same"]


def _told(data: QueryDict) -> dict[str, Any]:
    """What stands in the fields around the body."""
    told: dict[str, Any] = {name: data.get(name, "").strip() for name in ("title", "about", "note", "reach")}
    return told | {"folder": data.get("folder", "")}


def _wrong(request: Request, prompt: Prompt | None, typed: Typed, told: dict[str, Any]) -> HttpResponse:
    return _page(request, prompt, typed, told | {"wrong": True}, status=422)


def _page(
    request: Request, prompt: Prompt | None, typed: Typed, told: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    controls = forms_rows.controls(typed)
    latest = prompt.head.number if prompt and prompt.head else 0
    context = {
        "prompt": prompt,
        "fresh": prompt is None,
        "typed": typed,
        "kind": screen.kind_word(typed.kind),
        "kinds": screen.kind_words(),
        "controls": controls,
        "open_params": any(control.error or control.value for control in controls),
        "messages_rows": forms_rows.message_rows(typed),
        "variable_rows": forms_rows.variable_rows(typed),
        "types": forms_body.TYPES,
        "roles": forms_body.ROLES,
        "families": [(family.key, family.label) for family in FAMILIES.values()],
        "operations": forms_body.operations(typed.kind)
        if prompt is None and typed.kind != kinds.CHAT
        else [],
        "folders": screen.places(request),
        "errors": typed.errors,
        "general": forms_rows.general(typed),
        "next_number": latest + 1,
        "action": reverse("library:edit", args=[prompt.pk]) if prompt else reverse("library:new"),
        "back": reverse("library:prompt", args=[prompt.pk]) if prompt else reverse("library:list"),
        "keeps": reverse("library:draft", args=[prompt.pk]) if prompt else reverse("library:draft-new"),
    }
    name = "library/_editor.html" if request.htmx else "library/edit.html"
    return render(request, name, context | dict(told), status=status)


def _to(request: Request, prompt: Prompt) -> HttpResponse:
    """To the prompt; htmx goes there itself, so that the form is not swapped by a whole page."""
    place = reverse("library:prompt", args=[prompt.pk])
    if not request.htmx:
        return redirect(place)
    response = HttpResponse(status=204)
    response.headers["HX-Redirect"] = place
    return response


@require_GET
def compare(request: Request, pk: UUID) -> HttpResponse:
    """Two versions, `a` and `b`; without them the newest and the one before. `view` is side or inline."""
    prompt, standing = screen.prompt_of(request, pk)
    new_version = screen.version_of(prompt, request.GET.get("b"))
    before = request.GET.get("a") or max(1, new_version.number - 1)
    old_version = screen.version_of(prompt, before)
    context = screen.around(request, prompt, standing, "compare", new_version)
    whole = "whole" in request.GET
    old, new = (kinds.parts_of(prompt.kind, each.body) for each in (old_version, new_version))
    pieces = diff.compare(old, new, context=None if whole else 3)
    view = "inline" if request.GET.get("view") == "inline" else "side"
    context |= {
        "old": old_version,
        "new": new_version,
        "pieces": pieces,
        "changed": sum(piece.state != "same" for piece in pieces),
        "unchanged": any(piece.state == "same" for piece in pieces),
        "view": view,
        "whole": whole,
    }
    return render(request, "library/compare.html", context)


@require_POST
def restore(request: Request, pk: UUID) -> HttpResponse:
    """Make what version `number` says the newest. `base` is the newest that the person saw."""
    prompt, _ = screen.prompt_of(request, pk, Level.EDIT)
    version = screen.version_of(prompt, request.POST.get("number"))
    base = screen.as_number(request.POST.get("base"))
    try:
        saved = versions.restore(version, request.user, base)
    except versions.Invalid as invalid:
        raise PermissionDenied(f"Version {version.number} cannot be saved any more: {invalid}") from None
    if isinstance(saved, versions.Conflict):
        messages.warning(
            request,
            f"Meanwhile version {saved.theirs.number} was saved. Look at it, then restore again if you still"
            " want to.",
        )
    else:
        messages.success(request, f"Version {version.number} is the newest again, as version {saved.number}.")
    return redirect("library:prompt", pk)
