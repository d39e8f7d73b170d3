"""What every format is read into and written from: prompts with their versions, and what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

Body = dict[str, Any]

# As in `kinds`, which knows the database and is not to be known here.
KINDS = ("chat", "image", "video", "song", "audio")
LARGEST = 10 * 1024 * 1024
DEEPEST = 60
MOST_PROMPTS, MOST_VERSIONS, MOST_COMPLAINTS = 2_000, 10_000, 50


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a file. `line` counts from 1; 0 is the whole file. `file` names one in a ZIP."""

    line: int
    sentence: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """`author` is a name, `created_at` None when the file does not say."""

    body: Body
    note: str = ""
    labels: tuple[str, ...] = ()
    author: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt in a file, its versions from the oldest. `folder` is the path of names; `remarks` tell what
    of the other product has no place here; `line` is where it begins.
    """

    slug: str
    title: str
    versions: tuple[DraftVersion, ...]
    about: str = ""
    kind: str = "chat"
    tags: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    line: int = 0

    @property
    def head(self) -> DraftVersion:
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Parsed:
    """`format` is the key of the format that was found. With complaints nothing of the file is taken."""

    format: str
    prompts: list[Draft] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)


class Unfit(Exception):
    """A value is not of its shape; `path` leads to it."""

    def __init__(self, sentence: str, *path: str | int) -> None:
        super().__init__(sentence)
        self.path = path


class Broken(Exception):
    """The file cannot be read at all."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass(slots=True)
class Reader:
    """An object of a file, read name by name; what is not of its type raises Unfit with the way to it."""

    given: Any
    path: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.given, dict):
            raise Unfit(f"This must be an object, not {kind_of(self.given)}.", *self.path)

    def text(self, *names: str, needed: bool = False) -> str:
        """The first of the names that is there; null is as good as nothing."""
        for name in names:
            value = self.given.get(name)
            if value is None:
                continue
            if not isinstance(value, str):
                raise Unfit(f"“{name}” must be a text, not {kind_of(value)}.", *self.path, name)
            return value
        if needed:
            raise Unfit(f"“{names[0]}” is missing.", *self.path)
        return ""

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._each(name, str, "a text"))

    def items(self, name: str, *, needed: bool = False) -> list[Any]:
        value = self.given.get(name)
        if value is None and not needed:
            return []
        if not isinstance(value, list):
            raise Unfit(f"“{name}” must be a list, not {kind_of(value)}.", *self.path, name)
        return value

    def readers(self, name: str, *, needed: bool = False) -> list[Reader]:
        found = self.items(name, needed=needed)
        return [Reader(one, (*self.path, name, place)) for place, one in enumerate(found)]

    def object(self, name: str) -> Body:
        value = self.given.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Unfit(f"“{name}” must be an object, not {kind_of(value)}.", *self.path, name)
        return value

    def number(self, name: str, otherwise: int = 0) -> int:
        """A whole number, or its digits as a text."""
        value = self.given.get(name)
        if value is None:
            return otherwise
        shown = str(value)
        if isinstance(value, bool) or not (shown.isascii() and shown.isdigit() and len(shown) < 12):
            raise Unfit(f"“{name}” must be a whole number, not {kind_of(value)}.", *self.path, name)
        return int(shown)

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return moment(text)
        except ValueError:
            sentence = f"“{name}” must be a time such as 2026-03-01T12:00:00Z."
            raise Unfit(sentence, *self.path, name) from None

    def _each(self, name: str, kind: type, word: str) -> list[Any]:
        found = self.items(name)
        for place, one in enumerate(found):
            if not isinstance(one, kind):
                sentence = f"Each of “{name}” must be {word}, not {kind_of(one)}."
                raise Unfit(sentence, *self.path, name, place)
        return found


def moment(text: str) -> datetime:
    """ISO 8601; ValueError for what is none, names no zone, or is of a year that not every zone can say."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or not MINYEAR < found.year < MAXYEAR:
        raise ValueError(text)
    return found


def kind_of(value: Any) -> str:
    names = {
        dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null",
        int: "a number", float: "a number",
    }  # fmt: skip
    return names.get(type(value), "this")


def gathered(found: list[tuple[str, int, Draft]]) -> list[Draft]:
    """One draft a name, of (name, number, draft with one version each), versions by their number."""
    by_name: dict[str, list[tuple[int, Draft]]] = {}
    for name, number, draft in found:
        by_name.setdefault(name, []).append((number, draft))
    return [_joined(sorted(rows, key=lambda row: row[0])) for rows in by_name.values()]


def _joined(rows: list[tuple[int, Draft]]) -> Draft:
    drafts = [draft for _, draft in rows]
    versions = tuple(version for draft in drafts for version in draft.versions)
    remarks = tuple(dict.fromkeys(remark for draft in drafts for remark in draft.remarks))
    return replace(drafts[-1], versions=versions, remarks=remarks, line=min(draft.line for draft in drafts))


def each(values: list[Any], read: Callable[[Any, int], Any], lines: Callable[..., int]) -> Any:
    """(what could be read, complaints) of the items of a file."""
    found, complaints = [], []
    for place, value in enumerate(values):
        try:
            found.append(read(value, place))
        except Unfit as error:
            complaints.append(Complaint(lines(*error.path), str(error)))
            if len(complaints) == MOST_COMPLAINTS:
                break
    return found, complaints
