"""What the chat templates say: rendered turns, figures of a run, and errors in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from playground.chat import attempts, fallback
from playground.chat.markup import code_figure
from playground.chat.models import Run, Turn
from playground.chat.render import RenderedPart, digest, part_blocks, turn_blocks, user_blocks
from playground.chat.spending import OVER
from playground.chat.unsent import told
from playground.gateway import arithmetic
from playground.gateway.arithmetic import Sum, Term
from playground.gateway.errors import KINDS, ErrorKind
from playground.gateway.events import Usage
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import UsageWords

register = template.Library()

REASONS = {
    "stop": "Finished",
    "length": "Cut at the token limit",
    "tool_calls": "Wants tools",
    "refused": "Refused by the model",
    "filtered": "Cut by a content filter",
    "paused": "Paused by the provider",
    "other": "Ended",
}
MOVES = {
    "you": "Your move",
    "key owner": "For the owner of the key",
    "gateway": "On the gateway’s side",
}
NO_IMAGE = {"kind": "image", "attachment": "", "url": "", "alt": "", "media_type": ""}


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    name: str
    call_id: str
    ms: int | None
    blocks: list[SafeString]
    failed: bool
    saved: bool


@dataclass(frozen=True, slots=True)
class Body:
    parts: list[Part]
    digest: str


def _safe(blocks: Iterable[str]) -> list[SafeString]:
    # The one place: `render` gives escaped, sanitised HTML (its tests hold that up).
    return [mark_safe(block) for block in blocks]  # noqa: S308


@register.simple_tag
def answer_body(turn: Turn) -> Body:
    """An answer's parts, rendered, with the digest its live twin ends with."""
    rendered = turn_blocks(turn.parts)
    parts = [_part(row, turn.parts[row.index]) for row in rendered]
    return Body(parts, digest(block for row in rendered for block in row.blocks))


def _part(row: RenderedPart, kept: dict[str, Any]) -> Part:
    return Part(
        kind=row.kind,
        name=row.name,
        call_id=row.call_id,
        ms=kept.get("ms"),
        blocks=_safe(row.blocks),
        failed=bool(kept.get("failed")),
        saved=bool(kept.get("saved")),
    )


@register.simple_tag
def typed_blocks(turn: Turn) -> list[SafeString]:
    return _safe(user_blocks(turn.text))


@register.filter
def prose_blocks(text: str) -> list[SafeString]:
    """What a model wrote elsewhere, as an answer shows it."""
    return _safe(part_blocks({"kind": "text", "text": text}))


@register.filter
def images(turn: Turn) -> list[dict[str, Any]]:
    """The pictures and files of a question, every name there: templates stumble over missing ones."""
    return [NO_IMAGE | part for part in turn.parts if part.get("kind") in ("image", "file")]


@register.filter
def under(mapping: dict[str, Any], key: str) -> Any:
    return mapping.get(key)


@register.filter
def host(address: str) -> str:
    return urlsplit(address).netloc or address


@register.filter
def reason_words(run: Run) -> str:
    """Why the answer ended, in words; gateways often say nothing."""
    return REASONS.get(run.reason, run.reason) if run.reason else "not told"


@register.filter
def tokens_per_second(run: Run) -> str:
    """The pace after the first token, or of the whole answer when it came at once."""
    if run.output_tokens is None or run.duration_ms is None:
        return "not told"
    writing_ms = run.duration_ms - (run.first_token_ms or 0)
    # A whole answer arrives in one piece: its pace is that of the wait.
    spent_ms = writing_ms if writing_ms >= 50 else run.duration_ms
    if not spent_ms:
        return "not told"
    pace = run.output_tokens * 1000 / spent_ms
    return f"{pace:,.0f}" if pace >= 100 else f"{pace:.1f}"


@register.filter
def about(run: Run) -> ErrorKind:
    if run.error_code == OVER:
        # No fault of the gateway's: the budget says itself whose it is and when it begins anew.
        return ErrorKind(run.error_kind, "The budget is used up", run.error_message, "nobody")
    return KINDS.get(run.error_kind, KINDS["unknown"])


@register.filter
def move(kind: ErrorKind) -> str:
    return MOVES.get(kind.who, "")


@register.filter
def wait_until(run: Run) -> datetime | None:
    """When the wait the gateway asked for is over."""
    if run.retry_after_s is None or run.ended_at is None:
        return None
    return run.ended_at + timedelta(seconds=run.retry_after_s)


@register.filter
def can_go_on(run: Run | None) -> bool:
    """An answer cut by a limit, a person or a restart, or paused; a fault says so in its own box."""
    if run is None:
        return False
    return run.status in (Run.Status.STOPPED, Run.Status.INTERRUPTED) or run.reason in ("length", "paused")


@register.filter
def sums(run: Run) -> tuple[Sum, ...]:
    """Input and output of a run, spelled out with the words of its family."""
    family = FAMILIES.get(run.family)
    usage = Usage(**{spec.name: getattr(run, spec.name) for spec in fields(Usage)})
    return arithmetic.sums(usage, family.usage if family else UsageWords(""))


@register.filter
def told_terms(total: Sum) -> list[Term]:
    """The terms worth a place in one line: those that are not 0, if there is more than one kind."""
    terms = [term for term in total.terms if term.count]
    return terms if any(term.label != total.terms[0].label for term in terms) else []


register.filter("told", told)
register.filter("why", attempts.why)
register.filter("offered", fallback.offered)


@register.filter
def code_block(text: str, language: str) -> SafeString:
    return _safe([code_figure(text, language)])[0]


@register.filter
def details_text(run: Run) -> str:
    """For a report to somebody else: no key, no prompt."""
    rows = (
        ("request id", run.request_id),
        ("run", str(run.pk)),
        ("status", str(run.http_status or "")),
        ("kind", run.error_kind),
        ("code", run.error_code),
        ("model", run.model),
        ("fallback", run.answered_by if run.fell_back else ""),
        ("answered by", run.served_model),
        ("gateway", host(run.key.base_url) if run.key else ""),
        ("time", run.created_at.isoformat(timespec="seconds")),
        ("attempts", str(len(run.attempts) or "")),
    )
    return "\n".join(f"{name}: {value}" for name, value in rows if value)


@register.simple_tag
def excerpt(pieces: Iterable[tuple[str, bool]]) -> SafeString:
    """A search hit's surroundings with the found words marked."""
    return format_html_join("", "{}", ((_marked(text, found),) for text, found in pieces))


def _marked(text: str, found: bool) -> SafeString | str:
    return format_html("<mark>{}</mark>", text) if found else text
