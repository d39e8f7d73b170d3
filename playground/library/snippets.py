"""Code that fetches a prompt and renders it, ready to be pasted: cURL, Python, JavaScript. Pure.

Nothing but the language's own library is used, and the token comes from the environment.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from playground.library.variables import Variable

TOKEN = "PLAYGROUND_TOKEN"  # noqa: S105 # the name of a variable, not a secret
SAMPLES: dict[str, Any] = {"number": 1, "boolean": True, "date": "2026-01-31", "json": {}}


@dataclass(frozen=True, slots=True)
class Snippet:
    title: str
    language: str
    text: str


def snippets(
    site: str, slug: str, variables: Sequence[Variable], *, label: str = "", number: int | None = None
) -> list[Snippet]:
    """`site` is the address of this site; the version is named by `label`, else by `number`, else newest."""
    version: dict[str, Any] = {"label": label} if label else {"version": number} if number else {}
    path = f"{site.rstrip('/')}/api/v1/prompts/{quote(slug)}"
    query = f"?{urlencode(version)}" if version else ""
    asked = version | {"values": {one.name: _sample(one) for one in variables}}
    return [
        Snippet("Fetch it", "cURL", _curl(path + query)),
        Snippet("Turn it into a request", "cURL", _curl_render(f"{path}/render", asked)),
        Snippet("From Python", "Python", _python(path, query, asked)),
        Snippet("From JavaScript", "JavaScript", _javascript(path, query, asked)),
    ]


def _sample(one: Variable) -> Any:
    if one.default not in ("", None):
        return one.default
    if one.type == "choice" and one.choices:
        return one.choices[0]
    return SAMPLES.get(
        one.type, "https://example.com/picture.png" if one.type == "image" else f"<{one.title}>"
    )


def _curl(address: str) -> str:
    return f'curl --fail-with-body {shlex.quote(address)} \\\n  -H "Authorization: Bearer ${TOKEN}"\n'


def _curl_render(address: str, asked: dict[str, Any]) -> str:
    body = json.dumps(asked, ensure_ascii=False, indent=2)
    return (
        f"curl --fail-with-body {shlex.quote(address)} \\\n"
        f'  -H "Authorization: Bearer ${TOKEN}" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}\n"
    )


def _python(path: str, query: str, asked: dict[str, Any]) -> str:
    return f'''import json
import os
import urllib.request

PROMPT = {json.dumps(path)}
HEADERS = {{
    "Authorization": "Bearer " + os.environ["{TOKEN}"],
    "Content-Type": "application/json",
}}


def call(address, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data, HEADERS)) as answer:
        return json.load(answer)


prompt = call(PROMPT + {json.dumps(query)})
print(prompt["slug"], "version", prompt["version"])

rendered = call(PROMPT + "/render", json.loads({_python_text(asked)}))
print(json.dumps(rendered["request"], indent=2))
'''


def _python_text(value: Any) -> str:
    """As a literal that is the same in every language of a value: JSON inside a string."""
    return repr(json.dumps(value, ensure_ascii=False))


def _javascript(path: str, query: str, asked: dict[str, Any]) -> str:
    body = json.dumps(asked, ensure_ascii=True, indent=2)
    return f"""const PROMPT = {json.dumps(path)};
const headers = {{
  Authorization: `Bearer ${{process.env.{TOKEN}}}`,
  "Content-Type": "application/json",
}};

async function call(address, body) {{
  const method = body ? "POST" : "GET";
  const answer = await fetch(address, {{ method, headers, body: body && JSON.stringify(body) }});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}}

const prompt = await call(PROMPT + {json.dumps(query)});
console.log(prompt.slug, "version", prompt.version);

const rendered = await call(PROMPT + "/render", {body});
console.log(rendered.request);
"""
