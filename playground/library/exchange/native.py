"""Our own format: everything of a prompt with all its versions, so that a round trip is exact. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from playground.library.exchange.draft import KINDS, Draft, DraftVersion, Reader, Unfit

FORMAT, VERSION = "anyint-playground-prompts", 1


def matches(value: Any) -> bool:
    return isinstance(value, dict) and value.get("format") == FORMAT


def items(value: dict[str, Any]) -> tuple[tuple[str | int, ...], list[Any]]:
    """The prompts and the way to them."""
    number = Reader(value).number("version")
    if number != VERSION:
        raise Unfit(
            f"This file is of version {number} of the format; here version {VERSION} is known.", "version"
        )
    return ("prompts",), Reader(value).items("prompts", needed=True)


def read(value: Any, path: tuple[str | int, ...], line: int) -> Draft:
    given = Reader(value, path)
    kind = given.text("kind", needed=True)
    if kind not in KINDS:
        raise Unfit(f"“kind” must be one of {', '.join(KINDS)}.", *path, "kind")
    rows = given.readers("versions", needed=True)
    if not rows:
        raise Unfit("A prompt needs a version.", *path, "versions")
    return Draft(
        slug=given.text("slug", needed=True),
        title=given.text("title", needed=True),
        about=given.text("about"),
        kind=kind,
        tags=given.texts("tags"),
        folder=given.texts("folder"),
        versions=tuple(_version(row) for row in rows),
        line=line,
    )


def _version(row: Reader) -> DraftVersion:
    if "body" not in row.given:
        raise Unfit("“body” is missing.", *row.path)
    return DraftVersion(
        body=row.object("body"),
        note=row.text("note"),
        labels=row.texts("labels"),
        author=row.text("author"),
        created_at=row.time("created_at"),
    )


def write(drafts: Iterable[Draft]) -> str:
    """A prompt after the other: `drafts` may come in pieces."""
    told = ",\n".join(json.dumps(_told(draft), ensure_ascii=False, indent=1) for draft in drafts)
    return f'{{"format": "{FORMAT}", "version": {VERSION}, "prompts": [\n{told}\n]}}\n'


def _told(draft: Draft) -> dict[str, Any]:
    return {
        "slug": draft.slug,
        "title": draft.title,
        "about": draft.about,
        "kind": draft.kind,
        "tags": list(draft.tags),
        "folder": list(draft.folder),
        "versions": [
            {
                "number": number,
                "note": version.note,
                "author": version.author,
                "created_at": version.created_at.isoformat() if version.created_at else None,
                "labels": list(version.labels),
                "body": version.body,
            }
            for number, version in enumerate(draft.versions, 1)
        ],
    }
