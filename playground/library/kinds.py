"""What kinds of prompts there are, and who ran them: filled by chat and media when they get ready, because
the library may not know them.

The body of a version: {"variables": [{"name", "type", "label", "default", "required", "help", "choices"}]},
and for a chat prompt {"messages": [{"role": "user" | "assistant", "text"}], "settings": {as a
conversation's, see chat's `settings_form`}}; for one of the studio {"operation", "model", "values":
{field: value as typed}, …}. Whoever reads a body allows for every name to be missing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from markdown_it import MarkdownIt

from accounts.models import GatewayKey, User
from playground.library.models import Prompt, PromptVersion

Body = dict[str, Any]
Values = dict[str, Any]
READ, LONGEST_WORDS = 2_000, 240
BREAKS = ("softbreak", "hardbreak")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
CHAT, IMAGE, VIDEO, SONG, AUDIO = KEYS = ("chat", "image", "video", "song", "audio")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a body: `path` such as "settings.schema.text" or "variables.0.name"."""

    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Section:
    """One piece of a body, as the detail page and a diff show it. `key` pairs it with the same piece of
    another version; `text` is plain text, or canonical JSON when `code` is set.
    """

    key: str
    title: str
    text: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of prompt. `render(filled body, options, family)` gives the request as the gateway's API takes
    it, or raises ValueError with a sentence. `run(version, values, user, key)` queues one run in the
    background and gives its address; ValueError with a sentence when it cannot. `room(user)` is how many more
    of these may be begun for the person, with some left for what they ask for by hand; None: as many as
    there are.
    """

    key: str
    label: str
    icon: str
    check: Callable[[Body], list[Complaint]]
    open_url: Callable[[PromptVersion], str]
    parts: Callable[[Body], list[Section]]
    render: Callable[[Body, Mapping[str, Any], str], dict[str, Any]] | None = None
    run: Callable[[PromptVersion, Values, User, GatewayKey | None], str] | None = None
    render_fallback: Callable[[Body, Mapping[str, Any], str], dict[str, Any] | None] | None = None
    room: Callable[[User], int] | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One run or task of a prompt. `subject` is "run:<id>" or "task:<id>"; None is unknown, never 0.
    `excerpt` is the beginning of the answer, `thumbnail` the address of a picture; either may be "".
    """

    subject: str
    at: datetime
    user: User | None
    number: int
    values: Values
    state: str
    url: str
    tokens: int | None = None
    latency_ms: int | None = None
    cost: str | None = None
    rating: int | None = None
    excerpt: str = ""
    answer: str = ""
    thumbnail: str = ""
    ended: bool = True

    @property
    def words(self) -> str:
        """The beginning of the answer for a list: what is said, without the marks of Markdown."""
        return plain(self.answer) or self.excerpt


class Uses(Protocol):
    """What chat and media tell of the runs of prompts; each method costs a constant number of queries.

    Only what `user` may see is told: a conversation of somebody else's is not.
    """

    def runs_of(
        self,
        prompt: Prompt,
        user: User,
        *,
        version: PromptVersion | None = None,
        limit: int = 50,
        before: datetime | None = None,
    ) -> list[Use]:
        """The newest first, made before the time given."""
        ...

    def subjects(self, team_id: uuid.UUID, subjects: Collection[str], user: User) -> list[Use]:
        """Those of the named runs that are this provider's, of this team, and of a prompt's version."""
        ...

    def last_at(self, prompts: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
        """When each of the prompts was last run; without those that never were."""
        ...


def plain(text: str) -> str:
    """The first words of a Markdown text in one line."""
    said: list[str] = []
    for block in _MARKDOWN.parse(text[:READ]):
        # What stands in no line of words is code, or a picture with its description.
        for piece in block.children or (block,):
            said.append(piece.content if piece.type not in BREAKS else " ")
        said.append(" ")
    return " ".join("".join(said).split())[:LONGEST_WORDS]


_kinds: dict[str, Kind] = {}
_uses: dict[str, Uses] = {}
_ratings: list[Callable[[Collection[str]], dict[str, int]]] = []


def register(kind: Kind) -> None:
    """Called in AppConfig.ready; a second one of the same key takes the place of the first."""
    _kinds[kind.key] = kind


def register_uses(name: str, uses: Uses) -> None:
    """Called in AppConfig.ready with the app's name."""
    _uses[name] = uses


def register_ratings(ratings: Callable[[Collection[str]], dict[str, int]]) -> None:
    """Called in AppConfig.ready by who keeps them: 1 or -1 for each of the subjects that has one."""
    _ratings[:] = [ratings]


def get(key: str) -> Kind | None:
    return _kinds.get(key)


def known() -> list[Kind]:
    """All of them, in the order of KEYS."""
    return [_kinds[key] for key in KEYS if key in _kinds]


def parts_of(key: str, body: Body) -> list[Section]:
    """The body as its kind shows it, and its variables."""
    kind = _kinds.get(key)
    return [*(kind.parts(body) if kind else sections(body)), *_variables(body)]


def uses_of(
    prompt: Prompt,
    user: User,
    *,
    version: PromptVersion | None = None,
    limit: int = 50,
    before: datetime | None = None,
) -> list[Use]:
    """Runs and tasks of a prompt together, the newest first."""
    found = [
        use
        for provider in _uses.values()
        for use in provider.runs_of(prompt, user, version=version, limit=limit, before=before)
    ]
    return _rated(sorted(found, key=lambda use: use.at, reverse=True)[:limit])


def _rated(uses: list[Use]) -> list[Use]:
    """With what the team thinks of them: one question for all."""
    told = {name: value for ratings in _ratings for name, value in ratings([u.subject for u in uses]).items()}
    return [replace(use, rating=told.get(use.subject)) for use in uses] if told else uses


def evidence(team_id: uuid.UUID, subjects: Collection[str], user: User) -> list[Use]:
    """The named runs and tasks that the person may see, in the order named."""
    found = {
        use.subject: use for provider in _uses.values() for use in provider.subjects(team_id, subjects, user)
    }
    return [found[subject] for subject in subjects if subject in found]


def last_runs(prompts: Iterable[Prompt]) -> dict[uuid.UUID, datetime]:
    """When each prompt was last run, by its id; one question to each provider."""
    wanted = [prompt.pk for prompt in prompts]
    last: dict[uuid.UUID, datetime] = {}
    for provider in _uses.values() if wanted else ():
        for pk, at in provider.last_at(wanted).items():
            last[pk] = max(at, last.get(pk, at))
    return last


def sections(body: Body) -> list[Section]:
    """A body shown without knowing its kind: messages as text, each setting as JSON."""
    raw, messages = body.get("settings"), body.get("messages")
    settings = raw if isinstance(raw, dict) else {}
    found = [Section("system", "System", str(settings["system"]))] if settings.get("system") else []
    for place, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            title = f"{str(message.get('role', 'user')).capitalize()} {place + 1}"
            found.append(Section(f"messages.{place}", title, str(message.get("text", ""))))
    apart = ("messages", "settings", "variables", "system")
    rest = {name: value for name, value in (body | settings).items() if name not in apart}
    return found + [_json_section(name, value) for name, value in sorted(rest.items())]


def _variables(body: Body) -> list[Section]:
    return [_json_section("variables", body["variables"])] if body.get("variables") else []


def _json_section(name: str, value: Any) -> Section:
    if isinstance(value, str):
        return Section(name, name.replace("_", " ").capitalize(), value)
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return Section(name, name.replace("_", " ").capitalize(), text, code=True)
