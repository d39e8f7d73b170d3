"""The studio: its pages by medium, the form, and what the form gives."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access
from accounts.models import GatewayKey, Role
from playground.gateway.errors import GatewayError
from playground.gateway.media.operation import Operation
from playground.media import (
    catalogue,
    detail,
    forms,
    offers,
    orders,
    prompts,
    requests,
    screen,
    snippets,
    uploads,
)
from playground.media.forms import Filled
from playground.media.models import Asset, MediaTask, Upload
from playground.media.screen import Request
from playground.ops import catalog

MOST_OFFERED = 40
NOBODY = uuid.UUID(int=0)
ARCHIVED = (
    "An admin archived this route while the form was open, so nothing was sent. What you typed is still "
    "here: ask for the route to be restored, or choose another one."
)


@require_GET
def home(request: Request) -> HttpResponse:
    return redirect("media:studio", "image")


@require_GET
def studio(request: Request, tab: str) -> HttpResponse:
    """`?operation=` chooses the form; `reuse`, `vary`, `after` and `use` fill it; `q`, `status`, `mine`,
    `favourite` and `mark` narrow the feed; `task` is shown beside it. htmx gets the form, the next cards or
    the task's pane alone.
    """
    if request.htmx and request.htmx.target == "detail":
        return render(request, "media/_detail.html", detail.pane(request))
    operation = screen.operation_for(request, tab)
    if request.htmx and "mark" in request.GET:
        return render(request, "media/_more.html", screen.feed(request, _medium(tab, operation)))
    filled = screen.beginning(request, operation)
    if request.htmx:
        return render(request, "media/_form.html", screen.form(request, operation, filled))
    context = screen.page(request, tab, operation, filled) | detail.pane(request)
    return render(request, "media/page.html", context)


def _medium(tab: str, operation: Operation) -> str:
    return operation.medium if tab == "audio" else tab


@require_POST
def make(request: Request) -> HttpResponse:
    """One task of the form; the same one however often this form is sent."""
    access.need(request, Role.MEMBER)
    operation = _operation(request, request.POST)
    filled = forms.read(operation, request.POST)
    form_id = _uuid(request.POST.get("form_id", "")) or uuid.uuid4()
    filled, errors = _with_uploads(request, operation, filled)
    extra, wrong = forms.extra_of(filled)
    errors |= {"extra": wrong} if wrong else {}
    if catalogue.chosen(request.team, operation.key) is None:
        errors["operation"] = ARCHIVED
    screen.keep_draft(request, operation, filled)
    try:
        if errors:
            raise orders.Refused(errors)
        task = orders.place(_order(request, operation, filled, form_id, extra), request.user, request.team)
    except orders.Refused as refused:
        return _refused(request, operation, filled, refused.errors, form_id)
    if not request.htmx:
        return redirect("media:task", task.pk)
    card = screen.cards(request, [task])[0]
    return render(request, "media/_made.html", {"card": card, "form_id": uuid.uuid4()})


def _operation(request: Request, asked: QueryDict) -> Operation:
    """The one a form is for, also when its route was archived while the form was open."""
    key = asked.get("operation", "")
    operation = catalogue.chosen(request.team, key) or catalogue.put_away(request.team, key)
    if operation is None:
        raise Http404
    return operation


def _order(
    request: Request, operation: Operation, filled: Filled, form_id: uuid.UUID, extra: dict[str, Any]
) -> orders.Order:
    source = access.visible(MediaTask, request).filter(pk=_uuid(filled.source) or NOBODY).first()
    try:
        origin = prompts.origin_of(request.user, request.team.pk, filled)
    except ValueError as error:
        raise orders.Refused({"": str(error)}) from None
    return orders.Order(
        operation=operation.key,
        key_id=_uuid(filled.key) or "",
        form_id=form_id,
        values=filled.values,
        files=filled.files,
        extra=extra,
        source=source,
        source_output=filled.source_output if source else "",
        prompt_version=origin.version if origin else None,
        variables=origin.values if origin else None,
    )


def _with_uploads(request: Request, operation: Operation, filled: Filled) -> tuple[Filled, dict[str, str]]:
    """Files that came with the form itself are stored first; what is refused is said at its field."""
    files, errors = {name: list(refs) for name, refs in filled.files.items()}, {}
    for row in operation.files:
        for given in request.FILES.getlist(f"file-{row.name}"):
            try:
                stored = _store(request, operation, row.name, given)
            except uploads.Refused as refused:
                errors[row.name] = str(refused)
            else:
                files[row.name].append({"upload": str(stored.pk)})
    return replace(filled, files=files), errors


def _store(request: Request, operation: Operation, name: str, given: UploadedFile[Any]) -> Upload:
    row = next((row for row in operation.files if row.name == name), None)
    if row is None:
        raise Http404
    return uploads.store(given, row.kind, request.user, request.team, max_bytes=row.max_bytes)


def _refused(
    request: Request, operation: Operation, filled: Filled, errors: dict[str, str], form_id: uuid.UUID
) -> HttpResponse:
    if request.htmx:
        context = screen.form(request, operation, filled, errors=errors, form_id=form_id)
        response = render(request, "media/_form.html", context, status=422)
        response.headers["HX-Retarget"] = "#studio-form"
        response.headers["HX-Reswap"] = "outerHTML settle:0ms"
        return response
    tab = screen.tab_of(operation.medium)
    context = screen.page(request, tab, operation, filled)
    context |= screen.form(request, operation, filled, errors=errors, form_id=form_id)
    return render(request, "media/page.html", context, status=422)


@require_POST
def preview(request: Request) -> HttpResponse:
    """The request as it would be sent now; what was typed is kept on the way."""
    access.need(request, Role.MEMBER)
    operation = _operation(request, request.POST)
    filled = forms.read(operation, request.POST)
    screen.keep_draft(request, operation, filled)
    return render(request, "media/_preview.html", _previewed(request, operation, filled))


def _previewed(request: Request, operation: Operation, filled: Filled) -> dict[str, Any]:
    extra, wrong = forms.extra_of(filled)
    values: dict[str, Any] = {}
    for spec in operation.fields:
        if raw := filled.values.get(spec.name):
            try:
                values[spec.name] = spec.clean(raw)
            except ValueError as error:
                wrong = wrong or str(error)
    if wrong:
        return {"problem": wrong}
    files = {name: refs for name, refs in filled.files.items() if refs}
    task = MediaTask(operation=operation.key, inputs={"values": values, "files": files, "extra": extra})
    try:
        return {"told": snippets.told(operation.create(requests.trial(task, operation))), "files": files}
    except GatewayError as error:
        return {"problem": error.message or error.about.sentence}


@require_POST
def model(request: Request) -> HttpResponse:
    """The field of the model once another key is chosen, or a key's list was not loaded yet."""
    access.need(request, Role.MEMBER)
    operation = _operation(request, request.POST)
    spec = operation.spec(operation.model_field)
    if spec is None:
        raise Http404
    keys = catalog.usable_keys(request.user, request.team)
    key = _chosen(keys, request.POST.get("key", ""))
    if key and key.tested_at is None:
        catalog.refresh(key, catalog.shared_transport(), timezone.now(), timeout_s=catalog.TEST_S)
    offer = offers.of(operation, request.team, key)
    typed = request.POST.get(f"p-{spec.name}", "").strip()
    filled = Filled(values={spec.name: offers.kept(offer, operation, typed, keys)})
    row = forms.row_of(operation, spec, filled, {}, offer)
    return render(request, "media/_field.html", {"row": row, "operation": operation})


def _chosen(keys: list[GatewayKey], pk: str) -> GatewayKey | None:
    return next((key for key in keys if str(key.pk) == pk), None)


@require_GET
def models(request: Request) -> HttpResponse:
    """The list to choose a model from: with the words in it, the fitting ones first."""
    operation = _operation(request, request.GET)
    words = request.GET.get("q", "")[:200]
    key = _chosen(catalog.usable_keys(request.user, request.team), request.GET.get("key", ""))
    offer = offers.of(operation, request.team, key)
    fitting, others = offers.search(offer, words)
    context = {"fitting": fitting, "others": others, "words": words.strip(), "listed": offer.listed}
    return render(request, "media/_models.html", context | {"operation": operation})


@require_POST
def upload(request: Request) -> HttpResponse:
    """One file of one field, stored at once; the answer is its chip for the form."""
    access.need(request, Role.MEMBER)
    operation, name = _operation(request, request.POST), request.POST.get("field", "")
    chips = []
    try:
        for given in request.FILES.getlist(f"file-{name}"):
            stored = _store(request, operation, name, given)
            chips.append(forms.given_of({"upload": str(stored.pk)}, request.team))
    except uploads.Refused as refused:
        response = HttpResponse(str(refused), status=422, content_type="text/plain; charset=utf-8")
        response.headers["HX-Retarget"] = f"#error-file-{name}"
        response.headers["HX-Reswap"] = "textContent"
        return response
    return render(request, "media/_chips.html", {"chips": chips, "field": name})


@require_GET
def files(request: Request) -> HttpResponse:
    """What the team has of a kind, to choose from for a field; with `ref` the chip of the chosen one."""
    field, kind = request.GET.get("field", ""), request.GET.get("kind", "")
    if ref := forms.ref_of(request.GET.get("ref", "")):
        chip = forms.given_of(ref, request.team)
        return render(request, "media/_chips.html", {"chips": [chip] if chip else [], "field": field})
    made = access.visible(Asset, request).filter(kind=kind, status=Asset.Status.KEPT).exclude(file="")
    given = access.visible(Upload, request).filter(kind=kind)
    context = {
        "field": field,
        "kind": kind,
        "made": made.select_related("task").order_by("-kept_at")[:MOST_OFFERED],
        "given": given.order_by("-created_at")[:MOST_OFFERED],
    }
    return render(request, "media/_files.html", context)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
