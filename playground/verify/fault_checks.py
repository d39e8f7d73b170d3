"""Checks of how errors are told and handled: on the key's own gateway where it can be made to refuse, else
by the fault drill, the demo gateway asked by this product for one fault after the other.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from random import Random

from django.conf import settings

from playground.gateway import catalog, retry
from playground.gateway.errors import GatewayError
from playground.gateway.request import ChatRequest, Message, TextPart
from playground.gateway.wire import FAMILIES
from playground.verify import bench as b
from playground.verify.bench import Bench, Finding
from playground.verify.chat_checks import ASK_REPLY, ASK_STREAM
from playground.verify.exchange import Exchange

FAMILY = "openai_chat"
NOBODY = "verify-no-such-model"
OWN_FAULT = "Report this as a fault of the playground, with what is shown as evidence."
NO_DRILL = (
    "The demo gateway, whose fault drill this needs, does not answer at {}. Start it, or set DEMO_URL and "
    "list it in GATEWAY_URLS."
)
NO_RANDOM = Random(1)  # noqa: S311 - only asked whether there is a wait at all


@dataclass(frozen=True, slots=True)
class Drill:
    """A fault of the demo gateway, and what the product has to make of it."""

    model: str
    kind: str
    status: int | None
    retries: bool


DRILLS = {
    "403": Drill("demo-error-403", "permission", 403, False),
    "429": Drill("demo-error-429", "rate_limited", 429, True),
    "5xx": Drill("demo-error-503", "upstream_unavailable", 503, True),
}


def wrong_key(bench: Bench, family: str) -> Finding:
    """401: a key nobody has, sent to the key's own gateway."""
    secret = f"verify-wrong-{secrets.token_hex(12)}"
    asked = bench.send(catalog.list_request(FAMILY), secret=secret)
    if asked.failure is None:
        said = f"A key that nobody has was accepted (HTTP {asked.status})."
        return b.of(asked, b.failed(said, "Check the gateway address of this key."))
    return b.of(asked, _judged(asked, Drill("", "auth", 401, False)))


def no_access(bench: Bench, family: str) -> Finding:
    """403: a model that no account has, on the key's own gateway; the drill if that is no 403 there."""
    wire = FAMILIES[FAMILY].encode(_request(NOBODY, ASK_REPLY, stream=False))
    asked = bench.send(wire, family=FAMILY)
    if asked.failure is not None and asked.failure.status == 403:
        return b.of(asked, _judged(asked, DRILLS["403"]))
    return _drilled(bench, DRILLS["403"])


def rate_limit(bench: Bench, family: str) -> Finding:
    """429: told apart from other refusals, and the pause that was asked for is kept."""
    return _drilled(bench, DRILLS["429"])


def temporary(bench: Bench, family: str) -> Finding:
    """5xx: tried again after growing pauses, and open to the fallback."""
    return _drilled(bench, DRILLS["5xx"])


def cut(bench: Bench, family: str) -> Finding:
    """A stream that breaks off: what came is kept, and it is never taken for a whole answer."""
    if why := _no_drill(bench):
        return b.impossible(why)
    asked = _ask_demo(bench, "demo-cut-after-20", ASK_STREAM, stream=True)
    failure = asked.failure
    if failure is None:
        found = b.failed("A stream that was cut was taken for a whole answer.", OWN_FAULT)
    elif failure.kind != "interrupted" or not asked.transcript.text:
        found = b.failed(f"A stream that was cut was told as “{failure.about.title}”.", OWN_FAULT)
    else:
        kept = len(asked.transcript.text)
        found = b.passed(f"Told as “{failure.about.title}”; the {kept} characters that had come are kept.")
    return _of_drill(asked, found)


def _drilled(bench: Bench, drill: Drill) -> Finding:
    if why := _no_drill(bench):
        return b.impossible(why)
    asked = _ask_demo(bench, drill.model, ASK_REPLY, stream=False)
    if asked.failure is None:
        said = f"HTTP {drill.status} was asked of the demo gateway, and an answer came instead."
        return _of_drill(asked, b.failed(said, "Check what answers at DEMO_URL."))
    return _of_drill(asked, _judged(asked, drill))


def _judged(asked: Exchange, drill: Drill) -> Finding:
    """Whether the product makes of a refusal what the documentation asks for."""
    error = asked.failure
    assert error is not None
    if error.kind != drill.kind or (drill.status and error.status != drill.status):
        told = f"HTTP {error.status}" if error.status else error.about.title
        said = f"HTTP {drill.status} was expected; {told} came, told as “{error.about.title}”."
        found = b.failed(said, error.about.sentence)
        found.error_kind = error.kind
        return found
    wait = retry.next_wait(error, 1, NO_RANDOM)
    if (wait is not None) != drill.retries:
        said = "It would be sent again by itself." if wait is not None else "It would not be tried again."
        return b.failed(f"HTTP {error.status}: {said}", OWN_FAULT)
    return b.passed(
        f"HTTP {error.status}: “{error.about.title}. {error.about.sentence}” {_after(error, wait)}"
    )


def _after(error: GatewayError, wait: float | None) -> str:
    if wait is None:
        return "It is not sent again by itself."
    other = retry.passes(error.kind, error.status, error.code)
    pause = f"after the {wait:g} s that were asked for" if error.retry_after_s else "after growing pauses"
    return f"Tried again {pause}{', then open to the fallback' if other else ', never by the fallback'}."


def _no_drill(bench: Bench) -> str:
    if bench.subject.base_url != settings.DEMO_URL and settings.DEMO_URL not in settings.GATEWAY_URLS:
        return NO_DRILL.format(settings.DEMO_URL)
    asked = bench.send(catalog.list_request(FAMILY), base_url=settings.DEMO_URL, secret=settings.DEMO_KEY)
    return NO_DRILL.format(settings.DEMO_URL) if asked.failure is not None else ""


def _ask_demo(bench: Bench, model: str, text: str, *, stream: bool) -> Exchange:
    bench.take_evidence()
    wire = FAMILIES[FAMILY].encode(_request(model, text, stream=stream))
    return bench.send(wire, family=FAMILY, base_url=settings.DEMO_URL, secret=settings.DEMO_KEY)


def _request(model: str, text: str, *, stream: bool) -> ChatRequest:
    return ChatRequest(model=model, messages=(Message("user", (TextPart(text),)),), stream=stream)


def _of_drill(asked: Exchange, found: Finding) -> Finding:
    found = b.of(asked, found)
    found.drill = True
    return found
