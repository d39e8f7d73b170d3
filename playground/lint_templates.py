"""Lint of templates, and of Python for marked-safe HTML: `python -m playground.lint_templates`.

The content security policy forbids inline script and style; a page that uses them looks right to its
author and is broken for everybody else. What the policy cannot see (a missing token, an unsafe filter,
an htmx filter that is silently ignored) is refused here too.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, Token, TokenType

ROOT = Path(__file__).resolve().parent.parent
SPRITE = ROOT / "static/vendor/icons.svg"
# The one file that may mark rendered Markdown as safe; its input was sanitised (see chat/render.py).
MAY_MARK_SAFE = frozenset({"playground/chat/templatetags/chat.py"})

MARKERS = {"mark_safe", "html_safe"}
UNSAFE_FILTER = re.compile(r"\|\s*(safe|safeseq)\b")
AUTOESCAPE = re.compile(r"autoescape\s+off\b")
ICON_TAG = re.compile(r'icon\s+"([^"]*)"')
REMOTE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
SCRIPT_URL = re.compile(r"[\s\0]*(javascript|vbscript|data)\s*:", re.IGNORECASE)
STANDS_FOR_A_TAG = "\N{OBJECT REPLACEMENT CHARACTER}"
STANDS_FOR = {"url": STANDS_FOR_A_TAG, "static": STANDS_FOR_A_TAG, "csrf_token": "<csrf-token>"}
LOADS = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "use": "href"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    path: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}"


def lint_template(
    source: str, path: str = "template.html", icons: frozenset[str] | None = None
) -> list[Finding]:
    """Everything wrong with one template. `icons` are the names in the sprite; None skips that rule."""
    tokens = Lexer(source).tokenize()
    page = _Page(path)
    page.feed("".join(_as_html(token) for token in tokens))
    page.close()
    page.finish()
    found = set(page.findings)
    found.update(Finding(path, line, rule) for line, rule in _tag_findings(tokens, icons))
    return sorted(found)


def lint_python(source: str, path: str) -> list[Finding]:
    """`mark_safe`, `SafeString(...)` and `@html_safe` outside the allowed file."""
    if path in MAY_MARK_SAFE:
        return []
    rule = "marks HTML as safe outside the allowed file; use format_html"
    lines = (_safe_line(node) for node in ast.walk(ast.parse(source)))
    return [Finding(path, line, rule) for line in lines if line]


def lint_tree(root: Path = ROOT) -> list[Finding]:
    icons = frozenset(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()))
    found: list[Finding] = []
    for file in sorted(root.glob("templates/**/*.html")):
        found += lint_template(file.read_text(), str(file.relative_to(root)), icons)
    for package in ("playground", "accounts"):
        for file in sorted((root / package).glob("**/*.py")):
            found += lint_python(file.read_text(), str(file.relative_to(root)))
    return found


def _as_html(token: Token) -> str:
    """The token as the HTML parser should see it: tags stand for themselves as one letter and their lines."""
    if token.token_type == TokenType.TEXT:
        return token.contents
    newlines = "\n" * token.contents.count("\n")
    if token.token_type == TokenType.VAR:
        return STANDS_FOR_A_TAG + newlines
    # A value made by {% url %} or {% static %} counts; {% if %} and the like stand for nothing.
    made = token.contents.split(None, 1)[0] if token.contents else ""
    return STANDS_FOR.get(made, "") + newlines


def _tag_findings(tokens: list[Token], icons: frozenset[str] | None) -> Iterator[tuple[int, str]]:
    for token in tokens:
        line, text = token.lineno or 0, token.contents
        if token.token_type not in {TokenType.VAR, TokenType.BLOCK}:
            continue
        if UNSAFE_FILTER.search(text):
            yield line, "the filter `safe` lets HTML through unescaped"
        if AUTOESCAPE.match(text):
            yield line, "`autoescape off` lets HTML through unescaped"
        named = ICON_TAG.match(text)
        if icons is not None and named and named[1] not in icons:
            yield line, f"there is no icon {named[1]!r} in the sprite"


def _safe_line(node: ast.AST) -> int | None:
    """The line on which this node marks something as safe, or None."""
    match node:
        case ast.ImportFrom(names=names) if {alias.name for alias in names} & MARKERS:
            return node.lineno
        case ast.Attribute(attr=attr) if attr in MARKERS:
            return node.lineno
        case ast.Call(func=ast.Name(id="SafeString" | "SafeText")):
            return node.lineno
    return None


class _Page(HTMLParser):
    """Walks the elements; an open form that still needs its token is remembered by its line."""

    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.findings: list[Finding] = []
        self.open_forms: list[int | None] = []

    def say(self, rule: str) -> None:
        self.findings.append(Finding(self.path, self.getpos()[0], rule))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            self.attribute(name, value)
        self.element(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.open_forms:
            self.end_form(self.open_forms.pop())

    def attribute(self, name: str, value: str) -> None:
        if name == "style":
            self.say("inline style (the policy forbids it)")
        if name.startswith("on"):
            self.say(f"inline handler {name} (the policy forbids it)")
        if name.startswith(("hx-on", "data-hx-on")):
            self.say("hx-on needs eval (the policy forbids it)")
        if name in {"hx-vals", "hx-headers", "hx-vars", "hx-request"} and _evaluates(name, value):
            self.say(f"{name} with js: needs eval (the policy forbids it)")
        if name == "hx-trigger" and "[" in value:
            self.say("an hx-trigger filter is ignored without eval: the request would fire anyway")
        if name in {"href", "src", "action", "formaction", "hx-get", "hx-post"} and SCRIPT_URL.match(value):
            self.say(f"{name} with a script or data address")

    def element(self, tag: str, given: dict[str, str]) -> None:
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.say("inline script (the policy forbids it)")
        if tag == "style":
            self.say("inline style element (the policy forbids it)")
        if tag == "html" and not given.get("lang"):
            self.say("<html> without lang")
        if tag in LOADS and REMOTE.match(given.get(LOADS[tag], "")):
            self.say(f"<{tag}> loads from another host")
        if tag == "form":
            posts = given.get("method", "").lower() == "post"
            self.open_forms.append(self.getpos()[0] if posts else None)
        if tag == "csrf-token" and self.open_forms:
            self.open_forms[-1] = None

    def end_form(self, line_without_token: int | None) -> None:
        if line_without_token is not None:
            self.findings.append(Finding(self.path, line_without_token, "POST form without {% csrf_token %}"))

    def finish(self) -> None:
        for line in self.open_forms:
            self.end_form(line)


def _evaluates(name: str, value: str) -> bool:
    return name == "hx-vars" or value.lstrip().startswith(("js:", "javascript:"))


def main() -> int:
    found = lint_tree()
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
