"""Reads the contents of a Gemini request: who said what, with which files, calls and signatures."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .asks import Image, Said, read_image
from .fields import wrong
from .gemini_signature import is_genuine
from .pace import estimate

_FILE_TOKENS = 258
_STANDARD = str.maketrans("-_", "+/")
# What a part may hold besides its data.
_BESIDE = ("thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata")
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_SHOWN_ONLY = ("executableCode", "codeExecutionResult")


@dataclass(frozen=True, slots=True)
class Contents:
    """The conversation; `tokens` has a figure for each of the contents, files not among them."""

    said: tuple[Said, ...]
    tokens: tuple[int, ...]
    files: int

    @property
    def file_tokens(self) -> int:
        return self.files * _FILE_TOKENS


def read_contents(value: object, *, model: str, strict: bool) -> Contents:
    """Refused(400) names what is wrong. A strict model wants each first call's signature back."""
    contents = _contents(value)
    _check_order(contents)
    said: list[Said] = []
    tokens: list[int] = []
    for place, content in enumerate(contents):
        parts = content["parts"]
        where = f"contents[{place}]"
        if content.get("role") == "model":
            _check_signatures(parts, where, model=model, strict=strict)
        said += _said(content, where)
        texts = "".join(part["text"] for part in parts if "text" in part)
        others = [part for part in parts if "functionCall" in part or "functionResponse" in part]
        tokens.append(1 + estimate(texts) + (estimate(json.dumps(others)) if others else 0))
    files = sum(len(one.images) for one in said)
    return Contents(tuple(said), tuple(tokens), files)


def read_system(value: object) -> str:
    if value is None:
        return ""
    parts = value.get("parts") if isinstance(value, dict) else None
    if not isinstance(parts, list):
        raise wrong("systemInstruction.parts", "systemInstruction.parts must be a list")
    for place, part in enumerate(parts):
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            name = f"systemInstruction.parts[{place}].text"
            raise wrong(name, f"{name} must be a string: only text is allowed there")
    return "\n".join(part["text"] for part in parts)


def _contents(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise wrong("contents", "* GenerateContentRequest.contents: contents is not specified")
    for place, content in enumerate(value):
        name = f"contents[{place}]"
        if not isinstance(content, dict):
            raise wrong(name, f"{name} must be an object")
        if content.get("role") not in (None, "user", "model", "function"):
            raise wrong(f"{name}.role", f"{name}.role: Please use a valid role: user, model.")
        parts = content.get("parts")
        if not isinstance(parts, list) or not parts:
            raise wrong(f"{name}.parts", f"{name}.parts must not be empty")
        for number, part in enumerate(parts):
            _check_part(part, f"{name}.parts[{number}]")
    return value


def _check_part(part: object, name: str) -> None:
    if not isinstance(part, dict):
        raise wrong(name, f"{name} must be an object")
    for field in part:
        if field not in (*_DATA, *_SHOWN_ONLY, *_BESIDE):
            shown = json.dumps(field[:60])
            message = f"Invalid JSON payload received. Unknown name {shown} at '{name}': Cannot find field."
            raise wrong(name, message)
    held = [field for field in part if field in (*_DATA, *_SHOWN_ONLY)]
    if len(held) > 1 or (not held and "thoughtSignature" not in part):
        raise wrong(name, f"{name}.data: required oneof field 'data' must have one initialized field")
    if "text" in part and not isinstance(part["text"], str):
        raise wrong(f"{name}.text", f"{name}.text must be a string")
    if "thoughtSignature" in part and not isinstance(part["thoughtSignature"], str):
        raise wrong(f"{name}.thoughtSignature", f"{name}.thoughtSignature must be base64")
    for field, inner in (("functionCall", "args"), ("functionResponse", "response")):
        if field in part:
            _check_function(part[field], inner, f"{name}.{field}")


def _check_function(value: object, inner: str, name: str) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        raise wrong(f"{name}.name", f"{name}.name: Name cannot be empty.")
    given = value.get(inner)
    if not isinstance(given, dict) and (given is not None or inner == "response"):
        raise wrong(f"{name}.{inner}", f"{name}.{inner} must be an object")


def _check_order(contents: list[dict[str, Any]]) -> None:
    """Calls are answered in the very next turn, each of them."""
    before = 0
    for place, content in enumerate(contents):
        answers = _count(content, "functionResponse")
        if answers and not before:
            raise wrong(
                f"contents[{place}]",
                "Please ensure that function response turn comes immediately after a function call turn.",
            )
        if answers != before:
            raise wrong(
                f"contents[{place}]",
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn.",
            )
        before = _count(content, "functionCall")


def _count(content: dict[str, Any], field: str) -> int:
    return sum(field in part for part in content["parts"])


def _check_signatures(parts: list[dict[str, Any]], where: str, *, model: str, strict: bool) -> None:
    first = True
    for place, part in enumerate(parts):
        signature = part.get("thoughtSignature")
        name = f"{where}.parts[{place}]"
        if signature is not None and not is_genuine(part, signature, model=model):
            raise wrong(
                f"{name}.thoughtSignature", "Thought signature is not valid: Corrupted thought signature."
            )
        if "functionCall" not in part:
            continue
        if strict and first and signature is None:
            called = part["functionCall"]["name"]
            raise wrong(
                f"{name}.thoughtSignature",
                "Function call is missing a thought_signature in functionCall parts. This is required for "
                "tools to work correctly. Additional data, function call "
                f"`default_api:{called[:64]}`, position {place + 1}.",
            )
        first = False


def _said(content: dict[str, Any], where: str) -> Iterator[Said]:
    """Results first, each on its own, then the text: one of a family-neutral message has one kind."""
    parts = content["parts"]
    for part in parts:
        if "functionResponse" in part:
            result = part["functionResponse"]
            text = json.dumps(result["response"], ensure_ascii=False)
            yield Said("tool", text, tool=result["name"][:64])
    texts = [part["text"] for part in parts if part.get("text") and not part.get("thought")]
    files = [_file(part, f"{where}.parts[{place}]") for place, part in enumerate(parts)]
    kept = tuple(file for file in files if file is not None)
    if content.get("role") == "model":
        # Pieces of one answer, split only by the frames or by what stood between them.
        yield Said("assistant", "".join(texts))
    elif texts or kept or not _count(content, "functionResponse"):
        yield Said("user", "\n".join(texts), kept)


def _file(part: dict[str, Any], name: str) -> Image | None:
    if "inlineData" in part:
        return _inline(part["inlineData"], f"{name}.inlineData")
    if "fileData" in part:
        return _linked(part["fileData"], f"{name}.fileData")
    return None


def _inline(value: object, name: str) -> Image:
    media_type = value.get("mimeType") if isinstance(value, dict) else None
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(media_type, str) or not re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,80}", media_type):
        raise wrong(f"{name}.mimeType", f"{name}.mimeType is required, such as image/png")
    if not isinstance(data, str) or not data:
        raise wrong(f"{name}.data", f"{name}.data must be base64")
    image = read_image(f"data:image/any;base64,{data.translate(_STANDARD)}")
    if image is None:
        raise wrong(f"{name}.data", f"{name}.data: Base64 decoding failed")
    return Image(media_type.lower(), image.size, image.pixels)


def _linked(value: object, name: str) -> Image:
    uri = value.get("fileUri") if isinstance(value, dict) else None
    media_type = value.get("mimeType") if isinstance(value, dict) else None
    if media_type is not None and not isinstance(media_type, str):
        raise wrong(f"{name}.mimeType", f"{name}.mimeType must be a string")
    address = _address(uri) if isinstance(uri, str) else ""
    if not address:
        raise wrong(f"{name}.fileUri", f"{name}.fileUri must be an https address")
    return Image((media_type or "")[:80], address=address)


def _address(uri: str) -> str:
    """Host and path; neither user name nor query is repeated: signed addresses carry secrets there."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return f"{parts.hostname}{parts.path}"[:200] if parts.scheme == "https" and parts.hostname else ""
