"""Signed thinking on the chat route: LiteLLM's `thinking_blocks`, gathered so that they can be replayed."""

from __future__ import annotations

from typing import Any

from playground.gateway import exact


class SignedThoughts:
    """The blocks of an answer as a whole one has them. In a stream a block comes in pieces, and the piece
    with its signature is the last.
    """

    def __init__(self) -> None:
        self._blocks: list[dict[str, str]] = []
        self._begun: list[str] = []
        self._signatures: set[str] = set()

    def take(self, pieces: Any) -> bool:
        """More of the blocks; whether one came that only the provider can read."""
        redacted = False
        for piece in pieces if isinstance(pieces, list) else ():
            if not isinstance(piece, dict):
                continue
            if piece.get("type") == "redacted_thinking" and isinstance(data := piece.get("data"), str):
                self._add({"type": "redacted_thinking", "data": data})
                redacted = True
                continue
            self._begun.append(text_of(piece))
            signature = piece.get("signature")
            # One that is told once more, with the finish for example, signs nothing new.
            if isinstance(signature, str) and signature and signature not in self._signatures:
                self._signatures.add(signature)
                thought = "".join(self._begun)
                self._add({"type": "thinking", "thinking": thought, "signature": signature})
        return redacted

    def native(self) -> str:
        """The JSON text of the blocks; "" where none is signed, for such thoughts are not taken back."""
        return exact.dumps(self._blocks, ascii_only=True) if self._blocks else ""

    def _add(self, block: dict[str, str]) -> None:
        self._begun.clear()
        self._blocks.append(block)


def text_of(block: Any) -> str:
    text = block.get("thinking") if isinstance(block, dict) else None
    return text if isinstance(text, str) else ""
