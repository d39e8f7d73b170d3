"""Sources for an answer that was asked for some: pages that nobody ever wrote, at reserved addresses."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .answers import topic_of
from .asks import Ask
from .spoken import Spoken

_ASKED = re.compile(
    r"(?:,?\s*\b(?:and|with|then|please|your|give|name)\b)*\s*"
    r"\b(?:cite|cites|citing|citations?|sources|references)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Page:
    url: str
    title: str
    quoted: str


def pages(ask: Ask, spoken: Spoken) -> tuple[Page, ...]:
    """What a text in words rests on; nothing unless the question asks for sources."""
    in_words = bool(spoken.text) and not spoken.calls and ask.schema is None and not ask.as_json
    if not in_words or not _ASKED.search(ask.question[:4000]):
        return ()
    topic = topic_of(_ASKED.split(ask.question[:4000], maxsplit=1)[0])
    where = quote(topic[:40].lower().replace(" ", "-"), safe="-")
    return (
        Page(
            f"https://handbook.example.com/{where}",
            f"Handbook: {topic}",
            "Start small, name the parts, and check the result before the next step.",
        ),
        Page(
            f"https://notes.example.org/{where}?part=2",
            f"Field notes on {topic}",
            "Guesses about what is slow or unclear are wrong more often than not. Measure first.",
        ),
    )


def annotation(page: Page, text: str) -> dict[str, Any]:
    """As the Responses family tells it: where in the text, and what page."""
    found = {"start_index": 0, "end_index": len(text)}
    return {"type": "url_citation", **found, "url": page.url, "title": page.title}


def citation(page: Page) -> dict[str, Any]:
    """As the Anthropic family tells it, with what the page says."""
    found = {"url": page.url, "title": page.title, "cited_text": page.quoted}
    return {"type": "web_search_result_location", **found, "encrypted_index": "ZGVtbw=="}
