"""The input items of a Responses request: the history that is sent again each time (contract section 7)."""

import base64
import json
from typing import Any

from .asks import Image, Said, read_image
from .exchange import Refused
from .fields import check_choice, wrong
from .pace import estimate
from .records import digest

_SECRET = b"demo gateway encrypted reasoning"
_NONCE = 12
_ROLES = ("user", "assistant", "system", "developer")
_PARTS = {
    "user": ("input_text", "input_image", "input_file"),
    "assistant": ("output_text", "refusal"),
    "system": ("input_text",),
    "developer": ("input_text",),
    "result": ("input_text", "input_image", "input_file"),
}
_IMAGE_TOKENS = 765


def encrypt(item_id: str, nonce: bytes) -> str:
    """The encrypted_content of a reasoning item: other bytes each time, valid for this item alone."""
    nonce = digest(nonce)[:_NONCE]
    return base64.urlsafe_b64encode(b"\x80" + nonce + _proof(item_id, nonce)).decode()


def _proof(item_id: str, nonce: bytes) -> bytes:
    return b"".join(digest(_SECRET, item_id.encode(errors="replace"), nonce, bytes([n])) for n in range(4))


def _is_genuine(item_id: str, encrypted: str) -> bool:
    try:
        data = base64.urlsafe_b64decode(encrypted)
    except ValueError:
        return False
    return data[1 + _NONCE :] == _proof(item_id, data[1 : 1 + _NONCE])


def read_items(value: object, *, stores: bool) -> list[dict[str, Any]]:
    """The items, every one in order by itself and in its place among the others."""
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list) or not value:
        raise wrong("input", "input must be a string or a list with at least one item")
    for place, item in enumerate(value):
        _check(item, f"input[{place}]", stores=stores)
    _check_order(value)
    return value


def kind_of(item: dict[str, Any]) -> str:
    """A message may come without its type."""
    return str(item.get("type") or ("message" if "role" in item else ""))


def _check(item: object, where: str, *, stores: bool) -> None:
    if not isinstance(item, dict):
        raise wrong(where, f"{where} must be an object")
    match kind_of(item):
        case "message":
            check_choice({"role": item.get("role") or ""}, "role", _ROLES, f"{where}.role")
            read_content(item.get("content"), f"{where}.content", of=item["role"])
        case "function_call":
            _check_strings(item, where, ("call_id", "name", "arguments"))
        case "function_call_output":
            _check_strings(item, where, ("call_id",))
            read_content(item.get("output"), f"{where}.output", of="result")
        case "reasoning":
            _check_reasoning(item, where, stores=stores)
        case kind:
            raise wrong(
                f"{where}.type",
                f"{where}.type: invalid value {kind[:80]!r}. The demo takes: message, function_call, "
                "function_call_output, reasoning",
            )


def _check_strings(item: dict[str, Any], where: str, names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(item.get(name), str):
            raise wrong(f"{where}.{name}", f"{where}.{name} is required and must be a string")


def _check_reasoning(item: dict[str, Any], where: str, *, stores: bool) -> None:
    _check_strings(item, where, ("id",))
    if not isinstance(item.get("summary"), list):
        raise wrong(f"{where}.summary", f"{where}.summary is required and must be a list")
    encrypted = item.get("encrypted_content")
    if encrypted is None and not stores:
        message = (
            f"Item with id '{item['id'][:80]}' not found. Items are not persisted when `store` is set to "
            "false. Try again with `store` set to true, or remove this item from your input."
        )
        raise Refused(404, message, code=None, param="input")
    if encrypted is not None and not (isinstance(encrypted, str) and _is_genuine(item["id"], encrypted)):
        message = f"The encrypted content for item {item['id'][:80]} could not be verified."
        raise Refused(400, message, code="invalid_encrypted_content", param=f"{where}.encrypted_content")


def _check_order(items: list[dict[str, Any]]) -> None:
    """Each call has its output, each output its call, and reasoning what it led to."""
    called = [item["call_id"] for item in items if kind_of(item) == "function_call"]
    answered = [item["call_id"] for item in items if kind_of(item) == "function_call_output"]
    for call_id in answered:
        if call_id not in called:
            raise wrong("input", f"No tool call found for function call output with call_id {call_id[:80]}.")
    for call_id in called:
        if call_id not in answered:
            raise wrong("input", f"No tool output found for function call {call_id[:80]}.")
    for place, item in enumerate(items):
        after = items[place + 1] if place + 1 < len(items) else {}
        follows = kind_of(after) in ("reasoning", "function_call") or after.get("role") == "assistant"
        if kind_of(item) == "reasoning" and not follows:
            message = (
                f"Item '{item['id'][:80]}' of type 'reasoning' was provided without its required "
                "following item."
            )
            raise wrong("input", message)


def read_content(content: object, where: str, *, of: str) -> tuple[str, tuple[Image, ...]]:
    """The text and the images or files of a message or of a tool's output."""
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, list):
        raise wrong(where, f"{where} must be a string or a list")
    texts: list[str] = []
    images: list[Image] = []
    for place, part in enumerate(content):
        name = f"{where}[{place}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS[of]:
            raise wrong(f"{name}.type", f"{name}.type must be one of: {', '.join(_PARTS[of])}")
        if kind in ("input_image", "input_file"):
            images.append(_image(part, name) if kind == "input_image" else _file(part, name))
        else:
            texts.append(_text(part, name))
    return "\n".join(texts), tuple(images)


def _text(part: dict[str, Any], name: str) -> str:
    field = "refusal" if part["type"] == "refusal" else "text"
    if not isinstance(part.get(field), str):
        raise wrong(f"{name}.{field}", f"{name}.{field} is required and must be a string")
    return str(part[field])


def _image(part: dict[str, Any], name: str) -> Image:
    image = read_image(str(part.get("image_url")))
    if image is None:
        name = f"{name}.image_url"
        raise wrong(name, f"{name} must be an https address or a data:image/...;base64 URL")
    return image


def _file(part: dict[str, Any], name: str) -> Image:
    """A file at an address, or in a data URL, whose size alone is told."""
    address = part.get("file_url")
    if isinstance(address, str) and (found := read_image(address)) and found.address:
        return Image("application/octet-stream", address=found.address)
    head, comma, data = str(part.get("file_data")).partition(";base64,")
    if comma and head.startswith("data:") and (found := read_image(f"data:image/any;base64,{data}")):
        return Image(head.removeprefix("data:")[:80] or "application/octet-stream", found.size)
    raise wrong(name, f"{name} must have a file_url (https) or file_data (a base64 data URL)")


def as_said(items: list[dict[str, Any]]) -> tuple[tuple[Said, ...], list[str]]:
    """The conversation without its wire form, and the system texts in it."""
    names = {item["call_id"]: item["name"] for item in items if kind_of(item) == "function_call"}
    said: list[Said] = []
    system: list[str] = []
    for item in items:
        match kind_of(item):
            case "message":
                text, images = read_content(item["content"], "", of=item["role"])
                if item["role"] in ("system", "developer"):
                    system.append(text)
                else:
                    said.append(Said(item["role"], text, images))
            case "function_call_output":
                text, _ = read_content(item["output"], "", of="result")
                said.append(Said("tool", text, (), names[item["call_id"]][:64]))
    return tuple(said), system


def tokens_of(item: dict[str, Any]) -> int:
    """About how many tokens of the prompt an item has."""
    match kind_of(item):
        case "message":
            text, images = read_content(item["content"], "", of=item["role"])
            return 4 + estimate(text) + _IMAGE_TOKENS * len(images)
        case "function_call_output":
            text, images = read_content(item["output"], "", of="result")
            return 4 + estimate(text) + _IMAGE_TOKENS * len(images)
        case "reasoning":
            # What was thought stays out of the prompt, as far as the demo counts.
            return 0
        case _:
            return 4 + estimate(json.dumps([item["name"], item["arguments"]]))
