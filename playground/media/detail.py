"""One task: its page, its card alone, and what people do with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts import access, audit
from accounts.models import Role, Team, User
from playground.gateway.errors import GatewayError
from playground.library import keeping
from playground.media import cards, catalogue, followups, orders, screen, snippets, timeline
from playground.media.models import Asset, MediaTask
from playground.media.screen import Request

LYRICS = "data:lyrics"


@require_GET
def task(request: Request, pk: uuid.UUID) -> HttpResponse:
    shown = _context(request, access.get(MediaTask, request, pk))
    return render(request, "media/task.html", {"pane": shown, "streams": True})


def pane(request: Request) -> dict[str, Any]:
    """The task that `?task=` names, for the pane beside the feed."""
    pk = request.GET.get("task", "")
    return {"pane": _context(request, access.get(MediaTask, request, pk)) if pk else None}


@require_GET
def card(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The card alone, for a page that was told of a change; with `whole` what the task's own page changes."""
    row = access.get(MediaTask, request, pk)
    return _drawn(request, row, whole="whole" in request.GET)


def _drawn(request: Request, row: MediaTask, *, whole: bool) -> HttpResponse:
    if whole:
        return render(request, "media/_task.html", {"pane": _context(request, row)})
    return render(request, "media/_card.html", {"card": screen.cards(request, [row])[0]})


@require_GET
def lyrics(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The words of a track in time, for the player; empty where nobody asked for them yet."""
    row = access.get(Asset, request, pk)
    words = _lyrics_of(row.task).get(row.key, ())
    return render(request, "media/_lyrics.html", {"words": words, "asset": row})


def _context(request: Request, row: MediaTask) -> dict[str, Any]:
    shown = screen.cards(request, [row])[0]
    words = _lyrics_of(row)
    kin = MediaTask.objects.filter(team=row.team_id).order_by("created_at")
    outputs = [replace(each, lyrics=words.get(each.key, ())) for each in shown.outputs]
    return {
        "card": replace(shown, outputs=outputs),
        "task": row,
        "tab": screen.tab_of(row.medium),
        "tab_label": screen.LABELS[screen.tab_of(row.medium)],
        "lines": timeline.lines(row),
        "callbacks": row.callbacks.order_by("id"),
        "chargeable": shown.again_warns,
        "uses": _uses(request.team),
        "next": _next(shown),
        "made_of_prompt": keeping.seen(row.prompt_version, request.user),
        "made_of_it": screen.cards(request, kin.filter(source=row)[:50]),
        "retries": kin.filter(retry_of=row)[:50],
        **_wire(row),
    }


def _lyrics_of(row: MediaTask) -> dict[str, tuple[cards.Word, ...]]:
    """Words in time belong to the track they were made for; they are an output of a later task."""
    found = Asset.objects.filter(task__source=row, task__team=row.team_id, key=LYRICS)
    rows = found.select_related("task").order_by("created_at")
    return {asset.task.source_output: cards.words_of(asset.text) for asset in rows}


def _wire(row: MediaTask) -> dict[str, Any]:
    base_url = row.key.base_url if row.key else "https://gateway.api.anyint.ai"
    try:
        told = snippets.of_task(row)
    except GatewayError as error:
        return {"problem": error.message or error.about.sentence}
    return {"told": told, "code": snippets.code(told, base_url)}


def _next(shown: cards.Card) -> list[tuple[str, str]]:
    """Operations that take this result, and their names."""
    after = shown.operation.after if shown.operation else ()
    found = ((key, catalogue.find(key)) for key in after)
    return [(key, operation.label) for key, operation in found if operation is not None]


def _uses(team: Team) -> dict[str, list[tuple[str, str, str]]]:
    """For each kind of file the operations whose form takes it: tab, key, label."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for operation in catalogue.offered(team):
        for kind in dict.fromkeys(row.kind for row in operation.files):
            tab = screen.tab_of(operation.medium)
            found.setdefault(kind, []).append((tab, operation.key, operation.label))
    return found


def _acted(
    request: Request, pk: uuid.UUID, act: Callable[[MediaTask, User], bool], done: str, not_done: str
) -> HttpResponse:
    """Do it and show the task as it is now."""
    row = access.get(MediaTask, request, pk, need=Role.MEMBER)
    won = act(row, request.user)
    row = access.get(MediaTask, request, pk)
    if request.htmx:
        return _drawn(request, row, whole="whole" in request.POST)
    (messages.success if won else messages.warning)(request, done if won else not_done)
    return redirect("media:task", pk)


@require_POST
def stop(request: Request, pk: uuid.UUID) -> HttpResponse:
    done = "Not watched any more. The gateway may still finish and charge."
    return _acted(request, pk, followups.stop_watching, done, "There was nothing to stop.")


@require_POST
def take_back(request: Request, pk: uuid.UUID) -> HttpResponse:
    return _acted(request, pk, followups.cancel, "Taken back before it was sent.", "It was sent already.")


@require_POST
def check(request: Request, pk: uuid.UUID) -> HttpResponse:
    return _acted(request, pk, followups.check_now, "Asked at once.", "There is nothing to look for.")


@require_POST
def fetch(request: Request, pk: uuid.UUID) -> HttpResponse:
    done = "The files are being fetched again."
    return _acted(request, pk, followups.fetch_again, done, "No file is missing.")


@require_POST
def resume(request: Request, pk: uuid.UUID) -> HttpResponse:
    return _acted(request, pk, followups.restore_key, "Asked again with the key.", "It was not paused.")


@require_POST
def favourite(request: Request, pk: uuid.UUID) -> HttpResponse:
    def turn(row: MediaTask, user: User) -> bool:
        return followups.set_favourite(row, favourite=not row.favourite)

    return _acted(request, pk, turn, "Kept in mind.", "Nothing changed.")


@require_POST
def adopt(request: Request, pk: uuid.UUID) -> HttpResponse:
    """Take it up again under the id that somebody found for it."""
    upstream_id = request.POST.get("upstream_id", "").strip()

    def take(row: MediaTask, user: User) -> bool:
        return bool(upstream_id) and followups.adopt(row, user, upstream_id)

    return _acted(request, pk, take, "Looking under that id.", "That id cannot be taken.")


@require_POST
def again(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The same once more, as a task of its own. Where that may be charged twice, it has to be said so.
    `beside`: it is shown beside the feed then.
    """
    row = access.get(MediaTask, request, pk, need=Role.MEMBER)
    warned = not screen.cards(request, [row])[0].again_warns or "sure" in request.POST
    if not warned:
        messages.warning(request, "Confirm that this may be charged twice.")
        return redirect("media:task", pk)
    try:
        form_id = uuid.UUID(request.POST.get("form_id", ""))
    except ValueError:
        form_id = uuid.uuid4()
    try:
        made = followups.retry_as_new(row, request.user, row.team, form_id)
    except orders.Refused as refused:
        messages.error(request, " ".join(refused.errors.values()))
        return redirect("media:task", pk)
    if "beside" in request.POST:
        return redirect(f"{reverse('media:studio', args=[screen.tab_of(made.medium)])}?task={made.pk}")
    return redirect("media:task", made.pk)


@require_POST
def delete(request: Request, pk: uuid.UUID) -> HttpResponse:
    row = access.get(MediaTask, request, pk, need=Role.MEMBER)
    tab = screen.tab_of(row.medium)
    followups.delete([row], request.user, audit.ip_of(request))
    messages.success(request, "Deleted, with its files.")
    return redirect(reverse("media:studio", args=[tab]))
