"""The sources an answer rests on: a part of its turn, shown below it and copied with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from playground.chat.markup import storable
from playground.gateway.events import Cited

KIND = "sources"
_OUTSIDE = "noopener noreferrer nofollow"


def is_sources(part: Mapping[str, Any]) -> bool:
    return part.get("kind") == KIND


def part_of(citations: Iterable[Cited], before: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any] | None:
    """The part that holds the sources, each once with all its quotes; None without any.

    `before`: the same parts of what the answer goes on from.
    """
    rows: dict[str, dict[str, Any]] = {}
    for part in before:
        for kept in part.get("sources", ()):
            rows[kept["url"] or kept["title"]] = kept | {"quotes": list(kept["quotes"])}
    for told in citations:
        row = rows.setdefault(told.url or told.title, {"url": told.url, "title": told.title, "quotes": []})
        row["title"] = row["title"] or told.title
        if told.quote and told.quote not in row["quotes"]:
            row["quotes"].append(told.quote)
    return {"kind": KIND, "text": "", "sources": list(rows.values())} if rows else None


def sources_block(part: Mapping[str, Any]) -> SafeString:
    """The numbered list. What a model cites is as foreign as what it writes: all of it is escaped."""
    rows = format_html_join("", "<li>{}{}</li>", ((_named(row), _quoted(row)) for row in part["sources"]))
    return format_html('<ol class="sources">{}</ol>', rows)


def markdown(parts: Iterable[Mapping[str, Any]]) -> str:
    """The sources as they stand below a copied answer; "" without any."""
    rows = [row for part in parts if is_sources(part) for row in part["sources"]]
    lines = [f"{number}. {_line(row)}" for number, row in enumerate(rows, 1)]
    return "\n".join(["Sources:", "", *lines]) if lines else ""


def _line(row: Mapping[str, Any]) -> str:
    title = " ".join(row["title"].split())
    address = f"<{row['url']}>" if row["url"] else ""
    quotes = "".join(f"\n   > {' '.join(quote.split())}" for quote in row["quotes"])
    return f"{title}{' ' if title and address else ''}{address}{quotes}"


def _named(row: Mapping[str, Any]) -> SafeString:
    host = _host(row["url"])
    if not host:
        return format_html("<span>{}</span>", storable(row["title"] or row["url"]))
    title = storable(row["title"]) or host
    link = format_html('<a href="{}" target="_blank" rel="{}">{}</a>', row["url"], _OUTSIDE, title)
    return link if title == host else format_html('{} <span class="source-host">{}</span>', link, host)


def _host(url: str) -> str:
    """Where a link would lead; "" for what is no address on the web, which then is no link."""
    try:
        address = urlsplit(url)
    except ValueError:
        return ""
    # Without the name and password an address may begin with: they are there to look like a host.
    return (address.hostname or "") if address.scheme in ("http", "https") else ""


def _quoted(row: Mapping[str, Any]) -> SafeString | str:
    if not row["quotes"]:
        return ""
    quotes = format_html_join("", "<blockquote>{}</blockquote>", ((storable(q),) for q in row["quotes"]))
    return format_html('<details class="fold"><summary>Quoted text</summary>{}</details>', quotes)
