"""What is refused before a route is reached, in the shape that the family's clients read (contract 4.2)."""

from collections.abc import Callable
from typing import Any

from .anthropic_errors import AnthropicRefused
from .exchange import Refused
from .gemini_errors import in_gemini_words
from .media.dashscope import DashScopeRefused
from .media.kling import KlingRefused


class SunoRefused(Refused):
    """A refusal in Suno's shape, with the status of HTTP that no route of its own would give."""

    def __init__(self, refused: Refused, request_id: str) -> None:
        super().__init__(refused.status, refused.message, headers=refused.headers)

    def body(self) -> dict[str, Any]:
        return {"code": self.status, "msg": self.message, "data": None}


# By the beginning of the path. The OpenAI families have the gateway's own shape.
_SHAPES: tuple[tuple[str, Callable[[Refused, str], Refused]], ...] = (
    ("/anthropic/", lambda refused, request_id: AnthropicRefused(refused, request_id=request_id)),
    ("/gemini/", lambda refused, request_id: in_gemini_words(refused)),
    ("/dashscope/", DashScopeRefused),
    ("/transtreams/kling/", KlingRefused),
    ("/suno/", SunoRefused),
)


def shaped(refused: Refused, path: str, request_id: str) -> Refused:
    """The refusal as the family of the path words it."""
    words = next((words for start, words in _SHAPES if path.startswith(start)), None)
    return words(refused, request_id) if words else refused
