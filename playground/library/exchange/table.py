"""CSV: a version a row; rows of one slug are the versions of one prompt, the oldest first. Pure.

Columns: slug, title, about, kind, folder (a/b), tags (a, b), labels (a, b), note, system, prompt, and body:
JSON of all else a version holds. Only title or slug, and prompt or body, are needed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from playground.library.exchange import located, texts
from playground.library.exchange.draft import (
    KINDS,
    MOST_COMPLAINTS,
    Broken,
    Complaint,
    Draft,
    DraftVersion,
    Reader,
    Unfit,
    gathered,
)

COLUMNS = (
    "slug", "title", "about", "kind", "folder", "tags", "labels", "note", "author", "created_at", "system",
    "prompt", "body",
)  # fmt: skip
ALIASES = {"name": "title", "description": "about", "text": "prompt", "content": "prompt"}
# A cell that begins so is run by a spreadsheet: it gets an apostrophe, which is taken off on the way back.
RISKY = ("=", "+", "-", "@", "\t", "\r")
Found = list[tuple[str, int, Draft]]


def read(text: str) -> tuple[list[Draft], list[Complaint]]:
    """Raises Broken for what is no CSV with these columns."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        names = [ALIASES.get(name.strip().lower(), name.strip().lower()) for name in next(rows, [])]
        _check(names)
        found, complaints = _rows(rows, names)
    except csv.Error as error:
        raise Broken(rows.line_num, f"This is no CSV: {error}.") from None
    return gathered(found), complaints


def _rows(rows: Any, names: list[str]) -> tuple[Found, list[Complaint]]:
    found: Found = []
    complaints: list[Complaint] = []
    begins = rows.line_num + 1
    for cells in rows:
        line, begins = begins, rows.line_num + 1
        if not any(cells):
            continue
        try:
            if len(cells) > len(names):
                raise Unfit(f"This row has {len(cells)} cells; the first row names {len(names)}.")
            named = {name: _plain(cell) for name, cell in zip(names, cells, strict=False) if name}
            draft = _draft(named, line)
            found.append((draft.slug, len(found), draft))
        except Unfit as error:
            complaints.append(Complaint(line, str(error)))
        except Broken as error:
            complaints.append(Complaint(line, f"“body”: {error}"))
        if len(complaints) == MOST_COMPLAINTS:
            break
    return found, complaints


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _check(names: list[str]) -> None:
    if not {"title", "slug"} & set(names) or not {"prompt", "body"} & set(names):
        raise Broken(1, f"The first row must name the columns. There are {', '.join(COLUMNS)}.")
    if unknown := [name for name in names if name and name not in COLUMNS]:
        raise Broken(1, f"There is no column “{unknown[0][:40]}”. There are {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise Broken(1, "Two columns have the same name.")


def _draft(cells: dict[str, str], line: int) -> Draft:
    given = Reader({name: cell for name, cell in cells.items() if cell})
    title = given.text("title", "slug", needed=True)
    kind = given.text("kind") or "chat"
    if kind not in KINDS:
        raise Unfit(f"“kind” must be one of {', '.join(KINDS)}.")
    remarks: list[str] = []
    version = DraftVersion(
        body=_body(given, kind),
        note=given.text("note"),
        labels=texts.labels_of(_parts(given.text("labels"), ","), remarks),
        author=given.text("author"),
        created_at=given.time("created_at"),
    )
    return Draft(
        slug=given.text("slug") or texts.slug_of(title),
        title=title,
        about=given.text("about"),
        kind=kind,
        tags=_parts(given.text("tags"), ","),
        folder=_parts(given.text("folder"), "/"),
        versions=(version,),
        remarks=tuple(remarks),
        line=line,
    )


def _body(given: Reader, kind: str) -> dict[str, Any]:
    more = located.read(given.text("body")) if given.text("body") else {}
    if not isinstance(more, dict):
        raise Unfit("“body” must be a JSON object.")
    if kind != "chat":
        return more
    said = [
        (role, given.text(name))
        for role, name in (("system", "system"), ("user", "prompt"))
        if given.text(name)
    ]
    if not said and not more:
        raise Unfit("This row has neither a prompt nor a body.")
    settings, messages = more.get("settings", {}), more.get("messages", [])
    if not isinstance(settings, dict) or not isinstance(messages, list):
        raise Unfit("In “body”, settings must be an object and messages a list.")
    body = texts.body_of(said, settings)
    return more | body | {"messages": body["messages"] + messages}


def _parts(text: str, sign: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(sign) if part.strip())


def _plain(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in (*RISKY, "'") else cell


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*RISKY, "'")) else cell


def write(drafts: Sequence[Draft]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for draft in drafts:
        for version in draft.versions:
            told = _told(draft, version)
            writer.writerow([_safe(told.get(name, "")) for name in COLUMNS])
    return out.getvalue()


def _told(draft: Draft, version: DraftVersion) -> dict[str, str]:
    rest = dict(version.body)
    told = {
        "slug": draft.slug, "title": draft.title, "about": draft.about, "kind": draft.kind,
        "folder": "/".join(draft.folder), "tags": ", ".join(draft.tags), "labels": ", ".join(version.labels),
        "note": version.note, "author": version.author,
        "created_at": version.created_at.isoformat() if version.created_at else "",
    }  # fmt: skip
    if draft.kind == "chat":
        settings, messages = rest.get("settings"), rest.get("messages")
        if isinstance(settings, dict) and settings.get("system"):
            told["system"] = str(settings["system"])
            rest["settings"] = {name: value for name, value in settings.items() if name != "system"}
        if (
            isinstance(messages, list)
            and messages
            and messages[0] == {"role": "user", "text": messages[0].get("text")}
        ):
            told["prompt"] = messages[0]["text"]
            rest["messages"] = messages[1:]
    rest = {name: value for name, value in rest.items() if value not in ({}, [])}
    return told | ({"body": json.dumps(rest, ensure_ascii=False)} if rest else {})
