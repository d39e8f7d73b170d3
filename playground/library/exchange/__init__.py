"""Prompts as files: what a file holds, told in one shape whatever product wrote it, and the way back.

Pure: no database, no clock. `parse` never raises; what is wrong is a complaint with its line, and then
nothing of the file is to be taken.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from playground.library.exchange import langfuse, located, markdown, native, open_webui, openai, table
from playground.library.exchange.draft import (
    LARGEST,
    MOST_COMPLAINTS,
    MOST_PROMPTS,
    MOST_VERSIONS,
    Body,
    Broken,
    Complaint,
    Draft,
    DraftVersion,
    Parsed,
    Unfit,
    each,
    gathered,
)

__all__ = [
    "FORMATS", "LARGEST", "MOST_PROMPTS", "Body", "Complaint", "Draft", "DraftVersion", "Parsed", "parse",
    "parse_own", "write",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    """`whole`: all versions go into the file, not the newest alone."""

    key: str
    label: str
    suffix: str
    media_type: str
    whole: bool
    write: Callable[[Sequence[Draft]], str]


def _one_markdown(drafts: Sequence[Draft]) -> str:
    return markdown.write(drafts[0])


FORMATS = {
    one.key: one
    for one in (
        Format("json", "JSON of this playground", "json", "application/json", True, native.write),
        Format("markdown", "Markdown with front matter", "md", "text/markdown", False, _one_markdown),
        Format("csv", "CSV", "csv", "text/csv", True, table.write),
        Format("langfuse", "Langfuse", "json", "application/json", True, langfuse.write),
        Format("open_webui", "Open WebUI", "json", "application/json", False, open_webui.write),
        Format("openai", "OpenAI prompt objects", "json", "application/json", True, openai.write),
    )
}
UNKNOWN = (
    "This is none of the formats known here: JSON of this playground, of Langfuse, of Open WebUI or of "
    "OpenAI prompt objects, Markdown with front matter, CSV, or a ZIP of such files."
)


def parse(data: bytes, filename: str = "") -> Parsed:
    """What the file holds; its format is told by its content, and by its name where that leaves it open."""
    if len(data) > LARGEST:
        return Parsed("", [], [Complaint(0, f"The file is larger than {LARGEST // 2**20} MB.")])
    try:
        found = _zip(data) if data[:4] == b"PK\x03\x04" else _text(located.decode(data), filename)
    except Broken as error:
        return Parsed("", [], [Complaint(error.line, str(error))])
    return _within(found)


def parse_own(data: bytes) -> Parsed:
    """What `native.write` wrote, of whatever size: for a file that `parse` has judged."""
    items = json.loads(data)["prompts"]
    return Parsed("json", [native.read(one, ("prompts", place), 0) for place, one in enumerate(items)])


def write(given: Iterable[Draft], key: str) -> tuple[bytes, str, str]:
    """(content, suffix of the file, media type). Several prompts in Markdown are a ZIP of files."""
    kind = FORMATS[key]
    if key == "json":
        return native.write(given).encode("utf-8", "backslashreplace"), kind.suffix, kind.media_type
    drafts = list(given)
    if key != "markdown" or len(drafts) == 1:
        text = kind.write(drafts)
        return text.encode("utf-8", "backslashreplace"), kind.suffix, kind.media_type
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for draft in drafts:
            # A fixed time: the same prompts make the same file.
            info = zipfile.ZipInfo(f"{draft.slug}.md", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, markdown.write(draft).encode("utf-8", "backslashreplace"))
    return out.getvalue(), "zip", "application/zip"


def _text(text: str, filename: str) -> Parsed:
    name = PurePosixPath(filename.replace("\\", "/"))
    suffix = name.suffix.lower()
    if not text.strip():
        raise Broken(0, "The file is empty.")
    if suffix == ".csv" or (suffix == ".tsv"):
        drafts, complaints = table.read(text)
        return Parsed("csv", drafts, complaints)
    if suffix == ".json" or (suffix not in (".md", ".markdown", ".txt") and text.lstrip()[0] in "[{"):
        return _json(text)
    if suffix not in ("", ".md", ".markdown", ".txt"):
        raise Broken(0, UNKNOWN)
    if not suffix and _is_table(text):
        drafts, complaints = table.read(text)
        return Parsed("csv", drafts, complaints)
    return Parsed("markdown", [markdown.read(text, name.stem)])


def _is_table(text: str) -> bool:
    """Pasted text whose first line names columns."""
    head = text.partition("\n")[0].strip().lower()
    names = {name.strip().strip('"') for sign in ",;\t" for name in head.split(sign)}
    return bool({"slug", "title", "name"} & names) and bool({"prompt", "body", "content", "text"} & names)


def _json(text: str) -> Parsed:
    value = located.read(text)

    def lines(*path: str | int) -> int:
        return located.line_of(text, *path)

    try:
        path, items, key = _items(value)
    except Unfit as error:
        raise Broken(lines(*error.path), str(error)) from None
    places = located.lines_of_items(text, *path) if items is not None else []
    rows = [value] if items is None else items

    def read(row: Any, place: int) -> Any:
        where = path if items is None else (*path, place)
        line = places[place] if place < len(places) else 1
        return _READ[key](row, where, line)

    found, complaints = each(rows, read, lines)
    return Parsed(key, _grouped(key, found), complaints)


def _items(value: Any) -> tuple[tuple[str | int, ...], list[Any] | None, str]:
    """The way to the items, the items (None: the value is one itself), and the format."""
    if native.matches(value):
        path, items = native.items(value)
        return path, items, "json"
    rows: Any = value
    way: tuple[str | int, ...] = ()
    for name in ("data", "prompts"):
        if isinstance(value, dict) and isinstance(value.get(name), list):
            rows, way = value[name], (name,)
            break
    first = next(iter(rows), None) if isinstance(rows, list) else rows
    for key, matches in _MATCHES.items():
        if matches(first):
            return way, rows if isinstance(rows, list) else None, key
    raise Unfit(UNKNOWN, *way, *((0,) if isinstance(rows, list) and rows else ()))


_MATCHES: dict[str, Callable[[Any], bool]] = {
    "openai": openai.matches,
    "open_webui": open_webui.matches,
    "langfuse": langfuse.matches,
}
_READ: dict[str, Callable[[Any, tuple[str | int, ...], int], Any]] = {
    "json": native.read,
    "langfuse": langfuse.read,
    "open_webui": open_webui.read,
    "openai": openai.read,
}


def _grouped(key: str, found: list[Any]) -> list[Draft]:
    if key == "langfuse":
        return gathered(found)
    if key == "openai":
        return gathered([row for rows in found for row in rows])
    return found


def _zip(data: bytes) -> Parsed:
    """Each file of a ZIP as one of its own; no more is unpacked than a plain file may hold."""
    drafts: list[Draft] = []
    complaints: list[Complaint] = []
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.is_dir() or PurePosixPath(info.filename).name.startswith((".", "__")):
                    continue
                if len(drafts) > MOST_PROMPTS or len(complaints) >= MOST_COMPLAINTS:
                    break
                with archive.open(info) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise Broken(0, f"The ZIP holds more than {LARGEST // 2**20} MB.")
                one = _inside(content, info.filename)
                drafts += one.prompts
                complaints += [replace(each_one, file=info.filename[:200]) for each_one in one.complaints]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        raise Broken(0, "This ZIP cannot be read.") from None
    if not drafts and not complaints:
        raise Broken(0, "The ZIP holds no file.")
    return Parsed("zip", drafts, complaints)


def _inside(content: bytes, filename: str) -> Parsed:
    try:
        return _text(located.decode(content), filename)
    except Broken as error:
        return Parsed("", [], [Complaint(error.line, str(error))])


def _within(found: Parsed) -> Parsed:
    """The limits of a whole file, and no slug twice."""
    complaints = list(found.complaints)
    if len(found.prompts) > MOST_PROMPTS:
        complaints.append(Complaint(0, f"A file may hold at most {MOST_PROMPTS:,} prompts."))
    if sum(len(draft.versions) for draft in found.prompts) > MOST_VERSIONS:
        complaints.append(Complaint(0, f"A file may hold at most {MOST_VERSIONS:,} versions."))
    seen: dict[str, int] = {}
    for draft in found.prompts:
        if draft.slug in seen and found.format == "json":
            complaints.append(Complaint(draft.line, f"There are two prompts “{draft.slug}”."))
        seen[draft.slug] = draft.line
    if not found.prompts and not complaints:
        complaints.append(Complaint(0, "The file holds no prompt."))
    return replace(found, complaints=complaints[:MOST_COMPLAINTS])
