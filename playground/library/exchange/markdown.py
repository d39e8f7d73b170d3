"""Markdown with front matter: one prompt a file, its newest version. Pure.

---                     title, slug, about, kind, tags, folder, labels, note, author, created_at, variables,
title: Greeting         settings, messages as names of YAML; for the studio operation, model and values
---
## System               A line like this begins what that role says (System, User, Assistant). Without one,
Be kind.                all is what the user says. A line of the text that looks so has a backslash before.
## User
Hello {{name}}
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from playground.library.exchange import texts
from playground.library.exchange.draft import DEEPEST, KINDS, Body, Broken, Draft, DraftVersion, Reader, Unfit

LONGEST_HEAD = 400_000
_HEAD = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_ROLE = re.compile(r"^## (System|User|Assistant)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_ESCAPED = re.compile(r"^\\(\\*## (?:System|User|Assistant)[ \t]*)$", re.IGNORECASE | re.MULTILINE)
_LOOKS = re.compile(r"^(\\*## (?:System|User|Assistant)[ \t]*)$", re.IGNORECASE | re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """YAML with the types of JSON alone: no anchors, which can grow without end, and no dates."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # types-PyYAML leaves it out
            raise yaml.MarkedYAMLError(problem="aliases are not taken here", problem_mark=mark)
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str, name: str) -> Draft:
    """`name` is the file's, for a prompt that says no title. Raises Broken with the line."""
    text = text.replace("\r\n", "\n")
    found = _HEAD.match(text)
    if text.startswith("---") and not found:
        raise Broken(1, "The front matter has no second line of three dashes.")
    head, node = _front(found[1]) if found else ({}, None)
    rest = text[found.end() :] if found else text
    try:
        return _draft(Reader(head), rest, name)
    except Unfit as error:
        raise Broken(_line(node, error.path), str(error)) from None


def _front(text: str) -> tuple[Any, Any]:
    """The value of the front matter and the node it was made of, which knows its lines."""
    if len(text) > LONGEST_HEAD:
        raise Broken(2, f"The front matter is longer than {LONGEST_HEAD:,} characters.")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        value = loader.construct_document(node) if node else {}
        plain = json.loads(json.dumps(value, allow_nan=False))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Broken(mark.line + 2 if mark else 2, f"This is no YAML: {error.problem}.") from None
    except RecursionError:
        raise Broken(2, f"The front matter goes deeper than {DEEPEST} levels.") from None
    except (yaml.YAMLError, TypeError, ValueError, OverflowError):
        raise Broken(2, "The front matter holds what JSON cannot say.") from None
    return plain, node


def _line(node: Any, path: tuple[str | int, ...]) -> int:
    """The line of the file, which begins one above the front matter."""
    for step in path:
        inner = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            inner = node.value[step]
        if inner is None:
            break
        node = inner
    return node.start_mark.line + 2 if node is not None else 1


def _draft(head: Reader, text: str, name: str) -> Draft:
    title = head.text("title", "name") or name or "Untitled prompt"
    kind = head.text("kind") or "chat"
    if kind not in KINDS:
        raise Unfit(f"“kind” must be one of {', '.join(KINDS)}.", "kind")
    remarks: list[str] = []
    version = DraftVersion(
        body=_chat(head, text) if kind == "chat" else _studio(head),
        note=head.text("note"),
        labels=texts.labels_of(head.texts("labels"), remarks),
        author=head.text("author"),
        created_at=head.time("created_at"),
    )
    return Draft(
        slug=head.text("slug") or texts.slug_of(title),
        title=title,
        about=head.text("about", "description"),
        kind=kind,
        tags=head.texts("tags"),
        folder=head.texts("folder"),
        versions=(version,),
        remarks=tuple(remarks),
        line=1,
    )


def _chat(head: Reader, text: str) -> Body:
    body: Body = texts.body_of(_messages(text), head.object("settings"), variables=head.items("variables"))
    model = head.text("model")
    if model and not body.get("settings", {}).get("model"):
        body["settings"] = body.get("settings", {}) | {"model": model}
    return head.object("more") | body


def _studio(head: Reader) -> Body:
    body = {"operation": head.text("operation", needed=True), "values": head.object("values")}
    more = {"variables": head.items("variables"), "model": head.text("model")}
    return head.object("more") | body | {name: value for name, value in more.items() if value}


def _messages(text: str) -> list[tuple[str, str]]:
    marks = list(_ROLE.finditer(text))
    before = text[: marks[0].start()] if marks else text
    found = [("user", before)] if before.strip() or not marks else []
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    found += [
        (mark[1].lower(), text[mark.end() :][: end - mark.end()])
        for mark, end in zip(marks, ends, strict=True)
    ]
    return [(role, _ESCAPED.sub(r"\1", said.strip("\n"))) for role, said in found]


def write(draft: Draft) -> str:
    version, body = draft.head, draft.head.body
    head: Body = {
        "title": draft.title, "slug": draft.slug, "about": draft.about, "kind": draft.kind,
        "tags": list(draft.tags), "folder": list(draft.folder), "labels": list(version.labels),
        "note": version.note, "author": version.author,
        "created_at": version.created_at.isoformat() if version.created_at else "",
    }  # fmt: skip
    known = (
        ("variables", "messages", "settings")
        if draft.kind == "chat"
        else ("variables", "operation", "values", "model")
    )
    head |= {name: body[name] for name in known if name != "messages" and name in body}
    said = ""
    if draft.kind == "chat":
        raw = body.get("settings")
        head["settings"] = {k: v for k, v in (raw if isinstance(raw, dict) else {}).items() if k != "system"}
        said = "\n\n".join(f"## {role.capitalize()}\n{_safe(text)}" for role, text in texts.messages_of(body))
    head["more"] = {name: value for name, value in body.items() if name not in known}
    told = {name: value for name, value in head.items() if value not in ("", [], {}, None)}
    front = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{front}---\n{said}\n" if said else f"---\n{front}---\n"


def _safe(text: str) -> str:
    return _LOOKS.sub(r"\\\1", text)
