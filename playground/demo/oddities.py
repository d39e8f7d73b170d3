"""Texts that a page has to survive: odd signs, hostile Markdown, and texts of any length."""

from .answers import Answer, compose
from .asks import Ask
from .dice import Dice
from .faults import ENDINGS, Fault
from .pace import split
from .phrases import prose

NUL = (
    "This demo answer holds signs that databases refuse: a NUL byte here \x00 and there \x00, a lone high "
    "surrogate \ud83d, a lone low one \udc00, a line separator \u2028, a next line \x85 and a byte order "
    "mark \ufeff. The text after them has to be kept. (Built-in demo gateway, not a real model.)"
)

MANY_SCRIPTS = (
    "Grüße aus dem Demo-Gateway 🚀 — kein echtes Modell. 你好，世界！这是演示网关。 こんにちは、デモです。 "
    "안녕하세요 👩‍💻👨‍👩‍👧‍👦. Здравствуйте! שלום · مرحبا · नमस्ते. Naïve café, œuvre, Ærø, "
    "ﬁligree; 𝒜𝓃𝒹 𝕞𝕒𝕥𝕙: ∑ √2 ≈ 1,4142 €. A line separator\u2028stays inside its line. Ende 🏁"
)

HOSTILE = """Hostile Markdown from the built-in demo gateway (not a real model). Nothing below may run:

<script>alert("script")</script>

<img src=x onerror="alert('img')"><svg onload=alert('svg')></svg>

<iframe srcdoc="<script>alert(1)</script>"></iframe>

[a link](javascript:alert('link')) · [another](JaVaScRiPt&#58;alert(1))

[data](data:text/html;base64,PHNjcmlwdD4=)

![an image](javascript:alert(1)) ![remote](https://tracker.example.invalid/pixel.png?chat=1)

<a href="https://example.com" onclick="alert('a')" style="position:fixed;inset:0">everything is a link</a>

<style>body { display: none }</style><meta http-equiv="refresh" content="0;url=https://example.invalid/">

<form action="https://example.invalid/"><input name="password" type="password"><button>Sign in</button></form>

<div hx-get="/accounts/logout/" hx-trigger="load" id="main">htmx attributes</div>

`</code><script>alert("code")</script>`

```html"><script>alert("fence")</script>
</code></pre><script>alert("block")</script>
```

| <b onmouseover=alert(1)>cell</b> | `|` |
| --- | --- |
| {{ constructor.constructor('alert(1)')() }} | {% debug %} |

<https://example.com/"onmouseover="alert(1)> \u202eback to front\u202c <!-- an open comment
"""


def odd_answer(fault: Fault, ask: Ask) -> Answer | None:
    """The answer of a model whose fault lies in the text; None for a usual answer."""
    match fault.kind:
        case "nul":
            return Answer(text=NUL)
        case "hostile-markdown":
            return Answer(text=HOSTILE)
        case "split-utf8":
            return Answer(text=MANY_SCRIPTS)
        case "refusal":
            return Answer(
                refusal="I cannot help with that request. (The demo refuses everything it is asked.)"
            )
        case "content-filter":
            return Answer(text=compose(ask, voice="demo-chat"), filtered=True)
        case "long" | "fast":
            return Answer(text=long_text(fault.after, ask))
        case kind if kind in ENDINGS:
            return _long_enough(fault.after + 1, ask)
        case _:
            return None


def long_text(tokens: int, ask: Ask) -> str:
    """Exactly this many tokens, marked as a demo in its first line."""
    text = "*The built-in demo gateway, not a real model, at length.*\n\n"
    text += prose(tokens, Dice(ask.digest("long")))
    return "".join(split(text)[:tokens])


def _long_enough(tokens: int, ask: Ask) -> Answer | None:
    """A longer text where the usual answer would end before the fault can show."""
    usual = compose(ask, voice="demo-chat")
    if ask.tools or ask.as_json or ask.schema or ask.before() or len(split(usual)) >= tokens:
        return None
    return Answer(text=long_text(tokens + 20, ask))
