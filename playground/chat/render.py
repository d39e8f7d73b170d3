"""Parts of turns as HTML blocks: stored ones (each rendered once a process) and those that still arrive."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from playground.chat.markdown import BlockStream, render
from playground.chat.markup import code_figure
from playground.chat.schemas import unfenced
from playground.chat.sources import is_sources, sources_block

MARKDOWN_KINDS = frozenset({"text", "thinking", "refusal"})
# Longer arguments are shown as they came: nobody reads them, and indenting could multiply their size.
_MAX_PRETTY = 200_000
_MAX_TYPED = 100_000
NOT_JSON = "<p><strong>Not valid JSON.</strong> Shown as it came.</p>\n"


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """A part ready for the page; `index` is its place among the turn's parts."""

    index: int
    kind: str
    name: str
    call_id: str
    blocks: list[str]


def shown_kind(part: Mapping[str, Any]) -> str:
    """What the page takes a part for: a text that is to be JSON is not shown before it is whole."""
    kind = str(part.get("kind", ""))
    return "json" if kind == "text" and part.get("format") == "json" else kind


def part_blocks(part: Mapping[str, Any]) -> list[str]:
    """The HTML blocks of a stored part of an answer."""
    kind, text = shown_kind(part), str(part.get("text") or "")
    if kind in MARKDOWN_KINDS:
        return _stored.blocks("markdown", text, render)
    if kind == "tool_call":
        return _stored.blocks("arguments", text, _arguments)
    if kind == "json" and text:
        return _stored.blocks("json", text, _json)
    if kind == "tool_result":
        return _stored.blocks("result", text, _result)
    if kind == "image":
        return [_picture(part)]
    return [sources_block(part)] if is_sources(part) and part.get("sources") else []


def turn_blocks(parts: Iterable[Mapping[str, Any]]) -> list[RenderedPart]:
    """Every part of an answer, in order, the empty ones too: the page counts them as the stream does."""
    return [
        RenderedPart(
            index=index,
            kind=shown_kind(part),
            name=str(part.get("name") or ""),
            call_id=str(part.get("call_id") or ""),
            blocks=part_blocks(part),
        )
        for index, part in enumerate(parts)
    ]


def user_blocks(text: str) -> list[str]:
    """What a person typed: the same Markdown, but each newline stays one. A pasted file stays a file."""
    if len(text) > _MAX_TYPED:
        return [code_figure(text)]
    return _stored.blocks("typed", text, lambda source: render(source, breaks=True))


def digest(blocks: Iterable[str]) -> str:
    """Sixteen hex digits that tell whether two ways of getting these blocks gave the same HTML."""
    hashed = blake2b(digest_size=8)
    for block in blocks:
        hashed.update(block.encode())
    return hashed.hexdigest()


class PartStream:
    """A part that still arrives. `blocks` is what is finished, `tail` the source of the rest.

    What it ends with is kept for `part_blocks`, so the page after a run renders nothing anew.
    """

    __slots__ = ("_hashed", "_raw", "_stream", "blocks", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.blocks: list[str] = []
        self._stream = BlockStream() if kind in MARKDOWN_KINDS else None
        self._raw: list[str] = []
        self._hashed = _hash_of("markdown")

    @property
    def tail(self) -> str:
        if self._stream is not None:
            return self._stream.tail
        if len(self._raw) > 1:
            self._raw = ["".join(self._raw)]
        return self._raw[0] if self._raw else ""

    def feed(self, delta: str) -> list[str]:
        """The blocks this delta finished: of a tool call none, it is shown whole at the end."""
        if self._stream is None:
            self._raw.append(delta)
            return []
        self._hashed.update(delta.encode("utf-8", "surrogatepass"))
        finished = self._stream.feed(delta)
        if finished:
            self.blocks += finished
        return finished

    def close(self) -> list[str]:
        """The blocks of what was still open."""
        if self._stream is None:
            finished = part_blocks({"kind": self.kind, "text": self.tail})
            self._raw = []
            self.blocks += finished
            return finished
        finished = self._stream.close()
        self.blocks += finished
        _stored.keep(self._hashed.digest(), self.blocks)
        return finished


class _Cache:
    """Rendered parts by the hash of their source; the longest unused leave first. Views run in threads."""

    def __init__(self, *, entries: int, chars: int) -> None:
        self._entries = entries
        self._chars = chars
        self._held: OrderedDict[bytes, tuple[str, ...]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def blocks(self, variant: str, text: str, make: Callable[[str], list[str]]) -> list[str]:
        hashed = _hash_of(variant)
        hashed.update(text.encode("utf-8", "surrogatepass"))
        key = hashed.digest()
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return list(held)
        made = make(text)
        self.keep(key, made)
        return made

    def keep(self, key: bytes, blocks: Sequence[str]) -> None:
        size = _size_of(blocks)
        if size > self._chars // 4:
            return  # one giant must not push out everything else
        with self._lock:
            if key in self._held:
                return
            self._held[key] = tuple(blocks)
            self._size += size
            while self._size > self._chars or len(self._held) > self._entries:
                _, dropped = self._held.popitem(last=False)
                self._size -= _size_of(dropped)


def _size_of(blocks: Sequence[str]) -> int:
    return 200 + sum(len(block) + 60 for block in blocks)


def _hash_of(variant: str) -> blake2b:
    return blake2b(digest_size=16, person=variant.encode())


_stored = _Cache(entries=8_000, chars=32_000_000)


def _arguments(text: str) -> list[str]:
    """A call's arguments, indented if that shows the same values, else exactly as they came."""
    if not text.strip():
        return [code_figure("{}", "json")]  # no arguments: some gateways send an empty string
    if shown := _indented(text):
        return [code_figure(shown, "json")]
    return [code_figure(text)] if _is_json(text) else [NOT_JSON + code_figure(text)]


def _json(text: str) -> list[str]:
    """An answer that was to be JSON, without the fence some models put around it."""
    return _arguments(unfenced(text))


def _result(text: str) -> list[str]:
    """What a call gave: any text may be a result."""
    shown = _indented(text)
    return [code_figure(shown, "json") if shown else code_figure(text)]


def _indented(text: str) -> str:
    """The JSON, laid out; "" when it is none, or when laying it out would show other values."""
    if len(text) > _MAX_PRETTY:
        return ""
    try:
        value = json.loads(
            text, parse_float=_exact_float, parse_constant=_refuse, object_pairs_hook=_without_doubles
        )
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except RecursionError:
        return True  # nobody can tell, and nobody will read that far
    except ValueError:
        return False
    return True


def _picture(part: Mapping[str, Any]) -> str:
    """A picture a model made; its box is there before it is loaded."""
    if not part.get("attachment"):
        return format_html("<p>{}</p>", part.get("text") or "The picture is no longer there.")
    return format_html(
        '<figure class="made"><a class="picture" href="{0}" data-view-image><img src="{0}" alt="{1}"'
        ' width="{2}" height="{3}" loading="lazy" decoding="async"></a>'
        '<figcaption><a href="{0}" download>Download</a></figcaption></figure>',
        reverse("chat:attachment", args=[part["attachment"]]),
        part.get("alt", ""),
        part.get("width", ""),
        part.get("height", ""),
    )


def _exact_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or repr(value) != text:
        raise ValueError("would be shown as another number")
    return value


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value
