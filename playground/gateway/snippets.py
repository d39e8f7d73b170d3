"""A request for people: as it goes over the wire, and as code that does the same. Pure; holds no key."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pprint import pformat
from typing import Any
from urllib.parse import urlencode

from playground.gateway import exact
from playground.gateway.request import AuthStyle, WireRequest

# Longer ones are told by their length: nobody reads a picture as letters.
LONGEST_BASE64 = 200
LONGEST_SHOWN = 500_000
KEY = "ANYINT_API_KEY"
# Of each style: the header, and what stands before the key in it.
AUTH: dict[AuthStyle, tuple[str, str]] = {
    "bearer": ("Authorization", "Bearer "),
    "x-api-key": ("x-api-key", ""),
}
# As `_shortened` leaves a file: its beginning, and how long it is.
_FILE = re.compile(r'[\w+/-]{24}… [\d,]+ characters"')
_BASE64 = re.compile(r"(?P<begin>(?:data:[\w/+.;=-]{1,100},)?)(?P<data>[A-Za-z0-9+/_-]+={0,2})")


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is JSON, indented, long base64 told by its length; `is_json` says that nothing else of it is
    left out. Of a multipart form it is the form as text.
    """

    method: str
    path: str
    body: str
    is_json: bool
    headers: tuple[tuple[str, str], ...] = ()
    auth: AuthStyle = "bearer"
    stream: bool = False


def told(wire: WireRequest) -> Request:
    body, is_json = laid_out(wire.body)
    path = wire.path + (f"?{urlencode(wire.query)}" if wire.query else "")
    headers = tuple(wire.headers.items())
    return Request(wire.method, path, body, is_json, headers, wire.auth, wire.stream)


def laid_out(body: bytes) -> tuple[str, bool]:
    """JSON with indents, as `Request` has it, and whether all of it is there; anything else as text."""
    try:
        text, is_json = _pretty(exact.loads(body.decode()), ""), True
    except (ValueError, RecursionError):
        text, is_json = body.decode("utf-8", "replace"), False
    if len(text) <= LONGEST_SHOWN:
        return text, is_json
    return f"{text[:LONGEST_SHOWN]}\n… {len(text) - LONGEST_SHOWN:,} more characters", False


def _pretty(value: Any, indent: str) -> str:
    """Indented JSON whose numbers are spelled as they are sent."""
    inner = f"{indent}  "
    if isinstance(value, str):
        return exact.dumps(_shortened(value))
    if isinstance(value, dict) and value:
        rows = [f"{inner}{exact.dumps(str(name))}: {_pretty(each, inner)}" for name, each in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{inner}{_pretty(each, inner)}" for each in value) + f"\n{indent}]"
    return exact.dumps(value)


def _shortened(text: str) -> str:
    match = _BASE64.fullmatch(text) if len(text) > LONGEST_BASE64 else None
    return f"{match['begin']}{match['data'][:24]}… {len(match['data']):,} characters" if match else text


def code(request: Request, base_url: str) -> list[tuple[str, str]]:
    """Language and text; the key comes from the environment. Nothing for what is no JSON or too long."""
    if not request.is_json:
        return []
    address = base_url.rstrip("/") + request.path
    extra = [(name, value) for name, value in request.headers if name.lower() != "content-type"]
    programs = [
        ("cURL", _curl(address, request, extra), _FILE_IN_CURL),
        ("Python", _python(address, request, extra), _FILE_IN_PYTHON),
        ("JavaScript", _javascript(address, request, extra), _FILE_IN_JAVASCRIPT),
    ]
    held = _FILE.search(request.body)
    return [(name, (how if held else "") + text) for name, text, how in programs]


_FILE_IN_CURL = (
    "# A file stands in the body by its length only. Save the body as body.json, put what\n"
    "#   base64 -w0 picture.png\n"
    "# prints in its place (behind the comma of a data: address), and send it with -d @body.json\n"
)
_FILE_IN_PYTHON = (
    "# A file stands in the body by its length only. Put this in its place (behind the comma of a data:\n"
    '# address): base64.b64encode(pathlib.Path("picture.png").read_bytes()).decode()\n'
)
_FILE_IN_JAVASCRIPT = (
    "// A file stands in the body by its length only. Put this in its place (behind the comma of a data:\n"
    '// address): (await readFile("picture.png")).toString("base64"), with readFile of node:fs/promises\n'
)


def _curl(address: str, request: Request, extra: list[tuple[str, str]]) -> str:
    name, before = AUTH[request.auth]
    lines = [f"curl{' -N' if request.stream else ''} -X {request.method} {_quoted(address)}"]
    lines += [f'-H "{name}: {before}${KEY}"', "-H 'Content-Type: application/json'"]
    lines += [f"-H {_quoted(f'{name}: {value}')}" for name, value in extra]
    return " \\\n  ".join([*lines, f"-d {_quoted(request.body)}"])


def _quoted(text: str) -> str:
    """For a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _python(address: str, request: Request, extra: list[tuple[str, str]]) -> str:
    name, before = AUTH[request.auth]
    headers = [f"    {name!r}: {before!r} + os.environ[{KEY!r}],", *(f"    {n!r}: {v!r}," for n, v in extra)]
    body = pformat(json.loads(request.body), width=100, sort_dicts=False).replace("\n", "\n       ")
    asked = f"{request.method!r}, {address!r}, headers=headers, json=body, timeout=300"
    answer = (
        f"with httpx.stream({asked}) as response:\n"
        "    for line in response.iter_lines():\n        print(line)\n"
        if request.stream
        else f"response = httpx.request({asked})\nprint(response.status_code, response.text)\n"
    )
    written = "\n".join(headers)
    return f"import os\n\nimport httpx\n\nheaders = {{\n{written}\n}}\nbody = {body}\n{answer}"


def _javascript(address: str, request: Request, extra: list[tuple[str, str]]) -> str:
    name, before = AUTH[request.auth]
    more = "".join(f"\n    {json.dumps(name)}: {json.dumps(value)}," for name, value in extra)
    body = request.body.replace("\n", "\n  ")
    answer = (
        "const text = new TextDecoder();\n"
        "for await (const chunk of response.body) console.log(text.decode(chunk, { stream: true }));\n"
        if request.stream
        else "console.log(response.status, await response.text());\n"
    )
    return (
        f"const response = await fetch({json.dumps(address)}, {{\n"
        f'  method: "{request.method}",\n'
        "  headers: {\n"
        f"    {json.dumps(name)}: `{before}${{process.env.{KEY}}}`,\n"
        f'    "Content-Type": "application/json",{more}\n'
        "  },\n"
        f"  body: JSON.stringify({body}),\n}});\n{answer}"
    )
