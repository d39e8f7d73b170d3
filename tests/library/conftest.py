"""Prompts of the team, and runs of them that nobody had to make."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from accounts.models import Team, User
from playground.library import kinds, prompts, versions
from playground.library.kinds import Body, Kind, Use
from playground.library.models import Prompt, PromptVersion

Make = Callable[..., Prompt]
Save = Callable[..., PromptVersion]


def chat(text: str = "Hello {{name}}", **more: Any) -> Body:
    """The body of a chat prompt with one message."""
    return {"messages": [{"role": "user", "text": text}], **more}


@pytest.fixture
def no_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library alone, as if neither chat nor media were there."""
    monkeypatch.setattr(kinds, "_kinds", {})
    monkeypatch.setattr(kinds, "_uses", {})


@pytest.fixture
def make(team: Team, owner: User) -> Make:
    """A chat prompt of the owner that the whole team may edit, unless told otherwise."""

    def make_prompt(title: str = "Greeting", text: str = "Hello {{name}}", **options: Any) -> Prompt:
        user, home = options.pop("user", owner), options.pop("team", team)
        body = options.pop("body", None) or chat(text)
        given = {"kind": "chat", "shared": True} | options
        return prompts.create(home, user, title=title, body=body, **given)

    return make_prompt


@pytest.fixture
def save(owner: User) -> Save:
    """The next version of a prompt."""

    def save_version(prompt: Prompt, text: str = "Good day {{name}}", **options: Any) -> PromptVersion:
        newest = prompt.versions.order_by("-number").values_list("number", flat=True)[0]
        user, note = options.get("user", owner), options.get("note", "")
        saved = versions.save(prompt, options.get("body") or chat(text), note, user, newest)
        assert isinstance(saved, PromptVersion)
        return saved

    return save_version


@dataclass
class Runs:
    """Stands for chat: what it tells of runs, what was asked to run, and how many may be begun."""

    uses: list[tuple[uuid.UUID, uuid.UUID, Use]] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)
    places: int = 1_000

    def add(self, version: PromptVersion, at: datetime, **options: Any) -> Use:
        given = {"user": None, "values": {}, "state": "finished", "url": "/chat/"} | options
        subject = f"run:{uuid.uuid4()}"
        use = Use(subject=subject, at=at, number=version.number, **given)
        self.uses.append((version.prompt_id, version.pk, use))
        return use

    def runs_of(
        self,
        prompt: Prompt,
        user: User,
        *,
        version: PromptVersion | None = None,
        limit: int = 50,
        before: datetime | None = None,
    ) -> list[Use]:
        found = [
            use
            for owner, made_by, use in self.uses
            if owner == prompt.pk and (version is None or made_by == version.pk)
        ]
        found = [use for use in found if before is None or use.at < before]
        return sorted(found, key=lambda use: use.at, reverse=True)[:limit]

    def subjects(self, team_id: uuid.UUID, subjects: Collection[str], user: User) -> list[Use]:
        return [use for _, _, use in self.uses if use.subject in subjects and use.user in (None, user)]

    def last_at(self, prompt_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
        return {pk: use.at for pk, _, use in sorted(self.uses, key=lambda one: one[2].at) if pk in prompt_ids}

    def room(self, user: User) -> int:
        return self.places - len(self.started)

    def run(self, version: PromptVersion, values: dict[str, Any], user: User, key: Any) -> str:
        if values.get("name") == "nobody":
            raise ValueError("Nobody is not greeted.")
        self.started.append(values)
        return f"/chat/{len(self.started)}"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """The only kind and the only provider of runs there is."""
    made = Runs()
    kind = Kind(
        *("chat", "Chat", "chat", lambda body: [], lambda version: "/", kinds.sections),
        run=made.run,
        room=made.room,
    )
    monkeypatch.setattr(kinds, "_kinds", {"chat": kind})
    monkeypatch.setattr(kinds, "_uses", {"chat": made})
    yield made
