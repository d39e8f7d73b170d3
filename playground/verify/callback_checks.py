"""Checks of the address the gateway calls back: reachable, quick, and the same after a second delivery.

Posted by this site itself, by way of its public address: what only the outside can know is not proved.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Sum

from playground.gateway.redaction import remember
from playground.gateway.request import WireRequest
from playground.media import signing
from playground.media.models import ENDED, Callback, MediaTask, Status, TaskEvent
from playground.verify import bench as b
from playground.verify.bench import Bench, Finding
from playground.verify.exchange import Exchange

NO_ADDRESS = (
    "The gateway cannot call this site back, so it asks instead. To check callbacks set PUBLIC_URL to an "
    "https address that the gateway reaches."
)
NO_TASK = (
    "A callback is about a task, and this team has none that is over: make something in the studio first."
)
QUICK_MS = 2000
NO_KEY = "no-key-goes-here"


@dataclass(slots=True)
class Posted:
    """Two deliveries of one callback, and what became of them here."""

    first: Exchange
    second: Exchange
    rows: int
    deliveries: int


def reach(bench: Bench, family: str) -> Finding:
    posted = _posted(bench)
    if isinstance(posted, Finding):
        return posted
    if urlsplit(settings.PUBLIC_URL).scheme != "https":
        fix = "Set PUBLIC_URL to an https address: the gateway calls no other."
        return b.of(posted.first, b.failed("The address is not https.", fix))
    host = urlsplit(settings.PUBLIC_URL).netloc
    return b.of(
        posted.first, b.passed(f"{host} was reached by way of its public address and took the callback.")
    )


def speed(bench: Bench, family: str) -> Finding:
    posted = _posted(bench)
    if isinstance(posted, Finding):
        return posted
    slowest = max(posted.first.total_ms, posted.second.total_ms)
    if slowest > QUICK_MS:
        fix = "Look at what stands before this site, and at its load: the gateway gives up on slow answers."
        return b.of(posted.first, b.failed(f"It took {slowest} ms to be answered.", fix))
    return b.of(posted.first, b.passed(f"Answered in {slowest} ms; the work it causes is done later."))


def once(bench: Bench, family: str) -> Finding:
    posted = _posted(bench)
    if isinstance(posted, Finding):
        return posted
    if posted.rows != 1 or posted.deliveries != 2:
        said = f"One callback that came twice was kept {posted.rows} times."
        return b.of(posted.second, b.failed(said, "Report this as a fault of the playground."))
    return b.of(
        posted.second, b.passed("The same callback came twice and was kept once; the task did not move.")
    )


def _posted(bench: Bench) -> Posted | Finding:
    if not settings.PUBLIC_URL:
        return b.impossible(NO_ADDRESS)
    about = _task(bench)
    if about is None:
        return b.impossible(NO_TASK)
    posted = _deliver(bench, about)
    for asked in (posted.first, posted.second):
        if asked.failure is not None:
            found = b.of(asked, b.failed(
                f"The callback was not taken: {asked.failure.about.title}. {asked.failure.message}".strip(),
                "Check PUBLIC_URL and what stands before this site: the gateway has to reach that address.",
            ))  # fmt: skip
            found.error_kind = asked.failure.kind
            return found
    return posted


def _deliver(bench: Bench, about: MediaTask) -> Posted:
    """The same body twice, and nothing of it left behind."""
    # Who has it could tell of this task what is not so: evidence hides it like a key.
    remember(signing.callback_token(about.pk))
    body = json.dumps({"verify": secrets.token_hex(8)}).encode()
    path = signing.callback_url(about.pk).removeprefix(settings.PUBLIC_URL)
    wire = WireRequest("POST", path, body=body, headers={"content-type": "application/json"})
    rows = Callback.objects.filter(task=about, digest=hashlib.sha256(body).hexdigest())
    events = TaskEvent.objects.filter(task=about, kind=TaskEvent.Kind.CALLBACK)
    before = set(events.values_list("pk", flat=True))
    try:
        asked = [bench.send(wire, base_url=settings.PUBLIC_URL, secret=NO_KEY) for _ in range(2)]
        told = rows.aggregate(deliveries=Sum("deliveries"))
        return Posted(asked[0], asked[1], rows.count(), told["deliveries"] or 0)
    finally:
        rows.delete()
        events.exclude(pk__in=before).delete()


def _task(bench: Bench) -> MediaTask | None:
    """One that is over for good: a callback moves nothing there."""
    if bench.subject.team is None:
        return None
    over = MediaTask.objects.filter(team=bench.subject.team, status__in=ENDED)
    return over.exclude(status__in=(Status.EXPIRED, Status.UNCONFIRMED)).order_by("-created_at").first()
