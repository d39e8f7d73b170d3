"""Runs of a prompt: trying it in place, what came of it, examples, and old and new answers side by side."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import keys
from accounts.models import GatewayKey
from playground.library import examples, fill, kinds, screen, values_form, waiting
from playground.library.kinds import Use
from playground.library.models import Example, Level, Prompt, PromptVersion
from playground.library.screen import Request

PAGE = 30
# What one's own runs that wait are, anybody who sees the prompt may take back.
_NEEDS = {"run": Level.RUN, "stop": Level.VIEW}


@require_GET
def runs(request: Request, pk: UUID) -> HttpResponse:
    """The runs and tasks of the prompt, the newest first; `only` narrows to the version shown, `before` goes
    on. Examples stand above, with a table of the answers of versions `a` and `b`.
    """
    prompt, standing = screen.prompt_of(request, pk)
    version = screen.version_of(prompt, request.GET.get("version"))
    only = "only" in request.GET
    before = _moment(request.GET.get("before", ""))
    narrow = version if only else None
    found = kinds.uses_of(prompt, request.user, version=narrow, limit=PAGE + 1, before=before)
    context = screen.around(request, prompt, standing, "runs", version)
    context |= {
        "uses": found[:PAGE],
        "next_before": found[PAGE - 1].at.isoformat() if len(found) > PAGE else "",
        "only": only,
        "beginning": before is None,
        "kept": list(prompt.examples.order_by("name")),
        "keys": _keys(request, prompt),
        "can_run": _can_run(prompt),
    } | _table(request, prompt, version)
    name = (
        "library/_answers.html" if request.htmx and request.htmx.target == "answers" else "library/runs.html"
    )
    return render(request, name, context)


def _table(request: Request, prompt: Prompt, version: PromptVersion) -> dict[str, Any]:
    """Old and new answers to the examples. It is asked for anew while some are still being made."""
    new = screen.version_of(prompt, request.GET.get("b") or version.number)
    old = screen.version_of(prompt, request.GET.get("a") or max(1, new.number - 1))
    lines = examples.table(prompt, request.user, old, new)
    rows = waiting.of(prompt, request.user)
    live = any(use and not use.ended for line in lines for use in (line.old, line.new))
    waits = sum(not row.why for row in rows)
    return {
        "lines": lines,
        "old": old,
        "new": new,
        "busy": live or bool(waits),
        "waits": waits,
        "failed": [row for row in rows if row.why],
    }


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
        if found is not None and timezone.is_naive(found):
            found = timezone.make_aware(found)
        # Near the first and the last year there are times that another zone cannot say.
        return found.astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


def _can_run(prompt: Prompt) -> bool:
    kind = kinds.get(prompt.kind)
    return kind is not None and kind.run is not None


def _keys(request: Request, prompt: Prompt) -> list[GatewayKey]:
    """The keys of the prompt's team that the person may use: their own first."""
    return list(keys.usable(request.user, prompt.team, timezone.now()).order_by("shared", "label"))


def _key(request: Request, prompt: Prompt) -> GatewayKey | None:
    chosen = request.POST.get("key", "")
    return next((key for key in _keys(request, prompt) if str(key.pk) == chosen), None)


@require_http_methods(["GET", "POST"])
def attempt(request: Request, pk: UUID) -> HttpResponse:
    """The form of its variables, and a run with them. With `since` the run made since then."""
    prompt, standing = screen.prompt_of(request, pk, Level.RUN)
    version = screen.version_of(prompt, request.POST.get("number") or request.GET.get("version"))
    if request.method != "POST":
        since = _moment(request.GET.get("since", ""))
        if request.htmx and since:
            return render(request, "library/_trial.html", _trial(request, prompt, version, since))
        return _form(request, prompt, standing, version, _values_given(request, prompt), {})
    variables = fill.variables_of(version, request.user)
    values = values_form.read(variables, request.POST)
    checked = fill.filled(version, values, request.user)
    if isinstance(checked, fill.Errors):
        return _form(request, prompt, standing, version, values, checked.by_name, status=422)
    if request.POST.get("act") == "keep":
        return _keep(request, prompt, version, values, standing)
    return _run(request, prompt, version, values, standing)


def _values_given(request: Request, prompt: Prompt) -> dict[str, Any]:
    """Of the `example` that was chosen; otherwise the defaults stand."""
    name = request.GET.get("example", "")
    found = next((each for each in prompt.examples.all() if str(each.pk) == name), None) if name else None
    return dict(found.values) if found else {}


def _run(
    request: Request, prompt: Prompt, version: PromptVersion, values: dict[str, Any], standing: Any
) -> HttpResponse:
    kind = kinds.get(prompt.kind)
    if kind is None or kind.run is None:
        raise Http404
    since = timezone.now()
    try:
        url = kind.run(version, values, request.user, _key(request, prompt))
    except ValueError as error:
        return _form(request, prompt, standing, version, values, {"": str(error)}, status=422)
    if not request.htmx:
        return redirect(url)
    context = _form_context(request, prompt, standing, version, values, {})
    return render(
        request, "library/_try.html", context | _trial(request, prompt, version, since) | {"url": url}
    )


def _keep(
    request: Request, prompt: Prompt, version: PromptVersion, values: dict[str, Any], standing: Any
) -> HttpResponse:
    try:
        kept = examples.keep(prompt, request.user, request.POST.get("example", "").strip()[:100], values)
    except ValueError as error:
        return _form(request, prompt, standing, version, values, {"": str(error)}, status=422)
    messages.success(request, f"Kept as the example “{kept.name}”.")
    return _go(request, reverse("library:runs", args=[prompt.pk]))


def _go(request: Request, place: str) -> HttpResponse:
    if not request.htmx:
        return redirect(place)
    response = HttpResponse(status=204)
    response.headers["HX-Redirect"] = place
    return response


def _trial(request: Request, prompt: Prompt, version: PromptVersion, since: datetime) -> dict[str, Any]:
    found = kinds.uses_of(prompt, request.user, version=version, limit=5)
    mine = [use for use in found if use.user == request.user and use.at >= since]
    return {
        "use": mine[0] if mine else None,
        "since": since.isoformat(),
        "prompt": prompt,
        "version": version,
    }


def _form_context(
    request: Request,
    prompt: Prompt,
    standing: Any,
    version: PromptVersion,
    values: dict[str, Any],
    errors: dict[str, str],
) -> dict[str, Any]:
    variables = fill.variables_of(version, request.user)
    names = {each.name for each in variables}
    return screen.around(request, prompt, standing, "try", version) | {
        "asked": values_form.rows(variables, values, errors),
        "general": [sentence for name, sentence in errors.items() if name not in names],
        "kept": list(prompt.examples.order_by("name")),
        "keys": _keys(request, prompt),
        "can_run": _can_run(prompt),
        "chosen_key": request.POST.get("key", ""),
    }


def _form(
    request: Request,
    prompt: Prompt,
    standing: Any,
    version: PromptVersion,
    values: dict[str, Any],
    errors: dict[str, str],
    status: int = 200,
) -> HttpResponse:
    context = _form_context(request, prompt, standing, version, values, errors)
    name = "library/_try.html" if request.htmx else "library/try.html"
    return render(request, name, context, status=status)


@require_POST
def examples_do(request: Request, pk: UUID) -> HttpResponse:
    """`act`: run (all examples with version `number`), stop (those that wait), keep (the values of the run
    `subject`), remove.
    """
    act = request.POST.get("act", "")
    prompt, _ = screen.prompt_of(request, pk, _NEEDS.get(act, Level.EDIT))
    number = screen.as_number(request.POST.get("number"))
    place = reverse("library:runs", args=[pk]) + (f"?version={number}" if number else "")
    if act == "run":
        _run_all(request, prompt, screen.version_of(prompt, request.POST.get("number")))
    elif act == "stop":
        waiting.stop(prompt, request.user)
    elif act == "remove":
        examples.remove(_example(prompt, request.POST.get("example", "")), request.user)
    elif act == "keep":
        _keep_run(request, prompt)
    return redirect(place)


def _run_all(request: Request, prompt: Prompt, version: PromptVersion) -> None:
    started = examples.run_all(version, request.user, _key(request, prompt))
    count, later = len(started.urls), len(started.waiting)
    if count:
        messages.success(
            request, f"{count} run{'' if count == 1 else 's'} of version {version.number} began."
        )
    if later:
        verb = "waits" if later == 1 else "wait"
        messages.info(request, f"{later} of version {version.number} {verb} for a free place.")
    for name, sentence in list(started.errors.items())[:5]:
        messages.warning(request, f"“{name}”: {sentence}")


def _keep_run(request: Request, prompt: Prompt) -> None:
    subject = request.POST.get("subject", "")
    found: list[Use] = kinds.evidence(prompt.team_id, [subject], request.user)
    if not found:
        raise Http404
    try:
        name = request.POST.get("name", "").strip()[:100]
        kept = examples.keep(prompt, request.user, name, found[0].values)
    except ValueError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, f"Kept as the example “{kept.name}”.")


def _example(prompt: Prompt, pk: str) -> Example:
    for each in prompt.examples.all():
        if str(each.pk) == pk:
            return each
    raise Http404
