"""The content blocks of the Anthropic family: each is checked by itself, then told apart."""

import json
import re
from typing import Any

from .anthropic_errors import wrong
from .anthropic_thinking import is_genuine
from .asks import Image, read_image
from .pace import estimate

_BLOCKS = {
    "user": ("text", "image", "document", "tool_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking"),
    "result": ("text", "image", "document"),
    "system": ("text",),
}
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_FILES = ("application/pdf",)
_IMAGE_TOKENS = 1200
_ID = re.compile(r"[a-zA-Z0-9_-]{1,256}")


def as_blocks(content: object, where: str, *, of: str, model: str) -> list[dict[str, Any]]:
    """The content as a list of blocks that are in order; a plain text is one block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        raise wrong(where, "Input should be a valid string or list")
    for place, block in enumerate(content):
        _check(block, f"{where}.{place}", of=of, model=model)
    return content


def _check(block: object, where: str, *, of: str, model: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or kind not in _BLOCKS[of]:
        expected = ", ".join(f"'{name}'" for name in _BLOCKS[of])
        raise wrong(
            where, f"Input tag {str(kind)[:80]!r} does not match any of the expected tags: {expected}"
        )
    match kind:
        case "text":
            _check_text(block, where)
        case "image" | "document":
            read_source(block, where)
        case "tool_use":
            _check_call(block, where)
        case "tool_result":
            _check_result(block, where, model=model)
        case _:
            _check_thinking(block, where, model=model)


def _check_text(block: dict[str, Any], where: str) -> None:
    if not isinstance(block.get("text"), str):
        raise wrong(f"{where}.text", "Field required")
    if not block["text"]:
        raise wrong(where, "text content blocks must be non-empty")


def _check_call(block: dict[str, Any], where: str) -> None:
    _check_id(block, "id", where)
    if not isinstance(block.get("name"), str) or not block["name"]:
        raise wrong(f"{where}.tool_use.name", "Field required")
    if not isinstance(block.get("input"), dict):
        raise wrong(f"{where}.tool_use.input", "Input should be a valid dictionary")


def _check_result(block: dict[str, Any], where: str, *, model: str) -> None:
    _check_id(block, "tool_use_id", where)
    if block.get("content") is not None:
        as_blocks(block["content"], f"{where}.tool_result.content", of="result", model=model)
    if not isinstance(block.get("is_error", False), bool):
        raise wrong(f"{where}.tool_result.is_error", "Input should be a valid boolean")


def _check_id(block: dict[str, Any], name: str, where: str) -> None:
    value = block.get(name)
    if not isinstance(value, str):
        raise wrong(f"{where}.{block['type']}.{name}", "Field required")
    if not _ID.fullmatch(value):
        raise wrong(f"{where}.{block['type']}.{name}", "String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_thinking(block: dict[str, Any], where: str, *, model: str) -> None:
    kind = block["type"]
    if "cache_control" in block:
        raise wrong(f"{where}.{kind}.cache_control", "Extra inputs are not permitted")
    if not is_genuine(block, model=model):
        field = "signature" if kind == "thinking" else "data"
        raise wrong(where, f"Invalid `{field}` in `{kind}` block")


def read_source(block: dict[str, Any], where: str) -> Image:
    """The image or document of a block whose source is base64 data, text or an https address."""
    kind = block["type"]
    where = f"{where}.{kind}.source"
    source = block.get("source")
    if not isinstance(source, dict):
        raise wrong(where, "Field required")
    if source.get("type") == "url":
        image = read_image(str(source.get("url")))
        if image is None or not image.address:
            raise wrong(f"{where}.url", "Only HTTPS URLs are supported")
        return image if kind == "image" else Image("application/pdf", address=image.address)
    if source.get("type") == "text" and kind == "document" and isinstance(source.get("data"), str):
        return Image("text/plain", len(source["data"].encode(errors="replace")))
    return _inline(source, where, _IMAGES if kind == "image" else _FILES)


def _inline(source: dict[str, Any], where: str, media_types: tuple[str, ...]) -> Image:
    if source.get("type") != "base64":
        raise wrong(f"{where}.type", "Input should be 'base64' or 'url'")
    media_type = source.get("media_type")
    if media_type not in media_types:
        raise wrong(f"{where}.base64.media_type", f"Input should be one of: {', '.join(media_types)}")
    image = read_image(f"data:image/png;base64,{source.get('data')}")
    if image is None:
        raise wrong(f"{where}.base64.data", "Invalid base64 data")
    return Image(media_type, image.size, image.pixels)


def text_of(content: object) -> str:
    """The text of a content that is in order."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def tokens_of(block: dict[str, Any]) -> int:
    """About how many tokens a block has; the same for counting, for usage and for the cache."""
    match block["type"]:
        case "text":
            return estimate(block["text"])
        case "image" | "document":
            return _IMAGE_TOKENS
        case "tool_result":
            content = block.get("content")
            inner = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
            return 8 + sum(tokens_of(part) for part in inner)
        case "thinking":
            return estimate(block["thinking"])
        case _:
            return estimate(json.dumps(block, ensure_ascii=False))
