"""Library prompts in the studio: opened in their form with values for their variables, and made of a form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access
from accounts.models import Role
from playground.gateway.assembly import storable
from playground.gateway.media.operation import Operation
from playground.library import fill, keeping, rights, values_form, variables
from playground.library.models import Level, PromptVersion
from playground.library.variables import Variable
from playground.media import catalogue, forms, prompts, screen, uploads
from playground.media.screen import Request

WRITTEN = "m-"
# For a picture that no field of the form limits.
MOST_BYTES = 20 * 2**20


@require_http_methods(["GET", "POST"])
def prompt(request: Request, pk: UUID) -> HttpResponse:
    """The form of a version's variables; filled in it leads to the studio's own. Without any, at once."""
    version = access.get(PromptVersion, request, pk)
    rights.need(request.user, version.prompt, Level.RUN)
    operation = catalogue.chosen(request.team, str(version.body.get("operation") or ""))
    if version.prompt.team_id != request.team.pk or version.prompt.kind not in prompts.KINDS:
        raise Http404
    if operation is None:
        gone = "The studio has no form for this prompt any more."
        return render(request, "media/prompt.html", _asked(version, [], {}, {"": gone}), status=409)
    wanted = fill.variables_of(version, request.user)
    if request.method == "GET":
        if wanted:
            return render(request, "media/prompt.html", _asked(version, wanted, {}, {}))
        return redirect(f"{_place(operation)}&{urlencode({'prompt': str(pk)})}")
    values, errors = _with_files(request, operation, wanted)
    found = prompts.opened(version, values, request.user) if not errors else fill.Errors(errors)
    if isinstance(found, fill.Errors):
        context = _asked(version, wanted, values, found.by_name)
        return render(request, "media/prompt.html", context, status=422)
    key = screen.draft(request, operation).key
    screen.keep_draft(request, operation, replace(found, key=key))
    return redirect(_place(operation))


def _place(operation: Operation) -> str:
    studio = reverse("media:studio", args=[screen.tab_of(operation.medium)])
    return f"{studio}?{urlencode({'operation': operation.key})}"


def _asked(
    version: PromptVersion, wanted: list[Variable], values: dict[str, Any], errors: dict[str, str]
) -> dict[str, Any]:
    return {
        "version": version,
        "prompt": version.prompt,
        "rows": values_form.rows(wanted, values, errors),
        "general": values_form.unplaced(wanted, errors),
    }


def _with_files(
    request: Request, operation: Operation, wanted: list[Variable]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values; pictures that came with the form itself are stored, and refused at their field."""
    values, errors = values_form.read(wanted, request.POST), {}
    most = max((row.max_bytes for row in operation.files if row.kind == "image"), default=MOST_BYTES)
    for row in values_form.rows(wanted, values):
        given = request.FILES.get(row.file_name) if row.variable.type == "image" else None
        if given is not None:
            try:
                stored = uploads.store(given, "image", request.user, request.team, max_bytes=most)
                values[row.variable.name] = f"upload:{stored.pk}"
            except uploads.Refused as error:
                errors[row.variable.name] = str(error)
    return values, errors


@require_POST
def keep(request: Request) -> HttpResponse:
    """The form as a prompt: first what it shall be called, with the texts in it, then the deed. What stands
    in the form is kept as its draft in between.
    """
    access.need(request, Role.MEMBER)
    operation = catalogue.chosen(request.team, request.POST.get("operation", ""))
    if operation is None:
        raise Http404
    asked = "into" in request.POST
    filled = screen.draft(request, operation) if asked else forms.read(operation, request.POST)
    if not asked:
        screen.keep_draft(request, operation, filled)
    try:
        origin = prompts.origin_of(request.user, request.team.pk, filled)
    except ValueError:
        origin = None
    behind = keeping.behind(origin.version if origin else None, request.user)
    texts = prompts.texts_of(operation, filled, origin, request.user)
    form = keeping.KeepForm(
        request.POST if asked else None, title=_title(texts), team=request.team, behind=behind
    )
    if not asked:
        return _keep_form(request, operation, form, texts)
    texts = {name: _written(request, name) for name in texts}
    body = _declared(prompts.body_of(operation, filled, texts), origin)
    saved = keeping.keep(form, request.team, request.user, prompts.kind_of(operation), body)
    if saved is None:
        return _keep_form(request, operation, form, texts, status=422)
    if not request.htmx:
        return redirect("library:prompt", saved.prompt_id)
    told = {"toast": {"text": f"Saved as “{saved.prompt}”, version {saved.number}.", "level": "success"}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})


def _title(texts: dict[str, str]) -> str:
    words = " ".join(next(iter(texts.values()), "").split())
    return words if len(words) <= 60 else words[:60].rsplit(" ", 1)[0] + "…"


def _written(request: Request, name: str) -> str:
    return storable(request.POST.get(WRITTEN + name, "").replace("\r\n", "\n"))


def _declared(body: dict[str, Any], origin: prompts.Origin | None) -> dict[str, Any]:
    """The body with the variables that were declared before and are still there."""
    named = set(variables.find(body))
    rows = origin.version.body.get("variables") or [] if origin else []
    kept = [row for row in rows if isinstance(row, dict) and row.get("name") in named]
    return body | {"variables": kept}


def _keep_form(
    request: Request,
    operation: Operation,
    form: keeping.KeepForm,
    texts: dict[str, str],
    *,
    status: int = 200,
) -> HttpResponse:
    rows = [(operation.spec(name), WRITTEN + name, text) for name, text in texts.items()]
    context = {"form": form, "rows": rows, "operation": operation, "tab": screen.tab_of(operation.medium)}
    name = "media/_keep.html" if request.htmx else "media/keep.html"
    response = render(request, name, context, status=status)
    if request.htmx:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#asking", "innerHTML"
    return response
