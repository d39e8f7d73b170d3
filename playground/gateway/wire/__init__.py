"""The families this product speaks. Everyone else looks a family up here and names none.

A new family is a module beside `openai_chat` and an entry here.
"""

from __future__ import annotations

from playground.gateway.wire import anthropic, gemini, openai_chat, openai_responses
from playground.gateway.wire.family import Family

FAMILIES: dict[str, Family] = {
    family.key: family
    for family in (openai_chat.FAMILY, openai_responses.FAMILY, anthropic.FAMILY, gemini.FAMILY)
}
