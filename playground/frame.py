"""What the frame around every page asks for by itself: what runs anywhere, and what the palette finds.

Apps of one layer do not know each other: here they are put side by side.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import Request
from playground.chat import search
from playground.chat import underway as answers
from playground.library import listing as library
from playground.library import screen
from playground.live.activity import MOST
from playground.media import listing
from playground.media import underway as tasks
from playground.media.cards import Card
from playground.verify import underway as checks
from playground.words import LONGEST_QUERY

FOUND = 6


@require_GET
def activity(request: Request) -> HttpResponse:
    """The chip in the rail. `?was=<ids>` are notable things that ran when the page last asked."""
    user, team = request.user, request.team
    groups = [answers.running(user), tasks.running(user, team), checks.running(user, team)]
    news = checks.noticed(user, team)
    was = _ids(request.GET.get("was", ""))
    context = {
        "groups": [group for group in groups if group.doing],
        "count": sum(len(group.doing) for group in groups),
        "more": any(group.more for group in groups),
        "news": news,
        "ended": tasks.ended(user, team, was) if was else [],
    }
    return render(request, "_activity.html", context)


def _ids(text: str) -> list[UUID]:
    """What is no id is no reason to refuse: the page kept them where anybody could write."""
    found = []
    for word in text.split(",")[:MOST]:
        try:
            found.append(UUID(word))
        except ValueError:
            continue
    return found


@require_GET
def find(request: Request) -> HttpResponse:
    """What the palette lists below its own entries: chats, prompts and tasks that hold the words."""
    words = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    chats = search.search(request.user, request.team, words, limit=FOUND) if words else []
    found = listing.page(request.team, listing.Filters(words=words), limit=FOUND).tasks if words else []
    cards = [Card.of(task, [], may=False) for task in found]
    icons = [(tasks.ICONS.get(card.task.medium, "sparkles"), card) for card in cards]
    filters = library.Filters(words=words)
    rows = library.page(request.team, request.user, filters, limit=FOUND).rows if words else []
    prompts = [(screen.kind_word(row.prompt.kind), row.prompt) for row in rows]
    return render(request, "_found.html", {"hits": chats, "prompts": prompts, "tasks": icons})
