"""What a Markdown block looks like, and what keeps it safe.

CommonMark with tables, strikethrough and task lists, except: HTML is text, images become links (nothing
remote is ever fetched), maths stays as typed, and link reference definitions are off, since a definition
far below would change blocks that were sent already.

Two walls: markdown-it escapes all HTML and refuses foreign link schemes, nh3 cleans what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

# Deeper quotes and lists cost time at every level, and the parser drops what is deeper still.
MAX_NESTING = 24  # twelve lists in each other
_MAX_HIGHLIGHT = 20_000

# Never guessed, and only these: some of Pygments' other 500 lexers are slow on hostile text.
_LANGUAGE_NAMES = """
bash sh zsh shell console c cpp c++ csharp cs c# css scss less dart diff udiff docker dockerfile
elixir erlang fsharp go golang graphql groovy haskell hs hcl terraform html xml http ini cfg toml
java javascript js jsx json json5 kotlin latex tex lua make makefile matlab nginx nix objective-c
objc ocaml perl php postgresql psql powershell ps1 protobuf proto py python python3 pycon pytb r ruby rb
rust rs scala sql sqlite3 swift typescript ts tsx vb.net vim yaml yml zig clojure julia mysql
"""
LANGUAGES = frozenset(_LANGUAGE_NAMES.split())
_LANGUAGE = re.compile(r"[A-Za-z0-9+#._-]{1,30}")
# No quote or angle bracket gets into an attribute: the copy button is put in behind `</figcaption>` later.
_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+", re.IGNORECASE)
_CAPTION_END = "</figcaption>"
_COPY_BUTTON = '<button type="button" class="copy" data-copy="code">Copy</button>'
_PAGE_HEADINGS, _DEEPEST = 2, 6
_ALIGNED = {"text-align:left": "left", "text-align:center": "center", "text-align:right": "right"}
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_TASK_MARKS = {" ": ("☐", "To do"), "x": ("☑", "Done"), "X": ("☑", "Done")}

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MAX_MATH = 2_000
_MATH_CLOSERS = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}
# "$5 and $10" and "$HOME/$USER" are no maths.
_INLINE_MATH = re.compile(r"\$(?![\s$])(?:[^$`\n\\]|\\.){1,500}(?<!\s)\$(?![\w$])")

_TAGS = """
a blockquote br code div em figcaption figure h3 h4 h5 h6 hr li ol p pre s span strong
table tbody td th thead tr ul
"""
_formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix="hl-")
_cleaner = nh3.Cleaner(
    tags=set(_TAGS.split()),
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}, "figure": {"data-lang"}},
    tag_attribute_values={
        "div": {"tabindex": {"0"}, "role": {"group"}, "aria-label": {"Table"}},
        "pre": {"tabindex": {"0"}},
        "span": {"role": {"img"}, "aria-label": {"To do", "Done"}},
        "th": {"scope": {"col"}},
    },
    allowed_classes={
        "code": {"hl-code"},
        "div": {"table-scroll"},
        "figure": {"code"},
        "li": {"task-item"},
        "span": {"task", "math"} | {f"hl-{name}" for name in STANDARD_TYPES.values() if name},
        "td": set(_ALIGNED.values()),
        "th": set(_ALIGNED.values()),
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener nofollow ugc",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


class Outline:
    """The headings a text is under, by their rank in the source.

    They go below those of the page, and no level is left out: a text that begins with ### begins with h3.
    """

    __slots__ = ("_over",)

    def __init__(self) -> None:
        self._over: list[int] = []

    def enter(self, rank: int) -> str:
        """The tag of the next heading."""
        while self._over and self._over[-1] >= rank:
            self._over.pop()
        self._over.append(rank)
        return f"h{min(_PAGE_HEADINGS + len(self._over), _DEEPEST)}"


def block_html(md: MarkdownIt, tokens: list[Token], outline: Outline) -> str:
    """The HTML of one block from what the block parser made of it; its headings go into the outline."""
    state = StateCore("", md, {"outline": outline}, tokens)
    md.core.process(state)
    return _cleaned(str(md.renderer.render(state.tokens, md.options, {})))


def code_figure(source: str, language: str = "") -> str:
    """A code block of its own, highlighted where the language is known."""
    return _cleaned(_figure(storable(source), language))


def storable(text: str) -> str:
    """What UTF-8 or HTML cannot hold (lone surrogates, NUL), visibly replaced."""
    return _UNSTORABLE.sub("\ufffd", text)


@lru_cache(maxsize=2)
def parser(breaks: bool) -> MarkdownIt:
    """The one parser of each kind; with `breaks` every newline of a paragraph stays one."""
    options = {"html": False, "maxNesting": MAX_NESTING, "breaks": breaks}
    md = MarkdownIt("commonmark", options, renderer_cls=_Renderer)
    md.enable(["table", "strikethrough"])
    md.disable(["reference", "html_block", "html_inline", "normalize", "block"])
    md.inline.ruler.before("escape", "math", _math_rule)
    md.core.ruler.push("shape", _shape)
    md.validateLink = _is_link  # type: ignore[method-assign]  # how markdown-it wants it replaced
    return md


class _Renderer(RendererHTML):
    """One method per token type that does not look as CommonMark has it."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        words = tokens[idx].info.split()
        return _figure(tokens[idx].content, words[0] if words else "")

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _figure(tokens[idx].content, "")

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        image = tokens[idx]
        source = str(image.attrs.get("src", ""))
        text = escape(self.renderInlineAsText(image.children, options, env) or source or "image")
        return text if image.hidden or not source else f'<a href="{escape(source)}">{text}</a>'

    def math(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<span class="math">{escape(tokens[idx].content)}</span>'

    def task(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        mark, label = _TASK_MARKS[tokens[idx].info]
        return f'<span class="task" role="img" aria-label="{label}">{mark}</span> '

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"


def _is_link(url: str) -> bool:
    return _LINK.fullmatch(url) is not None


def _cleaned(html: str) -> str:
    return _cleaner.clean(html).replace(_CAPTION_END, _CAPTION_END + _COPY_BUTTON)


def _figure(source: str, language: str) -> str:
    named = _LANGUAGE.fullmatch(language) is not None
    lang = f' data-lang="{escape(language.lower())}"' if named else ""
    caption = escape(language) if named else "text"
    return (
        f'<figure class="code"{lang}><figcaption>{caption}{_CAPTION_END}'
        f'<pre tabindex="0"><code class="hl-code">{_highlighted(source, language.lower())}</code></pre>'
        "</figure>\n"
    )


def _highlighted(source: str, language: str) -> str:
    if language not in LANGUAGES or len(source) > _MAX_HIGHLIGHT:
        return escape(source)
    highlighted = highlight(source, _lexer(language), _formatter)
    return highlighted if source.endswith("\n") else highlighted.removesuffix("\n")


@lru_cache(maxsize=len(LANGUAGES))
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


def _math_rule(state: StateInline, silent: bool) -> bool:
    """Maths stays as it was typed: no emphasis inside, and the backslash of \\( is kept."""
    end = _math_end(state.src, state.pos, state.posMax)
    if end < 0:
        return False
    if not silent:
        token = state.push("math", "span", 0)
        token.content = state.src[state.pos : end]
    state.pos = end
    return True


def _math_end(text: str, start: int, limit: int) -> int:
    """Where maths that begins at `start` ends, or -1. Looks a bounded way ahead."""
    if text[start] == "$":
        if match := _INLINE_MATH.match(text, start, limit):
            return match.end()
        if not text.startswith("$$", start):
            return -1
    closer = _MATH_CLOSERS.get(text[start : start + 2])
    if closer is None:
        return -1
    found = text.find(closer, start + 3, min(limit, start + _MAX_MATH))
    return found + 2 if found >= 0 else -1


def _shape(state: StateCore) -> None:
    """Headings below those of the page, alignment as a class, images as links, task marks."""
    for index, token in enumerate(state.tokens):
        if token.type == "heading_open":
            # Its text is between the two.
            token.tag = state.tokens[index + 2].tag = state.env["outline"].enter(int(token.tag[1:]))
        elif token.type in ("th_open", "td_open"):
            if not state.tokens[index + 1].content.strip():
                # A cell that names no column is no heading.
                token.tag = state.tokens[index + 2].tag = "td"
            _shape_cell(token)
        elif token.type == "inline" and token.children:
            if state.tokens[index - 2].type == "list_item_open":
                _shape_task(state.tokens[index - 2], token.children)
            _shape_links(token.children)


def _shape_cell(token: Token) -> None:
    style = str(token.attrs.pop("style", ""))
    if style in _ALIGNED:
        token.attrs["class"] = _ALIGNED[style]
    if token.tag == "th":
        token.attrs["scope"] = "col"


def _shape_task(item: Token, children: list[Token]) -> None:
    first = children[0]
    if first.type == "text" and (match := _TASK.match(first.content)):
        first.content = first.content[match.end() :]
        item.attrs["class"] = "task-item"
        children.insert(0, Token("task", "span", 0, info=match[1]))


def _shape_links(children: list[Token]) -> None:
    """An image inside a link is its text: links do not nest. A link to nowhere is its text too."""
    open_links: list[Token] = []
    for token in children:
        if token.type == "link_open":
            open_links.append(token)
        elif token.type == "link_close":
            opened = open_links.pop()
            opened.attrs.pop("title", None)
            opened.hidden = token.hidden = not opened.attrs.get("href")
        elif token.type == "image":
            token.hidden = bool(open_links)
